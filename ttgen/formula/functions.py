"""The functions of the formula language: their operands, parameters and meaning.

The value of a function is NumPy's, in float64 (`formula/reference.py`); which tile operation computes it is the
business of `operations/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One elementwise function.

    Attributes:
        operands: how many tensors or numbers it takes.
        parameters: further numbers, by name, with their defaults; kept as float32.
        meaning: the value, for the reference page.
    """

    name: str
    operands: int = 1
    parameters: Mapping[str, float] = field(default_factory=dict)
    meaning: str


def _table(*functions: Function) -> Mapping[str, Function]:
    return {function.name: function for function in functions}


ARITHMETIC: Final = frozenset({"add", "sub", "mul", "div", "neg"})

FUNCTIONS: Final[Mapping[str, Function]] = _table(
    Function(name="abs", meaning="absolute value"),
    Function(name="erf", meaning="error function"),
    Function(name="exp", meaning="e to the power x"),
    Function(name="gelu", meaning="x / 2 * (1 + erf(x / sqrt(2)))"),
    Function(name="leaky_relu", parameters={"slope": 0.01}, meaning="x where x > 0, else slope * x"),
    Function(name="log", meaning="natural logarithm; x > 0"),
    Function(name="maximum", operands=2, meaning="the larger of two"),
    Function(name="minimum", operands=2, meaning="the smaller of two"),
    Function(name="reciprocal", meaning="1 / x"),
    Function(name="relu", meaning="x where x > 0, else 0"),
    Function(name="rsqrt", meaning="1 / sqrt(x); x > 0"),
    Function(name="sigmoid", meaning="1 / (1 + exp(-x))"),
    Function(name="sign", meaning="-1, 0 or 1"),
    Function(name="silu", meaning="x * sigmoid(x)"),
    Function(
        name="softplus",
        parameters={"beta": 1.0, "threshold": 20.0},
        meaning="log(1 + exp(beta * x)) / beta where beta * x <= threshold, else x",
    ),
    Function(name="sqrt", meaning="square root; x >= 0"),
    Function(name="square", meaning="x * x"),
    Function(name="tanh", meaning="hyperbolic tangent"),
    Function(name="where", operands=3, meaning="the second where the first is not 0, else the third"),
)
