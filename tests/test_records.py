"""`ttgen.records.dataclass` does what that of the standard library does."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any, Generic, TypeVar

import pytest

from ttgen import records

T = TypeVar("T")


def classes(dataclass: Any) -> dict[str, Any]:
    """One class of each kind, by a decorator."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        """Fields that are named."""

        first: int = 1
        second: str  # type: ignore[misc]
        items: list[int] = field(default_factory=list, metadata={"key": "value"})
        hidden: float = field(default=2.5, repr=False)
        apart: object = field(default=None, compare=False)

        def __post_init__(self) -> None:
            if self.first < 0:
                raise ValueError("negative")

    @dataclass(frozen=True, slots=True)
    class Mixed:
        """Fields in order, and one that is named."""

        left: object
        right: object = ()
        last: int = field(default=0, kw_only=True)

    @dataclass(frozen=True, slots=True)
    class Nothing:
        """No fields."""

    @dataclass(frozen=True, slots=True)
    class Boxed(Generic[T]):
        """Of any type."""

        value: T

    return {kind.__name__: kind for kind in (Named, Mixed, Nothing, Boxed)}


OURS = classes(records.dataclass)
STANDARD = classes(dataclasses.dataclass)

# What is done with classes of either kind; the outcome is the same.
USES = (
    "Named(second='a')",
    "Named(second='a').items is not Named(second='a').items",
    "Named(first=3, second='a', items=[1], hidden=0.5, apart=7)",
    "Named(second='a', apart=1) == Named(second='a', apart=2)",
    "Named(second='a') == Named(second='b')",
    "Named(second='a') == Mixed(1)",
    "hash(Named(second='a'))",
    "hash(Named(second='a', items=(1, 2), apart=[]))",
    "replace(Named(second='a', items=[4]), first=5)",
    "replace(Named(second='a'), first=-5)",
    "replace(Named(second='a'), third=5)",
    "Named()",
    "Named(1)",
    "Named(second='a', third=1)",
    "setattr(Named(second='a'), 'first', 2)",
    "delattr(Named(second='a'), 'first')",
    "copy.deepcopy(Named(second='a', items=[1]))",
    "copy.copy(Named(second='a', items=[1]))",
    "[(item.name, item.metadata, item.kw_only) for item in fields(Named)]",
    "dataclasses.asdict(Named(second='a'))",
    "vars(Named(second='a'))",
    "(sorted({*Named.__slots__} - {'_hash'}), Named.__match_args__, Named.__name__, Named.__doc__)",
    "(Mixed(1), Mixed(1, 2), Mixed(1, right=2, last=3), Mixed.__match_args__)",
    "Mixed(1, 2, 3)",
    "hash(Mixed(1, (2, 'x'))) == hash((1, (2, 'x'), 0))",
    "{Mixed(1): 1, Mixed(1, ()): 2, Mixed(2): 3}",
    "Mixed(1) < Mixed(2)",
    "(Nothing(), Nothing() == Nothing(), hash(Nothing()), len({Nothing(): 1}))",
    "(Boxed(1), Boxed(Boxed('x')) == Boxed(Boxed('x')))",
)


def outcome(use: str, kinds: dict[str, Any]) -> str:
    try:
        return repr(eval(use, {"copy": copy, "dataclasses": dataclasses, "fields": fields, "replace": replace}, kinds))
    except (TypeError, AttributeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("use", USES)
def test_both_do_the_same(use: str) -> None:
    first = outcome(use, OURS)
    assert first == outcome(use, STANDARD)
    assert first == outcome(use, OURS), "what is compiled once is what is called from then on"


@records.dataclass(frozen=True, slots=True)
class Kept:
    """A class that pickle finds."""

    value: object
    other: int = 3


def test_pickle_and_match() -> None:
    kept = Kept(Kept([1]), 4)
    assert pickle.loads(pickle.dumps(kept)) == kept
    match kept:
        case Kept(Kept(inner), other=4):
            assert inner == [1]
        case _:
            pytest.fail("no match")


def test_where_the_standard_library_fails() -> None:
    """Of frozen classes with slots, Python 3.11 has methods that mean the class without."""
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'third'"):
        Kept(1).third = 2  # type: ignore[attr-defined]
    boxed = OURS["Boxed"]
    assert boxed[int](1) == boxed(1)


def test_what_is_not_frozen_can_be_set_and_has_no_hash() -> None:
    @records.dataclass(slots=True)
    class Open:
        value: int

    changed = Open(1)
    changed.value = 2
    assert changed == Open(2)
    with pytest.raises(TypeError):
        hash(changed)
