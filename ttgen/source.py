"""YAML text to a document of plain values, with a position for every key and value.

The language is the YAML 1.2 core schema without anchors and tags, read from the parser's events: nesting, size
and duplicate keys are checked while reading, so that a hostile file costs no more than a good one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, Final

import yaml

from ttgen.errors import Path, Problem, SpecError, printable, refuse
from ttgen.errors import Place as ProblemPlace
from ttgen.records import dataclass
from ttgen.spec_file import MAX_CHARACTERS, read_bytes

MAX_DEPTH: Final = 32
_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value and the key before it begin (line, column, offset in characters; all from 0)."""

    line: int
    column: int
    start: int
    end: int
    key: tuple[int, int, int] | None
    style: str


@dataclass(frozen=True, slots=True)
class Source:
    """A spec file as it was read."""

    name: str
    text: str
    document: Any
    places: dict[Path, Place]

    def locate(self, problem: Problem) -> tuple[int, int, int]:
        """Line, column (from 0) and length of what a problem points at; the nearest parent's where it has no place."""
        if problem.position is not None:
            return (*problem.position, 1)
        path = problem.path
        at_key = problem.at_key
        while path not in self.places and path:
            path, at_key = path[:-1], True
        place = self.places.get(path)
        if place is None:
            return (0, 0, 1)
        if at_key and place.key is not None:
            return place.key
        if problem.span is not None and path == problem.path:
            return self._inside(place, path, problem.span)
        end_of_line = self.text.find("\n", place.start)
        end = min(place.end, end_of_line if end_of_line >= 0 else len(self.text))
        return (place.line, place.column, max(1, len(self.text[place.start : end].rstrip())))

    def _inside(self, place: Place, path: Path, span: tuple[int, int]) -> tuple[int, int, int]:
        """The position of characters of a scalar, whatever style it is written in."""
        value: Any = self.document
        for step in path:
            value = value[step]
        offsets = list(_offsets(str(value), self.text, place))
        if not offsets:
            return (place.line, place.column, 1)
        first = offsets[min(span[0], len(offsets) - 1)]
        last = offsets[min(max(span[1] - 1, span[0]), len(offsets) - 1)]
        line = self.text.count("\n", 0, first)
        column = first - (self.text.rfind("\n", 0, first) + 1)
        end_of_line = self.text.find("\n", first)
        end = min(last + 1, end_of_line if end_of_line >= 0 else len(self.text))
        return (line, column, max(1, end - first))


@contextmanager
def located(source: Source) -> Iterator[None]:
    """Says of the problems that arise inside where in a spec's text they are, in the order of that text."""
    try:
        yield
    except SpecError as error:
        if error.places:
            raise
        lines = source.text.split("\n")
        placed = sorted(((source.locate(problem), problem) for problem in error.problems), key=lambda item: item[0])
        places = (
            ProblemPlace(
                file=source.name, line=line, column=column, length=length, text=lines[line] if line < len(lines) else ""
            )
            for (line, column, length), _problem in placed
        )
        raise SpecError((problem for _position, problem in placed), places) from None


# Characters of an escape in a double-quoted scalar, by the letter after the backslash; two of any other.
_ESCAPES: Final = {"x": 4, "u": 6, "U": 10}


def _offsets(value: str, text: str, place: Place) -> Iterator[int]:
    """The offset in the file of each character of a scalar.

    Both have the same characters in the same order but for white space, which folding drops and makes, quotes, and
    escapes, where several characters of the file are one.
    """
    at, last = place.start, max(place.start, place.end - 1)
    if place.style in ("|", ">"):
        at = text.find("\n", at) + 1
    elif place.style:
        at += 1
    for character in value:
        while place.style == '"' and text.startswith("\\\n", at):
            # The line goes on: neither its end nor the next one's indentation are part of the value.
            at += 2
            while at < last and text[at] in " \t":
                at += 1
        while at < last and text[at].isspace() and not character.isspace():
            at += 1
        at = min(at, last)
        yield at
        if place.style == '"' and text[at] == "\\":
            at += _ESCAPES.get(text[at + 1], 2)
        else:
            at += 2 if place.style == "'" and character == "'" else 1


def read(path: FilePath) -> Source:
    """Reads and parses a spec file.

    Raises:
        OutputError: the file can't be read.
        SpecError: it is no YAML, or YAML that a spec may not be.
    """
    return parse(read_bytes(path), name=str(path))


def parse(raw: bytes | str, *, name: str) -> Source:
    """Parses the text of a spec; `name` is what problems call the file, and its last part what rendered files do.

    Raises:
        SpecError: a name that can't be printed on a line, not text, too large, not YAML, nested too deep, anchors, tags
            or duplicate keys.
    """
    last, name = FilePath(name).name, printable(name)
    with located(Source(name, "", None, {})):
        text = _text(raw, last)
    with located(Source(name, text, None, {})):
        return Source(name, text, *_parsed(text))


