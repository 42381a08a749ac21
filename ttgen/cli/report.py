"""Writes a page about kernels: stages, work of each core, L1, predicted time, traffic and decisions, drawn.

The page is one file, which needs no network and no script. With --against it also shows what changed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ttgen.cli import specs
from ttgen.cli.main import OK, USER_ERROR
from ttgen.errors import OutputError, counted, printable
from ttgen.output import read

EXAMPLES: Final = """\
  ttgen report specs/linear_relu.yaml
  ttgen report specs --against main -o changed.html
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("report.html"), metavar="FILE", help="the page (default: report.html)"
    )
    parser.add_argument("--against", metavar="REF", help="a revision of git to compare with")
    parser.add_argument("--verified", type=Path, metavar="FILE", help="what ttgen verify --json printed of the specs")


def run(options: argparse.Namespace) -> int:
    """Writes the page."""
    from ttgen.report.page import Subject, page

    planned, wrong = specs.planned_all(options.specs)
    if wrong or not planned:
        return USER_ERROR
    reviews = {} if options.against is None else _reviews(options)
    verified = {} if options.verified is None else _verified(options.verified)
    subjects = [
        Subject(planned=item, review=reviews.get(item.plan.kernel), verified=verified.get(item.plan.kernel))
        for item in planned
    ]
    title = f"Kernel {planned[0].plan.kernel}" if len(planned) == 1 else counted(len(planned), "kernel")
    text = page(subjects, title, options.against)
    before = read(options.output)
    if before is not None and not before.startswith("<!DOCTYPE html>"):
        raise OutputError(f"{options.output}: exists, and is no page; move it away, or choose another name")
    try:
        options.output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{options.output}: {error.strerror or error}") from None
    if not options.quiet:
        print(f"{printable(str(options.output))}: written")
    return OK


def _reviews(options: argparse.Namespace) -> Mapping[str, Any]:
    """What changed of each kernel."""
    specs.require_numpy("report --against")
    from ttgen.cli.revisions import against_revision
    from ttgen.trees import revision

    found = against_revision(options.specs, revision(options.against, Path(options.specs[0])), specs.RENDERED)
    return {review.kernel: review for review in found.reviews}


def _verified(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """What `verify` said, by kernel."""
    try:
        found = json.loads(read(path) or "")
        return {item["kernel"]: item for item in found}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise OutputError(f"{path}: isn't what ttgen verify --json prints") from None
