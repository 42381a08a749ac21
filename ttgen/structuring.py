"""Plain values to frozen dataclasses, by cattrs: strict, so that what the schema lets through is what arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import cattrs


def _strict(expected: type) -> Any:
    def structure(value: Any, _type: Any) -> Any:
        if type(value) is not expected:
            raise TypeError(f"{value!r} is not {expected.__name__}")
        return value

    return structure


def _float(value: Any, _type: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _accepts(hint: Any, value: Any) -> bool:
    if hint in (NoneType, str, int, bool):
        return type(value) is hint
    if hint is float:
        return type(value) in (int, float)
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if is_dataclass(hint) or get_origin(hint) is Mapping:
        return isinstance(value, dict)
    return isinstance(value, list)


def _union(value: Any, hint: Any) -> Any:
    """Unions here have a member for each kind of YAML value: the value's own kind picks it."""
    for member in get_args(hint):
        if _accepts(member, value):
            return None if member is NoneType else CONVERTER.structure(value, member)
    raise TypeError(f"{value!r} is none of {hint}")


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _strict(kind))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook_func(_is_union, _union)
    return converter


CONVERTER = _converter()
