"""A report as Markdown: the comment of a pull request, or the summary of a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ttgen.formats.report import Report

MARK: Final = "<!-- ttgen {command} -->"
"""The first line, by which a later run finds the comment that it replaces."""
MOST_CHARACTERS: Final = 60_000
"""A comment of GitHub holds 65,536."""
_NOTES: Final = 100
_MEANT: Final = {
    **{mark: f"\\{mark}" for mark in "\\`*_{}[]#~"}, **{mark: f"&#{ord(mark)};" for mark in "&<>@|"},
}  # fmt: skip
"""What a character that means something is written as, where it means itself."""


def markdown(report: Report) -> str:
    """The summary, the notes in a table, and details."""
    text = "\n".join(_lines(report)).rstrip() + "\n"
    if len(text) <= MOST_CHARACTERS:
        return text
    cut = text[:MOST_CHARACTERS].rpartition("\n")[0]
    # What is open stays open for the rest of the page.
    cut += "\n```\n" if cut.count("\n```") % 2 else "\n"
    closing = "</details>\n" * (cut.count("<details>") - cut.count("</details>"))
    return f"{cut}{closing}\nThe rest is too long for a comment.\n"


def _lines(report: Report) -> Iterator[str]:
    yield MARK.format(command=report.command)
    yield f"**ttgen {report.command}**: {cell(report.summary)}"
    yield ""
    if report.notes:
        rows = (
            (
                note.level,
                note.code,
                f"{note.file}:{note.line}" if note.line else note.file or note.subject,
                note.message,
            )
            for note in report.notes[:_NOTES]
        )
        yield from table(("", "code", "where", "what"), rows)
        if len(report.notes) > _NOTES:
            yield ""
            yield f"and {len(report.notes) - _NOTES} more"
        yield ""
    if report.body:
        yield report.body


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(cell(part) for part in row)} |" for row in rows)


def cell(text: str) -> str:
    """A text that is one cell of a table and means nothing else: no markup, no mention of anybody."""
    return "".join(_MEANT.get(character, character) for character in " ".join(text.split()))
