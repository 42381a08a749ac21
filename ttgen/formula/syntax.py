"""The syntax of formulas: what `parse` makes of their text, every part with its characters in the formula."""

from __future__ import annotations

from ttgen.records import dataclass

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A tensor, or a value of an earlier formula."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number, rounded to float32."""

    value: float
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Transpose:
    """`X.T`, or `X.mT`, which swaps the last two dimensions of many."""

    operand: Name
    batched: bool = False
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """An operator or a function: `kind` is `matmul`, or the function of the value that it makes."""

    kind: str
    operands: tuple[Syntax, ...]
    parameters: tuple[float, ...] = ()
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """A reduction of `functions`' kind, or a function that is made of them.

    Attributes:
        kind: a key of `reductions.REDUCTIONS` or of `reductions.COMPOSED`.
        axes: the dimensions that it goes along, as NumPy counts them; None for all.
        keeps: whether they stay, with one place each.
        eps: of a function that has one.
    """

    kind: str
    operands: tuple[Syntax, ...]
    axes: tuple[int, ...] | None
    keeps: bool
    eps: float = 0.0
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """`attention(q, k, v)`: softmax(q @ k.mT * scale) @ v.

    Attributes:
        scale: what scores are multiplied by; None for one over the root of the size of queries.
        causal: whether a query has no later keys.
    """

    queries: Syntax
    keys: Name
    values: Syntax
    scale: float | None
    causal: bool
    span: Span


Syntax = Name | Number | Transpose | Apply | Reduce | Attention


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`target = value`."""

    target: str
    target_span: Span
    value: Syntax


def written_out(attention: Attention, scale: float) -> Syntax:
    """An attention as it would be written out, with what its scores are multiplied by."""
    span = attention.span
    keys = Transpose(operand=attention.keys, batched=True, span=attention.keys.span)
    scores = Apply(kind="matmul", operands=(attention.queries, keys), span=span)
    scaled: Syntax = Apply(kind="mul", operands=(scores, Number(value=scale, span=span)), span=span)
    if attention.causal:
        scaled = Apply(kind="causal", operands=(scaled,), span=span)
    weights = Reduce(kind="softmax", operands=(scaled,), axes=(-1,), keeps=False, span=span)
    return Apply(kind="matmul", operands=(weights, attention.values), span=span)


def no_matrix(operand: Syntax, shape: tuple[int, ...]) -> str:
    """What to do about an operand of '@' that has fewer than two dimensions."""
    name = operand.name if isinstance(operand, Name) else "the operand"
    if not shape:
        return "'@' takes matrices, not numbers"
    return f"'@' takes matrices: declare '{name}' as [1, {shape[0]}] (a row) or [{shape[0]}, 1] (a column)"
