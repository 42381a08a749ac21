"""What the gate takes of many tests of one kind; all of them run at night, by `pytest -m exhaustive` beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def one_in(number: int, items: Iterable[T], *, name: Callable[[T], str], kind: Callable[[T], object] = id) -> list[Any]:
    """Every item, as parameters of which the gate takes one in so many, and the first of each kind.

    Args:
        number: of them that one stands for.
        items: what is tested, those that are alike one after another.
        name: of a test.
        kind: of an item; with none, only their number counts.
    """
    seen: set[object] = set()
    found = []
    for place, item in enumerate(items):
        is_first = kind is not id and kind(item) not in seen
        seen.add(kind(item))
        marks = () if is_first or place % number == 0 else (pytest.mark.exhaustive,)
        found.append(pytest.param(item, id=name(item), marks=marks))
    return found


def only(names: Sequence[str], gate: Sequence[str]) -> list[Any]:
    """All names, as parameters of which the gate takes some."""
    assert set(gate) <= set(names)
    return [pytest.param(name, id=name, marks=() if name in gate else (pytest.mark.exhaustive,)) for name in names]
