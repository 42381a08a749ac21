"""Policies: how units are dealt to cores. A policy is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ttgen.planner.policies import contiguous, rectangular, strided
from ttgen.planner.policies.split import Rectangle, Split
from ttgen.records import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RectanglePolicy:
    """How rows and columns of units are dealt to a rectangle of cores.

    Attributes:
        split: from columns and rows of units, and rows and columns of cores, to those of each core.
        meaning: in a few words, for the plan.
    """

    split: Callable[[int, int, int, int], Rectangle]
    meaning: str


POLICIES: Final[Mapping[PolicyName, Policy | RectanglePolicy]] = {
    "contiguous": Policy(split=contiguous.split, meaning="runs of units; the remainder goes to the first cores"),
    "strided": Policy(split=strided.split, meaning="round robin"),
    "rectangular": RectanglePolicy(
        split=rectangular.split, meaning="a rectangle of cores, rows and columns of units round robin"
    ),
}
