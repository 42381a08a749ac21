"""Which page of a tensor belongs to a unit: rows, columns and batches of tiles, broadcast as NumPy does."""

from __future__ import annotations

import math
from typing import Final

from ttgen.formula.values import Axes, Value, matrix, spans, varies
from ttgen.model.index import ONE, ZERO, Expr, Index, Var, add, floor_div, mul, product
from ttgen.patterns.context import Context, tiles_of
from ttgen.patterns.units import FIRST_COL, FIRST_ROW, UNIT, X, Y, Z

ROW: Final = Var("row")
COL: Final = Var("col")
SHARD_M, SHARD_N = Var("shard_m"), Var("shard_n")


def batch_index(value: Value, work: Axes, *, z: Index = Z, first: int = 0) -> Index:
    """The batch of an operand that unit batch `z` reads.

    Args:
        value: the operand.
        work: the output's axes; the sizes of its batches are the arguments `batch_0`, `batch_1`, ….
        z: the number of the unit's batch among these.
        first: the number of the first of them.
    """
    into = work[:-2]
    # Neighbouring axes along which it varies make one run, so that a whole batch is just z.
    runs: list[list[int]] = []
    for dim, axis in enumerate(into):
        if varies(value, axis):
            if runs and runs[-1][-1] == dim - 1:
                runs[-1].append(dim)
            else:
                runs.append([dim])
    index: Index = ZERO
    for number, run in enumerate(runs):
        inner = product(*(Var(f"batch_{first + dim}") for dim in range(run[-1] + 1, len(into))))
        part = floor_div(z, inner)
        if run[0] > 0:
            part = Expr("%", part, product(*(Var(f"batch_{first + dim}") for dim in run)))
        stride = product(*(Var(f"batch_{first + dim}") for later in runs[number + 1 :] for dim in later))
        index = add(index, mul(part, stride))
    return index


def unit_page(value: Value, context: Context, *, rows: Index, cols: Index) -> Index:
    """The page of a tensor that belongs to a tile of a unit: to its only one, or to that at `row` and `col`.

    Args:
        value: the tensor.
        context: the output's axes; the order and the loop of units, which may number the pages of a whole tensor.
        rows: rows of tiles of the output.
        cols: columns of tiles of the output.
    """
    work = context.graph.work
    if context.numbered and all(varies(value, axis) for axis in work):
        return UNIT
    tall, wide = spans(value, work)
    row, col = (add(FIRST_ROW, ROW), add(FIRST_COL, COL)) if context.blocked else (Y, X)
    batch = batch_index(value, work)
    line = add(mul(batch, rows if tall else ONE), row if tall else ZERO)
    return add(mul(line, cols if wide else ONE), col if wide else ZERO)


def sizes(context: Context, kt: int = 1) -> dict[str, int]:
    """The output in tiles, the contraction's tiles of K, the work grid in units, batches and blocks, as arguments."""
    work = context.graph.work
    height, width = (1 if axis is None else axis.size for axis in matrix(work))
    batch = [axis.size for axis in work[:-2]]
    mt, nt = tiles_of(height), tiles_of(width)
    block = context.block
    return {
        "Mt": mt,
        "Nt": nt,
        "Kt": kt,
        "grid_x": -(-nt // block.n),
        "grid_y": -(-mt // block.m),
        "grid_z": math.prod(batch),
        **{f"batch_{index}": size for index, size in enumerate(batch)},
        "block_m": block.m,
        "block_n": block.n,
        "block_k": block.k,
        "k_blocks": -(-kt // block.k),
        "subblock_h": context.subblock.h,
        "subblock_w": context.subblock.w,
        **({"shard_m": context.local.part.rows, "shard_n": context.local.part.cols} if context.local else {}),
    }
