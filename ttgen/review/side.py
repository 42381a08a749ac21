"""One revision of a kernel: its spec, its plan, and what it takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ttgen.cost import predict
from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.formula.values import Graph
from ttgen.loading import loads
from ttgen.model.plan import Plan
from ttgen.planner import kernel_size
from ttgen.planner.candidate import Candidate, Planned
from ttgen.records import dataclass
from ttgen.rendering.plan_json import plan_json
from ttgen.review.model import CostName
from ttgen.spec import LoadedSpec
from ttgen.target import load as load_target

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A revision.

    Attributes:
        loaded: the spec; of an output folder, one that says the same tensors and formulas.
        plan: what this ttgen makes of it; None of an output folder, whose decisions may be another ttgen's.
        document: its tt.plan.json.
        programs: how each of the plan's programs is made.
        files: the texts of its files by path, where it is an output folder.
    """

    loaded: LoadedSpec
    plan: Plan | None
    document: Document
    programs: tuple[Candidate, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        """The values of its formulas."""
        return graph_of(self.loaded)


def of_plan(found: Planned) -> Side:
    """The revision that a spec says."""
    document = json.loads(plan_json(found.plan))
    return Side(loaded=found.loaded, plan=found.plan, document=document, programs=found.programs)


def of_output(document: Document, files: Mapping[str, str]) -> Side:
    """The revision that an output folder holds.

    Raises:
        SpecError: its formulas aren't those of a spec of this ttgen.
    """
    return Side(loaded=_spec_of(document), plan=None, document=document, files=files)


def _spec_of(document: Document) -> LoadedSpec:
    """Tensors, formulas and precision of a plan, as a spec: what decides values, and nothing of how they are made."""
    tensors = document["tensors"]
    return _said(
        {
            "kernel": document["kernel"],
            "target": document["target"]["device"],
            "tensors": {
                tensor["name"]: {"shape": _whole(document, tensor), "dtype": tensor["dtype"]}
                for tensor in tensors
                if tensor["role"] != "scratch"
            },
            "compute": list(document["compute"]),
            "precision": {"accumulate": document["precision"]["accumulate"]},
        },
        document["spec"],
    )


def _whole(document: Document, tensor: Mapping[str, Any]) -> list[int]:
    """The whole's shape: plans for a mesh have that of a device's part."""
    sides = [side for side in ("rows", "cols") if "mesh" in document]
    cuts = [(tensor["mesh"][side], document["mesh"][side]) for side in sides]
    return [
        math.prod([size, *(count for cut, count in cuts if cut == axis)]) for axis, size in enumerate(tensor["shape"])
    ]


def _said(document: Document, name: str) -> LoadedSpec:
    return loads(json.dumps(document, ensure_ascii=False), name=name)


def renamed(loaded: LoadedSpec, names: Mapping[str, str]) -> LoadedSpec | None:
    """A spec with other names of tensors; None where it can't have them, such as beside a size of that name."""
    import re

    if not names:
        return loaded
    word = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*\()")

    def other(name: str) -> str:
        return names.get(name, name)

    def formula(text: str) -> str:
        return word.sub(lambda match: other(match[0]), text)

    document = dict(loaded.source.document)
    for key in ("tensors", "stages"):
        if key in document:
            document[key] = {other(name): value for name, value in document[key].items()}
    said = document["compute"]
    document["compute"] = formula(said) if isinstance(said, str) else [formula(text) for text in said]
    try:
        return _said(document, loaded.file_name)
    except SpecError:
        return None


def with_shapes(loaded: LoadedSpec, other: LoadedSpec) -> Graph | None:
    """The graph of a spec's formulas on the tensors of another one; None where they don't fit those."""
    tensors = {}
    for name, tensor in loaded.spec.tensors.items():
        if name not in other.shapes:
            return None
        tensors[name] = {"shape": list(other.shapes[name]), "dtype": tensor.dtype}
    spec = {"kernel": "k", "tensors": tensors, "compute": list(loaded.spec.formulas)}
    try:
        return graph_of(_said(spec, "spec.yaml"))
    except SpecError:
        return None


def costs(side: Side) -> dict[CostName, float | None]:
    """What a revision takes: sums over its programs, of L1 and of code the largest; None where it isn't known."""
    programs = side.document["programs"]
    found: dict[CostName, float | None] = {
        "dram_read_bytes": sum(program["cost"]["dram_read_bytes"] for program in programs),
        "dram_write_bytes": sum(program["cost"]["dram_write_bytes"] for program in programs),
        "noc_bytes": sum(program["cost"]["noc_bytes"] for program in programs),
        "tile_products": sum(program["cost"]["tile_products"] for program in programs),
        "l1_bytes": max(program["l1"]["bytes"] for program in programs),
        "kernel_bytes": None,
        "time_us": None,
    }
    if side.plan is not None:
        target = load_target(side.plan.target.device)
        found["kernel_bytes"] = max(kernel_size.largest(item.kernels, target).total for item in side.plan.programs)
        found["time_us"] = round(sum(predict(item, target).device_us for item in side.programs), 2)
    return found
