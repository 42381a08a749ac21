"""tt.plan.json: whatever fits in 110 columns stays on one line, and what is broken fills its lines.

So a changed number is one changed line. Rows of a table of cores, which are lists in a list, stand one below the other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from json.encoder import encode_basestring
from typing import Any, Final

from ttgen.model.document import document_keys
from ttgen.model.plan import Plan

WIDTH: Final = 110


def plan_json(plan: Plan) -> str:
    """The text of a plan's document."""
    return _text(_measured(plan, {}), "", "") + "\n"


# A value with its text on one line, which is None where that is longer than any line; and the parts of a collection.
_Measured = tuple[str | None, str, list[tuple[str, "_Measured"]]]


def _measured(value: Any, known: dict[int, _Measured]) -> _Measured:
    """Measures a value from its leaves up, so that each is written once.

    Parts that are one object (most have the same ranges of cores) are measured once, too, and `known` from then on.
    """
    kind: Any = type(value)
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return scalar(value), "", _NONE
    if kind is tuple:
        if (found := known.get(id(value))) is None:
            found = known[id(value)] = _list(value, known)
        return found
    if kind is dict:
        return _joined("{}", [(f"{encode_basestring(key)}: ", _measured(item, known)) for key, item in value.items()])
    own = ((head, getattr(value, name), optional) for head, name, optional in _heads(kind))
    return _joined("{}", [(head, _measured(item, known)) for head, item, optional in own if item or not optional])


def _list(value: tuple[Any, ...], known: dict[int, _Measured]) -> _Measured:
    if all(type(item) is int for item in value):
        line = str(list(value))
        if len(line) <= WIDTH:
            return line, "", _NONE
    return _joined("[]", [("", _measured(item, known)) for item in value])


_NONE: Final[list[tuple[str, _Measured]]] = []
_SCALARS: Final[Mapping[type, Callable[[Any], str]]] = {
    int: str,
    str: encode_basestring,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _value: "null",
}


def _joined(brackets: str, parts: list[tuple[str, _Measured]]) -> _Measured:
    length = 2
    texts = []
    for head, (line, _brackets, _parts) in parts:
        if line is None:
            return None, brackets, parts
        length += len(head) + len(line) + 2
        texts.append(head + line)
    return (f"{brackets[0]}{', '.join(texts)}{brackets[1]}" if length <= WIDTH else None), brackets, parts


@cache
def _heads(kind: Hashable) -> tuple[tuple[str, str, bool], ...]:
    """The keys of a dataclass as they are written, the fields that they come from, and whether they may be missing."""
    return tuple((f"{encode_basestring(key)}: ", name, optional) for key, name, optional in document_keys(kind))


def _text(measured: _Measured, head: str, indent: str) -> str:
    """A value after its key, indented; on one line where that fits, with a comma after it."""
    line, brackets, parts = measured
    if line is not None and (not parts or len(indent) + len(head) + len(line) < WIDTH):
        return f"{indent}{head}{line}"
    rows: list[str] = []
    is_filled = False
    for key, part in parts:
        row = _text(part, key, indent + "  ")
        fills = "\n" not in row and not row.startswith("[", len(indent) + 2)
        if fills and is_filled and len(rows[-1]) + len(row) - len(indent) < WIDTH:
            rows[-1] += f", {row[len(indent) + 2 :]}"
        else:
            rows.append(row)
        is_filled = fills
    return f"{indent}{head}{brackets[0]}\n" + ",\n".join(rows) + f"\n{indent}{brackets[1]}"
