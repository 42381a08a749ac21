"""A line a note: for people and problem matchers, and as commands of GitHub's workflows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ttgen.formats.report import Level, Note, Report

MOST: Final = 10
"""Annotations of each level that GitHub shows of a step."""
_COMMANDS: Final[Mapping[Level, str]] = {"error": "error", "warning": "warning", "note": "notice"}
_OTHERS: Final[Mapping[Level, str]] = {"error": "errors", "warning": "warnings", "note": "notices"}


def concise(report: Report) -> Iterator[str]:
    """`file:line:column: level: CODE message`, a line each, and the summary."""
    for note in report.notes:
        place = ":".join(str(part) for part in (note.file, note.line, note.column) if part)
        yield f"{place or note.subject}: {note.level}: {note.code} {_one_line(note.message)}"
    yield report.summary


def github(report: Report) -> Iterator[str]:
    """Annotations, as many as are shown; what is left out is said in another one, and is in the summary of the step."""
    for level, command in _COMMANDS.items():
        notes = [note for note in report.notes if note.level == level]
        shown = notes if len(notes) <= MOST else notes[: MOST - 1]
        for note in shown:
            yield f"::{command} {_properties(note)}::{_escaped(note.message)}"
        if len(notes) > len(shown):
            text = f"and {len(notes) - len(shown)} {_OTHERS[level]} more, in the summary of this step"
            yield f"::{command} title=ttgen::{_escaped(text)}"
    yield report.summary


def _properties(note: Note) -> str:
    """Where it is, and its title."""
    found: dict[str, str | int] = {}
    if note.file:
        found["file"] = note.file
    if note.line is not None:
        found["line"] = note.line
    if note.column is not None:
        found |= {"col": note.column, "endColumn": note.column + note.length}
    found["title"] = f"{note.code} {note.subject}"
    return ",".join(f"{key}={_escaped(str(value), in_property=True)}" for key, value in found.items())


def _escaped(text: str, *, in_property: bool = False) -> str:
    """What a workflow's command can hold: https://docs.github.com/actions/reference/workflow-commands."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text


def _one_line(text: str) -> str:
    return " ".join(text.split("\n"))
