"""Which page of a tensor belongs to a unit: rows, columns and batches of tiles, broadcast as NumPy does."""

from __future__ import annotations

from collections.abc import Sequence

from ttgen.formula.graph import Shape
from ttgen.model.index import ONE, ZERO, Expr, Index, Var, add, floor_div, mul, product
from ttgen.patterns.context import tiles_of
from ttgen.planner.loop import UNIT, X, Y, Z


def batch_of(shape: Shape) -> tuple[int, ...]:
    """The batch dimensions of a shape: all but the last two."""
    return shape[:-2]


def batch_index(batch: Sequence[int], into: Sequence[int]) -> Index:
    """The batch of an operand that unit batch `z` reads.

    Args:
        batch: the operand's batch dimensions.
        into: the output's, whose sizes are the arguments `batch_0`, `batch_1`, ….
    """
    own = (1,) * (len(into) - len(batch)) + tuple(batch)
    # Neighbouring dimensions that are both read make one run, so that a whole batch is just z.
    runs: list[list[int]] = []
    for dim, (size, full) in enumerate(zip(own, into, strict=True)):
        if size == full:
            if runs and runs[-1][-1] == dim - 1:
                runs[-1].append(dim)
            else:
                runs.append([dim])
    index: Index = ZERO
    for number, run in enumerate(runs):
        inner = product(*(Var(f"batch_{dim}") for dim in range(run[-1] + 1, len(into))))
        part = floor_div(Z, inner)
        if run[0] > 0:
            part = Expr("%", part, product(*(Var(f"batch_{dim}") for dim in run)))
        stride = product(*(Var(f"batch_{dim}") for later in runs[number + 1 :] for dim in later))
        index = add(index, mul(part, stride))
    return index


def unit_page(shape: Shape, into: Shape, *, order: object, rows: Index, cols: Index) -> Index:
    """The page of a tensor that a unit of one output tile needs.

    Args:
        shape: the tensor's shape, in elements.
        into: the output's shape.
        order: the order of units: in row-major order the page of a whole tensor is the unit's number.
        rows: rows of tiles of the output.
        cols: columns of tiles of the output.
    """
    padded = (1,) * (len(into) - len(shape)) + tuple(shape)
    if padded == tuple(into) and order == "row_major":
        return UNIT
    matrix, full = ((1, 1, *padded)[-2:], (1, 1, *into)[-2:])
    tall, wide = matrix[0] == full[0], matrix[1] == full[1]
    row = Y if tall else ZERO
    col = X if wide else ZERO
    batch = batch_index(batch_of(shape), batch_of(into))
    return add(mul(add(mul(batch, rows if tall else ONE), row), cols if wide else ONE), col)


def grid_sizes(shape: Shape) -> dict[str, int]:
    """The work grid of units of one tile, as arguments."""
    height, width = (1, 1, *shape)[-2:]
    return {"grid_x": tiles_of(width), "grid_y": tiles_of(height)}


def batch_sizes(shape: Shape) -> dict[str, int]:
    """The batch dimensions, as arguments."""
    return {f"batch_{index}": size for index, size in enumerate(batch_of(shape))}
