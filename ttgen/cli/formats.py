"""`--format`: what a command found, as other tools read it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

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


def emit(report: Report, name: str) -> None:
    """Prints a report; in a workflow of GitHub, adds it to the summary of the step.

    Raises:
        OutputError: the summary can't be written.
    """
    from ttgen.formats.markdown import markdown
    from ttgen.formats.printing import FORMATS

    print_document(FORMATS[name](report))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if name == "github" and summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(markdown(report) + "\n")
        except OSError as error:
            raise OutputError(f"{summary}: {error.strerror or error}") from None


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
