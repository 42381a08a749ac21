"""What a kernel computes, as expressions over elements of its tensors, simplified while they are made.

An element is a tensor with an index in each dimension; a reduction binds a variable of indices. Buffers, blocks and
loops are gone: what an output holds at some indices is one expression.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal

from ttgen.importing.affine import Affine
from ttgen.records import dataclass

LOG2_E: Final = math.log2(math.e)


@dataclass(frozen=True, slots=True)
class Num:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a tensor."""

    tensor: str
    indices: tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An index as a number."""

    at: Affine


@dataclass(frozen=True, slots=True)
class Function:
    """A function of values, by its name in formulas or, where formulas have none, in `form`."""

    name: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """What a value comes to over all of a variable's places."""

    kind: Literal["sum", "max", "min", "mean"]
    variable: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Along:
    """A function along one variable's places: `softmax`."""

    name: str
    variable: str
    operand: Node


Node = Num | Element | Index | Function | Fold | Along


def operands_of(node: Node) -> tuple[Node, ...]:
    """What a node is made of."""
    if isinstance(node, Function):
        return node.operands
    if isinstance(node, (Fold, Along)):
        return (node.operand,)
    return ()


def indices_of(node: Node) -> tuple[Affine, ...]:
    """The indices that a node names itself."""
    if isinstance(node, Element):
        return node.indices
    return (node.at,) if isinstance(node, Index) else ()


def free(node: Node) -> frozenset[str]:
    """The variables that a value depends on."""
    found: set[str] = set()
    for index in indices_of(node):
        found |= index.variables
    for operand in operands_of(node):
        found |= free(operand)
    if isinstance(node, Fold):
        found.discard(node.variable)
    return frozenset(found)


def size(node: Node, limit: int = 10_000) -> int:
    """How many nodes a tree has, counted up to a limit."""
    total = 1
    for operand in operands_of(node):
        total += size(operand, limit - total)
        if total >= limit:
            return total
    return total


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """A node of changed operands."""
    match node:
        case Function(name=name, operands=operands):
            return function(name, *(change(operand) for operand in operands))
        case Fold(kind=kind, variable=variable, operand=operand):
            return Fold(kind, variable, change(operand))
        case Along(name=name, variable=variable, operand=operand):
            return Along(name, variable, change(operand))
        case _:
            return node


def substituted(node: Node, given: Mapping[str, Affine]) -> Node:
    """A value with other indices in the place of some variables."""
    if not given:
        return node
    match node:
        case Element(tensor=tensor, indices=indices):
            return Element(tensor, tuple(index.with_variables(given) for index in indices))
        case Index(at=at):
            return Index(at.with_variables(given))
        case Along(name=name, variable=variable, operand=operand):
            renamed = given[variable].only if variable in given else variable
            return Along(name, renamed or variable, substituted(operand, given))
        case _:
            return rebuilt(node, lambda operand: substituted(operand, given))


def walk(node: Node) -> list[Node]:
    """A node and all that it is made of."""
    found = [node]
    for operand in operands_of(node):
        found += walk(operand)
    return found


def is_of_places(condition: Node) -> bool:
    """Whether a condition is on indices alone, as one is that keeps a block inside of a tensor."""
    return not any(isinstance(item, Element) for item in walk(condition))


def function(name: str, *operands: Node) -> Node:
    """A function of values, in the simplest form that is the same for all finite ones."""
    numbers = [operand.value for operand in operands if isinstance(operand, Num)]
    if len(numbers) == len(operands):
        value = _number(name, numbers)
        if value is not None:
            return Num(value)
    simplify = _RULES.get(name)
    simpler = simplify(*operands) if simplify else None
    return simpler if simpler is not None else Function(name, operands)


def _number(name: str, values: list[float]) -> float | None:
    """The value of a function of numbers; None where it has none that is kept."""
    compute = _NUMBERS.get(name)
    if compute is None:
        return None
    try:
        return float(compute(*values))
    except (ArithmeticError, ValueError):
        return None


_NUMBERS: Final[Mapping[str, Callable[..., float]]] = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: 0.0 if 0 in (x, y) else x * y,
    "div": lambda x, y: x / y, "neg": lambda x: -x, "maximum": max, "minimum": min, "exp": math.exp, "log": math.log,
    "sqrt": math.sqrt, "rsqrt": lambda x: 1 / math.sqrt(x), "tanh": math.tanh, "erf": math.erf, "abs": abs,
    "pow": math.pow, "square": lambda x: x * x, "gt": lambda x, y: x > y, "ge": lambda x, y: x >= y,
    "lt": lambda x, y: x < y, "le": lambda x, y: x <= y, "eq": lambda x, y: x == y, "ne": lambda x, y: x != y,
    "where": lambda c, x, y: x if c else y, "floordiv": lambda x, y: x // y, "mod": lambda x, y: x % y,
    "and": lambda x, y: bool(x) and bool(y), "or": lambda x, y: bool(x) or bool(y), "not": lambda x: not x,
    "whole": math.trunc,
}  # fmt: skip


def _is(node: Node, value: float) -> bool:
    return isinstance(node, Num) and node.value == value


def _infinite(node: Node) -> float:
    """1 or -1 for an infinite number; 0 for any other value."""
    return math.copysign(1, node.value) if isinstance(node, Num) and math.isinf(node.value) else 0


