"""Parts of a body: the statements that a proof is about, with the loops and the names that they need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeAlias

from ttgen.exhaustive import assert_never
from ttgen.model.body import Body, Let, Loop, Section, Statement, needed, walk
from ttgen.model.effects import Effect, effects
from ttgen.model.index import Const, Expr, Index, Var, names

Wanted: TypeAlias = Callable[[Effect], Iterable[Index]]
"""The index expressions of an effect that a proof is about; none where it isn't about the effect."""


def wanted_indices(statement: Statement, wanted: Wanted) -> Iterator[Index]:
    """The index expressions of a statement itself that are wanted."""
    match statement:
        case Loop() | Let() | Section():
            return
        case _:
            for effect in effects(statement):
                yield from wanted(effect)


def sliced(body: Body, wanted: Wanted) -> Body:
    """The statements with wanted effects, in order, the loops around them, and the names that they need.

    Sections are opened: their statements run one after another on a core.
    """
    kept: list[Statement] = []
    for item in body:
        match item:
            case Loop(var=var, extent=extent, body=inner):
                rest = sliced(inner, wanted)
                if any(not isinstance(child, Let) for child in rest):
                    kept.append(Loop(var=var, extent=extent, body=rest))
            case Section(math=math, pack=pack):
                kept += (*sliced(math, wanted), *sliced(pack, wanted))
            case Let():
                kept.append(item)
            case _:
                if any(True for _index in wanted_indices(item, wanted)):
                    kept.append(item)
    used = used_names(tuple(kept), wanted)
    return tuple(item for item in kept if not isinstance(item, Let) or item.name in used)


def used_names(body: Body, wanted: Wanted) -> set[str]:
    """Every name that extents and wanted expressions depend on, through what the body names itself too."""
    used: set[str] = set()
    for item in walk(body):
        if isinstance(item, Loop):
            used.update(names(item.extent))
        used.update(name for index in wanted_indices(item, wanted) for name in names(index))
    needed((item for item in walk(body) if isinstance(item, Let)), used)
    return used


def arguments(body: Body, wanted: Wanted) -> set[str]:
    """Those of the used names that the body doesn't make itself."""
    made = {item.var for item in walk(body) if isinstance(item, Loop)}
    made |= {item.name for item in walk(body) if isinstance(item, Let)}
    return used_names(body, wanted) - made


def is_affine(index: Index, over: Collection[str]) -> bool:
    """Whether an expression is linear in some names and grows with each: its ends are those of their ranges."""
    match index:
        case Const() | Var():
            return True
        case Expr(operator, left, right):
            in_left, in_right = (any(name in over for name in names(side)) for side in (left, right))
            match operator:
                case "+":
                    return is_affine(left, over) and is_affine(right, over)
                case "-":
                    return not in_right and is_affine(left, over)
                case "*":
                    return not (in_left and in_right) and is_affine(left, over) and is_affine(right, over)
                case "//" | "%" | "min":
                    return not (in_left or in_right)
                case _:
                    assert_never(operator)
        case _:
            assert_never(index)


def trips_are_alike(loop: Loop, wanted: Wanted) -> bool:
    """Whether all that a loop's trips change is linear in its variable: extents don't depend on it."""
    varying = {loop.var}

    def alike(body: Body) -> bool:
        for item in body:
            match item:
                case Let(name=name, index=index):
                    if not is_affine(index, varying):
                        return False
                    if varying.intersection(names(index)):
                        varying.add(name)
                case Loop(extent=extent, body=inner):
                    if varying.intersection(names(extent)) or not alike(inner):
                        return False
                case Section(math=math, pack=pack):
                    if not (alike(math) and alike(pack)):
                        return False
                case _:
                    if not all(is_affine(index, varying) for index in wanted_indices(item, wanted)):
                        return False
        return True

    return alike(loop.body)
