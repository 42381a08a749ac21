"""The canonical form of a spec: keys in the reference's order, one space where one will do, comments where they were.

Values keep their spelling. What a text says is the same before and after: that is checked by reading both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import yaml

from ttgen.errors import SpecError
from ttgen.schema.generate import document_fields, key_of
from ttgen.source import parse
from ttgen.spec import Spec

WIDTH: Final = 120
"""Columns that a mapping or list in braces may have on one line."""
_INDENT: Final = 2
_ITEM: Final = re.compile(r"^( *)- +")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def canonical(text: str, name: str = "spec.yaml") -> str:
    """A spec's text in its canonical form.

    Raises:
        SpecError: it is no YAML, or YAML that a spec may not be.
    """
    source = parse(text, name=name)
    text = source.text
    root = yaml.compose(text, Loader=_Loader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return text
    printer = _Printer(text)
    lines = printer.mapping(root, Spec, 0, 0, len(printer.lines))
    formatted = "\n".join(_tidy(lines)) + "\n"
    # Whatever is written in a way that this doesn't know stays as it is.
    try:
        return formatted if parse(formatted, name=name).document == source.document else text
    except SpecError:
        return text


def _tidy(lines: list[str]) -> Iterator[str]:
    """Lines without spaces at their ends, and no more than one empty line in a row, none at the ends."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    before = ""
    for line in lines:
        stripped = line.rstrip()
        if stripped or before:
            yield stripped
        before = stripped


class _Printer:
    """Prints the nodes of a document, with the lines between them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")

    def mapping(self, node: Any, kind: Any, indent: int, first: int, last: int) -> list[str]:
        """The lines of a mapping whose keys have a line each, which has the lines `[first, last)` of the text."""
        entries = node.value
        starts = [key.start_mark.line for key, _value in entries]
        ends = [self._end(value, key) for key, value in entries]
        leads = [self._lead(begin, start) for begin, start in zip([first, *ends], starts, strict=False)]
        header = self.lines[first : leads[0]]
        printed: dict[str, list[str]] = {}
        for number, (key, value) in enumerate(entries):
            until = leads[number + 1] if number + 1 < len(entries) else ends[number]
            own = [*self._moved(self.lines[leads[number] : starts[number]], indent)]
            own += self._entry(key, value, _inner(kind, key.value), indent, ends[number])
            own += self._moved(self.lines[ends[number] : until], indent)
            printed[key.value] = own
        order = _order(kind)
        names = sorted(printed, key=lambda name: order.index(name) if name in order else len(order))
        body = [line for name in names for line in printed[name]]
        return [*self._moved(header, indent), *body, *self._moved(self.lines[ends[-1] : last], indent)]

    def _end(self, value: Any, key: Any) -> int:
        """The line after the last that a value has something on."""
        if isinstance(value, yaml.CollectionNode) and not value.flow_style and value.value:
            # The end of a block is where the next one begins: its own is that of its last value.
            last = value.value[-1]
            return self._end(*reversed(last)) if isinstance(value, yaml.MappingNode) else self._end(last, last)
        mark = value.end_mark
        return max(int(mark.line) + (1 if mark.column > 0 else 0), int(key.start_mark.line) + 1)

    def _lead(self, begin: int, start: int) -> int:
        """The first line that belongs to the key on line `start`: comments just above it, an empty line above them."""
        at = start
        while at > begin and self.lines[at - 1].strip().startswith("#"):
            at -= 1
        if at > begin and not self.lines[at - 1].strip():
            return at - 1
        # What begins a file is about all of it, and stays there.
        return at if begin else start

    def _moved(self, lines: list[str], indent: int) -> list[str]:
        """Comments at the indentation of what they stand beside."""
        return [f"{' ' * indent}{line.strip()}" if line.strip() else "" for line in lines]

    def _entry(self, key: Any, value: Any, kind: Any, indent: int, end: int) -> list[str]:
        """The lines of a key and its value."""
        head = f"{' ' * indent}{self._slice(key)}:"
        is_block = isinstance(value, yaml.CollectionNode) and not value.flow_style
        if is_block and value.start_mark.line > key.start_mark.line:
            rest = self.lines[key.start_mark.line][key.end_mark.column + 1 :].rstrip()
            below = key.start_mark.line + 1
            if isinstance(value, yaml.MappingNode):
                return [head + rest, *self.mapping(value, kind, indent + _INDENT, below, end)]
            shift = indent + _INDENT - int(value.start_mark.column)
            return [head + rest, *(_ITEM.sub(r"\1- ", _shifted(line, shift)) for line in self.lines[below:end])]
        if isinstance(value, yaml.CollectionNode) and value.flow_style and "#" not in self._slice(value):
            flow = self.flow(value, kind)
            tail = self.lines[value.end_mark.line][value.end_mark.column :].rstrip()
            if len(head) + 1 + len(flow) <= WIDTH:
                return [f"{head} {flow}{tail}"]
        lines = self.lines[key.start_mark.line : end]
        first = lines[0][key.end_mark.column + 1 :].strip()
        shift = indent - int(key.start_mark.column)
        return [f"{head} {first}".rstrip(), *(_shifted(line, shift) for line in lines[1:])]

    def flow(self, node: Any, kind: Any) -> str:
        """A value in braces or brackets, on one line."""
        if isinstance(node, yaml.MappingNode) and node.flow_style:
            order = _order(kind)
            parts = [
                (key.value, self._slice(key), self.flow(value, _inner(kind, key.value))) for key, value in node.value
            ]
            parts.sort(key=lambda part: order.index(part[0]) if part[0] in order else len(order))
            return "{" + ", ".join(f"{key}: {value}".rstrip() for _name, key, value in parts) + "}"
        if isinstance(node, yaml.SequenceNode) and node.flow_style:
            return "[" + ", ".join(self.flow(item, None) for item in node.value) + "]"
        return self._slice(node)

    def _slice(self, node: Any) -> str:
        return self.text[node.start_mark.index : node.end_mark.index]


def _shifted(line: str, by: int) -> str:
    """A line further to the right or left."""
    if not line.strip():
        return ""
    own = len(line) - len(line.lstrip())
    return " " * max(0, own + by) + line.lstrip()


def _order(kind: Any) -> list[str]:
    """The keys of a part of a spec, as the reference has them; none where they are names of the user's."""
    return [key_of(item) for item in document_fields(kind)] if is_dataclass(kind) else []


def _inner(kind: Any, key: str) -> Any:
    """What a key's value is: a dataclass, or a mapping of names to one."""
    if get_origin(kind) is Mapping:
        return _members(get_args(kind)[1])
    if not is_dataclass(kind):
        return None
    hints = get_type_hints(kind, include_extras=True)
    return _members(hints.get(key))


def _members(hint: Any) -> Any:
    """The member of a union that a mapping can be."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next((item for item in members if is_dataclass(item) or get_origin(item) is Mapping), None)
