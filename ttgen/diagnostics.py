"""Problems as people read them: `file:line:column: error: message`, the line, a caret."""

from __future__ import annotations

from ttgen.errors import Problem, SpecError, UserError
from ttgen.source import Source

_WIDTH = 160


def describe(error: UserError) -> str:
    """The text of an error: all its problems in document order, or its message."""
    if not isinstance(error, SpecError) or error.source is None:
        return f"error: {error}"
    source = error.source
    placed = sorted(((source.locate(problem), problem) for problem in error.problems), key=lambda item: item[0])
    return "\n".join(_describe(source, problem, *position) for position, problem in placed)


def _describe(source: Source, problem: Problem, line: int, column: int, length: int) -> str:
    head = f"{source.name}:{line + 1}:{column + 1}: error: {problem.message}"
    lines = source.text.split("\n")
    if line >= len(lines) or not lines[line].strip():
        return head
    text = lines[line]
    if column > _WIDTH * 3 // 4:
        # A long line is shown from a little before the mistake.
        start = max(0, column - _WIDTH // 2)
        text, column = "…" + text[start:], column - start + 1
    shown = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    if column >= len(shown):
        return f"{head}\n    {shown}"
    # Tabs stay tabs, so that the caret stands under its word however wide they are.
    indent = "".join(character if character == "\t" else " " for character in shown[:column])
    caret = "^" + "~" * (min(length, len(shown) - column) - 1)
    return f"{head}\n    {shown}\n    {indent}{caret}"
