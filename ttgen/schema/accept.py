"""Whether a schema accepts a document, by the keywords that `generate` writes: a good spec needs no more than that.

jsonschema, which says what is wrong with a bad one, takes as long to import as all of the planner. A test has both
judge thousands of documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

# A YAML 2.0 is no integer, and `true` is none either, nor a number.
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "object": (dict,), "array": (list,),
    "boolean": (bool,),
}  # fmt: skip


def accepts(schema: Any, value: Any) -> bool:
    """Whether a value, as `source` makes it from YAML, is what a schema wants."""
    return all(_KEYWORDS[keyword](wanted, value, schema) for keyword, wanted in schema.items())


def _type(wanted: Any, value: Any, _schema: Any) -> bool:
    return any(type(value) in _TYPES[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted))


def _pattern(wanted: Any, value: Any, _schema: Any) -> bool:
    return not isinstance(value, str) or re.search(wanted, value) is not None


def _minimum(wanted: Any, value: Any, _schema: Any) -> bool:
    return type(value) not in (int, float) or not value < wanted


def _maximum(wanted: Any, value: Any, _schema: Any) -> bool:
    return type(value) not in (int, float) or not value > wanted


def _items(wanted: Any, value: Any, _schema: Any) -> bool:
    return not isinstance(value, list) or all(accepts(wanted, item) for item in value)


def _properties(wanted: Any, value: Any, _schema: Any) -> bool:
    return not isinstance(value, dict) or all(
        accepts(wanted[key], item) for key, item in value.items() if key in wanted
    )


def _other_properties(wanted: Any, value: Any, schema: Any) -> bool:
    if not isinstance(value, dict):
        return True
    others = [item for key, item in value.items() if key not in schema.get("properties", ())]
    return all(accepts(wanted, item) for item in others) if wanted is not False else not others


def _all_of(wanted: Any, value: Any, _schema: Any) -> bool:
    return all(accepts(branch, value) for branch in wanted)


def _says_nothing(_wanted: Any, _value: Any, _schema: Any) -> bool:
    return True


_KEYWORDS: Final[Mapping[str, Callable[[Any, Any, Any], bool]]] = {
    "type": _type,
    "enum": lambda wanted, value, _schema: value in wanted,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minItems": lambda wanted, value, _schema: not isinstance(value, list) or len(value) >= wanted,
    "minProperties": lambda wanted, value, _schema: not isinstance(value, dict) or len(value) >= wanted,
    "items": _items,
    "required": lambda wanted, value, _schema: not isinstance(value, dict) or all(key in value for key in wanted),
    "properties": _properties,
    "additionalProperties": _other_properties,
    "allOf": _all_of,
    "if": lambda wanted, value, schema: not accepts(wanted, value) or accepts(schema["then"], value),
    **dict.fromkeys(("then", "$schema", "$comment", "title", "description", "markdownDescription"), _says_nothing),
}
