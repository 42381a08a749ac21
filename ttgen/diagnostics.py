"""Problems as people read them: `file:line:column: error: message`, the line, a caret."""

from __future__ import annotations

from collections.abc import Callable

from ttgen.errors import SpecError, UserError, placed


def describe(error: UserError, mark: Callable[[str], str] = str) -> str:
    """The text of an error: all its problems in document order, or its message.

    Args:
        error: what is wrong.
        mark: what `error:` and carets become, such as red.
    """
    if not isinstance(error, SpecError) or not error.places:
        return f"{mark('error:')} {error}"
    pairs = zip(error.problems, error.places, strict=True)
    return "\n".join(placed(problem.message, place, mark) for problem, place in pairs)
