"""Every schedule that a stage can have, as far as it makes a difference: thousands, where `auto` tries the likely ones.

Two blocks that cut a side into as many units differ in padding only: of each number of units there is the smallest.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product as every
from typing import Any, Final

from ttgen.dtypes import DTYPES
from ttgen.errors import SpecError
from ttgen.formula.values import Input
from ttgen.model.plan import BlockSize
from ttgen.planner import cores
from ttgen.planner.precision import Exactness
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import Block, BlockLinear, CoreGrid
from ttgen.spec import Schedule as ScheduleSpec
from ttgen.target import PHASES, Grid, Target, load_rates

_CLASSES: Final = 8
"""Sizes of L1, equal parts of what is usable, of each of which the most promising schedules are taken."""
_BUFFERS: Final = (2, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The schedules of a stage.

    Attributes:
        chosen: those that are worth designing, the most promising first.
        number: of all that there are.
    """

    chosen: tuple[ScheduleSpec, ...]
    number: int


def opened(stage: Stage) -> Stage:
    """The stage with what is tuned left open: what is `auto` or, where nothing is, all but cores and order."""
    said = stage.schedule
    if isinstance(said, ScheduleSpec) and stage.left_open:
        return stage
    kept = ScheduleSpec() if said == "auto" else said
    # Panels are for policies that number units, and nothing in the model tells them from rows.
    order = "row_major" if isinstance(kept.order, BlockLinear) else kept.order
    schedule = ScheduleSpec(
        policy="auto", order=order, cores=kept.cores, block="auto", multicast="auto", prefetch="auto",
        split="auto", buffers="auto",
    )  # fmt: skip
    return replace(stage, schedule=schedule)


