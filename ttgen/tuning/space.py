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
from ttgen.planner.choices import left_open
from ttgen.planner.precision import Exactness
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import Block, CoreGrid
from ttgen.spec import Schedule as ScheduleSpec
from ttgen.target import PHASES, Grid, Rates, Target, load_rates

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
    if isinstance(said, ScheduleSpec) and left_open(stage):
        return stage
    kept = ScheduleSpec() if said == "auto" else said
    schedule = ScheduleSpec(
        policy="auto", order=kept.order, cores=kept.cores, block="auto", multicast="auto", prefetch="auto",
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
    free, said = left_open(stage), stage.schedule
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
        if policy == "rectangular" and isinstance(base.cores, int):
            continue
        for prefetch, buffers in every(
            values("prefetch", (False, True) if multicast != "none" else (False,)), values("buffers", _BUFFERS)
        ):
            if prefetch and multicast == "none":
                continue
            for block in _blocks(said, limits, split):
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
    rates = load_rates(target.arch)

    def costed() -> Iterator[tuple[int, float, int, ScheduleSpec]]:
        nonlocal number
        for choice in schedules(stage, limits, target):
            bytes_ = least_l1(stage, choice, limits)
            if bytes_ <= target.l1.usable:
                number += 1
                size = min(bytes_ * _CLASSES // target.l1.usable, _CLASSES - 1)
                yield size, least_cycles(stage, choice, limits, exactness, target, rates), number, choice

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


def _dealt(stage: Stage, choice: ScheduleSpec, limits: BlockSize, target: Target) -> tuple[int, int, int]:
    """How often a core makes a unit, in how many trips across rows and columns of units where it goes by both."""
    block = choice.block
    assert isinstance(block, Block), "nothing is left open"
    rows, cols = -(-limits.m // int(block.m)), -(-limits.n // int(block.n))
    batches = math.prod(axis.size for axis in stage.graph.work[:-2])
    asked = choice.cores
    assert asked != "auto", "nothing is left open"
    most, grid = cores.asked_for(stage, asked, target)
    if choice.policy != "rectangular":
        return -(-rows * cols * batches // most), rows, cols
    lines = max(grid.rows // int(choice.split), 1)
    if 1 in (rows, cols):
        used = min(lines * grid.cols, rows * cols)
        down, across = (1, used) if rows == 1 else (used, 1)
    else:
        down, across = min(lines, rows), min(grid.cols, cols)
    down_trips, across_trips = -(-rows // down), -(-cols // across)
    return batches * down_trips * across_trips, down_trips, across_trips


def least_cycles(
    stage: Stage, choice: ScheduleSpec, limits: BlockSize, exactness: Exactness, target: Target, rates: Rates
) -> float:
    """Cycles that a schedule can't take less than, by the model: products of a core, and bytes from DRAM.

    Args:
        stage: what is computed.
        choice: a schedule that leaves nothing open.
        limits: the largest block that the formula has.
        exactness: of the math.
        target: the card.
        rates: how fast it is.
    """
    product = stage.graph.contraction
    plain = ("dram_interleaved", "l1_interleaved")
    if product is None or any(tensor.layout not in plain for tensor in stage.tensors.values()):
        return 0.0  # shards divide the work otherwise
    block = choice.block
    assert isinstance(block, Block), "nothing is left open"
    trips, down_trips, across_trips = _dealt(stage, choice, limits, target)
    rows, cols = -(-limits.m // int(block.m)), -(-limits.n // int(block.n))
    products = trips * int(block.m) * int(block.n) * (limits.k // int(choice.split))
    math_cycles = products * (rates.phase * PHASES[exactness.fidelity.value] + rates.product)
    times = {
        0: across_trips if choice.multicast in ("a", "both") else cols,
        1: down_trips if choice.multicast in ("b", "both") else rows,
    }
    sizes = (limits.m * limits.k, limits.k * limits.n)
    read = sum(
        times[index] * sizes[index] * DTYPES[stage.tensors[value.tensor].dtype].tile_bytes
        for index, value in enumerate(stage.graph.operands_of(product))
        if isinstance(value, Input) and stage.tensors[value.tensor].in_dram
    )
    peak = target.dram.gigabytes_per_second / target.clock_ghz
    return rates.launch + max(math_cycles, read / (max(rates.dram.read) * peak))


def least_l1(stage: Stage, choice: ScheduleSpec, limits: BlockSize) -> int:
    """Bytes of L1 that a schedule can't take less than: a block of each operand from DRAM, two where one follows."""
    product = stage.graph.contraction
    if product is None:
        return 0
    block = choice.block
    assert isinstance(block, Block), "nothing is left open"
    m, n, k = int(block.m), int(block.n), int(block.k)
    deep = min(int(choice.buffers), max(-(-limits.k // k) // int(choice.split), 1))
    tiles = (m * k, k * n)
    return deep * sum(
        tiles[index] * DTYPES[stage.tensors[value.tensor].dtype].tile_bytes
        for index, value in enumerate(stage.graph.operands_of(product))
        if isinstance(value, Input) and stage.tensors[value.tensor].in_dram
    )
