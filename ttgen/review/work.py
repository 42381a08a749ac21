"""Which core does how much, before and now."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from ttgen.review.model import WorkChange
from ttgen.review.side import Document

Units = Mapping[tuple[int, int], int]


def compare(old: Document, new: Document) -> tuple[WorkChange, ...]:
    """The programs of a name whose cores have other work."""
    before = {program["name"]: program for program in old["programs"]}
    found = []
    for program in new["programs"]:
        other = before.get(program["name"])
        if other is None or _units(other) == _units(program):
            continue
        maps = [_map(_units(item)) for item in (other, program)]
        width = max(len(line) for line in maps[0])
        lines = [f"{left:{width}}    {right}".rstrip() for left, right in zip_longest(*maps, fillvalue="")]
        found.append(
            WorkChange(
                program=program["name"],
                cores=(other["work"]["cores"], program["work"]["cores"]),
                balance=(balance(other), balance(program)),
                lines=tuple(lines),
            )
        )
    return tuple(found)


def balance(program: Mapping[str, Any]) -> float:
    """Units over what the cores would make if all had as many as the busiest."""
    work = program["work"]
    return float(work["units"] * work["split"] / (work["cores"] * max(_units(program).values())))


def _units(program: Mapping[str, Any]) -> Units:
    """Units of each core that has work, by column and row."""
    tables, work = program["per_core"], program["work"]
    names: tuple[str, ...] = ("unit_count",)
    batches = 1
    if work["loop"]["kind"] != "linear":
        names = ("x_count", "y_count")
        batches = 1 if work["policy"] == "local" else work["grid"]["z"]
    found = {}
    for y, row in enumerate(tables[names[0]]):
        for x, value in enumerate(row):
            if value is not None:
                number = batches
                for name in names:
                    number *= tables[name][y][x]
                found[x, y] = number
    return found


def _map(units: Units) -> list[str]:
    """A line a row of cores: units of each, a dot where there are none."""
    cols, rows = (max(core[side] for core in units) + 1 for side in (0, 1))
    width = max(len(str(value)) for value in units.values())
    return [" ".join(f"{units.get((x, y), '.'):>{width}}" for x in range(cols)) for y in range(rows)]
