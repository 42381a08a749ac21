"""The functions of the formula language: their operands, parameters and meaning.

The value of a function is NumPy's, in float64 (`formula/reference.py`); which tile operation computes it is the
business of `operations/`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from ttgen.records import dataclass

Bends = Callable[..., tuple[float, ...]]


def _at(*places: float) -> Bends:
    """The same bends whatever the parameters."""
    return lambda *_parameters: places


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One elementwise function.

    Attributes:
        operands: how many tensors or numbers it takes.
        parameters: further numbers, by name, with their defaults, NaN for those that have to be given; kept as float32.
        meaning: the value, for the reference page.
        bends: from its parameters, the operands around which it changes its course: where it begins or ends to be
            constant or straight, as far as float32 shows. Programs are tried on both sides of each.
    """

    name: str
    operands: int = 1
    parameters: Mapping[str, float] = field(default_factory=dict)
    meaning: str
    bends: Bends = field(default=_at())


def _table(*functions: Function) -> Mapping[str, Function]:
    return {function.name: function for function in functions}


PLACED: Final[Mapping[str, str]] = {
    "causal": "x where the column is at most row + (columns - rows), else -inf: later keys have no weight in softmax",
}
"""Functions of an element and of its place in the last two dimensions, and their meaning."""

COMPARISONS: Final[Mapping[str, str]] = {"ge": "le", "gt": "lt", "le": "ge", "lt": "gt", "eq": "eq"}
"""Values that are 1 where a comparison holds and 0 elsewhere, each with that of the operands the other way round."""

ARITHMETIC: Final = frozenset({"add", "sub", "mul", "div", "neg"})

FUNCTIONS: Final[Mapping[str, Function]] = _table(
    Function(name="abs", meaning="absolute value", bends=_at(0)),
    Function(
        name="clip",
        parameters={"low": math.nan, "high": math.nan},
        meaning="x, but at least low and at most high",
        bends=lambda low, high: (low, high),
    ),
    Function(name="erf", meaning="error function", bends=_at(-4, -1, 0, 1, 4)),
    Function(name="exp", meaning="e to the power x", bends=_at(-88, 0, 88)),
    Function(name="gelu", meaning="x / 2 * (1 + erf(x / sqrt(2)))", bends=_at(-6, -3, 0, 3, 6)),
    Function(name="leaky_relu", parameters={"slope": 0.01}, meaning="x where x > 0, else slope * x", bends=_at(0)),
    Function(name="log", meaning="natural logarithm; x > 0", bends=_at(1)),
    Function(name="maximum", operands=2, meaning="the larger of two"),
    Function(name="minimum", operands=2, meaning="the smaller of two"),
    Function(name="reciprocal", meaning="1 / x"),
    Function(name="relu", meaning="x where x > 0, else 0", bends=_at(0)),
    Function(name="rsqrt", meaning="1 / sqrt(x); x > 0"),
    Function(name="sigmoid", meaning="1 / (1 + exp(-x))", bends=_at(-88, -17, 0, 17)),
    Function(name="sign", meaning="-1, 0 or 1", bends=_at(0)),
    Function(name="silu", meaning="x * sigmoid(x)", bends=_at(-88, -17, 0, 17)),
    Function(
        name="softplus",
        parameters={"beta": 1.0, "threshold": 20.0},
        meaning="log(1 + exp(beta * x)) / beta where beta * x <= threshold, else x",
        bends=lambda beta, threshold: (-threshold / beta, -5 / beta, 0, threshold / beta),
    ),
    Function(name="sqrt", meaning="square root; x >= 0"),
    Function(name="square", meaning="x * x", bends=_at(0)),
    Function(name="tanh", meaning="hyperbolic tangent", bends=_at(-9, -1, 0, 1, 9)),
    Function(name="where", operands=3, meaning="the second where the first is not 0, else the third", bends=_at(0)),
)
