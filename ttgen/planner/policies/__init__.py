"""Policies: how units are dealt to cores. A policy is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ttgen.planner.policies import contiguous, strided
from ttgen.planner.policies.split import Split
from ttgen.spec import PolicyName


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How units are dealt to cores.

    Attributes:
        split: from a number of units and of cores to the units of each core.
        meaning: in a few words, for the plan.
    """

    split: Callable[[int, int], Split]
    meaning: str


POLICIES: Final[Mapping[PolicyName, Policy]] = {
    "contiguous": Policy(split=contiguous.split, meaning="runs of units; the remainder goes to the first cores"),
    "strided": Policy(split=strided.split, meaning="round robin"),
}
