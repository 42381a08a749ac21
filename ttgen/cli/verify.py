"""Runs the program of each spec in an emulator of the card, and compares its outputs with the formula's value.

The rendered files themselves are compiled, kernels and host program. Every core runs; protocol errors, hangs, undefined
data, wrong numbers and counters that differ from the plan's cost are reported with kernel, thread, core, file and line.
Where rounding may change outputs by more than their values spread, the exit status is 4: they can't be judged.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from ttgen.cli import specs, terminal
from ttgen.cli.main import NOT_JUDGED, OK, USER_ERROR
from ttgen.errors import ToolchainError, VerifyError, counted
from ttgen.model.plan import Plan
from ttgen.spec import LoadedSpec

if TYPE_CHECKING:
    from ttgen.verify.check import OutputCheck
    from ttgen.verify.run import Finding
    from ttgen.verify.verify import Verdict

_DETAILS = 12

EXAMPLES: Final = """\
  ttgen verify specs/tile.yaml
  ttgen verify --orders 20 --seed 1 specs/tile.yaml specs/row.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    parser.add_argument(
        "--seed", type=at_least(0), default=0, metavar="N", help="of the inputs and orders (default: 0)"
    )
    parser.add_argument(
        "--orders",
        type=at_least(1),
        default=2,
        metavar="N",
        help="orders in which cores and movements take turns (default: 2)",
    )
    parser.add_argument(
        "--exe",
        metavar="PATH",
        help="a build of the host program, for a card or a simulator: its outputs are compared, nothing is emulated",
    )
    parser.add_argument("--sanitize", action="store_true", help="compile with the address and undefined sanitizers")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--jobs",
        type=at_least(1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="at a time (default: all processors)",
    )
    parser.add_argument("--cxx", metavar="CMD", help="the C++ compiler (default: $CXX, c++, g++, clang++, or zig's)")


def at_least(least: int) -> Callable[[str], int]:
    """What reads an option that is a whole number."""

    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {least}")
        return int(text)

    return number


def run(options: argparse.Namespace) -> int:
    """Verifies specs."""
    check_packages()
    planned, wrong = specs.plan_all(options.specs)
    if options.exe and len(planned) + wrong > 1:
        raise VerifyError("--exe is the program of one spec: name one")
    verdicts = verify_all(planned, options)
    if options.json:
        print(json.dumps([as_json(verdict) for verdict in verdicts], indent=2, allow_nan=False))
    else:
        shown = [verdict for verdict in verdicts if not (options.quiet and verdict.passed and verdict.judged)]
        if shown or not options.quiet:
            print("\n".join(report(shown)))
        if not options.quiet:
            print(summary(verdicts))
    if wrong or not all(verdict.passed for verdict in verdicts):
        return USER_ERROR
    return OK if all(verdict.judged for verdict in verdicts) else NOT_JUDGED


def check_packages(command: str = "verify", extra: str = "verify") -> None:
    """Refuses to begin a command without what comparing needs, and names the extra that has it.

    Raises:
        ToolchainError: a package is missing.
    """
    for package in ("numpy", "ml_dtypes"):
        if find_spec(package) is None:
            raise ToolchainError(f"{command} needs the Python package {package}: pip install 'ttgen[{extra}]'")


