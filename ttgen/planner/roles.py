"""Which cores have which kernels and buffers: those of their roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ttgen.model.plan import CoreRange, Role
from ttgen.planner.cores import cover

Roles = Mapping[str, tuple[CoreRange, ...]]
"""The cores of each role."""


def cores_of(on: Sequence[str], roles: Roles) -> tuple[CoreRange, ...]:
    """The cores of some roles, as rectangles."""
    if len(on) == 1:
        return roles[on[0]]
    return cover({core for name in on for area in roles[name] for core in area.cores()})


def planned(roles: Roles) -> tuple[Role, ...]:
    """The roles as the plan has them."""
    return tuple(Role(name=name, core_ranges=core_ranges) for name, core_ranges in roles.items())
