"""Columns that the vector unit spreads over a tile: nothing beside them may be infinite or NaN.

`sfpu_*_bcast_col` multiplies what is beside a column, in the left face, by 0 and adds it. Beside a column that is read
is its padding, for which zeros are asked; beside what the matrix unit summed up are zeros, beside its maxima whatever
was left over, and beside what the vector unit reduced the result again. A function of those may be infinite, as the
reciprocal of 0 is: it is computed of the column spread already, which takes as long.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ttgen.exhaustive import assert_never
from ttgen.formula.scalar import value_of
from ttgen.formula.values import Axes, Contraction, Elementwise, Graph, Input, Number, Reduction, Value
from ttgen.model.body import Op
from ttgen.model.plan import Padding
from ttgen.patterns.operands import broadcast_of

_LARGEST: Final = 3.4028234e38
_LEFT_OVER: Final = (0.0, 1e30, -1e30)
"""What may be left over beside a column: numbers, of any size that one expects in a tensor."""


def is_finite_beside(values: Sequence[Value], index: int, repeated: Collection[int] = ()) -> bool:
    """Whether numbers are beside a column.

    Args:
        values: of the graph.
        index: of the column.
        repeated: reductions beside whose results these are again.
    """

    def beside(index: int, left_over: float) -> float:
        value = values[index]
        match value:
            case Input():
                return 0.0
            case Number(number=number):
                return number
            case Reduction(function=function):
                return 1.0 if index in repeated else 0.0 if function == "sum" else left_over
            case Contraction():
                return left_over
            case Elementwise(function=function, operands=operands, parameters=parameters):
                return value_of(function, *(beside(operand, left_over) for operand in operands), *parameters)
            case _:
                assert_never(value)

    found = [beside(index, left_over) for left_over in _LEFT_OVER]
    return all(math.isfinite(number) and abs(number) <= _LARGEST for number in found)


def widened(
    values: Sequence[Value], computed: Collection[int], wide: Mapping[int, Axes], repeated: Collection[int]
) -> list[Value]:
    """The values, those that have to be computed of spread columns with the axes that these are spread to.

    Args:
        values: of the graph.
        computed: those that a section computes.
        wide: those of them that are to be spread anyway, and to which axes.
        repeated: reductions beside whose results these are again.
    """
    found = list(values)
    for index, axes in wide.items():
        value = found[index]
        assert isinstance(value, Elementwise), "what is spread is computed"
        found[index] = replace(value, axes=axes)
    # Users come after what they use.
    for user in sorted(computed, reverse=True):
        for operand in found[user].operands:
            value = found[operand]
            if (
                operand in computed
                and isinstance(value, Elementwise)
                and broadcast_of(value, found[user].axes) in ("cols", "scalar")
                and not is_finite_beside(values, operand, repeated)
            ):
                found[operand] = replace(value, axes=found[user].axes)
    return found


def spreads_columns(ops: Iterable[Op]) -> bool:
    """Whether operations spread a column in DST."""
    return any(op.name.endswith("_dst_cols") for op in ops)


def padding_of_columns(graph: Graph, axes: Axes, made: Collection[str]) -> dict[str, Padding]:
    """What columns that are read need of their padding where some are spread, here or by a program that reads them.

    Args:
        graph: what is computed.
        axes: of what columns are spread over.
        made: the inputs that earlier programs make, which have numbers there.
    """
    return {
        value.tensor: "finite" if value.tensor in made else "zero"
        for index in graph.beside
        if isinstance(value := graph.values[index], Input) and broadcast_of(value, axes) in ("cols", "scalar")
    }
