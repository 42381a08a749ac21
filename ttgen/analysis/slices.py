"""Parts of a body: the statements that a proof is about, with the loops and the names that they need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from typing import TypeAlias

from ttgen.exhaustive import assert_never
from ttgen.model.body import Body, If, Let, Loop, Routine, Section, Statement, needed, walk
from ttgen.model.effects import Effect, effects
from ttgen.model.index import Const, Expr, Index, Var, names, substituted
from ttgen.records import dataclass

Wanted: TypeAlias = Callable[[Effect], Iterable[Index]]
"""The index expressions of an effect that a proof is about; none where it isn't about the effect."""


def wanted_indices(statement: Statement, wanted: Wanted) -> Iterator[Index]:
    """The index expressions of a statement itself that are wanted."""
    match statement:
        case Loop() | If() | Routine() | Let() | Section():
            return
        case _:
            for effect in effects(statement):
                yield from wanted(effect)


def sliced(body: Body, wanted: Wanted) -> Body:
    """The statements with wanted effects, in order, the loops around them, and the names that they need.

    Sections and routines are opened: their statements run one after another on a core.
    """
    kept = _with_names(body, wanted)
    return _pruned(kept, used_names(kept, wanted))


def _pruned(body: Body, used: Collection[str]) -> Body:
    """A slice with none but the names that are used somewhere in it."""
    kept: list[Statement] = []
    for item in body:
        match item:
            case Loop(var=var, extent=extent, body=inner):
                kept.append(Loop(var=var, extent=extent, body=_pruned(inner, used)))
            case If(left=left, relation=relation, right=right, then=then, otherwise=otherwise):
                sides = _pruned(then, used), _pruned(otherwise, used)
                kept.append(If(left=left, relation=relation, right=right, then=sides[0], otherwise=sides[1]))
            case Let(name=name):
                if name in used:
                    kept.append(item)
            case _:
                kept.append(item)
    return tuple(kept)


def _with_names(body: Body, wanted: Wanted) -> Body:
    """A slice with all names, used or not."""
    kept: list[Statement] = []
    for item in body:
        match item:
            case Loop(var=var, extent=extent, body=inner):
                rest = _with_names(inner, wanted)
                if any(not isinstance(child, Let) for child in rest):
                    kept.append(Loop(var=var, extent=extent, body=rest))
            case If(left=left, relation=relation, right=right, then=then, otherwise=otherwise):
                sides = _with_names(then, wanted), _with_names(otherwise, wanted)
                if any(not isinstance(child, Let) for side in sides for child in side):
                    kept.append(If(left=left, relation=relation, right=right, then=sides[0], otherwise=sides[1]))
            case Routine(parameter=parameter, argument=argument, body=inner):
                kept += (Let(name=parameter, index=argument), *_with_names(inner, wanted))
            case Section(math=math, pack=pack):
                kept += (*_with_names(math, wanted), *_with_names(pack, wanted))
            case Let():
                kept.append(item)
            case _:
                if any(True for _index in wanted_indices(item, wanted)):
                    kept.append(item)
    return tuple(kept)


def used_names(body: Body, wanted: Wanted) -> set[str]:
    """Every name that extents and wanted expressions depend on, through what the body names itself too."""
    used: set[str] = set()
    for item in walk(body):
        if isinstance(item, Loop):
            used.update(names(item.extent))
        if isinstance(item, If):
            used.update((*names(item.left), *names(item.right)))
        used.update(name for index in wanted_indices(item, wanted) for name in names(index))
    needed((item for item in walk(body) if isinstance(item, Let)), used)
    return used


@cache
def arguments(body: Body, wanted: Wanted) -> frozenset[str]:
    """Those of the used names that the body doesn't make itself."""
    made = {item.var for item in walk(body) if isinstance(item, Loop)}
    made |= {item.name for item in walk(body) if isinstance(item, Let)}
    return frozenset(used_names(body, wanted) - made)


@dataclass(frozen=True, slots=True)
class Switch:
    """A `min` of two expressions that are linear in a loop's variable: from some trip on the other one is smaller."""

    left: Index
    right: Index


def switches(loop: Loop, wanted: Wanted) -> tuple[Switch, ...] | None:
    """Where the trips of a loop stop to be alike; None where any two may differ.

    Between the switches all that trips change is linear in the variable, so the first and the last of them, and the
    second for the stride, say what all do.
    """
    values: dict[str, Index] = {}
    varying = {loop.var}
    found: list[Switch] = []

    def is_tame(index: Index) -> bool:
        return _is_piecewise_linear(substituted(index, values), varying, found)

    def are_tame(body: Body) -> bool:
        for item in body:
            match item:
                case Let(name=name, index=index):
                    if not is_tame(index):
                        return False
                    values[name] = substituted(index, values)
                case Loop(var=var, extent=extent, body=inner):
                    if varying.intersection(names(substituted(extent, values))):
                        varying.add(var)
                    if not (is_tame(extent) and are_tame(inner)):
                        return False
                case If(left=left, right=right, then=then, otherwise=otherwise):
                    turns = {name for side in (left, right) for name in names(substituted(side, values))}
                    if varying & turns or not (are_tame(then) and are_tame(otherwise)):
                        return False
                case Routine() | Section():
                    raise AssertionError("slices have no sections and no routines")
                case _:
                    if not all(is_tame(index) for index in wanted_indices(item, wanted)):
                        return False
        return True

    return tuple(dict.fromkeys(found)) if are_tame(loop.body) else None


def _is_piecewise_linear(index: Index, varying: Collection[str], found: list[Switch]) -> bool:
    """Whether an expression is linear in what varies but for one `min`, whose switches it adds."""
    match index:
        case Const() | Var():
            return True
        case Expr(operator, left, right):
            in_left, in_right = (any(name in varying for name in names(side)) for side in (left, right))
            if not (in_left or in_right):
                return True
            before = len(found)
            sides = all(_is_piecewise_linear(side, varying, found) for side in (left, right))
            match operator:
                case "+" | "-":
                    return sides
                case "*":
                    return sides and not (in_left and in_right)
                case "min":
                    is_straight = len(found) == before
                    found.append(Switch(left, right))
                    return sides and is_straight
                case "//" | "%":
                    return False
                case _:
                    assert_never(operator)
        case _:
            assert_never(index)
