"""Tries schedules of a spec by the thousand, and shows which are fast and which take little L1.

What the spec's schedule leaves to `auto` is tuned; where it leaves nothing, all but its cores and order is. Times are
predicted (docs/cost.md), or measured on a card (--measured, docs/tuning.md has the columns). --write puts the first
schedule into the spec, whose comments and formatting stay; its plan is proven before, and --verify runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Final

from ttgen.cli import specs, terminal, verify
from ttgen.cli.main import NOT_JUDGED, OK, USER_ERROR
from ttgen.errors import OutputError, counted, printable
from ttgen.output import Change, read, rewrite, write
from ttgen.spec_file import read_bytes
from ttgen.tuning.edit import as_file, flow
from ttgen.tuning.measured import cells, model_error, read_measured, work_of
from ttgen.tuning.plot import SVG_MARK, Point, characters, svg
from ttgen.tuning.ranking import Entry, Ranking, Variant, by_measurement, proven, ranked
from ttgen.tuning.trials import Trial, subjects
from ttgen.tuning.workers import workers

if TYPE_CHECKING:
    from ttgen.verify.verify import Verdict

_TOP: Final = 10
_LIMIT: Final = 2000
_PLOT_LINES: Final = 16

EXAMPLES: Final = """\
  ttgen tune specs/gemm.yaml --limit 200 --top 5
  ttgen tune specs/linear_relu.yaml --limit 50 --jobs 1 --svg linear_relu.svg
  ttgen tune specs/tile.yaml --limit 20 --jobs 1 --verify 1 --write
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    number = verify.at_least(1)
    parser.add_argument("spec", metavar="SPEC", help="a spec file")
    parser.add_argument(
        "--limit", type=number, default=_LIMIT, metavar="N", help=f"schedules to try of each stage (default: {_LIMIT})"
    )
    parser.add_argument(
        "--top", type=number, metavar="N", help=f"how many to show (default: {_TOP}; all of them with --json)"
    )
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw time against L1; a file for each of many stages")
    parser.add_argument("--write", action="store_true", help="put the first schedule into the spec")
    parser.add_argument(
        "--verify", type=number, metavar="N", help="run the first N in the emulator, as ttgen verify does"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--measured", type=Path, metavar="FILE", help="rank the schedules of a CSV by their measured times"
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="try them on the Dask cluster there (ttgen[dask])")
    parser.add_argument(
        "--jobs", type=number, default=os.cpu_count() or 1, metavar="N", help="processes (default: all processors)"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--no-cache", action="store_true", help="--verify: compile everything anew, and keep nothing of it"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what is wrong")


def run(options: argparse.Namespace) -> int:
    """Tunes a spec."""
    path = Path(options.spec)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; tune takes one spec")
    raw = read_bytes(path)
    stages = subjects(raw, str(path))
    if options.verify:
        specs.require_numpy("tune --verify")
    if options.svg is not None:
        _check_svg(_pictures(options.svg, [subject.stage.name for subject in stages]))
    if options.measured is not None:
        found = by_measurement(stages, read_measured(options.measured, stages))
    else:

        def progress(
            parts: Iterator[tuple[tuple[Trial, ...], int]], total: int, stage: str
        ) -> Iterable[tuple[tuple[Trial, ...], int]]:
            return _progress(parts, total, stage, quiet=options.quiet)

        with workers(options.jobs, options.scheduler) as executor:
            found = ranked(raw, stages, options.limit, executor, progress)
    rankings, variants = proven(found, options.verify or 1)
    if not (options.json or options.quiet):
        print("\n".join(_described(rankings, options.top or _TOP)), flush=True)
    if options.svg is not None:
        _draw(options.svg, rankings, quiet=options.quiet or options.json)
    verdicts = _verified(variants, options) if options.verify else []
    right = all(verdict.passed for verdict in verdicts)
    is_new = variants[0].text != stages[0].loaded.source.text
    wrote = options.write and is_new and (not verdicts or verdicts[0].passed)
    if wrote:
        _write(path, raw, variants[0], rankings)
    if options.json and not options.quiet:
        print(json.dumps(_as_json(rankings, options, verdicts, wrote=wrote), indent=2))
    elif not options.quiet and options.write:
        why = "not written: the first schedule is not right" if is_new else "has the first schedule already"
        print(f"{printable(str(path))}: {'written' if wrote else why}")
    if not right:
        return USER_ERROR
    return OK if all(verdict.judged for verdict in verdicts) else NOT_JUDGED


