"""Index expressions: affine terms, `//`, `%` and `min` over loop variables and named arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from ttgen.records import dataclass

Operator = Literal["+", "-", "*", "//", "%", "min"]


@dataclass(frozen=True, slots=True)
class Const:
    """A literal; kernels hold none but 0 and 1."""

    value: int


@dataclass(frozen=True, slots=True)
class Var:
    """A loop variable, a `Let`, or a named argument."""

    name: str


@dataclass(frozen=True, slots=True)
class Expr:
    """Two operands and an operator; integers are not negative, so `//` and `%` are C++'s."""

    operator: Operator
    left: Index
    right: Index


Index = Const | Var | Expr

ZERO = Const(0)
ONE = Const(1)


def add(left: Index, right: Index) -> Index:
    """`left + right`, without adding 0."""
    if left == ZERO:
        return right
    return left if right == ZERO else Expr("+", left, right)


def mul(left: Index, right: Index) -> Index:
    """`left * right`, without multiplying by 0 or 1."""
    if ZERO in (left, right):
        return ZERO
    if left == ONE:
        return right
    return left if right == ONE else Expr("*", left, right)


def product(*factors: Index) -> Index:
    """The product of all factors; 1 of none."""
    result: Index = ONE
    for factor in factors:
        result = mul(result, factor)
    return result


def floor_div(left: Index, right: Index) -> Index:
    """`left // right`, without dividing by 1."""
    return left if right == ONE else Expr("//", left, right)


def sub(left: Index, right: Index) -> Index:
    """`left - right`, which must not be negative."""
    return Expr("-", left, right)


def least(left: Index, right: Index) -> Index:
    """The smaller of both."""
    return Expr("min", left, right)


def names(index: Index) -> Iterator[str]:
    """Every name in an expression, in order, repeated as it occurs."""
    match index:
        case Var(name):
            yield name
        case Expr(_, left, right):
            yield from names(left)
            yield from names(right)


def substituted(index: Index, values: Mapping[str, Index]) -> Index:
    """An expression with names replaced by what they stand for."""
    match index:
        case Var(name):
            return values.get(name, index)
        case Expr(operator, left, right):
            return Expr(operator, substituted(left, values), substituted(right, values))
        case Const():
            return index


def folded(index: Index) -> Index:
    """An expression without additions of 0 and products with it or with 1."""
    match index:
        case Expr("+", left, right):
            return add(folded(left), folded(right))
        case Expr("*", left, right):
            return mul(folded(left), folded(right))
        case Expr(operator, left, right):
            return Expr(operator, folded(left), folded(right))
        case _:
            return index


def evaluate(index: Index, values: Mapping[str, int]) -> int:
    """The value of an expression."""
    match index:
        case Const(value):
            return value
        case Var(name):
            return values[name]
        case Expr(operator, left, right):
            return _apply(operator, evaluate(left, values), evaluate(right, values))


def _apply(operator: Operator, left: int, right: int) -> int:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "//":
            return left // right
        case "%":
            return left % right
        case "min":
            return min(left, right)


_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "//": 2, "%": 2}
_CPP = {"+": "+", "-": "-", "*": "*", "//": "/", "%": "%"}


def to_cpp(index: Index) -> str:
    """The expression in C++, with no parentheses that aren't needed."""
    return _cpp(index, 0)


def _cpp(index: Index, outer: int) -> str:
    match index:
        case Const(value):
            return str(value)
        case Var(name):
            return name
        case Expr("min", left, right):
            return f"std::min({to_cpp(left)}, {to_cpp(right)})"
        case Expr(operator, left, right):
            own = _PRECEDENCE[operator]
            # The right operand of - / and % binds tighter than its own level: a / (b * c).
            text = f"{_cpp(left, own)} {_CPP[operator]} {_cpp(right, own if operator in '+*' else own + 1)}"
            return f"({text})" if own < outer else text


def to_python(index: Index) -> str:
    """The expression in Python, fully parenthesised, for compiling a whole walk at once."""
    match index:
        case Const(value):
            return str(value)
        case Var(name):
            return name
        case Expr("min", left, right):
            return f"min({to_python(left)}, {to_python(right)})"
        case Expr(operator, left, right):
            return f"({to_python(left)} {operator} {to_python(right)})"
