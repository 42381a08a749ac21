"""Problems as people read them: `file:line:column: error: message`, the line, a caret."""

from __future__ import annotations

from collections.abc import Callable

from ttgen.errors import Place, SpecError, UserError

_WIDTH = 160


def describe(error: UserError, mark: Callable[[str], str] = str) -> str:
    """The text of an error: all its problems in document order, or its message.

    Args:
        error: what is wrong.
        mark: what `error:` and carets become, such as red.
    """
    if not isinstance(error, SpecError) or not error.places:
        return f"{mark('error:')} {error}"
    placed = zip(error.problems, error.places, strict=True)
    return "\n".join(_describe(problem.message, place, mark) for problem, place in placed)


def _describe(message: str, place: Place, mark: Callable[[str], str]) -> str:
    head = f"{place.file}:{place.line + 1}:{place.column + 1}: {mark('error:')} {message}"
    if not place.text.strip():
        return head
    text, column = place.text, place.column
    if column > _WIDTH * 3 // 4:
        # A long line is shown from a little before the mistake.
        start = max(0, column - _WIDTH // 2)
        text, column = "…" + text[start:], column - start + 1
    shown = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    if column >= len(shown):
        return f"{head}\n    {shown}"
    # Tabs stay tabs, so that the caret stands under its word however wide they are.
    indent = "".join(character if character == "\t" else " " for character in shown[:column])
    caret = "^" + "~" * (min(place.length, len(shown) - column) - 1)
    return f"{head}\n    {shown}\n    {indent}{mark(caret)}"
