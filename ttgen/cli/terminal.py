"""What a terminal shows otherwise than a file or a pipe: colour, and lines of its width."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from ttgen.errors import UserError

_BOLD_RED: Final = "\x1b[1;31m"
_PLAIN: Final = "\x1b[0m"
_SHADES: Final = (238, 24, 31, 37, 71, 142, 178, 208, 196)
"""From little to much, of the 256 colours that terminals have."""
_HUES: Final = (33, 208, 71, 170, 220, 44, 197, 141, 112, 173)
"""Colours that are easily told from their neighbours."""
_PIPED: Final = 80
"""The width of pictures where there is no terminal."""
_LEAST: Final = 24
"""A last column with less room than this begins on a line of its own."""


def marker(stream: TextIO) -> Callable[[str], str]:
    """What `error:` and a caret become on a stream: bold red on a terminal, or as NO_COLOR or FORCE_COLOR says."""
    return _red if _has_colour(stream) else str


def _has_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _red(text: str) -> str:
    return f"{_BOLD_RED}{text}{_PLAIN}"


def shaded(stream: TextIO) -> Callable[[str, float], str]:
    """What a character of a map becomes on a stream: a colour behind it that says how much it is, from 0 to 1."""
    if not _has_colour(stream):
        return lambda text, _share: text
    return lambda text, share: f"\x1b[38;5;231;48;5;{_SHADES[round(share * (len(_SHADES) - 1))]}m{text}{_PLAIN}"


def hued(stream: TextIO) -> Callable[[str, int], str]:
    """What a part of a bar, and its name, become on a stream: those of one number have one colour."""
    if not _has_colour(stream):
        return lambda text, _number: text
    return lambda text, number: f"\x1b[38;5;{_HUES[number % len(_HUES)]}m{text}{_PLAIN}"


def columns() -> int:
    """The width of what is printed: that of the terminal, if standard output is one."""
    if not sys.stdout.isatty():
        return _PIPED
    from shutil import get_terminal_size

    return get_terminal_size().columns


def complain(error: UserError) -> None:
    """Prints what is wrong."""
    from ttgen.diagnostics import describe

    print(describe(error, marker(sys.stderr)), file=sys.stderr)


def fitted(lines: Iterable[str]) -> Iterator[str]:
    """Lines; where standard output is a terminal, those that are wider than it are folded: pictures never are."""
    if not sys.stdout.isatty():
        yield from lines
        return
    width = columns()
    for line in lines:
        yield from [line] if len(line) <= width or _PLAIN in line else _folded(line, width)


def _folded(line: str, width: int) -> list[str]:
    """The last column goes on below itself or, where little room is left for it, on lines of its own."""
    import re
    from textwrap import wrap

    own = len(line) - len(line.lstrip())
    columns = re.match(r"(.*\S {2,})(\S.*)", line)
    head, last = columns.groups() if columns else (line[:own], line[own:])
    deeper = " " * (own + 4)
    if columns and width - len(head) < _LEAST:
        return [head.rstrip(), *wrap(last, width, initial_indent=deeper, subsequent_indent=deeper)]
    return wrap(last, width, initial_indent=head, subsequent_indent=" " * len(head) if columns else deeper)
