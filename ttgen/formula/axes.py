"""The axes of a graph: which dimensions of its values are the same one, found once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from itertools import count

from ttgen.formula.values import Axis, Contraction, Elementwise, Graph, Input, Number, Output, Reduction, Value
from ttgen.records import dataclass

_Place = tuple[int, int]
"""A value and one of its dimensions, counted from the last, which is 0; -1 is what a contraction sums over."""

_OVER = -1


def with_axes(values: Sequence[Value], outputs: tuple[Output, ...], assigned: tuple[Output, ...] = ()) -> Graph:
    """A graph in which every dimension has its axis.

    Operands of an element by element operation share the axes of its result, but for dimensions of size 1 beside larger
    ones: those have axes of their own. A reduction has the axes of its operand but for the one that it goes along. The
    operands of a contraction share its batches, its rows or columns, and what
    is summed over; outputs of one shape share all. A computed operand keeps axes of its own where two of a value's
    dimensions would become one, as in `(X @ W) @ V + (X @ W)` with square matrices: no single program can go through
    such a value both ways.
    """
    classes = _Classes()
    for index, value in enumerate(values):
        classes.add(index, value)
    for index, value in enumerate(values):
        if isinstance(value, Elementwise):
            for operand in value.operands:
                for dim in range(len(values[operand].shape)):
                    classes.join((operand, dim), (index, dim), always=True)
        elif isinstance(value, Reduction):
            (operand,) = value.operands
            for dim in range(len(value.shape)):
                if dim != value.along:
                    classes.join((operand, dim), (index, dim), always=True)
    for index, value in enumerate(values):
        if isinstance(value, Contraction):
            for operand, one, other in _shared(index, value, values):
                classes.join(one, other, always=isinstance(values[operand], Input))
    first = outputs[0].value
    for output in outputs:
        # What one program makes of unrelated tensors is made unit by unit all the same.
        if values[output.value].shape == values[first].shape:
            for dim in range(len(values[first].shape)):
                classes.join((first, dim), (output.value, dim), always=False)
    for value in values:
        if isinstance(value, Reduction):
            # So is what is reduced beside the whole of something else, whose axes are the same where they can be.
            (operand,) = value.operands
            for output in outputs:
                if value.along < len(values[output.value].shape):
                    classes.join((output.value, value.along), (operand, value.along), always=False)
    names = _named(values, outputs, classes)

    def axis(place: _Place) -> Axis:
        return Axis(names[classes.root(place)], classes.sizes[place])

    found: list[Value] = []
    for index, value in enumerate(values):
        axes = tuple(axis((index, dim)) for dim in reversed(range(len(value.shape))))
        match value:
            case Contraction():
                found.append(replace(value, axes=axes, over=axis((index, _OVER))))
            case Reduction(operands=(operand,), along=along):
                found.append(replace(value, axes=axes, over=axis((operand, along))))
            case Input() | Elementwise() | Number():
                found.append(replace(value, axes=axes))
    return Graph(values=tuple(found), outputs=outputs, assigned=assigned)


def _shared(index: int, value: Contraction, values: Sequence[Value]) -> Iterator[tuple[int, _Place, _Place]]:
    """Dimensions of the operands of a contraction, and those of its own that they are: operand, its place, the own."""
    for side, operand in enumerate(value.operands):
        # Rows of the left operand and columns of the right one, unless they are transposed.
        own = 1 - side if not value.transposed[side] else side
        yield operand, (operand, own), (index, 1 - side)
        yield operand, (operand, 1 - own), (index, _OVER)
        for dim in range(2, len(values[operand].shape)):
            yield operand, (operand, dim), (index, dim)


@dataclass(slots=True)
class _Classes:
    """Dimensions that are one axis: sets that are joined (union-find), and which values have a dimension in each."""

    parents: dict[_Place, _Place] = field(default_factory=dict)
    sizes: dict[_Place, int] = field(default_factory=dict)
    members: dict[_Place, set[int]] = field(default_factory=dict)

    def add(self, index: int, value: Value) -> None:
        """Every dimension on its own."""
        for dim, size in enumerate(reversed(value.shape)):
            self._add((index, dim), size)
        if isinstance(value, Contraction):
            self._add((index, _OVER), 0)

    def _add(self, place: _Place, size: int) -> None:
        self.parents[place], self.sizes[place], self.members[place] = place, size, {place[0]}

    def root(self, place: _Place) -> _Place:
        """The dimension that stands for all of its axis."""
        while self.parents[place] != place:
            place = self.parents[place]
        return place

    def join(self, one: _Place, other: _Place, *, always: bool) -> None:
        """Makes two dimensions one axis if they are of one size, and, unless `always`, no value would have it twice."""
        if not self.sizes[other]:
            self.sizes[other] = self.sizes[one]
        first, second = self.root(one), self.root(other)
        if first == second or self.sizes[one] != self.sizes[other]:
            return
        if always or not self.members[first] & self.members[second]:
            self.parents[second] = first
            self.members[first] |= self.members.pop(second)


def _named(values: Sequence[Value], outputs: tuple[Output, ...], classes: _Classes) -> dict[_Place, str]:
    """A name for each axis: n and m for columns and rows of the first output, b0, b1, … for batches, k for sums."""
    names: dict[_Place, str] = {}

    def name(place: _Place, wanted: str) -> None:
        root = classes.root(place)
        if root not in names:
            free = (wanted if number == 1 else f"{wanted}_{number}" for number in count(1))
            names[root] = next(text for text in free if text not in names.values())

    def name_all(index: int) -> None:
        rank = len(values[index].shape)
        for dim in range(rank):
            name((index, dim), ("n", "m")[dim] if dim < 2 else f"b{rank - 1 - dim}")

    for output in outputs:
        name_all(output.value)
    for index, value in enumerate(values):
        if isinstance(value, Contraction):
            name((index, _OVER), "k")
    for index in range(len(values)):
        name_all(index)
    return names