def verify_all(planned: list[tuple[LoadedSpec, Plan]], options: argparse.Namespace) -> list[Verdict]:
    """Verifies planned specs; with the command's options but for `specs` and `json`."""
    from ttgen.verify.pruning import prune
    from ttgen.verify.run import execute
    from ttgen.verify.toolchain import Builder, cache_folder, find_compiler
    from ttgen.verify.verify import verify, verify_elsewhere

    if options.exe:
        return [
            verify_elsewhere(loaded, plan, partial(execute, plan, options.exe), seed=options.seed)
            for loaded, plan in planned
        ]
    compiler = find_compiler(options.cxx, sanitize=options.sanitize)
    at_once = max(1, min(options.jobs, len(planned)))
    folder = TemporaryDirectory() if options.no_cache else nullcontext(cache_folder())
    with folder as cache, ThreadPoolExecutor(at_once) as pool:
        builder = Builder(compiler, Path(cache), options.jobs)

        def one(item: tuple[LoadedSpec, Plan]) -> Verdict:
            jobs = max(1, options.jobs // at_once)
            return verify(*item, builder, seed=options.seed, orders=options.orders, jobs=jobs)

        futures = [pool.submit(one, item) for item in planned]
        try:
            for _done in _progress(futures, quiet=options.quiet):
                pass
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
            builder.close()
            prune(builder.cache)


def _progress(futures: list[Future[Verdict]], *, quiet: bool) -> Iterator[Future[Verdict]]:
    """The futures as they end; with a bar where rich is installed and someone looks, with a line each otherwise."""
    if quiet or len(futures) < 2:
        yield from as_completed(futures)
        return
    if sys.stderr.isatty() and find_spec("rich"):
        from rich.console import Console
        from rich.progress import track

        console = Console(stderr=True)
        yield from track(
            as_completed(futures), total=len(futures), description="verifying", console=console, transient=True
        )
        return
    for number, future in enumerate(as_completed(futures), 1):
        verdict = future.result()
        print(f"{number}/{len(futures)} {verdict.kernel}: {_state(verdict)}, {verdict.seconds:.1f} s", file=sys.stderr)
        yield future


def _state(verdict: Verdict) -> str:
    if not verdict.passed:
        return "WRONG"
    return "verified" if verdict.judged else "not judged"


def as_json(verdict: Verdict) -> dict[str, object]:
    """All that is known; numbers that aren't finite are null."""
    outputs = [{"passed": output.passed, **asdict(output)} for output in verdict.outputs]
    finite = [
        {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in output.items()}
        for output in outputs
    ]
    return {"passed": verdict.passed, **asdict(verdict), "outputs": finite}


def report(verdicts: list[Verdict]) -> Iterator[str]:
    """A table of what was compared, and all that was found."""
    rows = [("spec", "output", "error", "allowed", "PCC", "worst element", "counters")]
    for verdict in verdicts:
        counters = "as planned" if verdict.counters else "-"
        if any(finding.name == "counters" for finding in verdict.findings):
            counters = "DIFFER"
        rows += [(verdict.kernel, *_row(output), counters) for output in verdict.outputs]
        if not verdict.outputs:
            rows.append((verdict.kernel, "-", "-", "-", "-", "-", counters))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    yield from terminal.fitted(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    for verdict in verdicts:
        for finding in verdict.findings:
            yield ""
            yield from describe(verdict.kernel, finding, terminal.marker(sys.stdout))
        for note in verdict.notes:
            yield f"{verdict.kernel}: note: {note}"


def summary(verdicts: list[Verdict]) -> str:
    """How many are verified, on one line."""
    states = [_state(verdict) for verdict in verdicts]
    runs = counted(sum(verdict.runs for verdict in verdicts), "run")
    doubt = f", {states.count('not judged')} not judged" if "not judged" in states else ""
    return f"{states.count('verified')} of {counted(len(verdicts), 'spec')} verified{doubt}, {runs}"


def _row(output: OutputCheck) -> tuple[str, str, str, str, str]:
    where = f"{list(output.index)} tile {output.page}"
    if output.core is not None:
        where += f" core ({output.core[0]}, {output.core[1]})"
    allowed = f"{output.allowed:.2e}" + (" !" if not output.passed else "" if output.judged else " not judged")
    name = f"{output.tensor} of stage {output.stage}" if output.stage else output.tensor
    return name, f"{output.error:.2e}", allowed, f"{output.pcc:.6f}", where


def describe(kernel: str, finding: Finding, mark: Callable[[str], str] = str) -> Iterator[str]:
    """A finding as people read it: where, its name, what happened, and the details."""
    place = f"{kernel}/{finding.file}:{finding.line}" if finding.line else kernel
    core = f"on core ({finding.core[0]}, {finding.core[1]})" if finding.core is not None else ""
    run = f"with {finding.inputs} inputs, in order {finding.order}" if finding.inputs else ""
    yield f"{place}: {mark('error:')} {finding.name}: {finding.message}"
    if where := ", ".join(part for part in (f"{finding.thread} {core}".strip(), run) if part):
        yield f"    {where}"
    for line in finding.details[:_DETAILS]:
        yield f"    {line}"
