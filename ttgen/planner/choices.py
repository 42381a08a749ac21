"""The schedules that a stage can have: what was said, and for each choice that is left open what is worth trying.

Values follow from the work and the cores: blocks that deal the output evenly in one trip, in two, …, or a little larger
ones that DST divides better, and steps of K of any size that fits. What a schedule can't be is left to those who refuse
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product as every
from typing import Any, Final, Literal

from ttgen.formula.online import attention_of
from ttgen.model.plan import BlockSize
from ttgen.model.schedule import Order
from ttgen.planner import cores, shards
from ttgen.planner.least import Way
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import Block, BlockLinear, CoreGrid, PolicyName, Shared
from ttgen.spec import Schedule as ScheduleSpec
from ttgen.target import Grid, Target

_TRIPS: Final = (1, 2, 3, 4, 6, 8)
_SIDES: Final = (1, 2, 4, 8)
_EVEN: Final = (1, 2, 4)
"""Sides of subblocks: a block that is no multiple of one leaves DST half empty."""
_SIDES_OF_QUERIES: Final = (1, 2, 3, 4, 6, 8, 12, 16)
"""Rows of tiles of queries for which keys are read once."""
_DEPTHS: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)


def plainest(stage: Stage) -> ScheduleSpec:
    """What is said of a schedule, and for what is left open what goes with it, or a default."""
    default, said = ScheduleSpec(), stage.schedule
    if not isinstance(said, ScheduleSpec):
        return default
    block = said.block if isinstance(said.block, Block) else Block()
    m, n, k = (1 if side == "auto" else side for side in (block.m, block.n, block.k))
    free = {name: getattr(default, name) for name in stage.left_open}
    shares = said.multicast not in ("none", "auto") or said.split not in (1, "auto")
    if "policy" in free and shares:
        free["policy"] = "rectangular"
    return replace(said, **{**free, "block": Block(m=m, n=n, k=k)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Schedules that differ in their blocks, in whether blocks are read ahead, and in how many a stream holds.

    Attributes:
        way: the rest, in numbers.
        buffers: blocks that a stream holds: the first of these that fit.
        order: of units.
        cores: as they are said.
        sides: rows and columns of tiles of blocks.
        depths: tiles of K of a step.
        ahead: whether blocks are read ahead.
    """

    way: Way
    buffers: tuple[int, ...]
    order: Order
    cores: int | CoreGrid | None
    sides: tuple[tuple[int, int], ...]
    depths: tuple[int, ...]
    ahead: tuple[bool, ...]

    def schedule(self, block: BlockSize, *, ahead: bool, buffers: int) -> ScheduleSpec:
        """One of them."""
        return ScheduleSpec(
            policy=self.way.policy,
            order=self.order,
            cores=self.cores,
            block=Block(m=block.m, n=block.n, k=block.k),
            multicast=self.way.shared,
            prefetch=ahead,
            split=self.way.split,
            buffers=buffers,
        )


class _Said:
    """What the spec says of a schedule, and how much of it there is to do."""

    def __init__(self, stage: Stage, limits: BlockSize) -> None:
        self.schedule = stage.schedule if isinstance(stage.schedule, ScheduleSpec) else None
        self.free = stage.left_open
        self.limits = limits
        self.clipped = stage.shares_schedule

    def values(self, name: str, tried: Sequence[Any]) -> Sequence[Any]:
        """What is said of a choice, or what is tried."""
        return tried if self.schedule is None or name in self.free else (getattr(self.schedule, name),)

    def side(self, name: Literal["m", "n", "k"], tried: set[int]) -> Sequence[int]:
        """What is said of a side of the block, or what is tried."""
        block = None if self.schedule is None else self.schedule.block
        given: int | str = getattr(block, name) if isinstance(block, Block) else "auto"
        if not isinstance(given, int):
            return sorted(tried)
        # What is said for all stages is of no use to one with less work: it takes what it has.
        return (min(given, max(getattr(self.limits, name), 1)) if self.clipped else given,)


