"""The L1 budget, and the changes that would fit it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ttgen.dtypes import DTYPES
from ttgen.errors import Path, SpecError, refuse
from ttgen.model.design import BufferDesign
from ttgen.model.grids import ShardGrid
from ttgen.model.plan import BlockSize, L1Budget
from ttgen.planner import shards
from ttgen.planner.stages import Stage, StoredTensor
from ttgen.planner.tensors import fullest, tiled
from ttgen.records import dataclass
from ttgen.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Bytes of L1 that a program takes on every core: circular buffers of its own, and each tensor's share."""

    buffers: int
    shares: Mapping[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return self.buffers + sum(self.shares.values())


def need(
    buffers: Sequence[BufferDesign], tensors: Iterable[StoredTensor], grids: Mapping[str, ShardGrid], target: Target
) -> Need:
    """What a program takes; buffers that lie on shards, or in another one's memory, take nothing more.

    Args:
        buffers: its circular buffers.
        tensors: all that there are while it runs.
        grids: where the tiles of sharded ones lie.
        target: the card.
    """
    shares = {tensor.name: share(tensor, grids.get(tensor.name), target) for tensor in tensors if not tensor.in_dram}
    return Need(
        buffers=sum(
            buffer.pages * DTYPES[buffer.dtype].tile_bytes
            for buffer in buffers
            if buffer.tensor is None and buffer.lies_in is None
        ),
        shares=shares,
    )


def held(stages: Iterable[Stage], target: Target) -> int:
    """Bytes that the tensors of some stages take of the L1 of every core."""
    found = {
        name: share(tensor, grids.get(name), target)
        for stage in stages
        for grids in (shards.grids(stage, BlockSize(m=1, n=1, k=1), target),)
        for name, tensor in stage.tensors.items()
        if not tensor.in_dram
    }
    return sum(found.values())


def share(tensor: StoredTensor, grid: ShardGrid | None, target: Target) -> int:
    """Bytes that a tensor takes of the L1 of every core."""
    return fullest(
        math.prod(tiled(tensor.shape)),
        DTYPES[tensor.dtype].tile_bytes,
        grid,
        places=target.grid.cores,
        alignment=target.alignment.l1,
    )


def budget(
    stage: Stage,
    found: Need,
    block: BlockSize,
    changed: Callable[[Stage, BlockSize], Need],
    along: Sequence[Iterable[tuple[str, Callable[[], Need]]]],
    paths: Mapping[str, Path],
    target: Target,
) -> L1Budget:
    """Bytes of L1 that circular buffers and tensors take on a core.

    Args:
        stage: the stage.
        found: what its program takes.
        block: the unit of work.
        changed: what the program of a changed stage or another block takes, or a refusal.
        along: other ways to go along lines, and what each takes: the first of each kind that fits is offered.
        paths: where tensors are declared.
        target: the card.

    Raises:
        SpecError: they don't fit; with the bytes, and each single change that fits: the largest smaller block along
            each side, first along K, which costs no traffic, then those that cost least; another way to go along
            lines; the largest tensor in DRAM.
    """
    limit = target.l1.usable
    if found.total <= limit:
        return L1Budget(bytes=found.total, limit=limit)
    changes = [
        *_smaller_blocks(found.total, block, lambda smaller: changed(stage, smaller), limit),
        *(text for ways in along for text in _along(found.total, ways, limit)),
        *_in_dram(stage, found, lambda moved: changed(moved, block), limit),
    ]
    sides = "all of m, n and k smaller" if stage.graph.reduced is None else "lines shorter: no part of one fits"
    text, fix = f"L1: {found.total:,} of {limit:,} bytes", ", or ".join(changes)
    at = (*stage.path, "block") if stage.path in stage.given or stage.graph.reduced is None else ("compute",)
    if not found.shares:
        text += f"; {fix or f'make {sides}'}"
        raise refuse(text, *at, at_key=True)
    parts = ", ".join(f"{name} {bytes_:,}" for name, bytes_ in found.shares.items())
    text += f" on every core: circular buffers {found.buffers:,}, {parts}; "
    if found.buffers > limit:
        text += fix or f"make {sides}, and leave fewer tensors in L1"
        raise refuse(text, *at, at_key=True)
    largest = max(found.shares, key=found.shares.__getitem__)
    text += fix or f"leave {largest} and others in dram_interleaved"
    raise refuse(text, *paths[largest], "layout")


def _smaller_blocks(total: int, block: BlockSize, changed: Callable[[BlockSize], Need], limit: int) -> Iterator[str]:
    """For each side of the block the largest smaller one that fits."""
    changes: list[tuple[float, str]] = []
    for side in ("k", "n", "m"):
        given: int = getattr(block, side)

        def taken(smaller: int, side: str = side) -> int | None:
            try:
                return changed(replace(block, **{side: smaller})).total
            except SpecError:
                # Units of that size would cross the end of a shard.
                return None

        found = _largest(given - 1, taken, limit)
        if found is not None:
            smaller, after = found
            text = f"block.{side} {given} -> {smaller} saves {total - after:,}"
            changes.append((0.0 if side == "k" else given / smaller, text))
    yield from (text for _growth, text in sorted(changes, key=lambda change: change[0]))


def _largest(most: int, taken: Callable[[int], int | None], limit: int) -> tuple[int, int] | None:
    """The largest number up to one that takes no more than a limit, and what it takes; none where no number does.

    Found by halving: smaller ones fit where larger ones do. Those that aren't possible take nothing.
    """
    found: tuple[int, int] | None = None
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        possible = ((number, bytes_) for number in range(middle, least, -1) if (bytes_ := taken(number)) is not None)
        number, bytes_ = next(possible, (least, 0))
        if bytes_ > limit:
            most = number - 1
        else:
            found, least = (number, bytes_) if number > least else found, middle
    return found


def _along(total: int, ways: Iterable[tuple[str, Callable[[], Need]]], limit: int) -> Iterator[str]:
    """The first other way along lines that fits."""
    for what, needed in ways:
        try:
            after = needed().total
        except SpecError:
            # No rectangle of so many cores.
            continue
        if after <= limit:
            yield f"{what} saves {total - after:,}"
            return


def _in_dram(stage: Stage, found: Need, changed: Callable[[Stage], Need], limit: int) -> Iterator[str]:
    """The largest tensor in L1 without which the rest fits."""
    for name in sorted(found.shares, key=found.shares.__getitem__, reverse=True):
        after = found.total - found.shares[name]
        if name in stage.tensors:
            try:
                after = changed(stage.with_layout(name, "dram_interleaved")).total
            except SpecError:
                continue
        if after <= limit:
            yield f"dram_interleaved for {name} saves {found.total - after:,}"
            return
