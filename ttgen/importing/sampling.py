"""Values of expressions over small axes, at random: which expressions are equal is seen before anything is proven."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.exhaustive import assert_never
from ttgen.formula.reference import ELEMENTWISE
from ttgen.importing.affine import Affine
from ttgen.importing.nodes import Along, Element, Fold, Function, Index, Node, Num, indices_of, walk

Array = NDArray[np.float64]

_MOST_AXES: Final = 30
_MOST_ELEMENTS: Final = 1 << 20
_FACTORS: Final = (12.9898, 78.233, 37.719, 9.151, 57.583, 83.767, 23.141, 5.779)

_OTHERS: Mapping[str, Any] = {
    "and": lambda x, y: np.asarray((x != 0) & (y != 0), dtype=np.float64),
    "or": lambda x, y: np.asarray((x != 0) | (y != 0), dtype=np.float64),
    "not": lambda x: np.asarray(x == 0, dtype=np.float64),
    "ne": lambda x, y: np.asarray(x != y, dtype=np.float64),
    "pow": np.power,
}


class Unsampled(Exception):  # noqa: N818 - a verdict, not an error
    """A value that isn't one of formulas'."""


class Sample:
    """Random tensors over axes of a few places each; axes of one size have as many."""

    def __init__(self, nodes: list[Node], sizes: Mapping[str, int]) -> None:
        names: dict[str, None] = {}
        for node in nodes:
            for item in walk(node):
                for index in indices_of(item):
                    names |= dict.fromkeys(sorted(index.variables))
                if isinstance(item, (Fold, Along)):
                    names[item.variable] = None
        self.axes = {name: number for number, name in enumerate(names)}
        distinct = list(dict.fromkeys(sizes.get(name, 0) for name in self.axes))
        few = {size: min(size, 3 + number % 3) if size else 3 for number, size in enumerate(distinct)}
        self.sizes = {name: few[sizes.get(name, 0)] for name in self.axes}
        self.seeds: dict[str, float] = {}
        if len(self.axes) > _MOST_AXES:
            raise Unsampled

    def places(self, index: Affine) -> NDArray[np.int64]:
        """The values of an index, along its axes."""
        total: NDArray[np.int64] = np.full((1,) * len(self.axes), index.constant)
        split = len(index.terms) > 1
        for number, (atom, times) in enumerate(sorted(index.terms, key=lambda term: -term[1])):
            if not isinstance(atom, str):
                raise Unsampled
            shape = [1] * len(self.axes)
            shape[self.axes[atom]] = self.sizes[atom]
            step = times
            if split:
                # Two axes of one dimension: as many of the inner one as there are here.
                others = sorted(index.terms, key=lambda term: -term[1])[number + 1 :]
                step = math.prod(self.sizes[str(other)] for other, _times in others)
            total = total + step * np.arange(self.sizes[atom]).reshape(shape)
        return total

    def fits(self, values: Sequence[NDArray[Any]]) -> None:
        """Sees that what is made of some values has few elements.

        Raises:
            Unsampled: it hasn't.
        """
        if math.prod(np.broadcast_shapes(*(value.shape for value in values))) > _MOST_ELEMENTS:
            raise Unsampled

    def value(self, node: Node) -> Array:
        """A value, with a dimension for every axis."""
        with np.errstate(all="ignore"):
            return self._value(node)

    def _value(self, node: Node) -> Array:
        match node:
            case Num(value=value):
                return np.full((1,) * len(self.axes), value)
            case Element(tensor=tensor, indices=indices):
                seed = self.seeds.setdefault(tensor, float(len(self.seeds) + 1))
                places = [self.places(index) for index in indices]
                self.fits(places)
                total = sum((place * factor for place, factor in zip(places, _FACTORS, strict=False)), np.asarray(seed))
                # A fraction that looks like chance, the same for the same element.
                return np.asarray(3 * np.modf(np.abs(np.sin(total) * 43758.5453))[0] - 1.5)
            case Index(at=at):
                return self.places(at).astype(np.float64)
            case Function(name=name, operands=operands):
                compute = ELEMENTWISE.get(name) or _OTHERS.get(name)
                if compute is None:
                    raise Unsampled
                values = [self._value(operand) for operand in operands]
                self.fits(values)
                return np.asarray(compute(*values), dtype=np.float64)
            case Fold(kind=kind, variable=variable, operand=operand):
                inner = self._value(operand)
                axis = self.axes[variable]
                if inner.shape[axis] == 1:
                    inner = np.repeat(inner, self.sizes[variable], axis)
                folds: Mapping[str, Any] = {"sum": np.sum, "max": np.max, "min": np.min, "mean": np.mean}
                return np.asarray(folds[kind](inner, axis=axis, keepdims=True))
            case Along(variable=variable, operand=operand):
                return softmax(self._value(operand), self.axes[variable])
            case _:
                assert_never(node)


def softmax(x: Array, axis: int) -> Array:
    """Softmax along an axis."""
    with np.errstate(all="ignore"):
        powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
        return np.asarray(powers / np.sum(powers, axis=axis, keepdims=True))


def close(one: Array, other: Array, relative: float = 1e-6) -> bool:
    """Whether values are equal, but for numbers that were rounded."""
    with np.errstate(all="ignore"):
        return bool(np.allclose(one, other, rtol=relative, atol=1e-9, equal_nan=False))