def _progress(
    parts: Iterator[tuple[tuple[Trial, ...], int]], total: int, stage: str, *, quiet: bool
) -> Iterator[tuple[tuple[Trial, ...], int]]:
    """The parts as they are done; with a bar where rich is installed and someone looks, otherwise with a few lines."""
    if quiet:
        yield from parts
        return
    if sys.stderr.isatty() and find_spec("rich"):
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"schedules of {stage}", total=total)
            for trials, illegal in parts:
                bar.advance(task, len(trials) + illegal)
                yield trials, illegal
        return
    done, said = 0, 0
    for trials, illegal in parts:
        done += len(trials) + illegal
        if done * 10 // total > said:
            said = done * 10 // total
            print(f"{stage}: {done} of {counted(total, 'schedule')}", file=sys.stderr)
        yield trials, illegal


def _described(rankings: Sequence[Ranking], top: int) -> Iterator[str]:
    """Tables and plots of all stages, and what comes of them together."""
    for ranking in rankings:
        stage = ranking.subject.stage
        spec = ranking.subject.loaded.spec
        tried = len(ranking.entries) + ranking.illegal
        of = f" of {ranking.number:,}" if ranking.number > tried else ""
        measured = ranking.entries[0].measured is not None
        what = f"{counted(tried, 'schedule')} {'measured' if measured else 'tried'}{of}"
        illegal = f", {ranking.illegal:,} of them not possible" if ranking.illegal else ""
        yield f"{spec.kernel if stage.alone else f'{spec.kernel}, {stage.name}'} on {spec.target}: {what}{illegal}"
        yield ""
        yield from terminal.fitted(_table(ranking, top))
        yield ""
        if measured:
            yield from _model_error(ranking)
        else:
            plain = not _prints("·")
            yield from characters(_points(ranking), get_terminal_size().columns, _PLOT_LINES, plain=plain)
        yield ""
    now = sum(ranking.now.device_us for ranking in rankings)
    best = sum(ranking.entries[0].trial.device_us for ranking in rankings)
    yield f"predicted: {now:.2f} us as the spec is, {best:.2f} us with the first ({now / best:.2f} times as fast)"


