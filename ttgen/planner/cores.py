"""Which cores a spec asks for, and where they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ttgen.errors import SpecError, refuse
from ttgen.model.grids import Coordinate
from ttgen.model.plan import CoreRange, Table
from ttgen.spec import CoreGrid, LoadedSpec
from ttgen.target import Grid, Target


def asked_for(loaded: LoadedSpec, cores: int | CoreGrid | None, target: Target) -> tuple[int, Grid]:
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
                    error = refuse(text, "schedule", "cores", name)
                    raise SpecError(error.problems, loaded.source)
            return rows * cols, Grid(rows=rows, cols=cols)
        case int(count):
            if count > device.cores:
                text = f"{count} cores; {target.name} has {device.cores} ({device.rows} rows x {device.cols} cols)"
                raise SpecError(refuse(text, "schedule", "cores").problems, loaded.source)
            return count, device
        case _:
            return device.cores, device


def ranges(first: int, count: int, cols: int) -> tuple[CoreRange, ...]:
    """A run of cores `first` … `first + count - 1`, numbered along rows of `cols`, as at most three rectangles."""
    end = first + count
    found: list[CoreRange] = []
    while first < end:
        y, x = divmod(first, cols)
        if x == 0 and end - first >= cols:
            rows = (end - first) // cols
            found.append(CoreRange(start=(0, y), end=(cols - 1, y + rows - 1)))
            first += rows * cols
        else:
            width = min(cols - x, end - first)
            found.append(CoreRange(start=(x, y), end=(x + width - 1, y)))
            first += width
    return tuple(found)


def table(values: Sequence[int], cols: int) -> Table:
    """A value a core as rows of cores; None where a row has no core."""
    width = min(cols, len(values))
    rows = -(-len(values) // cols)
    return tuple(
        tuple(values[y * cols + x] if y * cols + x < len(values) else None for x in range(width)) for y in range(rows)
    )


def cover(chosen: Collection[Coordinate]) -> tuple[CoreRange, ...]:
    """Any cores as rectangles: runs of a row, together with the same runs of the rows that follow."""
    found: list[CoreRange] = []
    for y in sorted({y for _x, y in chosen}):
        row = sorted(x for x, other in chosen if other == y)
        for first in (x for x in row if x - 1 not in row):
            last = next(x for x in range(first, row[-1] + 1) if x + 1 not in row)
            above = next((r for r in found if r.start[0] == first and r.end == (last, y - 1)), None)
            start = (first, y)
            if above is not None:
                found.remove(above)
                start = above.start
            found.append(CoreRange(start=start, end=(last, y)))
    return tuple(sorted(found, key=lambda found: (found.start[1], found.start[0])))


def table_of(values: Mapping[Coordinate, int]) -> Table:
    """Values by core as rows of cores; None where a core has none."""
    cols, rows = max(x for x, _y in values) + 1, max(y for _x, y in values) + 1
    return tuple(tuple(values.get((x, y)) for x in range(cols)) for y in range(rows))
