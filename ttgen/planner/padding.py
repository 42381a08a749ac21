"""Padding beside block floats: sixteen neighbours of a row share an exponent, those that only pad the row included.

What is large in such padding would flush the values beside it to zero. Inputs in block floats are uploaded with zeros
there. Of an output it is proven: the graph is evaluated on what its nodes hold in the padding columns of the output.
Padding rows don't matter, as rows share nothing.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Final, Literal

from ttgen.dtypes import DTYPES, EXPONENT_GROUP
from ttgen.errors import Problem, SpecError
from ttgen.exhaustive import assert_never
from ttgen.formula.scalar import value_of
from ttgen.formula.values import Axis, Contraction, Elementwise, Graph, Input, Number, Value, matrix, varies
from ttgen.spec import LoadedSpec


@dataclass(frozen=True, slots=True)
class Known:
    """One number in all padding columns; exactly that one, or one that a function of the device comes near to."""

    value: float
    exact: bool = True


Content = Known | Literal["spread", "finite", "anything"]
"""What padding columns hold. What is `spread` over them is the value of the row itself: where it isn't finite, or a
divisor that is 0, nothing else in the row is of any use either."""

ZERO: Final = Known(0.0)

# What the device computes without error if the result is a bfloat16.
_EXACT: Final = frozenset({"abs", "add", "maximum", "minimum", "mul", "neg", "relu", "sign", "square", "sub", "where"})
# Functions of finite numbers that are finite, short of the overflow of a sum or a product.
_FINITE: Final = _EXACT | {"erf", "gelu", "leaky_relu", "sigmoid", "silu", "softplus", "tanh"}
# What makes of a number that is nearly right another one.
_STEADY: Final = frozenset(
    {"abs", "add", "div", "exp", "mul", "neg", "reciprocal", "rsqrt", "sigmoid", "sqrt", "square", "sub"}
)


def zero_padded(loaded: LoadedSpec, graph: Graph) -> frozenset[str]:
    """The tensors that have to be uploaded with zeros in their padding for the sake of shared exponents.

    Raises:
        SpecError: the padding of an output in block floats can't be shown to be zero.
    """
    found = {name for name in graph.inputs if _shares(loaded, name)}
    problems = []
    for output in graph.outputs:
        if not _shares(loaded, output.tensor):
            continue
        columns = matrix(graph.values[output.value].axes)[1]
        content = contents(graph, columns)[output.value]
        if content == ZERO:
            found |= _reached(graph, output.value, columns)
        else:
            problems.append(_unproven(loaded, output.tensor, content))
    if problems:
        raise SpecError(problems)
    return frozenset(found)


def _shares(loaded: LoadedSpec, tensor: str) -> bool:
    """Whether elements of a tensor share an exponent with its padding."""
    shares = DTYPES[loaded.spec.tensors[tensor].dtype].shares_exponents
    return shares and loaded.shapes[tensor][-1] % EXPONENT_GROUP != 0


def _unproven(loaded: LoadedSpec, tensor: str, content: Content) -> Problem:
    dtype, width = loaded.spec.tensors[tensor].dtype, loaded.shapes[tensor][-1]
    held = f"is {content.value:.6g}" if isinstance(content, Known) else "may be anything"
    text = (
        f"{EXPONENT_GROUP} neighbours of a row share an exponent in {dtype}; the last ones of {width} are padding, "
        f"where the formula {held}: use bfloat16, a last dimension that is a multiple of {EXPONENT_GROUP}, or a "
        "formula that is 0 where its tensors are"
    )
    return Problem(message=text, path=("tensors", tensor, "dtype"))


def _reached(graph: Graph, root: int, columns: Axis | None) -> set[str]:
    """The tensors that vary along the columns of an output, from whose padding that of the output comes."""
    found: set[str] = set()
    pending = [root]
    while pending:
        value = graph.values[pending.pop()]
        if isinstance(value, Input) and varies(value, columns):
            found.add(value.tensor)
        pending.extend(value.operands)
    return found


def contents(graph: Graph, columns: Axis | None) -> tuple[Content, ...]:
    """What each value holds in the padding of an output's columns, if its tensors hold zeros."""
    found: list[Content] = []
    for value in graph.values:
        found.append(_content(value, [found[operand] for operand in value.operands], columns))
    return tuple(found)


def _content(value: Value, operands: list[Content], columns: Axis | None) -> Content:
    match value:
        case Number(number=number):
            return _number(number)
        case _ if not varies(value, columns):
            return "spread"
        case Input() | Contraction():
            # A product's columns are those of its right operand: zeros there make zeros here.
            return ZERO
        case Elementwise():
            return _made_of(value, operands)
        case _:
            assert_never(value)


def _made_of(node: Elementwise, operands: list[Content]) -> Content:
    """What an operation makes of what its operands hold."""
    known = [operand for operand in operands if isinstance(operand, Known)]
    if len(known) == len(operands) and node.function != "where":
        return _computed(node, known)
    match node.function, operands:
        case "mul", [a, b] if ZERO in (a, b) and "anything" not in (a, b):
            return ZERO
        case "div", [a, "spread"] if a == ZERO:
            return ZERO
        case "where", [condition, a, b]:
            if isinstance(condition, Known):
                return _value(a if condition.value != 0 else b)
            if a == b and isinstance(a, Known):
                return a
    return "finite" if node.function in _FINITE and "anything" not in operands else "anything"


def _value(content: Content) -> Content:
    """A value that a node passes on."""
    return "finite" if content == "spread" else content


def _number(value: float) -> Known:
    return Known(value, struct.pack(">f", value)[2:] == b"\0\0")


def _computed(node: Elementwise, operands: list[Known]) -> Content:
    """What an operation makes of numbers."""
    values = [operand.value for operand in operands]
    value = value_of(node.function, *values, *node.parameters)
    exact = all(operand.exact for operand in operands)
    if not math.isfinite(value):
        return "anything"
    if value == 0:
        by_zero = (node.function == "mul" and ZERO in operands) or operands[0] == ZERO
        return ZERO if by_zero or (exact and node.function in _EXACT) else "finite"
    if not exact and (node.function not in _STEADY or _cancels(node.function, values, value)):
        return "finite"
    return Known(value, exact and node.function in _EXACT and _number(value).exact)


def _cancels(kind: str, values: list[float], value: float) -> bool:
    """Whether a sum is nearer to zero than its parts, so that their errors are a larger part of it."""
    return kind in ("add", "sub") and abs(value) < max(map(abs, values))