def _add(x: Node, y: Node) -> Node | None:
    if _is(x, 0):
        return y
    if _is(y, 0) or _infinite(x):
        return x
    if _infinite(y):
        return y
    for one, other in ((x, y), (y, x)):
        # A mask that is added: 0 where values stay, -inf elsewhere.
        if isinstance(one, Function) and one.name == "where":
            condition, first, second = one.operands
            if _is(first, 0) and _infinite(second) < 0:
                return function("where", condition, other, second)
            if _is(second, 0) and _infinite(first) < 0:
                return function("where", function("not", condition), other, first)
    if isinstance(y, Function) and y.name == "neg":
        return function("sub", x, y.operands[0])
    if isinstance(x, Function) and x.name == "neg":
        return function("sub", y, x.operands[0])
    return None


def _sub(x: Node, y: Node) -> Node | None:
    if _is(y, 0) or _infinite(x):
        return x
    if _infinite(y):
        return Num(-_infinite(y) * math.inf)
    if _is(x, 0):
        return function("neg", y)
    if isinstance(y, Function) and y.name == "neg":
        return function("add", x, y.operands[0])
    match x, y:
        case Function(name="mul", operands=(Num() as scale, first)), Function(name="mul", operands=(other, second)):
            if scale == other:
                return function("mul", scale, function("sub", first, second))
    return Num(0.0) if x == y else None


def _mul(x: Node, y: Node) -> Node | None:
    if _is(x, 0) or _is(y, 0):
        return Num(0.0)
    if _is(x, 1):
        return y
    if _is(y, 1):
        return x
    if _is(x, -1):
        return function("neg", y)
    if _is(y, -1):
        return function("neg", x)
    if isinstance(y, Num):
        x, y = y, x
    if isinstance(x, Num):
        if _infinite(x):
            return None
        match y:
            case Function(name="mul", operands=(Num(value=value), inner)):
                return function("mul", Num(x.value * value), inner)
            case Function(name="div", operands=(inner, Num(value=value))) if value:
                return function("mul", Num(x.value / value), inner)
            case Function(name="neg", operands=(inner,)):
                return function("mul", Num(-x.value), inner)
            case Function(name="where", operands=(condition, first, second)) if _infinite(second) and x.value > 0:
                return function("where", condition, function("mul", x, first), second)
        return Function("mul", (x, y))
    # Numbers come first.
    if isinstance(y, Function) and y.name == "mul" and isinstance(y.operands[0], Num):
        return function("mul", y.operands[0], function("mul", x, y.operands[1]))
    if isinstance(x, Function) and x.name == "mul" and isinstance(x.operands[0], Num):
        return function("mul", x.operands[0], function("mul", x.operands[1], y))
    if isinstance(y, Function) and y.name == "div" and _is(y.operands[0], 1):
        return function("div", x, y.operands[1])
    return None


def _div(x: Node, y: Node) -> Node | None:
    if _is(x, 0):
        return Num(0.0)
    if isinstance(y, Num) and y.value and not math.isinf(y.value):
        return function("mul", Num(1 / y.value), x)
    return None


def _neg(x: Node) -> Node | None:
    if isinstance(x, Function) and x.name == "neg":
        return x.operands[0]
    if isinstance(x, Function) and x.name == "mul" and isinstance(x.operands[0], Num):
        return function("mul", Num(-x.operands[0].value), x.operands[1])
    return None


def _maximum(x: Node, y: Node) -> Node | None:
    for one, other in ((x, y), (y, x)):
        if _infinite(one) < 0 or one == other:
            return other
    return None


def _minimum(x: Node, y: Node) -> Node | None:
    for one, other in ((x, y), (y, x)):
        if _infinite(one) > 0 or one == other:
            return other
    return None


def _where(condition: Node, x: Node, y: Node) -> Node | None:
    if isinstance(condition, Num):
        return x if condition.value else y
    if isinstance(condition, Function) and condition.name == "not":
        return function("where", condition.operands[0], y, x)
    return x if x == y else None


def _exp2(x: Node) -> Node:
    return function("exp", function("mul", Num(1 / LOG2_E), x))


def _exp(x: Node) -> Node | None:
    return Num(0.0) if _infinite(x) < 0 else None


def _log2(x: Node) -> Node:
    return function("mul", Num(LOG2_E), function("log", x))


def _pow(x: Node, y: Node) -> Node | None:
    if _is(y, 2):
        return function("square", x)
    if _is(y, 0.5):
        return function("sqrt", x)
    if _is(y, -0.5):
        return function("rsqrt", x)
    return x if _is(y, 1) else None


def _not(x: Node) -> Node | None:
    opposite = {"ge": "lt", "gt": "le", "le": "gt", "lt": "ge", "eq": "ne", "ne": "eq"}
    if isinstance(x, Function) and x.name in opposite:
        return function(opposite[x.name], *x.operands)
    return x.operands[0] if isinstance(x, Function) and x.name == "not" else None


def _and(x: Node, y: Node) -> Node | None:
    for one, other in ((x, y), (y, x)):
        if isinstance(one, Num):
            return other if one.value else one
    return None


def _or(x: Node, y: Node) -> Node | None:
    for one, other in ((x, y), (y, x)):
        if isinstance(one, Num):
            return one if one.value else other
    return None


_RULES: Final[Mapping[str, Callable[..., Node | None]]] = {
    "add": _add, "sub": _sub, "mul": _mul, "div": _div, "neg": _neg, "maximum": _maximum, "minimum": _minimum,
    "where": _where, "exp": _exp, "exp2": _exp2, "log2": _log2, "pow": _pow, "not": _not, "and": _and, "or": _or,
}  # fmt: skip
