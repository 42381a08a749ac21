"""Specs of the repository at a smaller size of the same structure, where the whole takes long to run.

Each keeps its blocks, its cores and what they share, and every kernel that it has; what is ragged stays ragged, trips and
rounds that are several stay so. Some ends of tensors lie elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import ttgen
from ttgen.spec import LoadedSpec

SPECS = Path(__file__).resolve().parents[1] / "specs"
SMALLER: Mapping[str, Mapping[str, int]] = {
    "gemm_multicast_p150": {"M": 520, "K": 512, "N": 832},
    "gemm_prefetch": {"M": 512, "K": 512, "N": 512},
}
_DIMS = re.compile(r"^dims: \{(.*)\}$", re.MULTILINE)


def smaller(name: str) -> LoadedSpec:
    """A spec with its dims of the table; one that isn't in the table as it is."""
    path = SPECS / f"{name}.yaml"
    if name not in SMALLER:
        return ttgen.load(path)
    text = path.read_text(encoding="utf-8")
    found = _DIMS.search(text)
    assert found, f"{name} has no dims"
    dims = dict(item.split(": ") for item in found[1].split(", "))
    assert SMALLER[name].keys() <= dims.keys(), name
    dims |= {dim: str(size) for dim, size in SMALLER[name].items()}
    line = ", ".join(f"{dim}: {size}" for dim, size in dims.items())
    return ttgen.loads(text.replace(found[0], f"dims: {{{line}}}"), name=path.name)
