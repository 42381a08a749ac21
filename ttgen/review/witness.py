"""An input that tells two formulas apart, found by computing both in float64.

What rounding of float64 may do is bounded along with the values, so that formulas which are equal in real numbers
(`x / 2` and `x * 0.5`, a sum in another order) never look different.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ttgen.exhaustive import assert_never
from ttgen.formula.reference import REDUCTIONS, function_of
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Reduction
from ttgen.records import dataclass
from ttgen.review.model import Given, Witness
from ttgen.review.sampling import Shapes, cut_shapes
from ttgen.verify.bounded import Bounded, exact
from ttgen.verify.inputs import bends, conditions, positive, ties
from ttgen.verify.tolerance import passed_on

Arrays = Mapping[str, NDArray[np.float64]]

_UNIT: Final = 2.0**-48
"""What is allowed to each operation in float64: generous, as functions of the C library are off by a few last bits."""
_NUMBERS: Final = (1.0, 2.0, -1.5, 0.5, 3.0, -0.25, 0.0, 20.0, -30.0)
"""What a whole tensor is filled with: the first ones are those that people like to see."""
_SHORT: Final = 16
"""The bits of a number that is meant as it is: whole numbers, halves, quarters."""
_CLEAR: Final = 2.0**-7
"""The part of a value that every dtype but block floats of four bits shows."""
_ORDINARY: Final = 2.0**-10
"""Of smaller values, no difference is clear."""
_TINY: Final = 2.0**-126
"""Differences of less are 0 on the card."""
_DRAWS: Final = 12
_FILLS: Final = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A witness, if there is one, and how many inputs both formulas were computed for."""

    witness: Witness | None
    tried: int


def find(old: Graph, new: Graph) -> Found:
    """Looks for an input that tells apart two graphs of the same tensors and shapes."""
    shapes, sums = cut_shapes((old, new))
    tried = 0
    least: Witness | None = None
    for inputs, filled in (*_filled(shapes, (old, new)), *_drawn(shapes, (old, new))):
        tried += 1
        first, second = _values(old, inputs), _values(new, inputs)
        for tensor in first.keys() & second.keys():
            index = _difference(first[tensor], second[tensor])
            if index is not None:
                witness = Witness(
                    inputs=_given(inputs, index, filled=filled, graphs=(old, new)),
                    tensor=tensor,
                    index=index,
                    old=float(first[tensor].value[index]),
                    new=float(second[tensor].value[index]),
                    sums=sums,
                )
                if abs(witness.old - witness.new) > _CLEAR * max(abs(witness.old), abs(witness.new), _ORDINARY):
                    return Found(witness=witness, tried=tried)
                # One that shows in any dtype may follow.
                least = least or witness
    return Found(witness=least, tried=tried)


def _filled(shapes: Shapes, graphs: Sequence[Graph]) -> Iterator[tuple[Arrays, bool]]:
    """Every tensor filled with one number: the simplest inputs, which show most differences."""
    names = list(shapes)
    special = sorted({place for graph in graphs for places in bends(graph).values() for place in places})
    numbers = (*_NUMBERS, *(place + more for place in special for more in (0.5, -0.5)))
    choices = product(numbers, repeat=len(names)) if len(numbers) ** len(names) <= _FILLS else _picked(numbers, names)
    for chosen in choices:
        yield {name: np.full(shapes[name], number) for name, number in zip(names, chosen, strict=True)}, True


def _picked(numbers: Sequence[float], names: Sequence[str]) -> Iterator[tuple[float, ...]]:
    """Some of the choices of a number a tensor: the first ones each by itself, then drawn."""
    for place in range(len(names)):
        yield tuple(numbers[0] if other != place else numbers[1] for other in range(len(names)))
    generator = np.random.default_rng(0)
    for _ in range(_FILLS):
        yield tuple(float(number) for number in generator.choice(np.asarray(numbers), len(names)))


def _drawn(shapes: Shapes, graphs: Sequence[Graph]) -> Iterator[tuple[Arrays, bool]]:
    """Every element another number, of many magnitudes, with what formulas bend at, zeros and ties."""
    places = {name: found for graph in graphs for name, found in bends(graph).items()}
    signless = frozenset.union(*(positive(graph) for graph in graphs))
    choosing = frozenset.union(*(conditions(graph) for graph in graphs))
    tied = {name: other for graph in graphs for name, other in ties(graph).items()}
    for seed in range(_DRAWS):
        generator = np.random.default_rng(seed)
        found: dict[str, NDArray[np.float64]] = {}
        for name, shape in shapes.items():
            ordinary = generator.standard_normal(shape)
            values = ordinary
            if seed % 2:
                # Eight bits, as bfloat16 has them: sums of a few are exact in float64.
                values = np.ldexp(np.round(ordinary * 64) / 64, generator.integers(-8, 7, shape))
                if name in places:
                    near = generator.choice(np.asarray(places[name]), shape) + ordinary / 8
                    values = np.where(generator.random(shape) < 1 / 3, near, values)
            if name in signless and seed % 4 < 2:
                values = np.abs(values) + 2.0**-6
            if name in choosing:
                values = np.where(generator.random(shape) < 1 / 3, 0.0, values)
            found[name] = values
        for name, other in tied.items():
            if found[name].shape == found[other].shape:
                found[name] = np.where(generator.random(found[name].shape) < 1 / 8, found[other], found[name])
        yield found, False


