"""Specs of the repository at a smaller size of the same structure, where the whole takes long to run.

Each keeps its kernels to the letter, its blocks, what cores share, and trips and rounds where there are several, but for
one trip of `gemm_b_to_all`; what is ragged stays ragged, and has as many tiles in its last block.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import ttgen
from ttgen.spec import LoadedSpec

SPECS = Path(__file__).resolve().parents[1] / "specs"
SMALLER: Mapping[str, Mapping[str, int]] = {
    "attention": {"512": 256},
    "attention_causal": {"S": 244},
    "attention_shared": {"S": 224},
    "column_range": {"1000": 488},
    "cross_entropy": {"256": 64, "1000": 232},
    "gelu_height": {"512": 256},
    "gemm_a_to_all": {"K": 1024},
    "gemm_auto": {"M": 488, "K": 444, "N": 604},
    "gemm_b_to_all": {"M": 512},
    "gemm_edges": {"1000": 500, "1500": 732, "700": 316},
    "gemm_multicast": {"M": 512, "K": 512, "N": 512},
    "gemm_multicast_batched": {"M": 256, "K": 256},
    "gemm_multicast_p150": {"M": 584, "K": 384},
    "gemm_multicast_ragged": {"M": 488, "K": 604, "N": 316},
    "gemm_multicast_uneven": {"K": 384},
    "gemm_prefetch": {"M": 512, "K": 512, "N": 512},
    "gemm_skinny": {"model": 2048},
    "gemm_split": {"K": 4096},
    "layernorm": {"2048": 256, "1024": 256},
    "log_softmax": {"128": 32, "32000": 21760},
    "log_softmax_split": {"128": 64, "32000": 1056},
    "mlp_up": {"tokens": 244},
    "rmsnorm": {"2048": 256, "4096": 512},
    "softmax": {"2048": 256, "1024": 256},
    "softmax_ragged": {"1000": 104},
}
"""Dims by their names; a size of a spec without them by what it is."""


def smaller(name: str) -> LoadedSpec:
    """A spec with its sizes of the table; one that isn't in the table as it is."""
    return resized(name, SMALLER.get(name, {}))


def resized(name: str, sizes: Mapping[str, int]) -> LoadedSpec:
    """A spec with other sizes: of dims by their names, or of a spec without them by what they are."""
    path = SPECS / f"{name}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for old, size in sizes.items():
        wanted = (
            (rf"^(dims: .*\b{old}: )\d+", rf"\g<1>{size}")
            if old.isidentifier()
            else (rf"(shape: .*)\b{old}\b", rf"\g<1>{size}")
        )
        changed = [re.sub(*wanted, line) for line in lines]
        assert changed != lines, f"{name} has no {old}"
        lines = changed
    return ttgen.loads("".join(lines), name=path.name)
