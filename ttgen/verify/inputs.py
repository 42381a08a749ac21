"""Seeded inputs: ordinary numbers, and hard ones; within what the formula can bear."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import DTYPES, DTypeName
from ttgen.exhaustive import assert_never
from ttgen.formula.functions import COMPARISONS, FUNCTIONS
from ttgen.formula.online import Online, found_in
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Reduction, Value
from ttgen.model.plan import Plan, Tensor
from ttgen.records import dataclass
from ttgen.verify import block_floats
from ttgen.verify.bounded import Array, Bounded
from ttgen.verify.programs import Checked
from ttgen.verify.tolerance import expected

Kind = Literal["normal", "hard"]
Attends = Literal["queries", "keys", "values", "mask"]
"""What a tensor is in an attention."""
Inputs = Mapping[str, NDArray[np.float32]]

# Operands that have to be positive, by the kind of node: all of them, or the divisor.
_POSITIVE: Final[Mapping[str, tuple[int, ...]]] = {
    "log": (0,), "sqrt": (0,), "rsqrt": (0,), "reciprocal": (0,), "div": (1,),
}  # fmt: skip
# Operations whose result is positive when their operands are.
_KEEPS_SIGN: Final = frozenset({"add", "mul", "div", "matmul", "maximum", "minimum", "reciprocal", "rsqrt", "sqrt",
                                "relu", "leaky_relu", "gelu", "silu", "erf", "tanh", "sign"})  # fmt: skip
_SCALES: Final = (2.0**40, 2.0**20, 2.0**12, 2.0**8, 2.0**5, 2.0**3, 2.0)
_FINITE: Final = 7 / 8
_SOME: Final = 1 / 8
"""The parts of each output's elements that hard inputs should leave finite, and have to."""
_SHIFT: Final = 2.0**-6
_LOW: Final = 100.0
"""Below 0 by as much are numbers whose exponentials float32 hasn't, beside the padding's 0."""
_SHARP: Final = 24.0
"""Queries as large as this have scores of 80 and more among keys of a few hundred elements."""
_AWAY: Final = 16.0
"""Queries as far from all keys have scores of -100 and less."""
_GONE: Final = 1e4
"""Less than the scores of other keys by as much, a key has no weight."""
_OCTAVES: Final = (-8.0, 7.0)
"""Binary logarithms of the magnitudes that functions are tried at: from where they are straight to where they end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What a formula asks of a tensor's values.

    Attributes:
        positive: it reaches a logarithm, a root or a divisor through operations that keep signs.
        chooses: it is a condition: a third of it is zero whatever the kind of input.
        bends: values for which a function that it reaches bends.
        equals: a tensor with which it is compared: hard inputs have ties.
        rows: as the left operand of a product, it has rows of all magnitudes, so that the product has.
        columns: as the right one, it has ordinary columns (the number of their axis), which leave these as they are.
        line: as what is reduced, it has lines along this axis that are hard to reduce.
        attends: what it is in an attention, if it is in one.
    """

    positive: bool = False
    chooses: bool = False
    bends: tuple[float, ...] = ()
    equals: str = ""
    rows: bool = False
    columns: int | None = None
    line: int | None = None
    attends: Attends | None = None


def demands(graph: Graph) -> Mapping[str, Demands]:
    """What the formulas ask of each input."""
    signless, choosing, bent, tied = positive(graph), conditions(graph), bends(graph), ties(graph)
    reduced, attending = lines(graph), attends(graph)
    products = [value for value in graph.values if isinstance(value, Contraction)]
    lefts = _tensors(graph, (product.operands[0] for product in products))
    rights = {
        tensor: -2 if product.transposed[1] else -1
        for product in products
        for tensor in _tensors(graph, product.operands[1:])
    }
    return {
        tensor: Demands(
            positive=tensor in signless,
            chooses=tensor in choosing,
            bends=bent.get(tensor, ()),
            equals=tied.get(tensor, ""),
            rows=tensor in lefts,
            columns=rights.get(tensor),
            line=reduced.get(tensor),
            attends=attending.get(tensor),
        )
        for tensor in graph.inputs
    }


def positive(graph: Graph) -> frozenset[str]:
    """The tensors that reach a logarithm, a root or a divisor through operations that keep signs."""
    wanted: set[int] = set()
    for index in reversed(range(len(graph.values))):
        value = graph.values[index]
        name = _name(value)
        wanted.update(value.operands[place] for place in _POSITIVE.get(name, ()))
        if index in wanted and name in _KEEPS_SIGN:
            wanted.update(value.operands)
    return _tensors(graph, wanted)


