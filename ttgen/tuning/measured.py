"""Times that were measured of schedules, from a CSV that is checked against the spec, and the model's error on them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from statistics import mean, median
from typing import Any, Final, get_args

from ttgen.errors import OutputError, Problem, SpecError, listing, printable, suggest
from ttgen.records import dataclass
from ttgen.source import Source, located
from ttgen.spec import Block, BlockLinear, CoreGrid, LoadedSpec, PolicyName, Schedule, Shared
from ttgen.tuning.trials import Subject, Trial, tried

WHAT: Final = ("kernel", "stage", "work")
CHOICES: Final = (
    "policy", "order", "cores", "block_m", "block_n", "block_k", "multicast", "prefetch", "split", "buffers",
)  # fmt: skip
TIMES: Final = ("device_us_min", "device_us_median", "device_us_max", "runs")
COLUMNS: Final = (*WHAT, *CHOICES, *TIMES)
"""Of a file of measured times, in any order; others may stand beside them."""
_MOST: Final = 10_000_000
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A schedule that ran on a card: microseconds from the first kernel's begin to the last one's end.

    Attributes:
        trial: the schedule, and what the model says of it.
        least: of all runs,
        median: of them,
        most: and the longest.
        runs: how many there were.
    """

    trial: Trial
    least: float
    median: float
    most: float
    runs: int

    @property
    def error(self) -> float:
        """How far off the model is, as a part of the measured time."""
        return self.trial.device_us / self.median - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelError:
    """How far off the model is on measured schedules.

    Attributes:
        schedules: how many.
        mean: of the errors' sizes, as a part of the measured time.
        worst: the error that is furthest from 0.
        pick: how much longer the schedule takes that the model finds fastest than the one that is.
    """

    schedules: int
    mean: float
    worst: float
    pick: float


def work_of(loaded: LoadedSpec) -> str:
    """Twelve digits that stand for what a spec computes, where its tensors lie, how exactly, and on which card.

    Specs that differ in their kernel's name or their schedule only have the same ones.
    """
    spec = loaded.spec
    said = {
        "target": spec.target,
        "tensors": {
            name: [loaded.shapes[name], item.dtype, _plain(item.layout)] for name, item in spec.tensors.items()
        },
        "compute": [formula.strip() for formula in spec.formulas],
        "precision": asdict(spec.precision),
        "stages": {name: [item.dtype, _plain(item.layout)] for name, item in sorted(spec.stages.items())},
    }
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]


def _plain(layout: Any) -> Any:
    return layout if isinstance(layout, str) else asdict(layout)


def read_measured(path: Path, subjects: Sequence[Subject]) -> tuple[tuple[Measured, ...], ...]:
    """The schedules of each stage that a file has times of, the fastest first; of one that is there twice, the last.

    Raises:
        OutputError: the file can't be read.
        SpecError: it is no such file, or of another spec; with each place.
    """
    try:
        raw = path.read_bytes()[: _MOST + 1]
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None
    name = printable(str(path))
    with located(Source(name, "", None, {})):
        if len(raw) > _MOST:
            raise SpecError([Problem(message=f"the file is larger than {_MOST:,} bytes: those are no measured times")])
        try:
            text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise SpecError([Problem(message=f"the file is not UTF-8 text (byte {error.start})")]) from None
    with located(Source(name, text, None, {})):
        return _Reader(text, subjects).all()


def model_error(rows: Sequence[Measured]) -> ModelError:
    """How far off the model is on measured schedules, of which there is one at least."""
    fastest, picked = min(row.median for row in rows), min(rows, key=lambda row: row.trial.key)
    return ModelError(
        schedules=len(rows),
        mean=mean(abs(row.error) for row in rows),
        worst=max((row.error for row in rows), key=abs),
        pick=picked.median / fastest - 1,
    )


class _Wrong(Exception):  # noqa: N818 - a cell, not a mistake of ours
    """What is wrong with a cell, by its column."""

    def __init__(self, column: str, message: str) -> None:
        self.column = column
        super().__init__(message)


