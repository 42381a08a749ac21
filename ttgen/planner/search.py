"""`schedule: auto`: the candidate that the cost model finds fastest among those that are legal.

What a candidate takes at least is known from its numbers. Candidates are designed and predicted in that order, until
the next one can't be faster than the best: so what is found is the best of all that there are, however few are
designed. The same spec gives the same schedule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from ttgen.cost import Prediction, predict
from ttgen.errors import SpecError, refuse
from ttgen.model.plan import BlockSize
from ttgen.model.schedule import Decided, Schedule
from ttgen.planner import l1
from ttgen.planner.candidate import Candidate, candidate
from ttgen.planner.choices import plainest
from ttgen.planner.precision import Exactness
from ttgen.planner.queue import Choice, Queue, Rank
from ttgen.planner.schedule import schedule_of
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import Schedule as ScheduleSpec
from ttgen.target import Target

_ALIKE: Final = 1.0001
"""Predictions that are nearer than this are the same: the larger subblock decides, then less L1."""
_ALSO: Final = 3
"""Candidates that are designed because they may be as fast and rank before the fastest."""
_REFUSED: Final = 24
"""Candidates that may turn out to be illegal, before the search ends."""
_MOST: Final = 32
"""Candidates that are designed at most: of patterns that `least` doesn't count, all could be the fastest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A candidate and what is predicted of it."""

    made: Candidate
    prediction: Prediction
    l1_bytes: int

    @property
    def cycles(self) -> float:
        """Cycles on the device."""
        return self.prediction.device_cycles

    @property
    def rank(self) -> Rank:
        """What decides among the fastest."""
        subblock = self.made.context.subblock
        return (-subblock.h * subblock.w, self.l1_bytes)


def best(
    stage: Stage, pattern: str, limits: BlockSize, exactness: Exactness, target: Target, *, held: int | None = None
) -> Candidate:
    """The fastest candidate of a stage, by the model; its schedule says what came next.

    Args:
        stage: what is computed.
        pattern: that serves it.
        limits: the largest block that its formula has.
        exactness: of the math.
        target: the card.
        held: bytes of every core's L1 that tensors take; None for those of the stage.

    Raises:
        SpecError: none is legal beside what is said; with what excludes the nearest.
    """
    search = _Search(stage, pattern, limits, exactness, target, held)
    winner, *others = search.ranked(1)
    queue = search.queue
    because = f"the fastest of {queue.number:,} by the cost model; it waits for {winner.prediction.binding}"
    if others and others[0].cycles <= queue.least:
        because += _next(winner, _words_of(others[0].made.schedule), others[0].cycles)
    elif winner.cycles <= queue.least < math.inf:
        because += _next(winner, _words(queue.first), queue.least)
    return replace(winner.made, schedule=_explained(winner.made.schedule, because, stage.left_open))


def rank(
    stage: Stage,
    pattern: str,
    limits: BlockSize,
    exactness: Exactness,
    target: Target,
    *,
    held: int | None = None,
    number: int = 1,
) -> list[Found]:
    """The candidates of a stage that were designed, the fastest first.

    Args:
        stage: what is computed.
        pattern: that serves it.
        limits: the largest block that its formula has.
        exactness: of the math.
        target: the card.
        held: bytes of every core's L1 that tensors take; None for those of the stage.
        number: how many are designed at least, if there are as many.

    Raises:
        SpecError: none is legal.
    """
    return _Search(stage, pattern, limits, exactness, target, held).ranked(number)


def designed(
    stage: Stage, pattern: str, limits: BlockSize, exactness: Exactness, target: Target, held: int | None = None
) -> Found:
    """A stage's program under its schedule, which leaves nothing open, and what is predicted of it.

    Raises:
        SpecError: it is illegal, or doesn't fit L1.
    """
    schedule = schedule_of(stage, limits)
    made = candidate(stage, pattern, schedule, schedule.block.value, exactness, target)
    bytes_ = l1.need(made.design.buffers, (), {}, target).total
    bytes_ += l1.held((stage,), target) if held is None else held
    if bytes_ > target.l1.usable:
        raise refuse(f"L1: {bytes_:,} of {target.l1.usable:,} bytes", *stage.path)
    return Found(made=made, prediction=predict(made, target), l1_bytes=bytes_)


