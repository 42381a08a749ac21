"""`dataclass`: that of the standard library, for classes with slots, at a tenth of its price.

The standard one writes and compiles six functions a class: for a hundred and fifty classes that is as long as all else
that a command imports. Here each function is compiled when it is first called, as most commands need few of most
classes, and `__init__` sets fields through the slots' descriptors, which is quicker than `object.__setattr__` too.
`fields`, `replace`, `match`, `copy` and `pickle` work on both alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import MISSING, FrozenInstanceError, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # For a type checker, they are the same.
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, kw_only: bool = False) -> Callable[[type], type]:
        """A decorator; what has no slots is left to the standard library."""
        if not slots:
            return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only)
        add_fields = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)
        return lambda kind: (_frozen if frozen else _open)(_slotted(add_fields(kind)))


def _slotted(kind: Any) -> Any:
    """The class anew, as one that is there can't get slots: one for each field, and one for the hash."""
    names = tuple(item.name for item in fields(kind))
    members = {name: value for name, value in vars(kind).items() if name not in (*names, "__dict__", "__weakref__")}
    members |= {"__slots__": (*names, "_hash"), "__qualname__": kind.__qualname__}
    return type(kind)(kind.__name__, kind.__bases__, members)


def _open(kind: Any) -> Any:
    """Adds what instances do."""
    for name, write in (("__init__", _init), ("__eq__", _eq), ("__repr__", _repr)):
        setattr(kind, name, _compiled_when_called(kind, name, write))
    kind.__hash__ = None
    return kind


def _frozen(kind: Any) -> Any:
    """Adds what instances do that never change."""
    _open(kind).__hash__ = _compiled_when_called(kind, "__hash__", _hash)
    kind.__setattr__, kind.__delattr__ = _no_setattr, _no_delattr
    kind.__getstate__, kind.__setstate__ = _getstate, _setstate
    return kind


def _compiled_when_called(kind: Any, name: str, write: Callable[[Any, dict[str, Any]], str]) -> Callable[..., Any]:
    """A method that takes the place of itself; `write` gives its text, and adds what that refers to."""

    def method(*given: Any, **named: Any) -> Any:
        known: dict[str, Any] = {"__name__": kind.__module__}
        exec(write(kind, known), known)  # noqa: S102 - a text of the fields' names
        compiled = known[name]
        compiled.__qualname__ = f"{kind.__qualname__}.{name}"
        setattr(kind, name, compiled)
        return compiled(*given, **named)

    return method


def _init(kind: Any, known: dict[str, Any]) -> str:
    """A parameter for each field, those that are named only at the end."""
    parameters, body = ["self"], ["_set__hash(self, None)"]
    known["_set__hash"] = _setter(kind, "_hash")
    for item in sorted(fields(kind), key=lambda item: item.kw_only is True):
        if item.kw_only and "*" not in parameters:
            parameters.append("*")
        name, default, value = item.name, "", item.name
        known[f"_set_{name}"] = _setter(kind, name)
        if item.default is not MISSING:
            known[f"_default_{name}"], default = item.default, f"=_default_{name}"
        elif item.default_factory is not MISSING:
            known["_missing"], known[f"_make_{name}"], default = MISSING, item.default_factory, "=_missing"
            value = f"_make_{name}() if {name} is _missing else {name}"
        parameters.append(f"{name}{default}")
        body.append(f"_set_{name}(self, {value})")
    if hasattr(kind, "__post_init__"):
        body.append("self.__post_init__()")
    return f"def __init__({', '.join(parameters)}):\n  {'; '.join(body)}"


def _setter(kind: Any, name: str) -> Any:
    """What sets a slot, frozen or not."""
    return getattr(kind, name).__set__


def _eq(kind: Any, _known: dict[str, Any]) -> str:
    both = f"{_values('self', kind)} == {_values('other', kind)}"
    return f"def __eq__(self, other):\n  return {both} if other.__class__ is self.__class__ else NotImplemented"


def _hash(kind: Any, known: dict[str, Any]) -> str:
    """What is frozen has one hash, and a tree's is asked for again and again."""
    known["_set__hash"] = _setter(kind, "_hash")
    own = f"_set__hash(self, hash({_values('self', kind)}))"
    return f"def __hash__(self):\n  if self._hash is None: {own}\n  return self._hash"


def _repr(kind: Any, _known: dict[str, Any]) -> str:
    shown = ", ".join(f"{item.name}={{self.{item.name}!r}}" for item in fields(kind) if item.repr)
    return f"def __repr__(self):\n  return f'{{self.__class__.__qualname__}}({shown})'"


def _values(instance: str, kind: Any) -> str:
    """A tuple of what instances are compared by."""
    return f"({''.join(f'{instance}.{item.name},' for item in fields(kind) if item.compare)})"


def _no_setattr(_self: Any, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_delattr(_self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, item.name) for item in fields(self)]


def _setstate(self: Any, state: Iterable[Any]) -> None:
    # Words have other hashes in another process.
    object.__setattr__(self, "_hash", None)
    for item, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, item.name, value)
