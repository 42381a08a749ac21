"""Padding that matters: beside block floats, and in what a product of a later stage sums over.

Sixteen neighbours of a row share an exponent in block floats, those that only pad the row included: what is large in
such padding would flush the values beside it to zero. Inputs are uploaded with zeros there. Of what a program makes it
is proven: the graph is evaluated on what its values hold in the padding along an axis.
"""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from ttgen.dtypes import DTYPES, EXPONENT_GROUP, TILE
from ttgen.errors import Path, Problem, SpecError
from ttgen.exhaustive import assert_never
from ttgen.formula.functions import COMPARISONS, PLACED
from ttgen.formula.scalar import value_of
from ttgen.formula.values import Axis, Contraction, Elementwise, Graph, Input, Number, Reduction, Value, matrix, varies
from ttgen.planner.stages import Stage, StoredTensor
from ttgen.records import dataclass


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
_EXACT: Final = frozenset(
    {"abs", "add", "maximum", "minimum", "mul", "neg", "relu", "sign", "square", "sub", "where", *COMPARISONS}
)
# Functions of finite numbers that are finite, short of the overflow of a sum or a product.
_FINITE: Final = _EXACT | {"clip", "erf", "gelu", "leaky_relu", "sigmoid", "silu", "softplus", "tanh"}
# What makes of a number that is nearly right another one.
_STEADY: Final = frozenset(
    {"abs", "add", "div", "exp", "mul", "neg", "reciprocal", "rsqrt", "sigmoid", "sqrt", "square", "sub"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demand:
    """What a stage needs of the padding of a tensor that an earlier one made, and where it is said.

    Attributes:
        along: the dimension that is padded, counted from the last.
        zero: whether it has to be zero, or any finite number will do.
        because: what of it the problem is, if it isn't so.
    """

    along: int
    zero: bool
    because: str
    path: Path
    span: tuple[int, int] | None = None


def zero_padded(
    stages: Sequence[Stage], formula_path: Callable[[int], Path], received: Iterable[str] = ()
) -> frozenset[str]:
    """The tensors that have to hold zeros in their padding for other reasons than that a product adds it up.

    Those are inputs, which are uploaded so, and what stages are shown to make so. Between stages a product's operand
    has to be zero in the last tile of what is summed over, or finite where the other operand is zero there.

    Args:
        stages: all of a spec.
        formula_path: where a formula stands.
        received: the tensors that devices of a mesh get of each other, in whose padding may be anything.

    Raises:
        SpecError: what a stage makes can't be shown to be as it has to be.
    """
    found: set[str] = set()
    demands: defaultdict[str, list[_Demand]] = defaultdict(list)
    problems = []
    for stage in reversed(stages):
        for output in stage.graph.outputs:
            wanted = list(demands[output.tensor])
            if _shares(stage.tensors[output.tensor]):
                wanted.append(_neighbours(stage.tensors[output.tensor]))
            value = stage.graph.values[output.value]
            for demand in wanted:
                axis = matrix(value.axes)[-1 - demand.along]
                content = contents(stage.graph, axis)[output.value]
                if content == ZERO or (not demand.zero and content != "anything"):
                    _ask(stage, _reached(stage.graph, output.value, axis), demand, found, demands)
                else:
                    problems.append(_unproven(demand, content))
        # Who makes one of them has it among its outputs, and shows it there.
        found |= {name for name in stage.graph.inputs if _shares(stage.tensors[name])}
        for name, demand in _summed(stage, formula_path):
            demands[name].append(demand)
    problems += [_left(demand) for name in received for demand in demands[name]]
    if problems:
        raise SpecError(problems)
    return frozenset(found)


def _ask(
    stage: Stage,
    places: Iterable[tuple[str, int]],
    demand: _Demand,
    found: set[str],
    demands: defaultdict[str, list[_Demand]],
) -> None:
    """Notes tensors that have to hold zeros along a dimension, and asks it of who makes them."""
    for name, along in sorted(places):
        found.add(name)
        if stage.tensors[name].role != "input":
            demands[name].append(replace(demand, along=along, zero=True))


def _summed(stage: Stage, formula_path: Callable[[int], Path]) -> Iterator[tuple[str, _Demand]]:
    """What products need of operands that earlier stages made, where their last tile of K is ragged.

    The scores of an attention are summed over by its second product, so its keys count along both their dimensions.
    """
    graph = stage.graph
    for product in (graph.values[index] for index in graph.contractions):
        assert isinstance(product, Contraction), "they are"
        operands = {side: value for side, value in enumerate(graph.operands_of(product)) if isinstance(value, Input)}
        made = {side for side, value in operands.items() if stage.tensors[value.tensor].role != "input"}
        for side, value in operands.items():
            along = side if not product.transposed[side] else 1 - side
            ragged = [(along, product.over.size)] if product.over.size % TILE else []
            later = graph.reduced
            if side and later is not None and later != product.over and later.size % TILE:
                ragged.append((1 - along, later.size))
            for dimension, size in ragged if side in made else ():
                index, start, end = value.span
                zero = len(made) == len(operands) == 2 and side == 0
                because = (
                    f"'@' sums over {size} elements, and what '{value.tensor}' holds in the padding of the last tile "
                    f"has to be {'0' if zero else 'finite'}"
                )
                yield (
                    value.tensor,
                    _Demand(along=dimension, zero=zero, because=because, path=formula_path(index), span=(start, end)),
                )


def _shares(tensor: StoredTensor) -> bool:
    """Whether elements of a tensor share an exponent with its padding."""
    return DTYPES[tensor.dtype].shares_exponents and tensor.shape[-1] % EXPONENT_GROUP != 0


def _neighbours(tensor: StoredTensor) -> _Demand:
    because = (
        f"{EXPONENT_GROUP} neighbours of a row share an exponent in {tensor.dtype}; the last ones of "
        f"{tensor.shape[-1]} are padding"
    )
    return _Demand(along=0, zero=True, because=because, path=(*tensor.path, "dtype"))


def _unproven(demand: _Demand, content: Content) -> Problem:
    held = f"is {content.value:.6g}" if isinstance(content, Known) else "may be anything"
    wanted = "0 where its tensors are"
    fix = f"bfloat16, a last dimension that is a multiple of {EXPONENT_GROUP}"
    if demand.span is not None:
        fix = f"a size that is a multiple of {TILE}"
        wanted = wanted if demand.zero else "finite where its tensors are 0"
    text = f"{demand.because}, where the formula {held}: use {fix}, or a formula that is {wanted}"
    return Problem(message=text, path=demand.path, span=demand.span)


def _left(demand: _Demand) -> Problem:
    text = (
        f"{demand.because}, where what devices get of each other has anything: use a size that is a multiple of {TILE}"
    )
    return Problem(message=text, path=demand.path, span=demand.span)


def _reached(graph: Graph, root: int, axis: Axis | None) -> set[tuple[str, int]]:
    """The tensors that vary along an axis of an output, from whose padding that of the output comes, and where."""
    found: set[tuple[str, int]] = set()
    pending = [root]
    while pending:
        value = graph.values[pending.pop()]
        if isinstance(value, Input) and varies(value, axis):
            own = [dim for dim, other in enumerate(reversed(value.axes)) if other == axis]
            found |= {(value.tensor, dim) for dim in own or (0, 1)}
        pending.extend(value.operands)
    return found


def contents(graph: Graph, axis: Axis | None) -> tuple[Content, ...]:
    """What each value holds in the padding along an axis of an output, if its tensors hold zeros."""
    found: list[Content] = []
    for value in graph.values:
        found.append(_content(value, [found[operand] for operand in value.operands], axis))
    return tuple(found)


def _content(value: Value, operands: list[Content], axis: Axis | None) -> Content:
    match value:
        case Number(number=number):
            return _number(number)
        case _ if not varies(value, axis):
            return "spread"
        case Input() | Contraction():
            # A product's rows and columns are those of its operands: zeros there make zeros here.
            return ZERO
        case Elementwise():
            return _made_of(value, operands)
        case Reduction(keeps=keeps, along=along) if keeps and value.axes[-1 - along] == axis:
            # Beside its one place lies what is left of reducing.
            return "anything"
        case Reduction():
            # It goes along another axis: a line that is padding has what it holds everywhere.
            (held,) = operands
            return held if held == ZERO else "finite" if held != "anything" else held
        case _:
            assert_never(value)


def _made_of(node: Elementwise, operands: list[Content]) -> Content:
    """What an operation makes of what its operands hold."""
    if node.function in PLACED:
        return "anything"
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
