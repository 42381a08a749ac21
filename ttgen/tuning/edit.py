"""Puts a schedule into the text of a spec: only the values that change are touched, whatever stands around them.

An edit is known by what it gives: the new text is read again, and has to say what the old one said, with the schedule
in its place. A text that can't be edited so is refused, and stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from ttgen.errors import Path, SpecError, refuse
from ttgen.records import dataclass
from ttgen.source import Source, parse
from ttgen.spec import Block, Schedule

_WIDTH: Final = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Characters `[start, end)` of a text, and what takes their place."""

    start: int
    end: int
    text: str


def edited(source: Source, schedules: Mapping[Path, Schedule]) -> str:
    """The text of a spec with other schedules.

    Args:
        source: the spec as it was read.
        schedules: by the path where they belong, such as `("stages", "H", "schedule")`.

    Raises:
        SpecError: the text is written in a way that can't be edited.
    """
    wanted = copy.deepcopy(source.document)
    text = source.text
    for path, schedule in schedules.items():
        value = _document_of(schedule, _at(wanted, path))
        if not value and path not in source.places:
            continue
        _put(wanted, path, value)
        # Each edit is made on what the one before left, so that no place is out of date.
        now = parse(text, name=source.name)
        # From the end, so that places stay true; of two at one place the inner one, which comes first, stands first.
        for _number, edit in sorted(enumerate(_edits(now, path, value)), key=_from_the_end, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
    try:
        found = parse(text, name=source.name).document
    except SpecError:
        found = None
    if found != wanted:
        said = "; ".join(f"{'.'.join(map(str, path))}: {_flow(_at(wanted, path))}" for path in schedules)
        raise refuse(f"the schedule can't be put into a text that is written like this; put it in by hand: {said}")
    return text


def as_file(raw: bytes, text: str) -> bytes:
    """A text as a file has it: with the mark and the ends of lines of what is there.

    Args:
        raw: what is there.
        text: with lines that end as everywhere.

    Raises:
        SpecError: lines end in two ways.
    """
    before = raw.decode("utf-8")
    crlf, newlines = before.count("\r\n"), before.count("\n")
    if crlf not in (0, newlines):
        raise refuse("some lines end with CR LF and others with LF: let all of them end in one way")
    mark = "\ufeff" if before.startswith("\ufeff") else ""
    return (mark + (text.replace("\n", "\r\n") if crlf else text)).encode()


def flow(schedule: Schedule) -> str:
    """A schedule as YAML on one line, without what is the default."""
    return _flow(_document_of(schedule, None))


def _document_of(value: Any, before: Any) -> Any:
    """A record as a document says it: what isn't the default, and what was said before.

    Args:
        value: a schedule, or a part of it.
        before: what stands there now.
    """
    if not is_dataclass(value) or isinstance(value, type):
        return value
    said = before if isinstance(before, Mapping) else {}
    # A new block has all of its sides; one that stands there keeps the form that it has.
    default = type(value)() if isinstance(value, Schedule) or (isinstance(value, Block) and said) else None
    found: dict[str, Any] = {}
    for field in fields(value):
        own = getattr(value, field.name)
        if own is None:
            # All cores: nothing is said of them, or `auto`.
            if field.name in said:
                found[field.name] = said[field.name]
        elif default is None or field.name in said or own != getattr(default, field.name):
            found[field.name] = _document_of(own, said.get(field.name))
    order = [*(name for name in said if name in found), *(name for name in found if name not in said)]
    return {name: found[name] for name in order}


def _from_the_end(item: tuple[int, Edit]) -> tuple[int, int]:
    number, edit = item
    return edit.start, number


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _put(document: Any, path: Path, value: Any) -> None:
    for step in path[:-1]:
        document = document.setdefault(step, {})
    document[path[-1]] = value


def _edits(source: Source, path: Path, value: Any) -> Iterator[Edit]:
    """What changes in a text so that it says a value at a path."""
    if path not in source.places:
        parent = path[:-1]
        while parent not in source.places:
            parent = parent[:-1]
        for step in reversed(path[len(parent) + 1 :]):
            value = {step: value}
        yield _inserted(source, parent, {str(path[len(parent)]): value})
        return
    before = _at(source.document, path)
    if isinstance(before, dict) and isinstance(value, dict) and before and before.keys() <= value.keys():
        missing = {name: own for name, own in value.items() if name not in before}
        for name in before:
            yield from _edits(source, (*path, name), value[name])
        if missing:
            yield _inserted(source, path, missing)
    elif before != value:
        place = source.places[path]
        yield Edit(start=place.start, end=_end(source, path), text=_flow(value))


def _inserted(source: Source, path: Path, values: Mapping[str, Any]) -> Edit:
    """Keys that join a mapping: behind its last value, in the style that it has."""
    place, children = source.places[path], _children(source, path)
    if not children:
        return Edit(start=place.start, end=place.end, text=_flow(values))
    if source.text[place.start] == "{":
        behind = _end(source, children[-1])
        return Edit(start=behind, end=behind, text=f", {_flow(values)[1:-1]}")
    key = source.places[children[0]].key
    assert key is not None, "a value of a mapping has a key"
    at = _end(source, children[-1])
    # Block scalars end behind their last line; everything else in a line that may go on with a comment.
    if source.text[at - 1] != "\n":
        newline = source.text.find("\n", at)
        at = len(source.text) if newline < 0 else newline + 1
    lines = "".join(f"{line}\n" for name, value in values.items() for line in _lines(name, value, key[1]))
    return Edit(start=at, end=at, text=lines if source.text[at - 1] == "\n" else f"\n{lines}")


def _children(source: Source, path: Path) -> list[Path]:
    document: Any = source.document
    for step in path:
        document = document[step]
    if isinstance(document, dict):
        return [(*path, name) for name in document]
    return [(*path, index) for index in range(len(document))] if isinstance(document, list) else []


def _end(source: Source, path: Path) -> int:
    """Where a value ends: a block of lines where the last of what is in it does, not where the next thing begins."""
    place, children = source.places[path], _children(source, path)
    if not children or source.text[place.start] in "{[":
        return place.end
    return _end(source, children[-1])


def _lines(name: str, value: Any, indent: int) -> Iterator[str]:
    """A key and its value as lines of a block: one, unless that would be long, or others may join it (`stages`)."""
    line = f"{' ' * indent}{name}: {_flow(value)}"
    joined = isinstance(value, dict) and any(isinstance(own, dict) and _nested(own) for own in value.values())
    if not isinstance(value, dict) or (len(line) <= _WIDTH and not joined):
        yield line
        return
    yield f"{' ' * indent}{name}:"
    for key, own in value.items():
        yield from _lines(key, own, indent + 2)


def _nested(value: Mapping[str, Any]) -> bool:
    return all(isinstance(own, dict) for own in value.values())


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    match value:
        case dict():
            return f"{{{', '.join(f'{name}: {_flow(own)}' for name, own in value.items())}}}"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
