"""The values of a graph that something is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ttgen.exhaustive import assert_never
from ttgen.formula.values import Contraction, Elementwise, Input, Number, Output, Reduction, Value


def used(
    values: Sequence[Value], outputs: tuple[Output, ...], assigned: tuple[Output, ...]
) -> tuple[list[Value], tuple[Output, ...], tuple[Output, ...]]:
    """The values that something is made of: a mask that was moved outwards leaves others behind."""
    reached: set[int] = set()
    pending = [output.value for output in (*outputs, *assigned)]
    while pending:
        index = pending.pop()
        if index not in reached:
            reached.add(index)
            pending += values[index].operands
    places = {index: place for place, index in enumerate(sorted(reached))}
    found: list[Value] = []
    for index in sorted(reached):
        match values[index]:
            case Contraction(operands=(left, right)) as value:
                found.append(replace(value, operands=(places[left], places[right])))
            case Reduction(operands=(operand,)) as value:
                found.append(replace(value, operands=(places[operand],)))
            case Elementwise(operands=operands) as value:
                found.append(replace(value, operands=tuple(places[operand] for operand in operands)))
            case Input() | Number() as value:
                found.append(value)
            case value:
                assert_never(value)
    moved = [tuple(replace(output, value=places[output.value]) for output in some) for some in (outputs, assigned)]
    return found, moved[0], moved[1]
