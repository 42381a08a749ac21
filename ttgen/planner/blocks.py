"""The unit of work in tiles, and the part of it that a contraction accumulates in DST at once."""

from __future__ import annotations

from ttgen.dtypes import DTYPES
from ttgen.formula.values import Graph
from ttgen.model.plan import BlockSize, Subblock
from ttgen.spec import Block


def size(block: Block, graph: Graph) -> BlockSize:
    """The block of a spec; without a contraction it has no depth."""
    m, n, k = (side if isinstance(side, int) else 1 for side in (block.m, block.n, block.k))
    return BlockSize(m=m, n=n, k=k if graph.contractions else 1)


def subblock(graph: Graph, block: BlockSize, slots: int) -> Subblock:
    """The largest part of a block that DST holds; of equal ones the one that is fed fastest.

    `matmul_block` keeps a tile of the operand along its shorter side in a source register while it streams the other's
    past it (llk_unpack_AB_matmul.h: the first operand is kept where there are at least as many columns as rows), so
    fewer streamed bytes are better; then squarer ones, which measured GEMMs feed better than rows of tiles.

    Args:
        graph: the formulas; without a contraction every tile is on its own.
        block: tiles of a unit.
        slots: tiles that DST holds.
    """
    if graph.contraction is None:
        return Subblock(h=1, w=1)
    left, right = (DTYPES[operand.dtype].tile_bytes for operand in graph.operands_of(graph.contraction))
    sides = [
        (h, w)
        for h in range(1, min(slots, block.m) + 1)
        for w in range(1, min(slots // h, block.n) + 1)
        if block.m % h == 0 and block.n % w == 0
    ]
    h, w = min(sides, key=lambda side: _rank(side[0], side[1], left, right))
    return Subblock(h=h, w=w)


def _rank(h: int, w: int, left: int, right: int) -> tuple[int, int, int, int]:
    return (-h * w, right if w >= h else left, abs(w - h), -w)
