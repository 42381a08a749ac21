"""How exactly the math is done: fidelity, and the width of the destination registers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ttgen.model.plan import PlanPrecision
from ttgen.planner.stages import StoredTensor
from ttgen.spec import LoadedSpec
from ttgen.target import Fidelity, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactness:
    """What was decided, and why DST has its width."""

    fidelity: Fidelity
    approximate: bool
    dst_bits: Literal[16, 32]
    forced_by: str

    def plan(self) -> PlanPrecision:
        """As the plan states it."""
        return PlanPrecision(
            fidelity=self.fidelity,
            accumulate="float32" if self.dst_bits == 32 else "bfloat16",
            approximate=self.approximate,
        )


def decide(loaded: LoadedSpec, tensors: Iterable[StoredTensor], target: Target) -> Exactness:
    """A float32 tensor forces 32-bit DST; otherwise the spec's word holds."""
    asked = loaded.spec.precision
    wide = [tensor.name for tensor in tensors if tensor.dtype == "float32"]
    forced_by = wide[0] if wide and asked.accumulate == "bfloat16" else ""
    return Exactness(
        fidelity=asked.fidelity or target.fidelity,
        approximate=asked.approximate,
        dst_bits=16 if asked.accumulate == "bfloat16" and not wide else 32,
        forced_by=forced_by,
    )