class _Reader:
    """Reads a text, and keeps all that is wrong with it."""

    def __init__(self, text: str, subjects: Sequence[Subject]) -> None:
        self._lines = text.split("\n")
        self._subjects = {subject.stage.name: subject for subject in subjects}
        self._loaded = subjects[0].loaded
        self._columns: list[str] = []
        self._problems: list[Problem] = []

    def all(self) -> tuple[tuple[Measured, ...], ...]:
        """The rows of each stage.

        Raises:
            SpecError: all problems, or the first of very many.
        """
        found: dict[str, dict[Schedule, Measured]] = {name: {} for name in self._subjects}
        others: set[str] = set()
        kernel, work = self._loaded.spec.kernel, work_of(self._loaded)
        for line, row in self._rows():
            if row["kernel"] != kernel:
                others.add(row["kernel"])
                continue
            try:
                self._check_work(row["work"], work)
                measured = self._measured(row)
            except _Wrong as wrong:
                self._problem(line, wrong.column, str(wrong))
                continue
            found[row["stage"]][measured.trial.schedule] = measured
        if not self._problems and not all(found.values()):
            missing = next(name for name, rows in found.items() if not rows)
            of = f"stage '{missing}' of " if len(found) > 1 and any(found.values()) else ""
            has = f": it has times of {listing(sorted(others))}" if others else ""
            self._problem(0, "kernel", f"no measured time of {of}kernel '{kernel}'{has}")
        if self._problems:
            raise SpecError(self._problems[:_SHOWN])
        return tuple(
            tuple(sorted(rows.values(), key=lambda row: (row.median, row.trial.key))) for rows in found.values()
        )

    def _check_work(self, given: str, own: str) -> None:
        if given != own:
            text = f"measured of another spec than this: work is '{given}', and this one's is {own}"
            raise _Wrong("work", f"{text}; measure this one, or tune the one that was measured")

    def _measured(self, row: Mapping[str, str]) -> Measured:
        """What a row says."""
        subject = self._subjects.get(row["stage"])
        if subject is None:
            raise _Wrong("stage", f"no stage '{row['stage']}': there is {listing(self._subjects)}")
        schedule, (least, median, most), runs = _schedule(row), _times(row), _number(row, "runs")
        try:
            trial = tried(subject, schedule)
        except SpecError as error:
            raise _Wrong("policy", f"this spec can't have the schedule: {error}") from None
        return Measured(trial=trial, least=least, median=median, most=most, runs=runs)

    def _rows(self) -> Iterator[tuple[int, Mapping[str, str]]]:
        """The line and the cells of each row."""
        reader = csv.reader(self._lines, strict=True)
        before = 0
        try:
            for cells in reader:
                line, before = before, reader.line_num
                cells = [cell.strip() for cell in cells]
                if not any(cells):
                    continue
                if not self._columns:
                    self._columns = cells
                    self._check_columns(line)
                    if self._problems:
                        return
                elif len(cells) != len(self._columns):
                    self._problem(line, "", f"{len(cells)} cells; the columns are {len(self._columns)}")
                else:
                    yield line, dict(zip(self._columns, cells, strict=True))
        except csv.Error as error:
            self._problem(before, "", f"not CSV: {error}")
        if not self._columns and not self._problems:
            self._problem(0, "", f"the file is empty: measured times have the columns {', '.join(COLUMNS)}")

    def _check_columns(self, line: int) -> None:
        for name in COLUMNS:
            if name not in self._columns:
                near = suggest(name, [column for column in self._columns if column not in COLUMNS])
                near = near or f"; measured times have the columns {', '.join(COLUMNS)}"
                self._problem(line, "", f"no column '{name}'{near.replace('did you mean', 'is it')}")
                return

    def _problem(self, line: int, column: str, message: str) -> None:
        text = self._lines[line] if line < len(self._lines) else ""
        index = self._columns.index(column) if column in self._columns else 0
        cells = text.split(",")
        # A quoted cell may hold commas: then the line is all that is pointed at.
        at = len(",".join([*cells[:index], ""])) if index and '"' not in text else 0
        self._problems.append(Problem(message=message, position=(line, at)))


