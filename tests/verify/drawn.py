"""A formula with its plan, its inputs and what is right for them, without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import ttgen
from ttgen.formula.infer import graph_of
from ttgen.formula.values import Graph
from ttgen.model.plan import Plan
from ttgen.spec import LoadedSpec
from ttgen.verify.bounded import Bounded
from ttgen.verify.flow import flow_of
from ttgen.verify.inputs import Inputs, Kind, draw
from ttgen.verify.programs import Checked, precision_of


def spec(compute: str, precision: str = "", **tensors: str) -> LoadedSpec:
    """A spec; each tensor as `64x64` for bfloat16, or `64x64 float32`."""
    lines = ["kernel: k", "tensors:"]
    for name, text in tensors.items():
        shape, _space, dtype = text.partition(" ")
        lines.append(f"  {name}: {{shape: [{shape.replace('x', ', ')}], dtype: {dtype or 'bfloat16'}}}")
    lines += [f"compute: {compute}", *([f"precision: {{{precision}}}"] if precision else []), ""]
    return ttgen.loads("\n".join(lines))


@dataclass(frozen=True)
class Drawn:
    loaded: LoadedSpec
    plan: Plan
    graph: Graph
    inputs: Inputs
    expected: Mapping[str, Bounded]

    def stored(self, tensor: str, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Values as the tensor's format rounds them; of block floats, not at all."""
        with np.errstate(over="ignore"):
            single = values.astype(np.float32)
            if self.plan.tensor(tensor).dtype != "bfloat16":
                return single
            bits = single.view(np.uint32)
            rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32)
            return np.where(np.isfinite(single), rounded, single)


def drawn(loaded: LoadedSpec, kind: Kind = "normal", seed: int = 0) -> Drawn:
    """The inputs of a kind."""
    plan, graph = ttgen.plan(loaded), graph_of(loaded)
    flow = flow_of(plan.program, graph.along)
    program = Checked(name="", graph=graph, flow=flow, precision=precision_of(plan, plan.program))
    found = draw(plan, graph, [program], seed=seed, kind=kind)
    assert found is not None, "the formula bears no such inputs"
    return Drawn(loaded, plan, graph, *found)