def _name(value: Value) -> str:
    """The operation that makes a value; empty for none."""
    return value.function if isinstance(value, Elementwise) else "matmul" if isinstance(value, Contraction) else ""


def _tensors(graph: Graph, indices: Iterable[int]) -> frozenset[str]:
    return frozenset(value.tensor for index in indices if isinstance(value := graph.values[index], Input))


def conditions(graph: Graph) -> frozenset[str]:
    """The tensors that choose."""
    return _tensors(graph, (value.operands[0] for value in graph.values if _name(value) == "where"))


def lines(graph: Graph) -> Mapping[str, int]:
    """The axis, counted from the last, along which each tensor is reduced, itself or in what it is made into."""
    found: dict[str, int] = {}
    for reduction in graph.values:
        if not isinstance(reduction, Reduction):
            continue
        pending, seen = [*reduction.operands], set[int]()
        while pending:
            index = pending.pop()
            value = graph.values[index]
            if index in seen or reduction.over not in value.axes:
                continue
            seen.add(index)
            pending += value.operands
            if isinstance(value, Input):
                found.setdefault(value.tensor, value.axes.index(reduction.over) - len(value.axes))
    return found


def attends(graph: Graph) -> Mapping[str, Attends]:
    """What tensors are in attentions; those that mask scores are what is added to them, key by key."""
    found: dict[str, Attends] = {}
    for online in found_in(graph).values():
        if not isinstance(online, Online):
            continue
        scores, summed = graph.values[online.scores], graph.values[online.summed]
        roles: tuple[tuple[int, Attends], ...] = (
            (scores.operands[0], "queries"), (scores.operands[1], "keys"), (summed.operands[1], "values"),
        )  # fmt: skip
        mask: Attends = "mask"
        shifts = (
            (operand, mask)
            for index in online.members
            if _name(graph.values[index]) == "add"
            for operand in graph.values[index].operands
            if len(graph.values[operand].shape) > 1 and graph.values[operand].shape[-1] == scores.shape[-1]
        )
        for index, role in (*roles, *shifts):
            if isinstance(value := graph.values[index], Input):
                found.setdefault(value.tensor, role)
    return found


def bends(graph: Graph) -> Mapping[str, tuple[float, ...]]:
    """The values of tensors for which functions bend that they reach through sums and products with numbers."""
    found: dict[str, set[float]] = {}
    for value in graph.values:
        if not isinstance(value, Elementwise):
            continue
        if value.function in FUNCTIONS:
            for place in FUNCTIONS[value.function].bends(*value.parameters):
                _trace(graph, value.operands[0], place, found)
        if value.function in ("maximum", "minimum", *COMPARISONS):
            for operand, other in (value.operands, value.operands[::-1]):
                if isinstance(number := graph.values[other], Number):
                    _trace(graph, operand, number.number, found)
    return {tensor: tuple(sorted(places)) for tensor, places in found.items()}


def _trace(graph: Graph, index: int, place: float, found: dict[str, set[float]]) -> None:
    """Adds what a tensor has to be for a value to be at a place, where the value is linear in it."""
    value = graph.values[index]
    match value, graph.operands_of(value):
        case Input(tensor=tensor), _:
            found.setdefault(tensor, set()).add(place)
        case Elementwise(function="neg"), _:
            _trace(graph, value.operands[0], -place, found)
        case Elementwise(function="add"), [Number(number=number), _]:
            _trace(graph, value.operands[1], place - number, found)
        case Elementwise(function="add"), [_, Number(number=number)]:
            _trace(graph, value.operands[0], place - number, found)
        case Elementwise(function="sub"), [Number(number=number), _]:
            _trace(graph, value.operands[1], number - place, found)
        case Elementwise(function="sub"), [_, Number(number=number)]:
            _trace(graph, value.operands[0], place + number, found)
        case Elementwise(function="mul"), [Number(number=number), _] if number:
            _trace(graph, value.operands[1], place / number, found)
        case Elementwise(function="mul"), [_, Number(number=number)] if number:
            _trace(graph, value.operands[0], place / number, found)
        case Elementwise(function="div"), [_, Number(number=number)]:
            _trace(graph, value.operands[0], place * number, found)


