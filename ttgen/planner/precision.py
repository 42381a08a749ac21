"""How exactly the math is done: fidelity, and the width of the destination registers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from ttgen.errors import refuse
from ttgen.formula.infer import accumulation
from ttgen.formula.values import Graph, Reduction
from ttgen.model.plan import PlanPrecision
from ttgen.model.schedule import Decided
from ttgen.planner.stages import StoredTensor
from ttgen.records import dataclass
from ttgen.spec import LoadedSpec
from ttgen.target import Fidelity, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactness:
    """What was decided, and why DST has its width."""

    fidelity: Decided[Fidelity]
    approximate: bool
    dst_bits: Literal[16, 32]
    forced_by: str

    def plan(self) -> PlanPrecision:
        """As the plan states it."""
        return PlanPrecision(
            fidelity=self.fidelity.value,
            accumulate="float32" if self.dst_bits == 32 else "bfloat16",
            approximate=self.approximate,
        )


_SUMS: Final = ("HiFi3", "HiFi4")
"""Fidelities that lose no bit of a bfloat16 in a sum of rows, whose elements go to SrcB: six bits of them count in the
first two phases (`llk_math_reduce.h`)."""


def check_reductions(loaded: LoadedSpec, graph: Graph) -> None:
    """Refuses to reduce with less than sums need.

    Raises:
        SpecError: 16-bit accumulation, or a fidelity that cuts what is summed up.
    """
    asked = loaded.spec.precision
    if not graph.reductions:
        return
    if accumulation(loaded) == "bfloat16":
        text = "what is reduced is in float32 in DST, where a sum would lose much of what a bfloat16 adds: leave it out"
        raise refuse(text, "precision", "accumulate")
    reductions = (graph.values[index] for index in graph.reductions)
    # Elements of columns go to SrcA, of which the first two phases take every bit of a bfloat16.
    sums = any(isinstance(value, Reduction) and value.function == "sum" and value.along == 0 for value in reductions)
    if sums and asked.fidelity is not None and asked.fidelity not in _SUMS:
        text = f"{asked.fidelity} cuts the last bit of each bfloat16 that a sum takes: use {' or '.join(_SUMS)}"
        raise refuse(text, "precision", "fidelity")


def decide(loaded: LoadedSpec, tensors: Iterable[StoredTensor], target: Target) -> Exactness:
    """A float32 tensor forces 32-bit DST; otherwise the spec's word holds."""
    asked = loaded.spec.precision
    dst_bits: Literal[16, 32] = 32 if accumulation(loaded) == "float32" else 16
    forced_by = ""
    if dst_bits == 32 and asked.accumulate == "bfloat16":
        forced_by = next(tensor.name for tensor in tensors if tensor.dtype == "float32")
    return Exactness(
        fidelity=_fidelity(loaded, target, dst_bits),
        approximate=asked.approximate,
        dst_bits=dst_bits,
        forced_by=forced_by,
    )


def _fidelity(loaded: LoadedSpec, target: Target, dst_bits: Literal[16, 32]) -> Decided[Fidelity]:
    """The fidelity that was asked for, or the target's own."""
    asked = loaded.spec.precision.fidelity
    if asked is not None:
        because = "as asked"
        if asked == "HiFi4" and target.arch == "wormhole_b0" and dst_bits == 32:
            because += "; with 32-bit accumulation Wormhole has an erratum, rare errors of a power of two"
        return Decided(value=asked, origin="spec", because=because)
    because = "the target's default"
    if target.fidelity == "HiFi4":
        because = "every bit of a bfloat16 product"
    elif dst_bits == 32:
        because = "HiFi4 with 32-bit accumulation has an erratum on Wormhole"
    return Decided(value=target.fidelity, origin="default", because=because)
