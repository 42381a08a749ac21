"""Which cores have which kernels and buffers: those of their roles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from ttgen.model.grids import Coordinate, GroupShape, Operand
from ttgen.model.plan import CoreRange, Groups, Members, Role
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


def groups(
    shared: Mapping[Operand, GroupShape], sizes: Mapping[str, int], cores: Iterable[Coordinate]
) -> tuple[Groups, ...]:
    """The groups of cores that exchange something, as the plan has them.

    Args:
        shared: the operands that cores share, each in the band of a part of K.
        sizes: rows of a band, and the number of parts.
        cores: all.
    """
    rows, places = sizes.get("core_rows", 1), tuple(cores)

    def grouped(name: str, key: Callable[[int, int], tuple[int, int]]) -> Groups:
        members: defaultdict[tuple[int, int], list[Coordinate]] = defaultdict(list)
        for x, y in places:
            members[key(x, y)].append((x, y))
        return Groups(name=name, members=tuple(Members(core_ranges=cover(group)) for group in members.values()))

    keys: Mapping[GroupShape, Callable[[int, int], tuple[int, int]]] = {
        "row": lambda _x, y: (y, 0),
        "column": lambda x, y: (y // rows, x),
        "all": lambda _x, y: (y // rows, 0),
    }
    found = [grouped(operand, keys[shape]) for operand, shape in shared.items()]
    if "group_cols" in sizes:
        wide, high = sizes["group_cols"], sizes["group_rows"]
        found.append(grouped("line", lambda x, y: (y // high, x // wide)))
    elif sizes.get("parts", 1) > 1:
        found.append(grouped("k", lambda x, y: (y % rows, x)))
    return tuple(found)