def _values(graph: Graph, inputs: Arrays) -> dict[str, Bounded]:
    """Every output with what float64 may have made of it."""
    found: list[Bounded] = []
    with np.errstate(all="ignore"):
        for value in graph.values:
            operands = [found[operand] for operand in value.operands]
            match value:
                case Input(tensor=tensor):
                    found.append(exact(inputs[tensor]))
                case Number(number=number):
                    found.append(_number(number))
                case Contraction(transposed=transposed):
                    found.append(_product(operands, transposed))
                case Reduction(function=function, along=along, keeps=keeps):
                    found.append(_reduced(operands[0], function, -1 - along, keeps=keeps))
                case Elementwise(function=function, parameters=parameters):
                    result = np.asarray(function_of(function)(*(item.value for item in operands), *parameters))
                    terms = [*operands, *(_number(number) for number in parameters)]
                    rounding = np.where(np.isfinite(result), _UNIT * np.abs(result), 0.0)
                    error = np.asarray(passed_on(function, terms, result) + rounding)
                    found.append(Bounded(result, error, error))
                case _:
                    assert_never(value)
    return {output.tensor: found[output.value] for output in graph.outputs}


def _number(number: float) -> Bounded:
    """A number of a formula; one that takes all bits of a float32 was rounded to it, or is 1 / n for a division."""
    nearest = np.float32(number)
    rounded = float(nearest) != number or float(np.ldexp(np.frexp(nearest)[0], _SHORT)) % 1 != 0
    error = np.asarray(abs(number) * 2.0**-24 if rounded else 0.0)
    return Bounded(np.asarray(number), error, error)


def _product(operands: Sequence[Bounded], transposed: tuple[bool, bool]) -> Bounded:
    (left, off), (right, wrong) = (
        (np.swapaxes(part.value, -1, -2), np.swapaxes(part.error, -1, -2))
        if is_transposed
        else (part.value, part.error)
        for part, is_transposed in zip(operands, transposed, strict=True)
    )
    sizes = np.abs(left), np.abs(right)
    error = np.matmul(sizes[0] * _UNIT + off, sizes[1] + wrong) + np.matmul(sizes[0], wrong)
    return Bounded(np.matmul(left, right), error, error)


def _reduced(operand: Bounded, function: str, axis: int, *, keeps: bool) -> Bounded:
    result = np.asarray(REDUCTIONS[function](operand.value, axis=axis, keepdims=keeps))
    if function == "sum":
        error = np.sum(operand.error + _UNIT * np.abs(operand.value), axis=axis, keepdims=keeps)
    else:
        # Of two that are near each other either may be the one that is taken.
        error = np.max(operand.error, axis=axis, keepdims=keeps)
    return Bounded(result, np.asarray(error), np.asarray(error))


def _difference(old: Bounded, new: Bounded) -> tuple[int, ...] | None:
    """The element that differs most beyond rounding; None where none does."""
    with np.errstate(all="ignore"):
        allowed = old.error + new.error + _TINY
        part = np.abs(old.value - new.value) / allowed
        # One that is no number, or infinite, where the other one isn't; nothing is known where errors are infinite.
        bad = np.isfinite(old.value) != np.isfinite(new.value)
        surely = np.where(np.isfinite(old.value), np.isfinite(old.error), np.isfinite(new.error))
        part = np.where(bad, np.where(surely, np.inf, 0.0), np.where(np.isfinite(part), part, 0.0))
    index = tuple(int(place) for place in np.unravel_index(int(np.argmax(part)), part.shape))
    return index if part[index] > 1 else None


def _given(inputs: Arrays, index: tuple[int, ...], *, filled: bool, graphs: Sequence[Graph]) -> tuple[Given, ...]:
    """The inputs that an output's element depends on, if those are elements."""
    if filled:
        return tuple(Given(tensor=name, index=None, value=float(array.flat[0])) for name, array in inputs.items())
    if any(isinstance(value, Contraction | Reduction) for graph in graphs for value in graph.values):
        return ()
    given = []
    for name, array in inputs.items():
        own = index[len(index) - array.ndim :]
        place = tuple(at if size > 1 else 0 for at, size in zip(own, array.shape, strict=True))
        given.append(Given(tensor=name, index=place, value=float(array[place])))
    return tuple(given)
