"""How a formula that reduces becomes walks along a line of tiles: a row, a column, or the same tile of all batches.

A value is whole, if it varies along the line, or flat, if the line has one of it. What is reduced in one walk is known
after it, and so are flat values that are made of that; a last walk makes whole outputs. A whole value that several
walks need is kept, computed again, or its inputs are read again: `keep` says what stays on the core, values that take
a function and inputs, inputs only, or nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Final, Literal

from ttgen.dtypes import TILE
from ttgen.formula.functions import COMPARISONS
from ttgen.formula.values import Axes, Axis, Elementwise, Graph, Input, Number, Output, Reduction, Value
from ttgen.patterns.operands import ON_FPU, broadcast_of
from ttgen.patterns.spreading import Beside, columns_put_out, made_wide, spread_axes
from ttgen.records import dataclass
from ttgen.spec import Keep

KEEPS: Final[tuple[Keep, ...]] = ("values", "inputs", "nothing")
"""The best first: what is neither read nor computed again."""

IDENTITIES: Final = {"sum": 0.0, "max": -math.inf, "min": math.inf}
"""What a fold begins with, and what padding counts as."""

Way = Literal["tiles", "products", "fold"]
"""How a reduction runs: the matrix unit reduces tiles, or adds up products of tiles, or values are folded in DST."""

Line = Literal["row", "col", "batch"]

_CHEAP: Final = frozenset(
    {
        "abs",
        "add",
        "div",
        "maximum",
        "minimum",
        "mul",
        "neg",
        "relu",
        "sign",
        "square",
        "sub",
        "where",
        "clip",
        *COMPARISONS,
    }
)
"""Functions that are as cheap to compute again as to read back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What goes along a line once.

    Attributes:
        kept: whole values that it packs for later walks, and for its own reductions.
        reductions: what it reduces.
        flats: flat values that are known after it and needed later, reductions among them.
        outputs: whole outputs, in the last walk.
    """

    kept: tuple[int, ...] = ()
    reductions: tuple[int, ...] = ()
    flats: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()


def prepared(graph: Graph) -> Graph:
    """The same values with a division of a whole value by a flat one as a product with its reciprocal.

    The reciprocal is taken once a line, and the matrix unit multiplies by a column or a row.
    """
    reduced = graph.reduced
    values: list[Value] = []
    places: dict[int, int] = {}
    known: dict[int, int] = {}
    for index, value in enumerate(graph.values):
        if isinstance(value, Elementwise):
            operands = tuple(places[operand] for operand in value.operands)
            made = replace(value, operands=operands)
            divisor = values[operands[-1]]
            is_flat = _is_whole(made, reduced) and not (_is_whole(divisor, reduced) or isinstance(divisor, Number))
            if value.function == "div" and is_flat:
                right = operands[1]
                if right not in known:
                    known[right] = len(values)
                    values.append(
                        Elementwise(
                            function="reciprocal", operands=(right,), dtype=value.dtype, shape=divisor.shape,
                            axes=divisor.axes, span=value.span,
                        )
                    )  # fmt: skip
                made = replace(value, function="mul", operands=(operands[0], known[right]))
            values.append(made)
        elif isinstance(value, Reduction):
            values.append(replace(value, operands=(places[value.operands[0]],)))
        else:
            values.append(value)
        places[index] = len(values) - 1
    outputs = tuple(Output(tensor=output.tensor, value=places[output.value]) for output in graph.outputs)
    return replace(graph, values=tuple(values), outputs=outputs)


def _is_whole(value: Value, reduced: Axis | None) -> bool:
    return reduced in value.axes


@dataclass(frozen=True, kw_only=True)
class Passes:
    """The walks of a formula.

    Attributes:
        graph: its values, prepared.
        keep: what stays on the core between walks.
        exact: whether float32 is to keep its mantissa: some tensor has it.
        apart: whether each walk reduces one value only.
        split: the cores that have a line together.
    """

    graph: Graph
    keep: Keep
    exact: bool
    apart: bool = False
    split: int = 1

    @property
    def axis(self) -> Axis:
        """The axis that all reductions go along."""
        reduced = self.graph.reduced
        assert reduced is not None, "a formula of this pattern reduces"
        return reduced

    @property
    def line(self) -> Line:
        """What tiles of a line are."""
        value = next(value for value in self.graph.values if isinstance(value, Reduction))
        lines: tuple[Line, ...] = ("row", "col")
        return lines[value.along] if value.along < len(lines) else "batch"

    @property
    def is_ragged(self) -> bool:
        """Whether the last tile of a line is partly padding along it."""
        return self.line != "batch" and self.axis.size % TILE != 0

    def is_whole(self, index: int) -> bool:
        """Whether a value varies along the line."""
        return self.axis in self.graph.values[index].axes

    def is_read_once(self, index: int) -> bool:
        """Whether an input is the same for all lines."""
        value = self.graph.values[index]
        return isinstance(value, Input) and all(axis.size == 1 or axis == self.axis for axis in value.axes)

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """The tensors that are read, used or not."""
        return tuple(index for index, value in enumerate(self.graph.values) if isinstance(value, Input))

    @cached_property
    def ready(self) -> tuple[int, ...]:
        """After how many walks each value can be computed."""
        numbers: dict[int, int] = {}
        levels = self._ready(numbers)
        if self.apart:
            in_order = sorted(self.graph.reductions, key=lambda index: (levels[index], index))
            numbers = {index: number for number, index in enumerate(in_order, 1)}
        return self._ready(numbers)

    def _ready(self, numbers: Mapping[int, int]) -> tuple[int, ...]:
        """The same, where some reductions have a number."""
        found: list[int] = []
        for index, value in enumerate(self.graph.values):
            below = max((found[operand] for operand in value.operands), default=0)
            found.append(numbers.get(index, below + isinstance(value, Reduction)))
        return tuple(found)

    @cached_property
    def last(self) -> int:
        """The number of walks that reduce."""
        return max(self.ready[index] for index in self.graph.reductions)

    def roots_of(self, walk: int) -> tuple[int, ...]:
        """The whole values that a walk, counted from 1, is for: what it reduces, or what is put out."""
        if walk > self.last:
            whole = (output.value for output in self.graph.outputs if self.is_whole(output.value))
            return tuple(dict.fromkeys(whole))
        return tuple(dict.fromkeys(self.graph.values[index].operands[0] for index in self.reductions_of(walk)))

    def reductions_of(self, walk: int) -> tuple[int, ...]:
        """What a walk reduces."""
        return tuple(index for index in self.graph.reductions if self.ready[index] == walk)

    @cached_property
    def kept(self) -> Mapping[int, int]:
        """The whole values that are packed and kept, each with the walk that does so."""
        found: dict[int, int] = {}
        if self.keep != "values":
            return found
        for index in reversed(range(len(self.graph.values))):
            value = self.graph.values[index]
            if not isinstance(value, Elementwise) or not self.is_whole(index) or not self._is_costly(index):
                continue
            walks = [
                walk for walk in range(1, self.last + 2) if index in self.computed(self.roots_of(walk), walk, found)
            ]
            if len(walks) > 1:
                found[index] = walks[0]
        return found

    def _is_costly(self, index: int) -> bool:
        whole = self.computed((index,), 0, {})
        functions = (self.graph.values[place] for place in whole)
        return any(isinstance(value, Elementwise) and value.function not in _CHEAP for value in functions)

    def computed(self, roots: Iterable[int], walk: int, kept: Mapping[int, int]) -> set[int]:
        """The whole values that are computed, or read, for some roots in a walk."""
        found: set[int] = set()
        pending = list(roots)
        while pending:
            index = pending.pop()
            if index in found or not self.is_whole(index):
                continue
            found.add(index)
            if kept.get(index, walk) == walk:
                pending += self.graph.values[index].operands
        return found

    @cached_property
    def taken(self) -> tuple[frozenset[int], ...]:
        """The whole values that each walk computes or reads."""
        every = range(1, len(self.walks) + 1)
        return tuple(frozenset(self.computed(self.roots_of(walk), walk, self.kept)) for walk in every)

    def flats_of(self, walk: int) -> tuple[int, ...]:
        """Flat values that are known after a walk and needed by later ones, or put out."""
        put_out = {output.value for output in self.graph.outputs}
        return tuple(
            index
            for index, value in enumerate(self.graph.values)
            if not self.is_whole(index)
            and not isinstance(value, Input | Number)
            and self.ready[index] == walk
            and (index in put_out or self.is_needed(index))
        )

    def is_needed(self, index: int) -> bool:
        """Whether a later walk takes a flat value."""
        ready = self.ready[index]
        users = (user for user, value in enumerate(self.graph.values) if index in value.operands)
        return any(self.is_whole(user) or self.ready[user] > ready for user in users)

    @cached_property
    def walks(self) -> tuple[Walk, ...]:
        """All of them, in order."""
        found = [
            Walk(
                kept=tuple(index for index, first in self.kept.items() if first == walk)[::-1],
                reductions=self.reductions_of(walk),
                flats=self.flats_of(walk),
            )
            for walk in range(1, self.last + 1)
        ]
        outputs = self.roots_of(self.last + 1)
        return (*found, Walk(outputs=outputs)) if outputs else tuple(found)

    def reads_of(self, walk: int) -> tuple[int, ...]:
        """The whole inputs that a walk, counted from 1, works on, and that aren't read once for all lines."""
        found = self.computed(self.roots_of(walk), walk, self.kept)
        return tuple(index for index in self.inputs if index in found)

    def way(self, index: int) -> Way:
        """How a reduction runs."""
        reduction = self.graph.values[index]
        assert isinstance(reduction, Reduction), "it is one"
        (operand,) = reduction.operands
        if self.line == "batch" or self.exact or reduction.function == "min":
            return "fold"
        if reduction.function == "max":
            return "tiles" if self._in_buffer(operand) and not self.is_ragged else "fold"
        if self._in_buffer(operand):
            return "tiles"
        # The last tile of a ragged line is folded into the products of those before it, so a core has to have some.
        alone = self.is_ragged and (self.axis.size < TILE or self.split > 1)
        return "products" if self.factors(operand) and not alone else "fold"

    @cached_property
    def beside(self) -> dict[int, Beside]:
        """What is beside reductions, where it isn't 0: what the vector unit ends along rows it has there again."""
        found: dict[int, Beside] = {}
        for index in self.graph.reductions:
            if self.way(index) != "tiles":
                found |= {index: "again"} if self.line == "row" else {}
            elif getattr(self.graph.values[index], "function", "") != "sum":
                found[index] = "anything"
        return found

    @property
    def spread_axes(self) -> Axes:
        """What columns are spread over."""
        (operand,) = self.graph.values[self.graph.reductions[0]].operands
        return spread_axes(self.graph.values[operand].axes)

    def spread(self, flats: Iterable[int]) -> dict[int, Axes]:
        """Flat values that have to be computed of spread columns, and to which axes.

        Those that are infinite beside the column, and are spread by the vector unit later, or put out: who reads them
        may spread them.
        """
        axes = self.spread_axes
        put_out = columns_put_out(self.graph, axes)
        columns = (
            flat
            for flat in flats
            if broadcast_of(self.graph.values[flat], axes) in ("cols", "scalar")
            and (flat in put_out or not self._is_spread_on_fpu(flat))
        )
        return made_wide(self.graph, columns, axes, self.beside)

    def _is_spread_on_fpu(self, flat: int) -> bool:
        """Whether whatever takes a flat value takes it from its buffer, beside another one."""
        users = [value for value in self.graph.values if flat in value.operands and self.axis in value.axes]
        return not self.exact and all(
            isinstance(value, Elementwise)
            and value.function in ON_FPU
            and all(operand == flat or self._in_buffer(operand) for operand in value.operands)
            for value in users
        )

    def factors(self, index: int) -> tuple[int, int] | None:
        """The two tiles of buffers whose product a value is."""
        value = self.graph.values[index]
        if not isinstance(value, Elementwise) or value.function not in ("mul", "square"):
            return None
        left, right = value.operands if value.function == "mul" else value.operands * 2
        for operand in (left, right):
            if not self._in_buffer(operand) or broadcast_of(self.graph.values[operand], value.axes):
                return None
        return left, right

    def _in_buffer(self, index: int) -> bool:
        return index in self.kept or isinstance(self.graph.values[index], Input)


def masked_value(graph: Graph, node: int, otherwise: float) -> tuple[Graph, int]:
    """A value where the mask isn't 0, and a number elsewhere. The mask is never -0."""
    value = graph.values[node]
    mask = Elementwise(function="abs", operands=(node,), dtype="bfloat16", shape=value.shape, axes=value.axes)
    number = Number(number=otherwise)
    first = len(graph.values)
    chosen = Elementwise(
        function="where", operands=(first, node, first + 1), dtype=value.dtype, shape=value.shape, axes=value.axes
    )
    return replace(graph, values=(*graph.values, mask, number, chosen)), first + 2
