"""NumPy's value of a graph, in float64 on the inputs as they are stored: the reference of every proof."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.exhaustive import assert_never
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Reduction, Value

Array = NDArray[np.float64]

_ERF: Final = np.frompyfunc(math.erf, 1, 1)
_ERFC: Final = np.frompyfunc(math.erfc, 1, 1)


def _erf(x: Array) -> Array:
    return np.asarray(_ERF(x), dtype=np.float64)


def _gelu(x: Array) -> Array:
    # 1 + erf(x) would cancel where x is far below zero.
    return x / 2 * np.asarray(_ERFC(-x / math.sqrt(2)), dtype=np.float64)


def _sigmoid(x: Array) -> Array:
    # Neither branch overflows.
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def _softplus(x: Array, beta: float, threshold: float) -> Array:
    scaled = beta * x
    return np.where(scaled > threshold, x, np.log1p(np.exp(np.minimum(scaled, threshold))) / beta)


def _causal(x: Array) -> Array:
    rows, cols = x.shape[-2:]
    return np.where(np.arange(cols) <= np.arange(rows)[:, np.newaxis] + (cols - rows), x, -np.inf)


def _where(condition: Array, x: Array, y: Array) -> Array:
    return np.where(condition != 0, x, y)


ELEMENTWISE: Final[Mapping[str, Callable[..., Array]]] = {
    "abs": np.abs,
    "add": np.add,
    "clip": np.clip,
    "div": np.divide,
    "eq": lambda x, y: np.equal(x, y).astype(np.float64),
    "erf": _erf,
    "exp": np.exp,
    "ge": lambda x, y: np.greater_equal(x, y).astype(np.float64),
    "gelu": _gelu,
    "gt": lambda x, y: np.greater(x, y).astype(np.float64),
    "le": lambda x, y: np.less_equal(x, y).astype(np.float64),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "log": np.log,
    "lt": lambda x, y: np.less(x, y).astype(np.float64),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mul": np.multiply,
    "neg": np.negative,
    "reciprocal": lambda x: 1 / x,
    "relu": lambda x: np.maximum(x, 0),
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": _sigmoid,
    "sign": np.sign,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": _softplus,
    "sqrt": np.sqrt,
    "square": np.square,
    "sub": np.subtract,
    "tanh": np.tanh,
    "where": _where,
}
"""The value of each function; parameters follow the operands."""

BY_PLACE: Final[Mapping[str, Callable[..., Array]]] = {"causal": _causal}
"""The value of each function of an element and its place."""

REDUCTIONS: Final[Mapping[str, Callable[..., Array]]] = {"sum": np.sum, "max": np.max, "min": np.min}
"""The value of each reduction, along `axis`."""


def evaluate(graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """The value of every output.

    Args:
        graph: the formulas.
        inputs: an array for each input tensor, of its declared shape.

    Returns:
        Float64 arrays by tensor name, of the declared shapes.
    """
    values: list[Array] = []
    with np.errstate(all="ignore"):
        values.extend(_value(value, values, inputs) for value in graph.values)
    return {output.tensor: np.asarray(values[output.value]) for output in graph.outputs}


def function_of(name: str) -> Callable[..., Array]:
    """The function that computes an elementwise value."""
    return BY_PLACE[name] if name in BY_PLACE else ELEMENTWISE[name]


def _value(value: Value, values: list[Array], inputs: Mapping[str, NDArray[Any]]) -> Array:
    match value:
        case Input(tensor=tensor):
            return np.asarray(inputs[tensor], dtype=np.float64)
        case Number(number=number):
            return np.asarray(number, dtype=np.float64)
        case Contraction(operands=operands, transposed=transposed):
            left, right = (
                np.swapaxes(values[operand], -1, -2) if is_transposed else values[operand]
                for operand, is_transposed in zip(operands, transposed, strict=True)
            )
            return np.asarray(np.matmul(left, right))
        case Reduction(function=function, operands=(operand,), along=along, keeps=keeps):
            return REDUCTIONS[function](values[operand], axis=-1 - along, keepdims=keeps)
        case Elementwise(function=function, operands=operands, parameters=parameters):
            return function_of(function)(*(values[operand] for operand in operands), *parameters)
        case _:
            assert_never(value)
