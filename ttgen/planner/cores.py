"""Which cores a spec asks for, and where they are."""

from __future__ import annotations

from collections.abc import Sequence

from ttgen.errors import SpecError, refuse
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
