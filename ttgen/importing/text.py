"""The text of a kernel's file: parsed and never run, with positions for everything that is refused."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ttgen.errors import OutputError, Place, Problem, SpecError, printable
from ttgen.importing.form import At
from ttgen.records import dataclass

MAX_BYTES: Final = 1_000_000
MAX_NODES: Final = 200_000
_UNREADABLE: Final = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True)
class KernelFile:
    """A Python file: what problems call it, its lines, and its syntax."""

    name: str
    lines: tuple[str, ...]
    tree: ast.Module

    def at(self, node: ast.AST) -> At:
        """Where a part of the syntax is; its columns are characters, those of `ast` are bytes."""
        line = int(getattr(node, "lineno", 1)) - 1
        text = self.lines[line] if line < len(self.lines) else ""
        start = _characters(text, int(getattr(node, "col_offset", 0)))
        end = len(text.rstrip())
        if getattr(node, "end_lineno", None) == line + 1:
            end = _characters(text, int(getattr(node, "end_col_offset", 0)))
        return line, start, max(1, end - start)


def _characters(text: str, at: int) -> int:
    return len(text.encode()[:at].decode(errors="ignore"))


def refuse_at(message: str, at: At) -> SpecError:
    """A refusal of one place; `located_in` adds the file."""
    line, column, length = at
    return SpecError([Problem(message=message, position=(line, column), span=(0, length))])


@contextmanager
def located_in(name: str, lines: tuple[str, ...]) -> Iterator[None]:
    """Says of the problems that arise inside where in a file they are, in its order."""
    try:
        yield
    except SpecError as error:
        if error.places:
            raise
        ordered = sorted(error.problems, key=lambda problem: problem.position or (0, 0))
        places = []
        for problem in ordered:
            line, column = problem.position or (0, 0)
            text = lines[line] if line < len(lines) else ""
            length = problem.span[1] if problem.span else 1
            places.append(Place(file=name, line=line, column=column, length=length, text=text))
        raise SpecError(ordered, places) from None


def read(path: Path) -> bytes:
    """The bytes of a file; of one that is too large, enough to see that it is.

    Raises:
        OutputError: the file can't be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None


def parse(raw: bytes | str, name: str) -> KernelFile:
    """A file's syntax.

    Raises:
        SpecError: too large, not text, not Python, or nested too deep.
    """
    name = printable(name)
    with located_in(name, ()):
        if len(raw) > MAX_BYTES:
            raise refuse_at(f"the file is larger than {MAX_BYTES:,} bytes: that is no kernel", (0, 0, 1))
        try:
            text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        except UnicodeDecodeError as error:
            raise refuse_at(f"the file is not UTF-8 text (byte {error.start})", (0, 0, 1)) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = tuple(text.split("\n"))
    with located_in(name, lines):
        return KernelFile(name, lines, _syntax(text))


def _syntax(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except _UNREADABLE as error:
        line = int(getattr(error, "lineno", None) or 1) - 1
        column = max(0, int(getattr(error, "offset", None) or 1) - 1)
        nested = isinstance(error, (RecursionError, MemoryError)) or "nested" in str(error)
        reason = "it nests too deep" if nested else str(getattr(error, "msg", None) or error)
        raise refuse_at(f"not Python that can be read: {reason}", (line, column, 1)) from None
    for count, _node in enumerate(ast.walk(tree)):
        if count > MAX_NODES:
            raise refuse_at(f"more than {MAX_NODES:,} parts of syntax: that is no kernel", (0, 0, 1))
    return tree
