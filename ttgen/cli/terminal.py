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


def complain(error: UserError) -> None:
    """Prints what is wrong."""
    from ttgen.diagnostics import describe

    print(describe(error, marker(sys.stderr)), file=sys.stderr)


def fitted(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a table; where standard output is a terminal, those that are wider than it are folded."""
    if not sys.stdout.isatty():
        yield from lines
        return
    from shutil import get_terminal_size

    width = get_terminal_size().columns
    for line in lines:
        yield from [line] if len(line) <= width else _folded(line, width)


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
