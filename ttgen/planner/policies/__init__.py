"""Policies: how units are dealt to cores. A policy is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from ttgen.planner.policies import contiguous, strided
from ttgen.planner.policies.split import Split

Policy = Callable[[int, int], Split]

PolicyName = Literal["contiguous", "strided"]
POLICIES: Final[Mapping[PolicyName, Policy]] = {
    "contiguous": contiguous.split,
    "strided": strided.split,
}
