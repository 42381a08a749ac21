"""Seeded inputs: ordinary numbers, and hard ones; within what the formula can bear."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import DTYPES
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Value
from ttgen.model.plan import Plan, Tensor
from ttgen.verify import block_floats
from ttgen.verify.tolerance import Precision, bounds

Kind = Literal["normal", "hard"]
Inputs = Mapping[str, NDArray[np.float32]]

# Operands that have to be positive, by the kind of node: all of them, or the divisor.
_POSITIVE: Final[Mapping[str, tuple[int, ...]]] = {
    "log": (0,), "sqrt": (0,), "rsqrt": (0,), "reciprocal": (0,), "div": (1,),
}  # fmt: skip
# Operations whose result is positive when their operands are.
_KEEPS_SIGN: Final = frozenset({"add", "mul", "div", "matmul", "maximum", "minimum", "reciprocal", "rsqrt", "sqrt",
                                "relu", "leaky_relu", "gelu", "silu", "erf", "tanh", "sign"})  # fmt: skip
_SCALES: Final = (2.0**40, 2.0**20, 2.0**12, 2.0**8, 2.0**5, 2.0**3, 2.0)
_LIMIT: Final = 1e30
_SHIFT: Final = 2.0**-6


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
    """The tensors that choose: they get zeros whatever the kind of input."""
    return _tensors(graph, (value.operands[0] for value in graph.values if _name(value) == "where"))


def draw(plan: Plan, graph: Graph, precision: Precision, *, seed: int, kind: Kind) -> Inputs | None:
    """An array for each input, as it is stored; None for hard inputs where the formula bears no large number.

    Hard inputs are a mixture of zeros, tiny and large numbers and ordinary ones, of both signs unless the formula needs
    positive ones. How large the large ones are is tried: the largest scale at which no value overflows.
    """
    tensors = [tensor for tensor in plan.tensors if tensor.role == "input"]
    if kind == "normal":
        return _array_of_each(tensors, graph, seed, None)
    for scale in _SCALES:
        inputs = _array_of_each(tensors, graph, seed, scale)
        found = bounds(graph, inputs, precision)
        if all(bool(np.all(np.abs(item.value) < _LIMIT)) and bool(np.all(item.error < _LIMIT)) for item in found):
            return inputs
    return None


def _array_of_each(tensors: list[Tensor], graph: Graph, seed: int, scale: float | None) -> Inputs:
    signless, chooses = positive(graph), conditions(graph)
    return {
        tensor.name: _array(tensor, seed, scale, is_positive=tensor.name in signless, chooses=tensor.name in chooses)
        for tensor in tensors
    }


def _array(tensor: Tensor, seed: int, scale: float | None, *, is_positive: bool, chooses: bool) -> NDArray[np.float32]:
    generator = np.random.default_rng([seed, zlib.crc32(tensor.name.encode())])
    values = generator.standard_normal(tensor.shape)
    if scale is not None:
        what = generator.integers(0, 4, tensor.shape)
        values = np.select(
            [what == 0, what == 1, what == 2], [np.zeros(tensor.shape), values * 2.0**-30, values * scale], values
        )
    if is_positive:
        values = np.abs(values) + _SHIFT
    if chooses:
        values = np.where(generator.random(tensor.shape) < 1 / 3, 0.0, values)
    return _stored(values, tensor, is_positive=is_positive and not chooses)


def _stored(values: NDArray[np.float64], tensor: Tensor, *, is_positive: bool) -> NDArray[np.float32]:
    """The nearest values that the tensor's dtype has."""
    if DTYPES[tensor.dtype].shares_exponents:
        found = block_floats.stored(values, tensor.dtype)
        # What is small beside its neighbours becomes zero; a divisor must not.
        smallest = block_floats.step_of(values, tensor.dtype)
        return np.where((found == 0) & is_positive, smallest, found).astype(np.float32)
    dtype = ml_dtypes.bfloat16 if tensor.dtype == "bfloat16" else np.float32
    return values.astype(dtype).astype(np.float32)