def ties(graph: Graph) -> Mapping[str, str]:
    """Tensors that are compared with, or subtracted from, another one of their shape."""
    found: dict[str, str] = {}
    for value in graph.values:
        match graph.operands_of(value):
            case [Input() as first, Input() as second] if _name(value) in ("maximum", "minimum", "sub"):
                if first.shape == second.shape and first.tensor != second.tensor and first.tensor not in found:
                    found[second.tensor] = first.tensor
    return found


def is_poisoned(kind: Kind, order: int) -> bool:
    """Whether padding that no use needs zero holds a large number in a run, by turns, and else what hosts upload: 0.

    Either shows something: what leaks out of padding, and functions that aren't finite of 0.
    """
    return (order % 2 == 0) is (kind == "normal")


def draw(
    plan: Plan,
    graph: Graph,
    programs: Sequence[Checked],
    *,
    seed: int,
    kind: Kind,
    given: Inputs = MappingProxyType({}),
) -> tuple[Inputs, Mapping[str, Bounded]] | None:
    """An array for each input, as it is stored, and what is right for them; None where none can be hard.

    Hard inputs are a mixture: zeros, tiny and large numbers, all magnitudes from 2^-8 to 2^7, values around the bends
    of functions, and ordinary ones; of both signs unless the formula needs positive ones, zeros too. How large the
    large ones are is tried: the largest scale at which nearly all of every output is finite, or else most of it.
    Normal inputs that are given aren't drawn.
    """
    tensors = [tensor for tensor in plan.tensors if tensor.role == "input"]
    wanted = demands(graph)
    if kind == "normal":
        ordinary = {tensor.name: _normal(tensor, seed, wanted[tensor.name]) for tensor in tensors} | dict(given)
        return ordinary, expected(graph, programs, ordinary)
    best: tuple[Inputs, Mapping[str, Bounded]] | None = None
    most = _SOME
    for scale in _SCALES:
        inputs = _hard(tensors, wanted, seed, scale)
        found = expected(graph, programs, inputs)
        finite = min(float(np.mean(np.isfinite(item.value) & np.isfinite(item.error))) for item in found.values())
        if finite >= _FINITE:
            return inputs, found
        # Part of a formula's values may be none whatever the scale, such as logarithms of negative numbers.
        if finite > most:
            best, most = (inputs, found), finite
    return best


def _generator(tensor: Tensor, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(tensor.name.encode())])


def _normal(tensor: Tensor, seed: int, wanted: Demands) -> NDArray[np.float32]:
    generator = _generator(tensor, seed)
    return _stored(_demanded(generator.standard_normal(tensor.shape), generator, wanted), tensor, wanted)


def _demanded(values: Array, generator: np.random.Generator, wanted: Demands) -> Array:
    """Values that a formula can bear, and conditions that choose."""
    if wanted.positive:
        values = np.abs(values) + _SHIFT
    if wanted.chooses:
        values = np.where(generator.random(values.shape) < 1 / 3, np.copysign(0.0, values), values)
    return values


def _hard(tensors: list[Tensor], wanted: Mapping[str, Demands], seed: int, scale: float) -> Inputs:
    arrays = {tensor.name: _mixture(tensor, seed, scale, wanted[tensor.name]) for tensor in tensors}
    for tensor in tensors:
        if other := wanted[tensor.name].equals:
            tied = _generator(tensor, seed + 1).random(tensor.shape) < 1 / 8
            arrays[tensor.name] = np.where(tied, arrays[other], arrays[tensor.name])
    return {tensor.name: _stored(arrays[tensor.name], tensor, wanted[tensor.name]) for tensor in tensors}


