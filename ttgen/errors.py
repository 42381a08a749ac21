"""What can go wrong by the user's hand, and where it is in their file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ttgen.records import dataclass

Path = tuple[str | int, ...]
_SHOWN: Final = 160
"""Columns of a line that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: what is wrong, and where.

    Attributes:
        message: what was given, what is allowed and, where there is one, the fix.
        path: keys and indices that lead to the value in the document; empty for the whole file.
        at_key: point at the last key of the path instead of its value.
        span: characters `[start, end)` inside the string value at `path` (a formula).
        position: line and column, both from 0, where there is no document to walk (YAML syntax).
    """

    message: str
    path: Path = ()
    at_key: bool = False
    span: tuple[int, int] | None = None
    position: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a problem is in its file: line, column and length in characters, from 0, and the text of the line."""

    file: str
    line: int
    column: int
    length: int
    text: str


class UserError(Exception):
    """The user's mistake: printed without a traceback, exit status 1."""


class SpecError(UserError):
    """All problems of one stage in one spec.

    Attributes:
        problems: what is wrong.
        places: where each is, once it is known which text they are in; `source.located` adds them.
    """

    def __init__(self, problems: Iterable[Problem], places: Iterable[Place] = ()) -> None:
        self.problems = tuple(problems)
        self.places = tuple(places)
        super().__init__("; ".join(problem.message for problem in self.problems))

    def __str__(self) -> str:
        """As on the command line, on lines of its own, once it is known where problems are."""
        if not self.places:
            return super().__str__()
        pairs = zip(self.problems, self.places, strict=True)
        return "".join(f"\n{placed(problem.message, place)}" for problem, place in pairs)

    def __reduce__(self) -> tuple[type[SpecError], tuple[object, ...]]:
        return SpecError, (self.problems, self.places)


class OutputError(UserError):
    """A file or folder that can't be read or written; its text is one line, whatever the file is called."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class ToolchainError(UserError):
    """A compiler or package that is missing, or that refuses what it is given."""


class VerifyError(UserError):
    """A program that can't be verified as it was asked to be."""


def placed(message: str, place: Place, mark: Callable[[str], str] = str) -> str:
    """A problem where it is: `file:line:column: error: message`, the line, a caret."""
    head = f"{place.file}:{place.line + 1}:{place.column + 1}: {mark('error:')} {message}"
    if not place.text.strip():
        return head
    text, column = place.text, place.column
    if column > _SHOWN * 3 // 4:
        # A long line is shown from a little before the mistake.
        start = max(0, column - _SHOWN // 2)
        text, column = "…" + text[start:], column - start + 1
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if column >= len(shown):
        return f"{head}\n    {shown}"
    # Tabs stay tabs, so that the caret stands under its word however wide they are.
    indent = "".join(character if character == "\t" else " " for character in shown[:column])
    caret = "^" + "~" * (min(place.length, len(shown) - column) - 1)
    return f"{head}\n    {shown}\n    {indent}{mark(caret)}"


def refuse(message: str, *path: str | int, at_key: bool = False, span: tuple[int, int] | None = None) -> SpecError:
    """A `SpecError` of one problem."""
    return SpecError([Problem(message=message, path=path, at_key=at_key, span=span)])


def printable(text: str) -> str:
    r"""A text with escapes (`\n`, `\udcff`) for what can't be printed: control characters, bytes that are no text."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def suggest(given: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known word nearest to a misspelt one, or nothing."""
    from difflib import get_close_matches  # only a mistake pays for it

    words = list(known)
    near = get_close_matches(given, words, n=1, cutoff=0.6)
    if not near:
        folded = {word.lower(): word for word in words}
        near = [folded[match] for match in get_close_matches(given.lower(), list(folded), n=1, cutoff=0.6)]
    return f"; did you mean '{near[0]}'?" if near else ""


def listing(words: Iterable[str]) -> str:
    """`a, b or c`."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def counted(number: int, what: str) -> str:
    """`1 spec`, `2 specs`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
