"""Which page of a tensor belongs to a unit: rows, columns and batches of tiles, broadcast as NumPy does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from ttgen.formula.graph import Shape
from ttgen.model.index import ONE, ZERO, Expr, Index, Var, add, floor_div, mul, product
from ttgen.patterns.context import Context, tiles_of
from ttgen.planner.loop import FIRST_COL, FIRST_ROW, UNIT, X, Y, Z

ROW: Final = Var("row")
COL: Final = Var("col")
SHARD_M, SHARD_N = Var("shard_m"), Var("shard_n")


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


def spans(shape: Shape, into: Shape) -> tuple[bool, bool]:
    """Whether a tensor has the output's rows, and its columns; it is broadcast along the others."""
    matrix, full = ((1, 1, *shape)[-2:], (1, 1, *into)[-2:])
    return matrix[0] == full[0], matrix[1] == full[1]


def unit_page(shape: Shape, context: Context, *, rows: Index, cols: Index) -> Index:
    """The page of a tensor that belongs to a tile of a unit: to its only one, or to that at `row` and `col`.

    Args:
        shape: the tensor's shape, in elements.
        context: the output's shape; the order and the loop of units, which may number the pages of a whole tensor.
        rows: rows of tiles of the output.
        cols: columns of tiles of the output.
    """
    into = context.work_shape
    padded = (1,) * (len(into) - len(shape)) + tuple(shape)
    if padded == tuple(into) and context.numbered:
        return UNIT
    tall, wide = spans(shape, into)
    row, col = (add(FIRST_ROW, ROW), add(FIRST_COL, COL)) if context.blocked else (Y, X)
    batch = batch_index(batch_of(shape), batch_of(into))
    line = add(mul(batch, rows if tall else ONE), row if tall else ZERO)
    return add(mul(line, cols if wide else ONE), col if wide else ZERO)


def sizes(context: Context, kt: int = 1) -> dict[str, int]:
    """The output in tiles, the contraction's tiles of K, the work grid in units, batches and blocks, as arguments."""
    *batch, height, width = (1, 1, *context.work_shape)
    mt, nt = tiles_of(height), tiles_of(width)
    block = context.block
    return {
        "Mt": mt,
        "Nt": nt,
        "Kt": kt,
        "grid_x": -(-nt // block.n),
        "grid_y": -(-mt // block.m),
        "grid_z": math.prod(batch),
        **{f"batch_{index}": size for index, size in enumerate(batch_of(context.work_shape))},
        "block_m": block.m,
        "block_n": block.n,
        "block_k": block.k,
        "k_blocks": -(-kt // block.k),
        "subblock_h": context.subblock.h,
        "subblock_w": context.subblock.w,
        **({"shard_m": context.local.part.rows, "shard_n": context.local.part.cols} if context.local else {}),
    }
