"""What goes along an axis: sums, means, maxima and minima, and the functions that are made of them.

Those functions are expansions: a formula that writes one out has the same values, and so the same kernel. NumPy's
value of the expansion, in float64, is their value (`formula/reference.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final, Literal, Protocol

from ttgen.formula.values import Span
from ttgen.records import dataclass

Kind = Literal["sum", "max", "min"]

REDUCTIONS: Final[Mapping[str, str]] = {
    "max": "the largest element along `axis`",
    "mean": "the sum along `axis`, times one over the number of elements",
    "min": "the smallest element along `axis`",
    "sum": "the sum along `axis`",
}
"""What is called with `axis` and `keepdims`, and its meaning, for the reference page."""


class Builder(Protocol):
    """What an expansion is made with: values are numbers of a graph that grows."""

    def elementwise(self, function: str, operands: tuple[int, ...], span: Span) -> int:
        """An arithmetic operation or a function of values."""

    def reduction(self, function: str, operand: int, axis: int, span: Span) -> int:
        """A reduction that keeps its dimension."""

    def number(self, value: float, span: Span) -> int:
        """A number."""


_Expansion = Callable[[Builder, tuple[int, ...], int, float, Span], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A function that is an expansion.

    Attributes:
        operands: how many tensors it takes.
        eps: what is added to the mean of squares if nothing is said; None where there is none.
        meaning: its expansion, for the reference page.
        expand: makes its values.
    """

    name: str
    operands: int = 1
    eps: float | None = None
    meaning: str
    expand: _Expansion = field(repr=False)


def _exponentials(builder: Builder, x: int, axis: int, span: Span) -> tuple[int, int]:
    """What is left of the maximum, and e to the power of it."""
    left = builder.elementwise("sub", (x, builder.reduction("max", x, axis, span)), span)
    return left, builder.elementwise("exp", (left,), span)


def _softmax(builder: Builder, operands: tuple[int, ...], axis: int, _eps: float, span: Span) -> int:
    _left, powers = _exponentials(builder, operands[0], axis, span)
    return builder.elementwise("div", (powers, builder.reduction("sum", powers, axis, span)), span)


def _log_softmax(builder: Builder, operands: tuple[int, ...], axis: int, _eps: float, span: Span) -> int:
    left, powers = _exponentials(builder, operands[0], axis, span)
    total = builder.elementwise("log", (builder.reduction("sum", powers, axis, span),), span)
    return builder.elementwise("sub", (left, total), span)


def _normalized(builder: Builder, x: int, axis: int, eps: float, span: Span) -> int:
    """A value over the root of the mean of its squares."""
    squares = builder.reduction("mean", builder.elementwise("mul", (x, x), span), axis, span)
    root = builder.elementwise("rsqrt", (builder.elementwise("add", (squares, builder.number(eps, span)), span),), span)
    return builder.elementwise("mul", (x, root), span)


def _rmsnorm(builder: Builder, operands: tuple[int, ...], axis: int, eps: float, span: Span) -> int:
    x, scale = operands
    return builder.elementwise("mul", (_normalized(builder, x, axis, eps, span), scale), span)


def _layernorm(builder: Builder, operands: tuple[int, ...], axis: int, eps: float, span: Span) -> int:
    x, scale, shift = operands
    centred = builder.elementwise("sub", (x, builder.reduction("mean", x, axis, span)), span)
    scaled = builder.elementwise("mul", (_normalized(builder, centred, axis, eps, span), scale), span)
    return builder.elementwise("add", (scaled, shift), span)


COMPOSED: Final[Mapping[str, Composed]] = {
    composed.name: composed
    for composed in (
        Composed(
            name="layernorm", operands=3, eps=1e-5, expand=_layernorm,
            meaning="c = x - mean(x); c * rsqrt(mean(c * c) + eps) * g + b",
        ),
        Composed(
            name="log_softmax", expand=_log_softmax, meaning="d = x - max(x); d - log(sum(exp(d)))"
        ),
        Composed(
            name="rmsnorm", operands=2, eps=1e-6, expand=_rmsnorm, meaning="x * rsqrt(mean(x * x) + eps) * g"
        ),
        Composed(name="softmax", expand=_softmax, meaning="e = exp(x - max(x)); e / sum(e)"),
    )
}  # fmt: skip