def _mixture(tensor: Tensor, seed: int, scale: float, wanted: Demands) -> Array:
    generator = _generator(tensor, seed)
    shape = tensor.shape
    ordinary = generator.standard_normal(shape)
    if wanted.attends is not None:
        return _attending(wanted.attends, ordinary, generator)
    values = ordinary.copy()
    what = generator.integers(0, 8, shape, dtype=np.uint8)
    octaves = _OCTAVES[0], min(_OCTAVES[1], np.log2(scale))
    values[what == 0] *= 0.0
    values[what == 1] *= 2.0**-30
    values[what == 2] *= scale
    spread = (what == 3) | (what == 4)
    values[spread] = np.copysign(2.0 ** generator.uniform(*octaves, np.count_nonzero(spread)), values[spread])
    if wanted.bends:
        values[what == 5] = _around(wanted.bends, values[what == 5], generator)
    if wanted.rows and len(shape) > 1:
        # Half the rows are ordinary but for their magnitude, which is the product's where columns are ordinary.
        size = 2.0 ** generator.uniform(*octaves, (*shape[:-1], 1)) / np.sqrt(shape[-1])
        values = np.where(generator.random((*shape[:-1], 1)) < 1 / 2, ordinary * size, values)
    if wanted.columns is not None:
        lines = [1] * len(shape)
        lines[wanted.columns] = shape[wanted.columns]
        values = np.where(generator.random(lines) < 1 / 2, ordinary, values)
    if wanted.line is not None:
        values = _hard_lines(values, ordinary, wanted.line, scale, generator)
    return _demanded(values, generator, wanted)


def _attending(role: Attends, ordinary: Array, generator: np.random.Generator) -> Array:
    """What is hard for an attention: scores that are large, equal or far below 0, keys that outweigh all, one key."""
    rows = (*ordinary.shape[:-1], 1)
    which = generator.integers(0, 4, rows)
    match role:
        case "queries":
            far = -_AWAY * (1 + ordinary / 8)
            return np.select([which == 0, which == 1, which == 2], [ordinary * 0.0, ordinary * _SHARP, far], ordinary)
        case "keys":
            # All of them in part one way, so that a query may be far from each.
            keys = ordinary + 1
            return np.select([which == 0, which == 1], [keys[..., :1, :], keys * 4.0], keys)
        case "values":
            octaves = generator.uniform(-4.0, 4.0, ordinary.shape)
            return np.select([which == 0], [np.copysign(2.0**octaves, ordinary)], ordinary)
        case "mask":
            places = np.arange(ordinary.shape[-1])
            left = np.where(which == 0, places == generator.integers(0, ordinary.shape[-1], rows), ordinary > 0)
            # There is a first key, whatever is drawn.
            left = left | ((places == 0) & ~np.any(left, axis=-1, keepdims=True))
            return np.where(which == 1, ordinary, np.where(left, 0.0, -_GONE))
        case _:
            assert_never(role)


def _hard_lines(values: Array, ordinary: Array, axis: int, scale: float, generator: np.random.Generator) -> Array:
    """Half of the lines are equal or 0, far below 0, ordinary but for one element, in order, or of turning signs."""
    size = values.shape[axis]
    # One of each line, and one of each place along them.
    lines, places = list(values.shape), [1] * values.ndim
    lines[axis], places[axis] = 1, size
    place = np.arange(size).reshape(places)
    which = generator.integers(0, 2 * 5, lines)
    hard: list[Array] = [
        np.broadcast_to(ordinary.take([0], axis) * (generator.integers(0, 3, lines) > 0), values.shape),
        np.full(values.shape, -min(_LOW, scale)),
        np.where(place == generator.integers(0, size, lines), scale, ordinary),
        np.sort(ordinary, axis),
        np.abs(ordinary) * (1 - place % 2 * 2),
    ]
    return np.select([which == number for number in range(len(hard))], hard, values)


def _around(places: tuple[float, ...], ordinary: Array, generator: np.random.Generator) -> Array:
    """Values at the bends and on both sides of them, from near to as far away as they are from 0."""
    place = generator.choice(np.asarray(places), ordinary.shape)
    distance = np.maximum(np.abs(place), 1.0) * 2.0 ** -generator.integers(0, 12, ordinary.shape)
    return np.where(generator.integers(0, 8, ordinary.shape) == 0, place, place + np.copysign(distance, ordinary))


def _stored(values: Array, tensor: Tensor, wanted: Demands) -> NDArray[np.float32]:
    """What the tensor's dtype has of values that are drawn."""
    found = nearest(values, tensor.dtype)
    if DTYPES[tensor.dtype].shares_exponents:
        # What is small beside its neighbours becomes zero; a divisor must not.
        smallest = block_floats.step_of(values, tensor.dtype)
        return np.where((found == 0) & wanted.positive & (not wanted.chooses), smallest, found).astype(np.float32)
    return found


def nearest(values: Array, dtype: DTypeName) -> NDArray[np.float32]:
    """The nearest values that a dtype has."""
    if DTYPES[dtype].shares_exponents:
        return block_floats.stored(values, dtype).astype(np.float32)
    return values.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float32).astype(np.float32)
