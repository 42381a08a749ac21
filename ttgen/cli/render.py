"""Writes OUT/<kernel>/ for each spec: kernels, host program, CMakeLists.txt and tt.plan.json.

All specs are planned and proven before anything is written. Files that an earlier rendering made and this one
doesn't are removed: of the same kernel, of a spec whose kernel has another name now, and of a spec that is gone from
a folder of specs that is rendered (OUT/ttgen.json says which spec each kernel comes from). So are temporary files
(.NAME.PROCESS.ttgen) of runs that were killed; a file that ttgen didn't write is never touched.

Where `validate` has found that `schedule: auto` would be more than 1.3 times faster, the line says so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ttgen.cli import formats, specs
from ttgen.cli.main import DIFFERS, OK, USER_ERROR
from ttgen.errors import counted, printable
from ttgen.origins import Digests, Known, Made, Reason, files_digest, origins, reasons, spec_digest
from ttgen.output import Change, compare, differences, write
from ttgen.results import open_results

EXAMPLES: Final = """\
  ttgen render specs/gemm.yaml        # writes rendered/gemm/
  ttgen render specs -q -o kernels    # all specs of a folder, into kernels/
  ttgen render --check specs -o kernels
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    specs.add_output(parser, "output folder")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; show the diff and why, and exit 2 when files differ"
    )
    formats.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Renders specs."""
    wants_report = formats.wants_report(options)
    if wants_report and not options.check:
        options.parser.error("--format is for --check: what is written is no report")
    results = open_results(wanted=not options.no_cache)
    complaints = formats.Complaints() if wants_report else None
    rendered, wrong = specs.render_all(options.specs, results, *([] if complaints is None else [complaints.add]))
    if wrong and complaints is not None:
        formats.emit(complaints.report("render --check"), options)
        return USER_ERROR
    if wrong:
        print(f"{counted(wrong, 'spec')} can't be rendered; nothing was written", file=sys.stderr)
        return USER_ERROR
    folder: Path = options.output
    changes = [(result, compare(folder, result.files)) for _path, _raw, result in rendered]
    shared = compare(folder, specs.render_shared(results).files)
    made = {
        result.kernel: Made(path, Digests(spec_digest(raw), files_digest(result.files)))
        for path, raw, result in rendered
    }
    known = origins(folder, made, specs.folders(options.specs))
    everything = [*(change for _result, found in changes for change in found), *shared, *known.changes]
    if options.check:
        drifts = {result.kernel: _drift(made, known.before, result.kernel, found) for result, found in changes}
        if complaints is None:
            return _check(everything, known.left_over, drifts, quiet=options.quiet)
        from ttgen.cli import drift

        report = drift.report(folder, everything, known.left_over, drifts, _REASONS, list(made))
        formats.emit(report, options)
        return DIFFERS if report.notes else OK
    write(folder, everything)
    if not options.quiet:
        for result, found in changes:
            print(f"{printable(str(folder / result.kernel))}: {result.line}")
            _print_changes(found)
        _print_changes(change for change in (*shared, *known.changes) if change.state != "same")
    return OK


def _print_changes(changes: Iterable[Change]) -> None:
    for change in changes:
        print(f"  {'removed' if change.after is None else change.state:8}{change.path}")


_REASONS: Final[Mapping[Reason, str]] = {
    "edited": "files were edited or removed by hand since they were rendered",
    "spec": "the spec was changed since it was rendered",
    "ttgen": "rendered by another ttgen; the spec is the same",
    "unknown": "edited by hand, of an earlier spec, or of another ttgen",
}


def _drift(made: Mapping[str, Made], known: Known, kernel: str, changes: Sequence[Change]) -> tuple[Reason, ...]:
    """Why a kernel's files aren't what its spec says; nothing where they are, or where there are none."""
    there = [(change.path, change.before) for change in changes if change.before is not None]
    if not there or all(change.state in ("same", "left over") for change in changes):
        return ()
    return reasons(known.digests.get(kernel), made[kernel].digests.spec, files_digest(there))


def _check(
    changes: list[Change], left_over: Mapping[str, str], drifts: Mapping[str, tuple[Reason, ...]], *, quiet: bool
) -> int:
    for line in differences(changes):
        print(line)
    for change in changes:
        if change.state == "left over":
            print(f"{change.path}: left over by a run that was killed; the next render removes it", file=sys.stderr)
    for kernel, spec in left_over.items():
        print(f"{kernel}: left over, {spec} has no such kernel any more; the next render removes it", file=sys.stderr)
    for kernel, found in drifts.items():
        if found:
            print(f"{kernel}: {' and '.join(_REASONS[reason] for reason in found)}", file=sys.stderr)
    different = sum(change.state != "same" for change in changes)
    if not quiet:
        verb = "differs" if different == 1 else "differ"
        print(f"{different} of {counted(len(changes), 'file')} {verb}", file=sys.stderr)
    return DIFFERS if different else OK
