"""Checks specs as `render` does, planning and proofs included, and writes nothing."""

from __future__ import annotations

import argparse
from typing import Final

from ttgen.cli import formats, specs
from ttgen.cli.main import OK, USER_ERROR
from ttgen.errors import counted, printable
from ttgen.results import Results, open_results

EXAMPLES: Final = """\
  ttgen validate specs/gemm.yaml
  ttgen validate -q "specs/gemm*.yaml"
  ttgen validate --format sarif specs > ttgen.sarif
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    formats.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Validates specs."""
    results = open_results(wanted=not options.no_cache)
    if options.format != formats.FULL:
        return _reported(options, results)
    rendered, wrong = specs.render_all(options.specs, results)
    for path, result, _raw in rendered:
        if not options.quiet:
            print(f"{printable(str(path))}: ok: {result.kernel}, {result.headline}")
    return USER_ERROR if wrong else OK


def _reported(options: argparse.Namespace, results: Results) -> int:
    from ttgen.formats.markdown import table
    from ttgen.formats.report import Report

    complaints = formats.Complaints()
    rendered, wrong = specs.render_all(options.specs, results, complaints.add)
    rows = ((str(path), result.kernel, result.headline) for path, result, _raw in rendered)
    report = Report(
        command="validate",
        subjects=tuple(sorted((*complaints.subjects, *(str(item.path) for item in rendered)))),
        notes=tuple(complaints.notes),
        summary=f"{len(rendered)} of {counted(len(rendered) + wrong, 'spec')} can be rendered",
        body="\n".join(table(("spec", "kernel", ""), rows)) if rendered and not options.quiet else "",
    )
    formats.emit(report, options.format)
    return USER_ERROR if wrong else OK
