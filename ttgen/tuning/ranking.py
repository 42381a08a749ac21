"""The schedules of each stage in the order in which they are worth having, and the specs that say them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import count

from ttgen.errors import Path, SpecError
from ttgen.loading import loads
from ttgen.model.plan import Plan
from ttgen.planner.resolve import candidates, resolve
from ttgen.records import dataclass
from ttgen.source import located
from ttgen.spec import LoadedSpec, Schedule
from ttgen.tuning.edit import edited
from ttgen.tuning.measured import Measured
from ttgen.tuning.space import promising
from ttgen.tuning.trials import Subject, Trial, all_tried, likely, trial_of

Progress = Callable[[Iterator[tuple[tuple[Trial, ...], int]], int, str], Iterable[tuple[tuple[Trial, ...], int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A schedule of a stage.

    Attributes:
        trial: it, and what is predicted of it.
        measured: how long it took on a card, if that is known.
        on_front: whether none takes less time and less L1.
    """

    trial: Trial
    measured: Measured | None
    on_front: bool

    @property
    def us(self) -> float:
        """What it is ranked by: microseconds on the device, measured or else predicted."""
        return self.trial.device_us if self.measured is None else self.measured.median


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The schedules of a stage, the best first.

    Attributes:
        subject: the stage.
        now: what the spec has.
        number: of schedules that there are; 0 where only measured ones are looked at.
        illegal: those of them that were tried, and that the stage can't have.
    """

    subject: Subject
    now: Trial
    entries: tuple[Entry, ...]
    number: int
    illegal: int

    @property
    def path(self) -> Path:
        """Where the document says the stage's schedule."""
        stage = self.subject.stage
        return (
            ("schedule",)
            if stage.alone
            else ("stages", stage.name, "schedule")
            if stage.shares_schedule
            else stage.path
        )

    def without(self, trial: Trial) -> Ranking:
        """The ranking without a schedule that turned out to be illegal."""
        kept = tuple(entry for entry in self.entries if entry.trial != trial)
        return replace(self, entries=kept, illegal=self.illegal + len(self.entries) - len(kept))


def current(subjects: Sequence[Subject]) -> tuple[Trial, ...]:
    """What the spec's own schedule takes, or what `auto` finds for it.

    Raises:
        SpecError: the spec can't be served.
    """
    made = candidates(subjects[0].loaded)
    return tuple(trial_of(subject, program) for subject, program in zip(subjects, made, strict=True))


def ranked(
    raw: bytes, subjects: Sequence[Subject], limit: int, executor: Executor | None, progress: Progress
) -> list[Ranking]:
    """Ranks the schedules of each stage by what is predicted of them.

    Args:
        raw: the spec's text.
        subjects: its stages.
        limit: of schedules that are tried of each.
        executor: where; None for this process.
        progress: passes on what is done, and shows it; it is told how many parts there are, and of what.

    Raises:
        SpecError: a stage that can have none; or the spec can't be served.
    """
    found = []
    for index, (subject, now) in enumerate(zip(subjects, current(subjects), strict=True)):
        first = (now.schedule, *likely(subject))
        space = promising(subject.stage, subject.limits, subject.exactness, subject.target, limit=limit)
        choices = tuple(dict.fromkeys((*first, *space.chosen)))[:limit]
        place = {choice: number for number, choice in enumerate(choices)}
        trials: dict[Schedule, Trial] = {}
        illegal = 0
        parts = all_tried(raw, subject.loaded.source.name, index, choices, executor)
        for done, refused in progress(parts, len(choices), subject.stage.name):
            trials |= {trial.schedule: trial for trial in done}
            illegal += refused
        ordered = sorted(trials.values(), key=lambda trial: (*trial.key, place.get(trial.schedule, limit)))
        found.append(Ranking(subject=subject, now=now, entries=_entries(ordered), number=space.number, illegal=illegal))
    return found


def by_measurement(subjects: Sequence[Subject], rows: Sequence[Sequence[Measured]]) -> list[Ranking]:
    """Ranks the schedules of each stage by what was measured of them.

    Raises:
        SpecError: the spec can't be served.
    """
    return [
        Ranking(subject=subject, now=now, entries=_entries([row.trial for row in own], own), number=0, illegal=0)
        for subject, now, own in zip(subjects, current(subjects), rows, strict=True)
    ]


def _entries(trials: Sequence[Trial], measured: Sequence[Measured] = ()) -> tuple[Entry, ...]:
    """Ranked schedules, and which of them are the front of time and L1."""
    rows: Sequence[Measured | None] = measured or [None] * len(trials)
    times = [trial.device_us if row is None else row.median for trial, row in zip(trials, rows, strict=True)]
    least: int | None = None
    found = []
    for _us, number in sorted(zip(times, count(), strict=False), key=lambda item: (item[0], trials[item[1]].l1_bytes)):
        if least is None or trials[number].l1_bytes < least:
            least = trials[number].l1_bytes
            found.append(number)
    return tuple(
        Entry(trial=trial, measured=row, on_front=number in found)
        for number, (trial, row) in enumerate(zip(trials, rows, strict=True))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The spec with other schedules, planned and proven.

    Attributes:
        text: of the spec.
    """

    text: str
    loaded: LoadedSpec
    plan: Plan


def proven(rankings: Sequence[Ranking], number: int) -> tuple[list[Ranking], list[Variant]]:
    """The best variants of a spec: the first has the best schedule of each stage, the next one the second ones.

    Whatever the budgets or the proofs of a whole plan refuse leaves the ranking.

    Raises:
        SpecError: none is left of a stage; with what was wrong with its last one.
    """
    rankings = list(rankings)
    variants: list[Variant] = []
    while len(variants) < number and any(len(ranking.entries) > len(variants) for ranking in rankings):
        at = len(variants)
        chosen = [ranking.entries[min(at, len(ranking.entries) - 1)].trial for ranking in rankings]
        try:
            variants.append(_variant(rankings, chosen))
        except SpecError as error:
            rankings = [ranking.without(trial) for ranking, trial in zip(rankings, chosen, strict=True)]
            if not all(ranking.entries for ranking in rankings):
                raise error from None
    return rankings, variants


def _variant(rankings: Sequence[Ranking], chosen: Sequence[Trial]) -> Variant:
    source = rankings[0].subject.loaded.source
    with located(source):
        text = edited(source, {item.path: trial.schedule for item, trial in zip(rankings, chosen, strict=True)})
    loaded = loads(text, name=source.name)
    return Variant(text=text, loaded=loaded, plan=resolve(loaded))
