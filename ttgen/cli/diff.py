"""Shows what changed since a revision of git: does each kernel compute the same, what does it cost, and why.

Specs that changed are planned by this ttgen in both revisions, so a comparison shows what the change of the spec does;
where a spec is the same and its output in -o isn't, the outputs are compared. Nothing is checked out or written. With a
folder, specs are compared with the specs, or with the output of another ttgen, that are in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ttgen.cli import formats, specs, terminal
from ttgen.cli.main import DIFFERS, OK, USER_ERROR
from ttgen.errors import UserError
from ttgen.output import PLAN
from ttgen.review import gates
from ttgen.review.model import FORMAT_VERSION, Review, as_json
from ttgen.review.text import describe, summary

EXAMPLES: Final = """\
  ttgen diff specs                    # since the last commit
  ttgen diff specs --against main --fail-on "values,interface,cost>5%"
  ttgen diff specs --against snapshots --format md
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "specs", nargs="*", default=["specs"], metavar="SPEC", help="a spec, a folder, or a glob (default: specs)"
    )
    parser.add_argument(
        "--against", default="HEAD", metavar="REF", help="a revision of git, or a folder (default: HEAD)"
    )
    specs.add_output(parser, "where specs are rendered to")
    parser.add_argument(
        "--fail-on",
        type=_gates,
        action="extend",
        default=[],
        metavar="GATES",
        help="exit with 2 where a change is one of these: " + ", ".join(gates.WORDS).replace("%", "%%"),
    )
    formats.add_arguments(parser)
    parser.add_argument("--json", action="store_const", dest="format", const="json", help="the same as --format json")
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what fails")


def _gates(text: str) -> tuple[gates.Gate, ...]:
    try:
        return gates.parse(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace) -> int:
    """Compares two revisions."""
    specs.require_numpy("diff")
    from ttgen.cli import revisions
    from ttgen.trees import revision

    wants_report = formats.wants_report(options)
    folder = Path(options.against)
    if not folder.is_dir():
        found = revisions.against_revision(
            options.specs, revision(options.against, Path(options.specs[0])), options.output
        )
    elif any(folder.glob(f"*/{PLAN}")):
        found = revisions.against_output(options.specs, folder)
    else:
        found = revisions.against_specs(options.specs, folder)
    if options.format in (formats.FULL, "json"):
        for _path, error in found.wrong:
            terminal.complain(error)
    failed = [(review, *failure) for review in found.reviews for failure in gates.failures(review, options.fail_on)]
    if wants_report:
        from ttgen.cli import reviewed

        document = _as_json(options.against, found.reviews, found.unchanged, failed)
        own = {"json": json.dumps(document, indent=2, allow_nan=False) + "\n"}
        formats.emit(reviewed.report(found, failed, options.against), options, own)
    elif not options.quiet:
        for review in found.reviews:
            print("\n".join(terminal.fitted(describe(review))), end="\n\n")
        print(summary(found.reviews, found.unchanged))
    if options.format in ("json", formats.FULL):
        for review, gate, why in failed:
            print(f"{review.spec}: {review.kernel} fails {gate.text}: {why}", file=sys.stderr)
    if found.wrong:
        return USER_ERROR
    return DIFFERS if failed else OK


def _as_json(
    against: str, reviews: Sequence[Review], unchanged: int, failed: Sequence[tuple[Review, gates.Gate, str]]
) -> dict[str, object]:
    """Everything that is known."""
    return {
        "format_version": FORMAT_VERSION,
        "against": against,
        "kernels": [as_json(review) for review in reviews],
        "unchanged": unchanged,
        "failed": [{"kernel": review.kernel, "gate": gate.text, "because": why} for review, gate, why in failed],
    }
