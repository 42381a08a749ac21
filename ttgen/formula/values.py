"""The typed formula: values in evaluation order, each with its shape, its dtype and its axes.

Equal subexpressions are one value, so what is used twice is computed once. A tensor is a value for each of its places:
as an operand of a contraction its dimensions are other axes than as an element beside the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Final, Literal

from ttgen.dtypes import DTypeName
from ttgen.records import dataclass

Shape = tuple[int, ...]
Span = tuple[int, int, int]
"""Formula index and characters of the first place that makes a value."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A dimension that values share, found once, by inference; names are unique in a graph."""

    name: str
    size: int


NO_AXIS: Final = Axis("", 0)
"""Before inference."""

Axes = tuple[Axis, ...]
"""The axis of each dimension. One of size 1 beside a larger one has an axis of its own: that is broadcasting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A tensor, in one of its places; `dtype` is how it is stored."""

    tensor: str
    dtype: DTypeName
    shape: Shape
    axes: Axes = ()
    span: Span = (0, 0, 0)

    @property
    def operands(self) -> tuple[int, ...]:
        """None: it is there."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number that float32 has exactly."""

    number: float
    dtype: DTypeName = "float32"
    shape: Shape = ()
    axes: Axes = ()
    span: Span = (0, 0, 0)

    @property
    def operands(self) -> tuple[int, ...]:
        """None: it is there."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Elementwise:
    """An arithmetic operation or a function of earlier values, element by element, broadcast as NumPy does.

    Attributes:
        function: a key of `functions.ARITHMETIC` or `functions.FUNCTIONS`.
        operands: indices of earlier values.
        parameters: a function's further numbers, in the order of its table entry.
        dtype: what DST holds.
    """

    function: str
    operands: tuple[int, ...]
    parameters: tuple[float, ...] = ()
    dtype: DTypeName
    shape: Shape
    axes: Axes = ()
    span: Span = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contraction:
    """A matrix product, batch by batch: both operands are summed over the axis that they share.

    Attributes:
        operands: indices of the left and of the right operand.
        transposed: whether each is used with its last two dimensions swapped.
        over: the axis that is summed over.
        dtype: what DST holds.
    """

    operands: tuple[int, int]
    transposed: tuple[bool, bool] = (False, False)
    over: Axis = NO_AXIS
    dtype: DTypeName
    shape: Shape
    axes: Axes = ()
    span: Span = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """The sum, the maximum or the minimum of a value along one of its dimensions.

    Attributes:
        function: `sum`, `max` or `min`.
        operands: the index of what is reduced.
        along: the dimension, counted from the last, which is 0.
        keeps: whether the dimension stays, with one place; otherwise it was the first, and is gone.
        over: the axis that is reduced.
        dtype: what DST holds.
    """

    function: Literal["sum", "max", "min"]
    operands: tuple[int]
    along: int
    keeps: bool = True
    over: Axis = NO_AXIS
    dtype: DTypeName
    shape: Shape
    axes: Axes = ()
    span: Span = (0, 0, 0)


Value = Input | Number | Elementwise | Contraction | Reduction


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A declared tensor and the value assigned to it."""

    tensor: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """All values of some formulas; operands come before their users.

    Attributes:
        values: what formulas are made of.
        outputs: what they assign to declared tensors.
        assigned: what each formula assigns to its name, declared or not.
    """

    values: tuple[Value, ...]
    outputs: tuple[Output, ...]
    assigned: tuple[Output, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that are read, in order of first use."""
        return tuple(dict.fromkeys(value.tensor for value in self.values if isinstance(value, Input)))

    @property
    def contractions(self) -> tuple[int, ...]:
        """The indices of the values that are matrix products."""
        return tuple(index for index, value in enumerate(self.values) if isinstance(value, Contraction))

    @property
    def contraction(self) -> Contraction | None:
        """The first of them; None where there is none."""
        return next((value for value in self.values if isinstance(value, Contraction)), None)

    @property
    def reductions(self) -> tuple[int, ...]:
        """The indices of the values that are sums, maxima or minima along an axis."""
        return tuple(index for index, value in enumerate(self.values) if isinstance(value, Reduction))

    @property
    def reduced(self) -> Axis | None:
        """The axis that they go along, which is the same one for all of a stage; None where there is none."""
        return next((value.over for value in self.values if isinstance(value, Reduction)), None)

    @property
    def along(self) -> int | None:
        """The dimension that reductions go along, counted from the last; None where there is none."""
        return next((value.along for value in self.values if isinstance(value, Reduction)), None)

    @property
    def work(self) -> Axes:
        """What units of work are cut along: the axes of the first output.

        Where there are reductions, those of the largest value that varies along theirs, along which units have all.
        """
        reduced = self.reduced
        if reduced is None:
            return self.values[self.outputs[0].value].axes
        operands = {operand for index in self.contractions for operand in self.values[index].operands}
        whole = (value for index, value in enumerate(self.values) if reduced in value.axes and index not in operands)
        largest = max(whole, key=lambda value: prod(axis.size for axis in value.axes)).axes
        return tuple(replace(axis, size=1) if axis == reduced else axis for axis in largest)

    @property
    def beside(self) -> tuple[int, ...]:
        """The indices of the inputs that are no operand of a contraction: elements beside those of the result."""
        operands = {operand for index in self.contractions for operand in self.values[index].operands}
        return tuple(
            index for index, value in enumerate(self.values) if isinstance(value, Input) and index not in operands
        )

    def operands_of(self, value: Value) -> tuple[Value, ...]:
        """The values that a value is made of."""
        return tuple(self.values[operand] for operand in value.operands)


def varies(value: Value, axis: Axis | None) -> bool:
    """Whether a value has an element for each place along an axis; where there is one place or none, everything has."""
    return axis is None or axis.size == 1 or axis in value.axes


def matrix(axes: Sequence[Axis]) -> tuple[Axis | None, Axis | None]:
    """The axes of rows and of columns; None for a row vector's rows and for a number."""
    padded = (None, None, *axes)
    return padded[-2], padded[-1]


def spans(value: Value, axes: Sequence[Axis]) -> tuple[bool, bool]:
    """Whether a value varies along the rows and along the columns of some axes; it is broadcast along the others."""
    rows, cols = matrix(axes)
    return varies(value, rows), varies(value, cols)