def schedules(stage: Stage, limits: BlockSize, target: Target) -> Iterator[ScheduleSpec]:
    """Every schedule of a stage, lazily; some of them turn out to be illegal.

    Args:
        stage: that is `opened`.
        limits: the largest block that its formula has.
        target: the card.
    """
    free, said = stage.left_open, stage.schedule
    assert isinstance(said, ScheduleSpec), "an opened stage"

    def values(name: str, tried: tuple[Any, ...]) -> tuple[Any, ...]:
        return tried if name in free else (getattr(said, name),)

    base = replace(
        said,
        order="row_major" if said.order == "auto" else said.order,
        cores=None if said.cores == "auto" else said.cores,
    )
    try:
        _most, grid = cores.asked_for(stage, base.cores if isinstance(base.cores, CoreGrid) else None, target)
    except SpecError:
        grid = target.grid  # refused with each schedule
    product = bool(limits.k)
    for policy, multicast, split in every(
        values("policy", ("rectangular", "contiguous") if product else ("contiguous", "strided", "rectangular")),
        values("multicast", ("both", "a", "b", "none") if product else ("none",)),
        values("split", _parts(grid) if product else (1,)),
    ):
        if policy != "rectangular" and (multicast != "none" or split > 1):
            continue
        if policy == "rectangular" and (isinstance(base.cores, int) or isinstance(base.order, BlockLinear)):
            continue
        for prefetch, buffers in every(
            values("prefetch", (False, True) if multicast != "none" else (False,)), values("buffers", _BUFFERS)
        ):
            if prefetch and multicast == "none":
                continue
            for block in _blocks(said, limits, split):
                if split > 1 and split > -(-limits.k // int(block.k)):
                    continue  # parts of K are whole steps
                yield replace(
                    base,
                    policy=policy,
                    multicast=multicast,
                    split=split,
                    prefetch=prefetch,
                    buffers=buffers,
                    block=block,
                )


def promising(stage: Stage, limits: BlockSize, exactness: Exactness, target: Target, *, limit: int) -> Space:
    """The schedules of each size of L1 that may be the fastest, by what they take at least; at most `limit` in all."""
    number = 0
    least = least_of(stage, limits, exactness, target)

    def costed() -> Iterator[tuple[int, float, int, ScheduleSpec]]:
        nonlocal number
        for choice in schedules(stage, limits, target):
            bytes_ = least.l1_bytes(choice)
            if bytes_ <= target.l1.usable:
                number += 1
                size = min(bytes_ * _CLASSES // target.l1.usable, _CLASSES - 1)
                # Of those that nothing is known of, some from everywhere.
                scattered = number * 2654435761 % 2**32
                yield size, least.cycles(choice), scattered, choice

    every_one = list(costed())
    if number > limit:
        share = -(-limit // _CLASSES)
        kept = [
            item
            for size in range(_CLASSES)
            for item in heapq.nsmallest(share, (found for found in every_one if found[0] == size))
        ]
        # What small classes leave goes to the most promising of all.
        rest = {item[2] for item in kept}
        others = (item for item in every_one if item[2] not in rest)
        kept += heapq.nsmallest(limit - len(kept), others, key=lambda item: item[1:3])
        every_one = kept
    every_one.sort(key=lambda item: item[1:3])
    return Space(chosen=tuple(item[3] for item in every_one[:limit]), number=number)


def _parts(grid: Grid) -> tuple[int, ...]:
    """Numbers of parts of K that divide the rows of cores, or are powers of two."""
    return tuple(part for part in range(1, grid.rows + 1) if grid.rows % part == 0 or part & (part - 1) == 0)


def _sides(limit: int) -> tuple[int, ...]:
    """For each number of units that a side is cut into, the smallest that does it."""
    return tuple(sorted({-(-limit // units) for units in range(1, limit + 1)})) or (1,)


def _blocks(said: ScheduleSpec, limits: BlockSize, split: int) -> Iterator[Block]:
    """Blocks with the sides that are said."""
    if said.block != "auto" and "auto" not in (said.block.m, said.block.n, said.block.k):
        yield said.block
        return
    given = said.block if isinstance(said.block, Block) else Block(m="auto", n="auto", k="auto")
    open_sides = zip(
        (given.m, given.n, given.k), (limits.m, limits.n, -(-limits.k // split) if limits.k else 1), strict=True
    )
    for m, n, k in every(*(_sides(limit) if side == "auto" else (side,) for side, limit in open_sides)):
        yield Block(m=m, n=n, k=k)


@dataclass(frozen=True, slots=True, kw_only=True)
class Least:
    """What schedules of a stage can't take less than, from what is known before they are designed.

    Attributes:
        rows: of tiles of the output,
        cols: and columns,
        depth: tiles that are summed over, 0 for nothing.
        batches: of the output.
        operands: bytes of a tile of A and of B, 0 where they don't lie in DRAM,
        outputs: and of a tile of each output,
        sums: and of one of the sums that parts of K are added up from.
        shards: whether shards divide the work.
        product_cycles: of a product of two tiles.
        dram: bytes a clock that all readers get at most.
        launch: cycles before the first read.
        written: cycles that DRAM takes for the output.
        grid: the card's.
    """

    rows: int
    cols: int
    depth: int
    batches: int
    operands: tuple[int, int]
    outputs: int
    sums: int
    shards: bool
    product_cycles: float
    dram: float
    launch: float
    written: float
    grid: Grid

    def cycles(self, choice: ScheduleSpec) -> float:
        """Cycles by the model: products of a core, and bytes from DRAM; 0 where nothing is known."""
        if not self.depth or self.shards:
            return 0.0
        block, split = choice.block, int(choice.split)
        assert isinstance(block, Block), "nothing is left open"
        m, n = int(block.m), int(block.n)
        rows, cols = -(-self.rows // m), -(-self.cols // n)
        grid = Grid(rows=choice.cores.rows, cols=choice.cores.cols) if isinstance(choice.cores, CoreGrid) else self.grid
        if choice.policy == "rectangular":
            band = max(grid.rows // split, 1)
            used = min(band * grid.cols, rows * cols)
            # A single line of units goes to all cores of the rectangle.
            down, across = (
                (1, used) if rows == 1 else (used, 1) if cols == 1 else (min(band, rows), min(grid.cols, cols))
            )
            times_a, times_b = -(-cols // across), -(-rows // down)
            trips = self.batches * times_a * times_b
        else:
            cores = choice.cores if isinstance(choice.cores, int) else grid.cores
            trips = -(-rows * cols * self.batches // cores)
            times_a, times_b = cols, rows
        # Who shares an operand reads it once for all.
        times_a = times_a if choice.multicast in ("a", "both") else cols
        times_b = times_b if choice.multicast in ("b", "both") else rows
        read = self.depth * (times_a * self.rows * self.operands[0] + times_b * self.cols * self.operands[1])
        computed = trips * m * n * (self.depth // split) * self.product_cycles
        return self.launch + max(computed, read / self.dram, self.written)

    def l1_bytes(self, choice: ScheduleSpec) -> int:
        """Bytes of L1: a block of the output and of each part's sums, of each operand one, or two where more follow."""
        if not self.depth:
            return 0
        block = choice.block
        assert isinstance(block, Block), "nothing is left open"
        m, n, k = int(block.m), int(block.n), int(block.k)
        split = int(choice.split)
        deep = min(int(choice.buffers), max(-(-self.depth // k) // split, 1))
        made = self.outputs + (split * self.sums if split > 1 else 0)
        return deep * k * (m * self.operands[0] + n * self.operands[1]) + m * n * made


def least_of(stage: Stage, limits: BlockSize, exactness: Exactness, target: Target) -> Least:
    """What is known of a stage's schedules.

    Args:
        stage: what is computed.
        limits: the largest block that the formula has.
        exactness: of the math.
        target: the card.
    """
    rates, product = load_rates(target.arch), stage.graph.contraction
    operands = [0, 0]
    for index, value in enumerate(stage.graph.operands_of(product) if product is not None else ()):
        if isinstance(value, Input) and stage.tensors[value.tensor].in_dram:
            operands[index] = DTYPES[stage.tensors[value.tensor].dtype].tile_bytes
    plain = ("dram_interleaved", "l1_interleaved")
    batches = math.prod(axis.size for axis in stage.graph.work[:-2])
    peak = target.dram.gigabytes_per_second / target.clock_ghz
    tensors = [stage.tensors[output.tensor] for output in stage.graph.outputs]
    tile_bytes = sum(DTYPES[tensor.dtype].tile_bytes for tensor in tensors if tensor.in_dram)
    return Least(
        rows=limits.m,
        cols=limits.n,
        depth=limits.k,
        batches=batches,
        operands=(operands[0], operands[1]),
        outputs=tile_bytes,
        sums=DTYPES["float32" if exactness.dst_bits == 32 else "bfloat16"].tile_bytes,
        shards=any(tensor.layout not in plain for tensor in stage.tensors.values()),
        product_cycles=rates.phase * PHASES[exactness.fidelity.value] + rates.product,
        dram=max(rates.dram.read) * peak,
        launch=rates.launch,
        written=batches * limits.m * limits.n * tile_bytes / (rates.dram.write * peak),
        grid=target.grid,
    )
