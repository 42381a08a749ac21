"""The schedules that a stage can have: what was said, and for each choice that is left open a few values worth trying.

Values follow from the work and the cores: blocks that deal the output evenly in one trip, in two, …, steps of K that
fit beside them. What a schedule can't be is left to those who refuse it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product as every
from typing import Any, Final

from ttgen.model.plan import BlockSize
from ttgen.planner import cores
from ttgen.planner.stages import Stage
from ttgen.spec import Block, CoreGrid
from ttgen.spec import Schedule as ScheduleSpec
from ttgen.target import Grid, Target

FIELDS: Final = ("policy", "order", "cores", "block", "multicast", "prefetch", "split", "buffers")
_TRIPS: Final = (1, 2, 3, 4)
_DEPTHS: Final = (1, 2, 4, 8, 16)
_SIDES: Final = (1, 2, 4, 8)
_PARTS: Final = (1, 2, 4, 8)


def left_open(stage: Stage) -> tuple[str, ...]:
    """The choices that the spec leaves to the planner."""
    schedule = stage.schedule
    if not isinstance(schedule, ScheduleSpec):
        return FIELDS
    sides = (schedule.block.m, schedule.block.n, schedule.block.k) if isinstance(schedule.block, Block) else ()
    return tuple(name for name in FIELDS if getattr(schedule, name) == "auto" or (name == "block" and "auto" in sides))


def choices(stage: Stage, limits: BlockSize, target: Target) -> Iterator[ScheduleSpec]:
    """Every schedule that is worth a look, the plainest first.

    Args:
        stage: what is computed.
        limits: the largest block that its formula has.
        target: the card.
    """
    said = stage.schedule if isinstance(stage.schedule, ScheduleSpec) else None
    free = left_open(stage)
    if not limits.k:
        yield from _elementwise(said, free, limits)
        return
    yield from _alone(said, free, limits)
    policy = "rectangular" if said is None or said.policy == "auto" else said.policy
    if policy != "rectangular" or (said is not None and isinstance(said.cores, int)):
        return
    asked = None if said is None or said.cores in ("auto", None) else said.cores
    assert asked is None or isinstance(asked, CoreGrid), "a number of cores is no rectangle"
    _most, grid = cores.asked_for(stage, asked, target)
    for multicast, prefetch, split, buffers in every(
        _values(said, free, "multicast", ("both",)),
        _values(said, free, "prefetch", (False, True)),
        _values(said, free, "split", tuple(part for part in _PARTS if part <= grid.rows)),
        _values(said, free, "buffers", (2,)),
    ):
        if prefetch and multicast == "none":
            continue
        band = Grid(rows=grid.rows // split, cols=grid.cols)
        for block in _blocks(said, limits, band, split):
            yield ScheduleSpec(
                policy="rectangular",
                order="row_major" if said is None or said.order == "auto" else said.order,
                cores=asked,
                block=block,
                multicast=multicast,
                prefetch=prefetch,
                split=split,
                buffers=buffers,
            )


def _values(said: ScheduleSpec | None, free: Sequence[str], name: str, tried: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is said of a choice, or what is tried."""
    return tried if name in free or said is None else (getattr(said, name),)


def _blocks(said: ScheduleSpec | None, limits: BlockSize, grid: Grid, split: int) -> Iterator[Block]:
    """Blocks that deal the output in so many trips to the rows and columns of cores, or a line of them to all."""
    across = grid.rows * grid.cols
    m_sides = {-(-limits.m // (lines * trips)) for trips in _TRIPS for lines in (grid.rows, across)} | {limits.m}
    n_sides = {-(-limits.n // (lines * trips)) for trips in _TRIPS for lines in (grid.cols, across)} | {limits.n}
    steps = -(-limits.k // split)
    depths = {min(depth, steps) for depth in (*_DEPTHS, steps if steps <= 2 * max(_DEPTHS) else 1)}
    for m, n, k in every(sorted(m_sides), sorted(n_sides), sorted(depths)):
        yield _with_sides(said, m, n, k)


def _alone(said: ScheduleSpec | None, free: Sequence[str], limits: BlockSize) -> Iterator[ScheduleSpec]:
    """Contractions whose cores share nothing: shards may divide them."""
    if (
        said is not None
        and not {"multicast", "prefetch", "split"} <= set(free)
        and (said.multicast not in ("none", "auto") or said.prefetch is True or said.split not in (1, "auto"))
    ):
        return
    base = _plain(said, free)
    for m, n, k in every(_SIDES, _SIDES, _DEPTHS[:4]):
        block = _with_sides(said, min(m, limits.m), min(n, limits.n), min(k, limits.k))
        yield replace(base, block=block, multicast="none", prefetch=False, split=1)


def _elementwise(said: ScheduleSpec | None, free: Sequence[str], limits: BlockSize) -> Iterator[ScheduleSpec]:
    """Formulas without a contraction: units of a few tiles."""
    base = _plain(said, free)
    for m, n in every(_SIDES, _SIDES):
        yield replace(
            base,
            block=_with_sides(said, min(m, limits.m), min(n, limits.n), 1),
            multicast="none", prefetch=False, split=1,
        )  # fmt: skip


def _plain(said: ScheduleSpec | None, free: Sequence[str]) -> ScheduleSpec:
    """What is said, and defaults for what is left open."""
    default = ScheduleSpec()
    if said is None:
        return default
    return replace(said, **{name: getattr(default, name) for name in free})


def _with_sides(said: ScheduleSpec | None, m: int, n: int, k: int) -> Block:
    """A block with the sides that are said."""
    if said is None or not isinstance(said.block, Block):
        return Block(m=m, n=n, k=k)
    given = said.block
    return Block(
        m=m if given.m == "auto" else given.m,
        n=n if given.n == "auto" else given.n,
        k=k if given.k == "auto" else given.k,
    )
