"""Tensors in tiles: stored shapes, pages, and what their padding has to be."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ttgen.dtypes import DTYPES, TILE
from ttgen.errors import refuse
from ttgen.formula.values import Graph, Shape
from ttgen.model.grids import ShardGrid
from ttgen.model.plan import Padding, Tensor, Use
from ttgen.patterns.context import tiles_of
from ttgen.spec import LoadedSpec, in_dram
from ttgen.target import Target


def tiled(shape: Shape) -> tuple[int, ...]:
    """Batch dimensions as they are, then rows and columns of tiles; a vector is one row."""
    padded = (1, *shape) if len(shape) == 1 else shape
    return (*padded[:-2], tiles_of(padded[-2]), tiles_of(padded[-1]))


def stored(shape: Shape) -> tuple[int, ...]:
    """The shape in elements with the last two dimensions padded to whole tiles."""
    tiles = tiled(shape)
    return (*tiles[:-2], tiles[-2] * TILE, tiles[-1] * TILE)


def check_memory(loaded: LoadedSpec, shards: Mapping[str, ShardGrid], target: Target) -> None:
    """Refuses tensors that the card's DRAM can't hold.

    Raises:
        SpecError: with the bytes.
    """
    sizes = {}
    for name, tensor in loaded.spec.tensors.items():
        if in_dram(tensor.layout):
            pages, page_bytes = math.prod(tiled(loaded.shapes[name])), DTYPES[tensor.dtype].tile_bytes
            sizes[name] = fullest(
                pages, page_bytes, shards.get(name), places=target.dram.banks, alignment=target.alignment.dram_read
            )
    total, limit = sum(sizes.values()), target.dram.bank_bytes
    if total > limit:
        largest = max(sizes, key=sizes.__getitem__)
        text = (
            f"the tensors take {total:,} bytes of each of {target.name}'s {target.dram.banks} DRAM banks, which have "
            f"{limit:,}, '{largest}' alone {sizes[largest]:,}"
        )
        raise refuse(text, "tensors", largest, "shape")


def fullest(pages: int, page_bytes: int, shards: ShardGrid | None, *, places: int, alignment: int) -> int:
    """Bytes that a tensor takes of every bank of DRAM, or of every core's L1.

    Allocation is in lockstep, so the place that holds most counts: a whole shard, or one more of the pages that go
    round all places.
    """
    held = -(-pages // places) if shards is None else math.prod(shards.tiles)
    return held * (-(-page_bytes // alignment) * alignment)


def tensors(
    loaded: LoadedSpec,
    graph: Graph,
    padding_of: Mapping[str, tuple[Padding, ...]],
    zeros: frozenset[str],
    shards: Mapping[str, ShardGrid],
) -> tuple[Tensor, ...]:
    """All tensors of a program, inputs first, in the order of their use.

    Args:
        loaded: the spec.
        graph: the formulas.
        padding_of: what each use of a tensor needs of its padding.
        zeros: tensors whose padding has to be zero all the same.
        shards: where the tiles of sharded tensors lie.
    """

    def padding(name: str) -> tuple[Padding, ...]:
        uses = padding_of.get(name, ())
        return tuple("zero" if name in zeros else use for use in uses)

    names = [(name, "input") for name in graph.inputs] + [(out.tensor, "output") for out in graph.outputs]
    return tuple(
        Tensor(
            name=name,
            role="input" if role == "input" else "output",
            shape=loaded.shapes[name],
            dtype=loaded.spec.tensors[name].dtype,
            stored_shape=stored(loaded.shapes[name]),
            tiles=tiled(loaded.shapes[name]),
            page_bytes=DTYPES[loaded.spec.tensors[name].dtype].tile_bytes,
            pages=math.prod(tiled(loaded.shapes[name])),
            layout=loaded.spec.tensors[name].layout,
            shards=shards.get(name),
            uses=tuple(Use(padding=use) for use in padding(name)),
        )
        for name, role in names
    )