def _schedule(row: Mapping[str, str]) -> Schedule:
    """The schedule of a row."""
    return Schedule(
        policy=_word(row, "policy", get_args(PolicyName)),
        order=_order(row["order"]),
        cores=_cores(row["cores"]),
        block=Block(m=_number(row, "block_m"), n=_number(row, "block_n"), k=_number(row, "block_k")),
        multicast=_word(row, "multicast", get_args(Shared)),
        prefetch=_word(row, "prefetch", ("true", "false")) == "true",
        split=_number(row, "split"),
        buffers=_number(row, "buffers"),
    )


def _times(row: Mapping[str, str]) -> tuple[float, float, float]:
    """Least, median and most."""
    least, median, most = (_time(row, name) for name in TIMES[:3])
    if not least <= median <= most:
        raise _Wrong(TIMES[1], f"the median {median:g} is not between the least {least:g} and the most {most:g}")
    return least, median, most


def _time(row: Mapping[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = -1.0
    if not isfinite(value) or value <= 0:
        raise _Wrong(column, f"'{row[column]}' is no time in microseconds")
    return value


def _number(row: Mapping[str, str], column: str) -> int:
    text = row[column]
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise _Wrong(column, f"'{text}' is not a whole number of at least 1")
    return int(text)


def _word(row: Mapping[str, str], column: str, known: Sequence[str]) -> Any:
    if row[column] not in known:
        raise _Wrong(column, f"unknown {column} '{row[column]}'{suggest(row[column], known)} (known: {listing(known)})")
    return row[column]


def _order(text: str) -> Any:
    """`row_major`, `column_major`, `zigzag`, or `block_linear:4`."""
    kind, _colon, width = text.partition(":")
    if kind == "block_linear":
        return BlockLinear(block_linear=_number({"order": width}, "order"))
    return _word({"order": text}, "order", ("row_major", "column_major", "zigzag"))


def _cores(text: str) -> int | CoreGrid | None:
    """`4x8` (rows and columns), `20`, or nothing for all."""
    if not text:
        return None
    sides = [_number({"cores": side}, "cores") for side in text.split("x")]
    if len(sides) > 2:
        raise _Wrong("cores", f"'{text}' is no grid of cores: write rows and columns, 4x8")
    return sides[0] if len(sides) == 1 else CoreGrid(rows=sides[0], cols=sides[1])


def cells(schedule: Schedule) -> Mapping[str, str]:
    """A schedule as a file of measured times has it, by column."""
    block, order, cores = schedule.block, schedule.order, schedule.cores
    assert isinstance(block, Block), "nothing is left open"
    return {
        "policy": str(schedule.policy),
        "order": f"block_linear:{order.block_linear}" if isinstance(order, BlockLinear) else str(order),
        "cores": f"{cores.rows}x{cores.cols}" if isinstance(cores, CoreGrid) else "" if cores is None else str(cores),
        "block_m": str(block.m),
        "block_n": str(block.n),
        "block_k": str(block.k),
        "multicast": str(schedule.multicast),
        "prefetch": "true" if schedule.prefetch else "false",
        "split": str(schedule.split),
        "buffers": str(schedule.buffers),
    }


def row(loaded: LoadedSpec, stage: str, schedule: Schedule, microseconds: Sequence[float]) -> Mapping[str, str]:
    """A line of a file of measured times, by column."""
    times = min(microseconds), median(microseconds), max(microseconds)
    return {
        "kernel": loaded.spec.kernel,
        "stage": stage,
        "work": work_of(loaded),
        **cells(schedule),
        **{name: f"{time:.3f}" for name, time in zip(TIMES, times, strict=False)},
        "runs": str(len(microseconds)),
    }


def with_rows(text: str | None, rows: Sequence[Mapping[str, str]]) -> str | None:
    """The text of a file with lines added, or of a new one; none where a file is there that is none of these."""
    head = ",".join(COLUMNS)
    lines = text.splitlines() if text else [head]
    if lines[0] != head:
        return None
    return "\n".join([*lines, *(",".join(row[name] for name in COLUMNS) for row in rows)]) + "\n"