def _text(raw: bytes | str, file_name: str) -> str:
    """The text of a file, with lines that end as everywhere."""
    if not file_name.isprintable():
        raise refuse("the file's name can't be printed on one line, and rendered files say it: rename the file")
    if len(raw) > MAX_CHARACTERS:
        raise refuse(f"the file is larger than {MAX_CHARACTERS:,} bytes: that is no spec")
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
    except UnicodeDecodeError as error:
        raise refuse(f"the file is not UTF-8 text (byte {error.start})") from None
    return text.replace("\r\n", "\n")


def _parsed(text: str) -> tuple[Any, dict[Path, Place]]:
    """The document that a text says, and where its values are."""
    try:
        return _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.split("\n")
        # An unclosed bracket is noticed on the line after the last.
        line = min(mark.line, len(lines) - 1) if mark else 0
        position = (line, mark.column if mark and mark.line == line else len(lines[line]))
        message = f"not YAML: {' '.join(part for part in (error.context, error.problem) if part)}"
        if lines[line].startswith("\t"):
            message = "not YAML: lines are indented with spaces, not with tabs"
        if error.problem and "nesting depth" in error.problem:
            # The parser reads ahead, and has a limit of its own.
            message = _TOO_DEEP
        raise SpecError([Problem(message=message, position=position)]) from None
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", "unreadable")
        raise refuse(f"not text: {reason}; a spec is a YAML file in UTF-8") from None


def _refusal(message: str, mark: Any) -> SpecError:
    return SpecError([Problem(message=message, position=(mark.line, mark.column))])


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet: its path, where it starts, and the key that waits for its value."""

    container: Any
    path: Path
    start: int
    key: tuple[str, tuple[int, int, int]] | None = None


def _compose(text: str) -> tuple[Any, dict[Path, Place]]:
    """Builds the document from the parser's events, without recursion."""
    reader = _Reader()
    for event in yaml.parse(text, Loader=_Loader):
        reader.take(event)
    if reader.duplicates:
        raise SpecError(reader.duplicates)
    return (reader.root[0] if reader.root else None), reader.places


class _Reader:
    def __init__(self) -> None:
        self.places: dict[Path, Place] = {}
        self.duplicates: list[Problem] = []
        self.root: list[Any] = []
        self.stack = [_Open(self.root, (), 0)]

    def take(self, event: Any) -> None:
        """Takes the next event of the parser."""
        mark, end = event.start_mark, event.end_mark
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refusal("anchors and aliases are not part of a spec: write the value out, or use 'dims'", mark)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            closed = self.stack.pop()
            place = self.places[closed.path]
            self.places[closed.path] = replace(place, end=end.index)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root:
            raise _refusal("one document a file: a second one begins here", mark)
        elif isinstance(event, yaml.NodeEvent):
            self.node(event, mark)

    def node(self, event: Any, mark: Any) -> None:
        """Takes a key or a value."""
        is_scalar = isinstance(event, yaml.ScalarEvent)
        if event.tag is not None and not (is_scalar and event.tag == "!"):
            raise _refusal(f"tags such as {event.tag} are not part of a spec", mark)
        parent = self.stack[-1]
        if isinstance(parent.container, dict) and parent.key is None:
            self.key(event, mark, parent)
            return
        step: str | int = len(parent.container)
        key_place = None
        if parent.key is not None:
            step, key_place = parent.key
            parent.key = None
        here: Path = (*parent.path, step) if len(self.stack) > 1 else ()
        style = (event.style or "") if is_scalar else ""
        self.places[here] = Place(mark.line, mark.column, mark.index, event.end_mark.index, key_place, style)
        value: Any
        if is_scalar:
            value = _scalar(event.value) if event.implicit[0] and not style and not event.tag else event.value
        else:
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
            if len(self.stack) > MAX_DEPTH:
                raise _refusal(_TOO_DEEP, mark)
            self.stack.append(_Open(value, here, mark.index))
        if isinstance(parent.container, dict):
            parent.container[step] = value
        else:
            parent.container.append(value)

    def key(self, event: Any, mark: Any, parent: _Open) -> None:
        """Takes a key of a mapping."""
        if not isinstance(event, yaml.ScalarEvent):
            raise _refusal("a key is a word", mark)
        parent.key = (event.value, (mark.line, mark.column, len(event.value)))
        if event.value in parent.container:
            position = (mark.line, mark.column)
            self.duplicates.append(Problem(message=f"duplicate key '{event.value}'", position=position))


def _scalar(text: str) -> Any:
    """The value of a plain scalar in the YAML 1.2 core schema (so `on` and `12:30` are text)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        if len(text) > 40:
            return text  # no size or count is that long; the schema then says what belongs here
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text, 10)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