class _Search:
    """One search: what waits, what was designed and what was refused."""

    def __init__(
        self,
        stage: Stage,
        pattern: str,
        limits: BlockSize,
        exactness: Exactness,
        target: Target,
        held: int | None,
    ) -> None:
        self.stage, self.pattern, self.limits, self.exactness, self.target = stage, pattern, limits, exactness, target
        self.held = l1.held((stage,), target) if held is None else held
        self.queue = Queue(stage, pattern, limits, exactness, target, free=target.l1.usable - self.held)
        self.found: list[Found] = []
        self.refused: list[SpecError] = []

    def ranked(self, number: int) -> list[Found]:
        """As many candidates as it takes to know the best, or some more; the fastest first."""
        queue, found = self.queue, self.found
        while queue.least < math.inf and len(self.refused) < _REFUSED:
            if len(found) >= number and (queue.least * _ALIKE >= self.fastest or len(found) >= _MOST):
                break
            self.design(queue.take().schedule)
        if not found:
            raise self.none_left()
        slowest = self.fastest * _ALIKE
        first = min(item.rank for item in found if item.cycles <= slowest)
        for choice in islice(queue.alike(slowest, first), _ALSO):
            self.design(choice.schedule)
        slowest = self.fastest * _ALIKE
        return sorted(found, key=lambda item: (0.0, *item.rank) if item.cycles <= slowest else (item.cycles, 0, 0))

    @property
    def fastest(self) -> float:
        """Cycles of the fastest that was designed."""
        return min((item.cycles for item in self.found), default=math.inf)

    def design(self, schedule: ScheduleSpec) -> None:
        """Designs a candidate, if it is legal."""
        said = replace(self.stage, schedule=schedule)
        try:
            made = designed(said, self.pattern, self.limits, self.exactness, self.target, self.held)
            self.found.append(replace(made, made=replace(made.made, stage=self.stage)))
        except SpecError as error:
            self.refused.append(error)

    def none_left(self) -> SpecError:
        """What excludes the nearest, where no candidate is legal."""
        queue = self.queue
        if not self.refused and queue.is_empty and queue.beyond is not None:
            bytes_, nearest = queue.beyond
            text = f"L1: no schedule fits: the nearest, {_words(nearest)}, takes {bytes_ + self.held:,} of "
            text += f"{self.target.l1.usable:,} bytes" + (f", {self.held:,} of them tensors" if self.held else "")
            return refuse(f"{text}; leave more to 'auto', or fewer tensors in L1", *self.stage.path)
        if not self.refused and queue.refused is not None:
            return queue.refused
        if not self.refused:
            # Nothing goes with what is said: the plainest schedule says why.
            self.design(plainest(self.stage) if queue.is_empty else queue.first.schedule)
        return self.refused[0]


def _explained(schedule: Schedule, because: str, free: Sequence[str]) -> Schedule:
    """The winner's schedule, whose open choices say that they were found."""
    said = "block" if "block" in free else free[0]
    found = {}
    for name in free:
        decided = getattr(schedule, name)
        found[name] = Decided(
            value=decided.value, origin="search", because=because if name == said else decided.because
        )
    return replace(schedule, **found)


def _next(winner: Found, words: str, cycles: float) -> str:
    """What came second, and by how much."""
    slower = round(100 * (cycles / winner.cycles - 1))
    return f"; next {words}, {f'{slower}% slower' if slower else 'as fast'}"


def _words_of(schedule: Schedule) -> str:
    """A schedule in a few words."""
    shared, split = schedule.multicast.value, schedule.split.value
    return _in_words(schedule.block.value, shared, split, ahead=schedule.prefetch.value)


def _words(choice: Choice) -> str:
    """A candidate in a few words."""
    way = choice.family.way
    return _in_words(choice.block, way.shared, way.split, ahead=choice.ahead)


def _in_words(block: BlockSize, shared: str, split: int, *, ahead: bool) -> str:
    words = f"{block.m}x{block.n}x{block.k}"
    words += f" multicast {shared}" if shared != "none" else ""
    words += " prefetch" if ahead else ""
    return words + (f" split {split}" if split > 1 else "")
