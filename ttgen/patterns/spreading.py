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
from typing import Final, Literal

from ttgen.dtypes import TILE
from ttgen.exhaustive import assert_never
from ttgen.formula.scalar import value_of
from ttgen.formula.values import Axes, Axis, Contraction, Elementwise, Graph, Input, Number, Reduction, Value
from ttgen.model.body import Op
from ttgen.model.plan import Padding
from ttgen.patterns.operands import broadcast_of

Beside = Literal["again", "anything"]
"""What is beside a column where it isn't 0: its numbers again, or any."""

_LARGEST: Final = 3.4028234e38
_LEFT_OVER: Final = (0.0, 1e30, -1e30)
"""What may be left over beside a column: numbers, of any size that one expects in a tensor."""


def is_finite_beside(values: Sequence[Value], index: int, beside: Mapping[int, Beside]) -> bool:
    """Whether numbers are beside a column, where there are some in it.

    Args:
        values: of the graph.
        index: of the column.
        beside: what is beside what it is made of, where it isn't 0.
    """
    below = _below(values, index)
    leaves = [own for own in below if not isinstance(values[own], Elementwise | Number)]
    made_of = {beside.get(leaf) for leaf in leaves}
    if made_of == {"again"}:
        return True
    if "again" in made_of:
        # Zeros meet what is as large as the column's own numbers, and nobody knows what comes of it.
        return False
    return all(math.isfinite(number) and abs(number) <= _LARGEST for number in _made(values, below, beside)[index])


def _below(values: Sequence[Value], index: int) -> list[int]:
    """A value and all that it is made of, operands before what is made of them."""
    found, pending = set[int](), [index]
    while pending:
        own = pending.pop()
        if own not in found:
            found.add(own)
            if isinstance(values[own], Elementwise):
                pending += values[own].operands
    return sorted(found)


def _made(values: Sequence[Value], below: Iterable[int], beside: Mapping[int, Beside]) -> dict[int, tuple[float, ...]]:
    """What some values are beside a column, for each number that may be left over there."""
    found: dict[int, tuple[float, ...]] = {}
    for index in below:
        value = values[index]
        match value:
            case Number(number=number):
                found[index] = (number,) * len(_LEFT_OVER)
            case Input() | Reduction() | Contraction():
                found[index] = _LEFT_OVER if index in beside else (0.0,) * len(_LEFT_OVER)
            case Elementwise(function=function, operands=operands, parameters=parameters):
                each = zip(*(found[operand] for operand in operands), strict=True)
                found[index] = tuple(value_of(function, *numbers, *parameters) for numbers in each)
            case _:
                assert_never(value)
    return found


def widened(
    values: Sequence[Value], computed: Collection[int], wide: Mapping[int, Axes], beside: Mapping[int, Beside]
) -> list[Value]:
    """The values, those that have to be computed of spread columns with the axes that these are spread to.

    Args:
        values: of the graph.
        computed: those that a section computes.
        wide: those of them that are to be spread anyway, and to which axes.
        beside: what is beside inputs and reductions, where it isn't 0.
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
                and not is_finite_beside(values, operand, beside)
            ):
                found[operand] = replace(value, axes=found[user].axes)
    return found


def beside_made(graph: Graph, made: Collection[str]) -> dict[int, Beside]:
    """What is beside the inputs that earlier programs make: numbers."""
    values = enumerate(graph.values)
    return {index: "anything" for index, value in values if isinstance(value, Input) and value.tensor in made}


def spread_axes(axes: Axes) -> Axes:
    """What columns are spread over: some axes, or one more of columns where they are those of columns themselves."""
    return (*axes[:-1], Axis("spread", TILE)) if axes and axes[-1].size == 1 else axes


def columns_put_out(graph: Graph, axes: Axes) -> tuple[int, ...]:
    """The outputs that are columns beside the axes that they are spread over: other programs may spread them."""
    outputs = dict.fromkeys(output.value for output in graph.outputs)
    return tuple(index for index in outputs if broadcast_of(graph.values[index], axes) in ("cols", "scalar"))


def made_wide(graph: Graph, columns: Iterable[int], axes: Axes, beside: Mapping[int, Beside]) -> dict[int, Axes]:
    """Those of some columns that have to be computed of spread ones, and the axes that these are spread to."""
    return {
        index: axes
        for index in columns
        if isinstance(graph.values[index], Elementwise) and not is_finite_beside(graph.values, index, beside)
    }


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
    read = [value for index in graph.beside if isinstance(value := graph.values[index], Input)]
    columns = [value.tensor for value in read if broadcast_of(value, axes) in ("cols", "scalar")]
    if graph.contraction is not None and broadcast_of(graph.contraction, axes) is not None:
        # A product that is a column has beside it what the right operand's padding makes.
        columns += [value.tensor for value in graph.operands_of(graph.contraction)[1:] if isinstance(value, Input)]
    return {tensor: "finite" if tensor in made else "zero" for tensor in columns}
