"""What schedules of a spec take: each designed and predicted, on this machine's processes or on others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import replace
from functools import lru_cache

from ttgen.cost import Prediction, predict
from ttgen.errors import SpecError, refuse
from ttgen.formula.infer import graph_of
from ttgen.loading import loads
from ttgen.mesh.device import device_of
from ttgen.model.plan import BlockSize
from ttgen.model.schedule import Schedule
from ttgen.patterns import PATTERNS
from ttgen.planner import l1, precision, search
from ttgen.planner.candidate import Candidate, candidate
from ttgen.planner.formula import pattern_of
from ttgen.planner.precision import Exactness
from ttgen.planner.schedule import schedule_of
from ttgen.planner.stages import Stage, stages_of, stored_tensors
from ttgen.records import dataclass
from ttgen.source import located
from ttgen.spec import Block, LoadedSpec
from ttgen.spec import Schedule as ScheduleSpec
from ttgen.target import Target, load
from ttgen.tuning.space import opened

_AT_ONCE = 24
"""Schedules that a worker is sent at once: a twentieth of a second's work, so that sending them is little beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A stage of a spec, with its schedule left open.

    Attributes:
        limits: the largest block that its formula has.
    """

    loaded: LoadedSpec
    stage: Stage
    pattern: str
    limits: BlockSize
    exactness: Exactness
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A schedule, and what is predicted of it.

    Attributes:
        schedule: with nothing left open.
        device_cycles: on the device,
        device_us: and in microseconds.
        host_us: what a host sees of it.
        binding: the engine that it waits for.
        l1_bytes: of a core.
        dram_read_bytes: by all cores.
        subblock: tiles that DST holds at once.
    """

    schedule: ScheduleSpec
    device_cycles: float
    device_us: float
    host_us: float
    binding: str
    l1_bytes: int
    dram_read_bytes: int
    subblock: int

    @property
    def key(self) -> tuple[float, int, int]:
        """The fastest first; of those that are alike larger subblocks, then less L1."""
        return round(self.device_cycles, 3), -self.subblock, self.l1_bytes


@lru_cache(maxsize=4)
def subjects(raw: bytes, name: str) -> tuple[Subject, ...]:
    """The stages of a spec.

    Raises:
        SpecError: mistakes in the spec.
    """
    loaded = loads(raw, name=name)
    with located(loaded.source):
        target = load(loaded.spec.target)
        graph = graph_of(loaded)
        stages = stages_of(loaded, graph, device_of(loaded, graph))
        exactness = precision.decide(loaded, stored_tensors(stages), target)
        found = []
        for stage in stages:
            pattern = pattern_of(stage.graph, loaded.spec.formula_path)
            limits = PATTERNS[pattern].limits(stage.graph)
            found.append(
                Subject(
                    loaded=loaded,
                    stage=opened(stage),
                    pattern=pattern,
                    limits=limits,
                    exactness=exactness,
                    target=target,
                )
            )
    return tuple(found)


def trial_of(subject: Subject, made: Candidate) -> Trial:
    """What is predicted of a candidate."""
    prediction: Prediction = predict(made, subject.target)
    block = made.context.subblock
    return Trial(
        schedule=as_said(made.schedule),
        device_cycles=prediction.device_cycles,
        device_us=prediction.device_us,
        host_us=prediction.host_us,
        binding=prediction.binding,
        l1_bytes=l1.need(made.design.buffers, made.stage.tensors.values(), made.shards, subject.target).total,
        dram_read_bytes=prediction.dram_read_bytes,
        subblock=block.h * block.w,
    )


def tried(subject: Subject, choice: ScheduleSpec) -> Trial:
    """What is predicted of a schedule.

    Raises:
        SpecError: the stage can't have it, or it doesn't fit L1.
    """
    stage = replace(subject.stage, schedule=choice)
    schedule = schedule_of(stage, subject.limits)
    made = candidate(stage, subject.pattern, schedule, schedule.block.value, subject.exactness, subject.target)
    found = trial_of(subject, made)
    if found.l1_bytes > subject.target.l1.usable:
        raise refuse(f"L1: {found.l1_bytes:,} of {subject.target.l1.usable:,} bytes", *stage.path)
    return found


def likely(subject: Subject) -> tuple[ScheduleSpec, ...]:
    """What `auto` takes; nothing where it finds nothing."""
    try:
        found = search.best(subject.stage, subject.pattern, subject.limits, subject.exactness, subject.target)
    except SpecError:
        return ()
    return (as_said(found.schedule),)


def as_said(schedule: Schedule) -> ScheduleSpec:
    """A schedule as a spec says it."""
    block = schedule.block.value
    return ScheduleSpec(
        policy=schedule.policy.value,
        order=schedule.order.value,
        cores=schedule.cores.value,
        block=Block(m=block.m, n=block.n, k=block.k),
        multicast=schedule.multicast.value,
        prefetch=schedule.prefetch.value,
        split=schedule.split.value,
        buffers=schedule.buffers.value,
    )


def all_tried(
    raw: bytes, name: str, index: int, choices: Sequence[ScheduleSpec], executor: Executor | None
) -> Iterator[tuple[tuple[Trial, ...], int]]:
    """Tries schedules of a stage, many at a time, in whatever order they are done; trials, and how many were illegal.

    Args:
        raw: the spec's text,
        name: and its name.
        index: of the stage.
        choices: schedules.
        executor: where they are tried; None for here.
    """
    parts = [tuple(choices[begin : begin + _AT_ONCE]) for begin in range(0, len(choices), _AT_ONCE)]
    if executor is None:
        for part in parts:
            yield _try(raw, name, index, part)
        return
    futures = [executor.submit(_try, raw, name, index, part) for part in parts]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _try(raw: bytes, name: str, index: int, choices: Sequence[ScheduleSpec]) -> tuple[tuple[Trial, ...], int]:
    subject = subjects(raw, name)[index]
    found, illegal = [], 0
    for choice in choices:
        try:
            found.append(tried(subject, choice))
        except SpecError:
            illegal += 1
    return tuple(found), illegal
