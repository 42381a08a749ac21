"""`--format`: what a command found, as other tools read it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from ttgen.cli.main import print_document
from ttgen.errors import OutputError, UserError

if TYPE_CHECKING:
    from ttgen.formats.report import Note, Report

FULL: Final = "full"
NAMES: Final = (FULL, "concise", "github", "gitlab", "sarif", "junit", "json", "md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what all commands that check something have."""
    parser.add_argument(
        "--format",
        choices=NAMES,
        default=FULL,
        metavar="FORMAT",
        help=f"of what is printed: {', '.join(NAMES)} (default: {FULL})",
    )
    parser.add_argument(
        "--report",
        type=_report,
        action="append",
        default=[],
        metavar="FORMAT=FILE",
        help="write the same to a file in another format, as often as given; not beside --format full",
    )


def _report(text: str) -> tuple[str, Path]:
    name, _equals, file = text.partition("=")
    if name not in NAMES[1:] or not file:
        raise argparse.ArgumentTypeError(f"'{text}' is not FORMAT=FILE, with one of {', '.join(NAMES[1:])}")
    return name, Path(file)


def emit(report: Report, options: argparse.Namespace, own: Mapping[str, str] = MappingProxyType({})) -> None:
    """Prints a report, and writes it to files; in a workflow of GitHub, adds it to the summary of the step.

    Args:
        report: what was found.
        options: of the command.
        own: what is printed in some format instead of what all commands print.

    Raises:
        OutputError: a file can't be written.
    """
    from ttgen.formats.markdown import markdown
    from ttgen.formats.printing import FORMATS

    def text(name: str) -> str:
        return own[name] if name in own else FORMATS[name](report)

    print_document(text(options.format))
    for name, path in options.report:
        _write(path, text(name), "w")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if options.format == "github" and summary:
        _write(Path(summary), markdown(report) + "\n", "a")


def _write(path: Path, text: str, mode: Literal["w", "a"]) -> None:
    try:
        with path.open(mode, encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None


def wants_report(options: argparse.Namespace) -> bool:
    """Whether notes are to be printed, and not what is for people."""
    if options.format == FULL and options.report:
        options.parser.error("--report is for what is printed beside another format: give --format, too")
    return bool(options.format != FULL)


class Complaints:
    """The problems of specs, kept to be reported with everything else."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.subjects: list[str] = []

    def add(self, path: Path, error: UserError) -> None:
        """Keeps the problems of a spec."""
        from ttgen.formats.report import problems

        self.subjects.append(str(path))
        self.notes += problems(error, str(path))

    def report(self, command: str) -> Report:
        """All that is known where nothing else could be done."""
        from ttgen.errors import counted
        from ttgen.formats.report import Report

        wrong = counted(len(self.subjects), "spec")
        return Report(
            command=command,
            subjects=tuple(self.subjects),
            notes=tuple(self.notes),
            summary=f"{wrong} can't be rendered",
        )
