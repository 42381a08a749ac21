"""Small inputs that show what a formula does: sides of tensors are cut where no sum runs along them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ttgen.formula.values import Contraction, Graph, Input, Reduction

Shapes = Mapping[str, tuple[int, ...]]

_SIDE = 24
_ELEMENTS = 1 << 18


class Sample(NamedTuple):
    """Shapes of inputs, and the length that what is summed over was cut to; None where it has its own."""

    shapes: Shapes
    sums: int | None


def cut_shapes(graphs: Iterable[Graph]) -> Sample:
    """A shape for each input of some graphs, which have the same tensors.

    An element of an output depends on a few rows and columns. So sides are cut to a few elements, equal ones to equal
    ones, but for those that are summed over or otherwise reduced: those stay as long as they are, unless the tensors
    were too many elements together.
    """
    graphs = tuple(graphs)
    inputs = [value for graph in graphs for value in graph.values if isinstance(value, Input)]
    sides = _Sides()
    for number, graph in enumerate(graphs):
        for value in graph.values:
            if isinstance(value, Input):
                for place, axis in enumerate(value.axes):
                    sides.join((value.tensor, place), (number, axis.name))
    summed = {
        sides.find((number, value.over.name))
        for number, graph in enumerate(graphs)
        for value in graph.values
        if isinstance(value, Contraction | Reduction)
    }
    whole = longest = max((size for value in inputs for size in value.shape), default=1)
    while True:
        found = {
            value.tensor: tuple(
                size if size <= _SIDE else min(size, longest) if sides.find((value.tensor, place)) in summed else _SIDE
                for place, size in enumerate(value.shape)
            )
            for value in inputs
        }
        if longest <= _SIDE or sum(map(math.prod, found.values())) <= _ELEMENTS:
            return Sample(found, longest if longest < whole else None)
        longest //= 2


class _Sides:
    """Which sides of tensors are one, by the axes that they lie along."""

    def __init__(self) -> None:
        self._parents: dict[tuple[object, object], tuple[object, object]] = {}

    def find(self, side: tuple[object, object]) -> tuple[object, object]:
        while (parent := self._parents.get(side, side)) != side:
            side = parent
        return side

    def join(self, one: tuple[object, object], other: tuple[object, object]) -> None:
        self._parents[self.find(one)] = self.find(other)