def families(stage: Stage, limits: BlockSize, target: Target) -> Iterator[Family]:
    """Every family of schedules that is worth a look, the plainest first.

    Args:
        stage: what is computed.
        limits: the largest block that its formula has.
        target: the card.

    Raises:
        SpecError: more cores than the target has.
    """
    said = _Said(stage, limits)
    (order,), (asked,) = said.values("order", ("row_major",)), said.values("cores", (None,))
    most, grid = cores.asked_for(stage, asked, target)
    rectangles = not isinstance(asked, int) and not isinstance(order, BlockLinear)
    buffers = said.values("buffers", (2, 1) if limits.k else (2,))
    online = attention_of(stage.graph)
    depths = _depths if stage.graph.reduced is None else _steps_of_lines if online is None else _steps_of_keys

    def family(policy: PolicyName, shared: Shared, split: int, sides: Iterable[tuple[int, int]]) -> Family:
        return Family(
            way=Way(
                policy=policy, shared=shared, split=split, cores=most,
                band=band_of(grid, split), in_rows=order == "row_major",
            ),
            buffers=tuple(buffers),
            order=order,
            cores=asked,
            sides=tuple(sides),
            depths=tuple(said.side("k", depths(limits, split))),
            ahead=tuple(said.values("prefetch", (False, True))) if shared != "none" and online is None else (False,),
        )  # fmt: skip

    if online is not None:
        sides = [*every(said.side("m", {side for side in _SIDES_OF_QUERIES if side <= limits.m}), (1,))]
        for policy in said.values("policy", ("contiguous",)):
            for split in said.values("split", _parts_of_lines(limits.k, grid) if rectangles else (1,)):
                yield family(policy, "none", split, sides if split == 1 else [(m, n) for m, n in sides if m == 1])
        if rectangles and not online.is_causal and "rectangular" in said.values("policy", ("rectangular",)):
            for shared in said.values("multicast", ("both",)):
                if shared != "none" and 1 in said.values("split", (1,)):
                    yield family("rectangular", shared, 1, sides)
        return

    if stage.graph.reduced is not None:
        # Lines one by one: larger units deal them less evenly, and nothing is shared between lines.
        sides = [*every(said.side("m", {1}), said.side("n", {1}))]
        for policy in said.values("policy", ("contiguous",)):
            for split in said.values("split", _parts_of_lines(limits.k, grid) if rectangles else (1,)):
                yield family(policy, "none", split, sides)
        return

    # Units end where shards do.
    ends = [grid.tiles for grid in shards.grids(stage, BlockSize(m=1, n=1, k=1), target).values()]
    rows, cols = (_small(limit, {sides[axis] for sides in ends}) for axis, limit in enumerate((limits.m, limits.n)))
    plain = [*every(said.side("m", rows), said.side("n", cols))]
    if not limits.k:
        yield from (family(policy, "none", 1, plain) for policy in said.values("policy", ("contiguous",)))
        return
    for policy in said.values("policy", ("contiguous", "rectangular")):
        for shared in said.values("multicast", ("none", "both", "a", "b")):
            for split in said.values("split", _parts(grid) if rectangles else (1,)):
                alone = shared == "none" and split == 1
                # Where nothing is shared, runs of units are as even as rectangles.
                if alone and True not in said.values("prefetch", (False,)):
                    if policy == "contiguous" or "policy" not in said.free:
                        yield family(policy, shared, split, plain)
                elif not alone and policy == "rectangular" and rectangles:
                    yield family(policy, shared, split, _even(said, band_of(grid, split)))


def band_of(grid: Grid, split: int) -> Grid:
    """The cores that a part of K has."""
    return Grid(rows=max(grid.rows // split, 1), cols=grid.cols)


def _parts_of_lines(tiles: int, grid: Grid) -> tuple[int, ...]:
    """Parts of a line: as many cores as make rectangles. Of short lines more go side by side, and so overlap."""
    found = [1]
    for split in (2, 4, 8, 16, 32, 64):
        wide, high = min(split, grid.cols), -(-split // grid.cols)
        if split <= tiles and wide * high == split and high <= grid.rows:
            found.append(split)
    return tuple(found)


def _parts(grid: Grid) -> tuple[int, ...]:
    """Parts of K: of those whose bands of cores have as many rows, the most."""
    return tuple(sorted({grid.rows // rows for rows in range(1, grid.rows + 1)}))


def _small(limit: int, ends: set[int]) -> set[int]:
    """Sides of blocks of which a core makes many, or one, or which divide a shard."""
    parts = {side for end in ends for side in range(1, min(end, limit) + 1) if end % side == 0}
    return {min(side, limit) for side in _SIDES} | {-(-limit // trips) for trips in _TRIPS} | parts


def _even(said: _Said, grid: Grid) -> list[tuple[int, int]]:
    """Blocks that deal the output in so many trips to the rows and columns of cores, or a line of them to all."""
    m, n = said.limits.m, said.limits.n
    found = {*every(said.side("m", _dealt(m, grid.rows)), said.side("n", _dealt(n, grid.cols)))}
    found |= {*every(said.side("m", _dealt(m, grid.cores)), said.side("n", {n}))}
    found |= {*every(said.side("m", {m}), said.side("n", _dealt(n, grid.cores)))}
    return sorted(found)


def _dealt(limit: int, lines: int) -> set[int]:
    """Sides that deal so many tiles to lines of cores, in some trips."""
    least = {-(-limit // (lines * trips)) for trips in _TRIPS} | {limit}
    return {min(-(-side // even) * even, limit) for side in least for even in _EVEN}


def _depths(limits: BlockSize, split: int) -> set[int]:
    """Tiles of K of a step: of those that make as many steps, the fewest."""
    part = max(-(-limits.k // split), 1)
    return {-(-part // -(-part // depth)) for depth in _DEPTHS if depth < part} | {part}


def _steps_of_lines(limits: BlockSize, split: int) -> set[int]:
    """Tiles of a step along a line, or a part of one."""
    part = max(-(-limits.k // split), 1)
    return {min(depth, part) for depth in (1, 2, 4, 8)}


def _steps_of_keys(limits: BlockSize, split: int) -> set[int]:
    """Tiles of keys of a step: the more, the seldomer what was summed up is multiplied."""
    part = max(-(-limits.k // split), 1)
    return {min(depth, part) for depth in (1, 2, 4, 8, 12, 16, 24, 32)}
