"""Checks specs as `render` does, planning and proofs included, and writes nothing.

Where `schedule: auto` would be more than 1.3 times faster by the cost model, the line says so: of specs for which that
is known, and of new ones as long as they are no more than sixteen.
"""

from __future__ import annotations

import argparse
from typing import Final

from ttgen.cli import formats, specs
from ttgen.cli.main import OK, USER_ERROR
from ttgen.errors import counted, printable, suggest
from ttgen.results import Results, open_results

EXAMPLES: Final = """\
  ttgen validate specs/gemm.yaml
  ttgen validate --format sarif "specs/gemm*.yaml" > ttgen.sarif
  ttgen validate --targets all specs/gemm.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    formats.add_arguments(parser)
    parser.add_argument(
        "--targets",
        type=_targets,
        metavar="TARGETS",
        help="check specs on these cards instead of their own: all, or a list such as n150,p150-10x12 (rows x cols)",
    )


def _targets(text: str) -> tuple[str, ...]:
    from ttgen.target import grids

    known = grids()
    if text == "all":
        return known
    names = text.split(",")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"unknown target '{name}'{suggest(name, known)}")
    return tuple(target for target in known if target in names)


def run(options: argparse.Namespace) -> int:
    """Validates specs."""
    if options.targets:
        return _on_targets(options)
    results = open_results(wanted=not options.no_cache)
    if formats.wants_report(options):
        return _reported(options, results)
    rendered, wrong = specs.render_all(options.specs, results)
    if not options.quiet:
        for path, _raw, result in specs.advise_all(rendered, results):
            print(f"{printable(str(path))}: ok: {result.kernel}, {result.line}")
    return USER_ERROR if wrong else OK


def _on_targets(options: argparse.Namespace) -> int:
    from ttgen.cli import matrix, terminal

    found = list(matrix.rows(options.specs, options.targets))
    if formats.wants_report(options):
        formats.emit(matrix.report(found), options)
    else:
        shown = [row for row in found if row.notes or not options.quiet]
        for line in terminal.fitted(matrix.lines(shown)):
            print(line)
    return USER_ERROR if any(row.notes for row in found) else OK


def _reported(options: argparse.Namespace, results: Results) -> int:
    from ttgen.formats.markdown import table
    from ttgen.formats.report import Report

    complaints = formats.Complaints()
    rendered, wrong = specs.render_all(options.specs, results, complaints.add)
    rows = ((str(path), result.kernel, result.line) for path, _raw, result in specs.advise_all(rendered, results))
    report = Report(
        command="validate",
        subjects=tuple(sorted((*complaints.subjects, *(str(item.path) for item in rendered)))),
        notes=tuple(complaints.notes),
        summary=f"{len(rendered)} of {counted(len(rendered) + wrong, 'spec')} can be rendered",
        body="\n".join(table(("spec", "kernel", ""), rows)) if rendered and not options.quiet else "",
    )
    formats.emit(report, options)
    return USER_ERROR if wrong else OK
