"""The value of a node of numbers, without NumPy: what a plan needs to know of constants."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Final


def _softplus(x: float, beta: float, threshold: float) -> float:
    return math.log1p(math.exp(beta * x)) / beta if beta * x <= threshold else x


_VALUES: Final[Mapping[str, Callable[..., float]]] = {
    "abs": abs,
    "add": operator.add,
    "clip": lambda x, low, high: min(max(x, low), high),
    "div": operator.truediv,
    "eq": operator.eq,
    "erf": math.erf,
    "exp": math.exp,
    "gelu": lambda x: x / 2 * math.erfc(-x / math.sqrt(2)),
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "log": math.log,
    "maximum": max,
    "minimum": min,
    "mul": operator.mul,
    "neg": operator.neg,
    "reciprocal": lambda x: 1 / x,
    "relu": lambda x: max(x, 0.0),
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "sign": lambda x: float((x > 0) - (x < 0)),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "softplus": _softplus,
    "sqrt": math.sqrt,
    "square": lambda x: x * x,
    "sub": operator.sub,
    "tanh": math.tanh,
    "where": lambda condition, a, b: a if condition else b,
}


def value_of(kind: str, *operands: float) -> float:
    """The value of an operation of the formula language; NaN where it has none, or one too large for a float.

    Args:
        kind: of the node.
        operands: numbers, and then the node's parameters.
    """
    try:
        return float(_VALUES[kind](*operands))
    except (ArithmeticError, ValueError):
        return math.nan
