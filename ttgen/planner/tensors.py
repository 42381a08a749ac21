"""Tensors in tiles: stored shapes, pages, and what their padding has to be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ttgen.dtypes import DTYPES, TILE
from ttgen.errors import refuse
from ttgen.formula.values import Shape
from ttgen.model.grids import ShardGrid
from ttgen.model.plan import Tensor, Use
from ttgen.patterns.context import tiles_of
from ttgen.planner.stages import StoredTensor
from ttgen.target import Target


def tiled(shape: Shape) -> tuple[int, ...]:
    """Batch dimensions as they are, then rows and columns of tiles; a vector is one row."""
    padded = (1, *shape) if len(shape) == 1 else shape
    return (*padded[:-2], tiles_of(padded[-2]), tiles_of(padded[-1]))


def stored(shape: Shape) -> tuple[int, ...]:
    """The shape in elements with the last two dimensions padded to whole tiles."""
    tiles = tiled(shape)
    return (*tiles[:-2], tiles[-2] * TILE, tiles[-1] * TILE)


def check_memory(tensors: Iterable[StoredTensor], shards: Mapping[str, ShardGrid], target: Target) -> None:
    """Refuses tensors that the card's DRAM can't hold.

    Raises:
        SpecError: with the bytes.
    """
    sizes = {}
    paths = {}
    for tensor in tensors:
        if tensor.in_dram:
            pages, page_bytes = math.prod(tiled(tensor.shape)), DTYPES[tensor.dtype].tile_bytes
            sizes[tensor.name] = fullest(
                pages,
                page_bytes,
                shards.get(tensor.name),
                places=target.dram.banks,
                alignment=target.alignment.dram_read,
            )
            paths[tensor.name] = tensor.path
    total, limit = sum(sizes.values()), target.dram.bank_bytes
    if total > limit:
        largest = max(sizes, key=sizes.__getitem__)
        text = (
            f"the tensors take {total:,} bytes of each of {target.name}'s {target.dram.banks} DRAM banks, which have "
            f"{limit:,}, '{largest}' alone {sizes[largest]:,}"
        )
        raise refuse(text, *paths[largest], "shape")


def fullest(pages: int, page_bytes: int, shards: ShardGrid | None, *, places: int, alignment: int) -> int:
    """Bytes that a tensor takes of every bank of DRAM, or of every core's L1.

    Allocation is in lockstep, so the place that holds most counts: a whole shard, or one more of the pages that go
    round all places.
    """
    held = -(-pages // places) if shards is None else math.prod(shards.tiles)
    return held * (-(-page_bytes // alignment) * alignment)


def planned(tensor: StoredTensor, uses: Sequence[Use], shards: ShardGrid | None) -> Tensor:
    """A tensor as the plan has it.

    Args:
        tensor: as it was said.
        uses: by programs that read it.
        shards: where its tiles lie, if it is sharded.
    """
    tiles, page_bytes = tiled(tensor.shape), DTYPES[tensor.dtype].tile_bytes
    return Tensor(
        name=tensor.name,
        role=tensor.role,
        shape=tensor.shape,
        dtype=tensor.dtype,
        stored_shape=stored(tensor.shape),
        tiles=tiles,
        page_bytes=page_bytes,
        pages=math.prod(tiles),
        layout=tensor.layout,
        shards=shards,
        uses=tuple(uses),
    )
