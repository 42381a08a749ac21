"""Which cores a spec asks for, and where they are."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from ttgen.errors import refuse
from ttgen.model.grids import Coordinate, Table
from ttgen.model.plan import CoreRange
from ttgen.planner.stages import Stage
from ttgen.spec import CoreGrid
from ttgen.target import Grid, Target


def asked_for(stage: Stage, cores: int | CoreGrid | None, target: Target) -> tuple[int, Grid]:
    """How many cores may be used, and the grid in which they are numbered row by row.

    Raises:
        SpecError: more than the target has.
    """
    device = target.grid
    match cores:
        case CoreGrid(rows=rows, cols=cols):
            for name, given, most in (("rows", rows, device.rows), ("cols", cols, device.cols)):
                if given > most:
                    text = f"{given} {name} of cores; {target.name} has {device.rows} rows and {device.cols} cols"
                    raise refuse(text, *stage.path, "cores", name)
            return rows * cols, Grid(rows=rows, cols=cols)
        case int(count):
            if count > device.cores:
                text = f"{count} cores; {target.name} has {device.cores} ({device.rows} rows x {device.cols} cols)"
                raise refuse(text, *stage.path, "cores")
            return count, device
        case _:
            return device.cores, device


def _place(index: int, cols: int) -> Coordinate:
    """The core of that number, along rows of `cols`."""
    return index % cols, index // cols


def ranges(first: int, count: int, cols: int) -> tuple[CoreRange, ...]:
    """A run of cores `first` … `first + count - 1`, numbered along rows of `cols`, as at most three rectangles."""
    return cover({_place(index, cols) for index in range(first, first + count)})


def table(values: Sequence[int], cols: int) -> Table:
    """A value a core as rows of cores; None where a row has no core."""
    return table_of({_place(index, cols): value for index, value in enumerate(values)})


def cover(chosen: Collection[Coordinate]) -> tuple[CoreRange, ...]:
    """Any cores as rectangles: runs of a row, together with the same runs of the rows that follow."""
    rows: defaultdict[int, set[int]] = defaultdict(set)
    for x, y in chosen:
        rows[y].add(x)
    found: dict[Coordinate, Coordinate] = {}
    for y in sorted(rows):
        for first in sorted(x for x in rows[y] if x - 1 not in rows[y]):
            last = next(x for x in itertools.count(first) if x + 1 not in rows[y])
            above = next((start for start, end in found.items() if start[0] == first and end == (last, y - 1)), None)
            found[above or (first, y)] = (last, y)
    return tuple(CoreRange(start=start, end=end) for start, end in found.items())


def table_of(values: Mapping[Coordinate, int]) -> Table:
    """Values by core as rows of cores; None where a core has none."""
    cols, rows = max(x for x, _y in values) + 1, max(y for _x, y in values) + 1
    return tuple(tuple(values.get((x, y)) for x in range(cols)) for y in range(rows))