def _prints(character: str) -> bool:
    try:
        character.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _table(ranking: Ranking, top: int) -> Iterator[str]:
    measured = ranking.entries[0].measured is not None
    head = ("measured us", "min to max", "model") if measured else ()
    rows = [("", *head, "device us", "host us", "waits for", "L1 KiB", "DRAM KiB", "schedule")]
    rows.append(("now", *("" for _column in head), *_predicted(ranking.now)))
    for number, entry in enumerate(ranking.entries[:top], 1):
        found = entry.measured
        times = (
            (f"{found.median:.2f}", f"{found.least:.2f} to {found.most:.2f}", f"{found.error:+.1%}") if found else ()
        )
        rows.append((f"{number}{' o' if entry.on_front else ''}", *times, *_predicted(entry.trial)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        *numbers, schedule = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join((row[0].ljust(widths[0]), *numbers[1:], schedule.strip())).rstrip()


def _predicted(trial: Trial) -> tuple[str, ...]:
    return (
        f"{trial.device_us:.2f}",
        f"{trial.host_us:.2f}",
        trial.binding,
        f"{trial.l1_bytes / 1024:.0f}",
        f"{trial.dram_read_bytes / 1024:,.0f}",
        flow(trial.schedule),
    )


def _model_error(ranking: Ranking) -> Iterator[str]:
    found = model_error([entry.measured for entry in ranking.entries if entry.measured is not None])
    text = (
        f"model: {found.mean:.1%} off on average of {counted(found.schedules, 'schedule')}, {found.worst:+.1%} at worst"
    )
    yield f"{text}; the one that it finds fastest takes {found.pick:.1%} longer than the one that is"


def _points(ranking: Ranking) -> list[Point]:
    best = ranking.entries[0]
    points = [
        Point(
            us=entry.us,
            kib=entry.trial.l1_bytes / 1024,
            mark="best" if entry is best else "front" if entry.on_front else "other",
            words=flow(entry.trial.schedule),
        )
        for entry in ranking.entries
    ]
    if best.measured is None:
        now = ranking.now
        points.append(Point(us=now.device_us, kib=now.l1_bytes / 1024, mark="now", words=flow(now.schedule)))
    return points


def _pictures(path: Path, stages: Sequence[str]) -> list[Path]:
    """The file of each stage."""
    return [path] if len(stages) == 1 else [path.with_stem(f"{path.stem}_{stage}") for stage in stages]


def _check_svg(paths: Sequence[Path]) -> None:
    for path in paths:
        before = read(path)
        if before is not None and SVG_MARK not in before[:400]:
            raise OutputError(f"{path}: exists, and ttgen didn't draw it; move it away, or choose another name")


def _draw(path: Path, rankings: Sequence[Ranking], *, quiet: bool) -> None:
    names = [ranking.subject.stage.name for ranking in rankings]
    for picture, ranking, name in zip(_pictures(path, names), rankings, names, strict=True):
        spec = ranking.subject.loaded.spec
        title = spec.kernel if len(rankings) == 1 else f"{spec.kernel}, {name}"
        text = svg(_points(ranking), f"{title} on {spec.target}: {len(ranking.entries):,} schedules")
        write(picture.parent, [Change(path=picture.name, before=read(picture), after=text)])
        if not quiet:
            print(f"{printable(str(picture))}: written")


def _verified(variants: Sequence[Variant], options: argparse.Namespace) -> list[Verdict]:
    """Runs variants of the spec, and says what came of each."""
    from dataclasses import replace

    asked = argparse.Namespace(
        exe=None, cxx=None, sanitize=False, seed=0, orders=2, jobs=options.jobs, no_cache=options.no_cache,
        quiet=options.quiet,
    )  # fmt: skip
    found = verify.verify_all([(variant.loaded, variant.plan) for variant in variants], asked)
    verdicts = [replace(verdict, kernel=f"{verdict.kernel} #{number}") for number, verdict in enumerate(found, 1)]
    shown = [verdict for verdict in verdicts if not (options.quiet and verdict.passed and verdict.judged)]
    if shown and not options.json:
        print("\n".join(verify.report(shown)))
    if not (options.quiet or options.json):
        print(verify.summary(verdicts))
    return verdicts


def _write(path: Path, raw: bytes, variant: Variant, rankings: Sequence[Ranking]) -> None:
    """Puts the first schedules into the file, whole or not at all; says what they are where it can't."""
    try:
        rewrite(path, raw, as_file(raw, variant.text))
    except OutputError as error:
        said = "; ".join(
            f"{'.'.join(map(str, item.path))}: {flow(item.entries[0].trial.schedule)}" for item in rankings
        )
        raise OutputError(f"{error}; the schedule is {said}") from None


def _as_json(
    rankings: Sequence[Ranking], options: argparse.Namespace, verdicts: Sequence[Verdict], *, wrote: bool
) -> dict[str, object]:
    """Everything; the schedules of each stage have the columns of a file of measured times."""
    loaded = rankings[0].subject.loaded
    what = {"kernel": loaded.spec.kernel, "work": work_of(loaded)}

    def entry(number: int, found: Entry) -> dict[str, object]:
        measured = found.measured
        times: dict[str, object] = {}
        if measured is not None:
            times = {
                "device_us_min": measured.least,
                "device_us_median": measured.median,
                "device_us_max": measured.most,
                "runs": measured.runs,
                "error": round(measured.error, 4),
            }
        return {"rank": number, "on_front": found.on_front, **_trial_json(found.trial), **times}

    def stage(ranking: Ranking) -> dict[str, object]:
        rows = [item.measured for item in ranking.entries if item.measured is not None]
        error = model_error(rows) if rows else None
        return {
            "stage": ranking.subject.stage.name,
            "schedules": ranking.number or len(ranking.entries),
            "not_possible": ranking.illegal,
            "now": _trial_json(ranking.now),
            "model_error": {name: getattr(error, name) for name in ("mean", "worst", "pick")} if error else None,
            "candidates": [entry(*item) for item in enumerate(ranking.entries[: options.top], 1)],
        }

    return {
        "spec": loaded.file_name,
        **what,
        "target": loaded.spec.target,
        "stages": [stage(ranking) for ranking in rankings],
        "verified": [verify.as_json(verdict) for verdict in verdicts],
        "written": wrote,
    }


def _trial_json(trial: Trial) -> dict[str, object]:
    return {
        **cells(trial.schedule),
        "schedule": flow(trial.schedule),
        "device_us": round(trial.device_us, 3),
        "host_us": round(trial.host_us, 3),
        "device_cycles": round(trial.device_cycles),
        "binding": trial.binding,
        "l1_bytes": trial.l1_bytes,
        "dram_read_bytes": trial.dram_read_bytes,
    }
