"""Values of operators and functions, of numbers and of what is known only when a kernel runs."""

from __future__ import annotations

import ast
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

from ttgen.errors import SpecError
from ttgen.importing.form import Apply, Constant, Expression
from ttgen.importing.text import KernelFile, refuse_at
from ttgen.importing.values import Unknown, dtype_name, expression, is_number

MAX_BITS: Final = 62
MAX_ITEMS: Final = 256

_COMPARE: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip
_NUMBERS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "pow": operator.pow, "lt": operator.lt, "le": operator.le,
    "gt": operator.gt, "ge": operator.ge, "eq": operator.eq, "ne": operator.ne, "min": min, "max": max,
}  # fmt: skip
ONE: Final = {
    "exp": "exp", "exp2": "exp2", "log": "log", "log2": "log2", "sqrt": "sqrt", "rsqrt": "rsqrt", "tanh": "tanh",
    "sigmoid": "sigmoid", "erf": "erf", "abs": "abs", "fabs": "abs", "__exp": "exp", "__log": "log", "__log2": "log2",
}  # fmt: skip
"""Functions of one operand, by TileLang's name."""
TWO: Final = {"max": "max", "min": "min", "fmax": "max", "fmin": "min", "pow": "pow", "__pow": "pow",
              "floordiv": "floordiv", "floormod": "mod", "Div": "div"}  # fmt: skip


class Operators(ABC):
    """What operators and functions give; calls that do more are `intrinsic`."""

    def __init__(self, file: KernelFile) -> None:
        self.file = file
        self.without: list[str] = []
        """Parameters that are None unless they are set."""

    @abstractmethod
    def intrinsic(self, name: str, node: ast.Call, arguments: list[Any], named: dict[str, Any]) -> Any:
        """What a call of TileLang's does beside giving a value."""

    def refuse(self, message: str, node: ast.AST) -> SpecError:
        """A refusal, where a part of the syntax is."""
        return refuse_at(message, self.file.at(node))

    def expression_of(self, value: Any, node: ast.AST) -> Expression:
        """A value as an expression of the kernel."""
        found = expression(value)
        if found is None:
            if value is None:
                names = " ".join(f"{name}=…" for name in self.without) or "NAME=…"
                raise self.refuse(f"None is no number here: --set {names}", node)
            raise self.refuse("a number is expected here", node)
        return found

    def integer(self, value: Any, node: ast.AST) -> int:
        """A value as a whole number that is known."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.expression_of(value, node)
            raise self.refuse("a whole number that is known is expected here", node)
        return value

    def negative(self, value: Any, node: ast.AST) -> Any:
        """A value with the other sign."""
        if is_number(value):
            return -value
        if isinstance(value, Constant):
            return Constant(-value.value)
        return Apply("neg", (self.expression_of(value, node),))

    def binary(self, op: str, left: Any, right: Any, node: ast.AST, parts: tuple[ast.AST, ast.AST]) -> Any:
        """The value of an operator between two values."""
        if is_number(left) and is_number(right):
            return self.number(op, left, right, node)
        if op == "add" and isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
            if len(left) + len(right) > MAX_ITEMS:
                raise self.refuse(f"a list of more than {MAX_ITEMS} items", node)
            return type(left)([*left, *right])
        first, second = self.expression_of(left, parts[0]), self.expression_of(right, parts[1])
        return Apply(op, (first, second))

    def number(self, op: str, left: float, right: float, node: ast.AST) -> Any:
        """The value of an operator between two numbers."""
        if op == "pow" and (abs(right) > 64 or abs(left) > 2**31):
            raise self.refuse("the power is too large", node)
        try:
            result = _NUMBERS[op](left, right)
        except ArithmeticError as error:
            raise self.refuse(f"{error}", node) from None
        if isinstance(result, complex) or (isinstance(result, int) and result.bit_length() > MAX_BITS):
            raise self.refuse("the number is too large", node)
        return result

    def one_comparison(self, op: ast.cmpop, left: Any, right: Any, node: ast.AST) -> Any:
        """The value of one comparison."""
        if isinstance(op, (ast.In, ast.NotIn)):
            if not isinstance(right, (list, tuple)):
                raise self.refuse("'in' is read of lists only", node)
            return any(_same(left, item) for item in right) is isinstance(op, ast.In)
        if isinstance(op, (ast.Is, ast.IsNot)):
            if left is not None and right is not None and not isinstance(right, bool):
                raise self.refuse("'is' is read of None, True and False only", node)
            return (left is right) is isinstance(op, ast.Is)
        name = _COMPARE[type(op)]
        if is_number(left) and is_number(right):
            return self.number(name, left, right, node)
        first, second = expression(left), expression(right)
        if first is not None and second is not None:
            return Apply(name, (first, second))
        if name in ("eq", "ne"):
            return _same(left, right) is (name == "eq")
        raise self.refuse("these can't be compared", node)

    def python(self, compute: Callable[[], Any], node: ast.AST) -> Any:
        """What a function of Python's gives."""
        try:
            return compute()
        except (ArithmeticError, ValueError, TypeError) as error:
            raise self.refuse(f"{error}", node) from None

    def real(self, value: Any, node: ast.AST) -> float:
        """A number that is known."""
        if not isinstance(value, (int, float)):
            raise self.refuse("a number that is known is expected here", node)
        return value

    def builtin(self, name: str, node: ast.Call, arguments: list[Any]) -> Any:
        """A function of Python's."""
        if name in ("min", "max") and len(arguments) == 2:
            return self.of_language(name, node, arguments, {})
        if name == "abs" and len(arguments) == 1:
            return self.of_language("abs", node, arguments, {})
        if (
            name == "sum"
            and arguments
            and isinstance(arguments[0], (list, tuple))
            and all(map(is_number, arguments[0]))
        ):
            return sum(arguments[0])
        if name == "len" and arguments and isinstance(arguments[0], (list, tuple)):
            return len(arguments[0])
        if name in ("tuple", "list") and arguments and isinstance(arguments[0], (list, tuple)):
            return (tuple if name == "tuple" else list)(arguments[0])
        if name in ("int", "float", "bool") and len(arguments) == 1 and is_number(arguments[0]):
            return self.python(lambda: {"int": int, "float": float, "bool": bool}[name](arguments[0]), node)
        if name == "float" and arguments in (["inf"], ["-inf"]):
            return float(arguments[0])
        raise self.refuse(f"'{name}' isn't read of these", node)

    def cast(self, value: Any, to: Any, node: ast.AST) -> Any:
        """A value in another dtype: the same number, but for what a whole number cuts off."""
        dtype = dtype_name(to)
        if dtype is None:
            raise self.refuse("a dtype is expected here", node)
        inner = self.expression_of(value, node)
        if not dtype.startswith(("float", "bfloat", "tfloat")) or dtype.startswith(("float8", "float6", "float4")):
            if is_number(value) and float(value).is_integer():
                return int(value)
            return Apply("whole" if dtype.startswith(("int", "uint")) else f"cast to {dtype}", (inner,))
        return float(value) if is_number(value) else inner

    def of_language(self, name: str, node: ast.Call, arguments: list[Any], named: dict[str, Any]) -> Any:
        """A function of TileLang's that is a value; others are statements."""
        for item in (*arguments, *named.values()):
            if isinstance(item, Unknown) and name not in ("Kernel", "Persistent"):
                raise refuse_at(item.why, item.at)
        operands = arguments
        if name in ONE and len(operands) == 1:
            if is_number(operands[0]) and ONE[name] == "abs":
                return abs(operands[0])
            return Apply(ONE[name], (self.expression_of(operands[0], node),))
        if name in TWO and len(operands) == 2:
            op, (first, second) = TWO[name], operands
            return self.binary(op, first, second, node, _both(node))
        match name, operands:
            case (("ceildiv" | "cdiv"), [first, second]):
                if isinstance(first, int) and isinstance(second, int) and second > 0:
                    return -(-first // second)
                parts = _both(node)
                less = self.binary("sub", second, 1, node, parts[::-1])
                raised = self.binary("add", first, less, node, parts)
                return self.binary("floordiv", raised, second, node, parts)
            case (("if_then_else" | "Select"), [condition, first, second]):
                if is_number(condition):
                    return first if condition else second
                return Apply("where", tuple(self.expression_of(item, node) for item in operands))
            case (("cast" | "Cast"), [first, second]):
                is_first = dtype_name(first) is not None
                return self.cast(second if is_first else first, first if is_first else second, node)
            case "infinity", _:
                return Constant(math.inf)
            case "clamp", [first, low, high]:
                floor = Apply("max", (self.expression_of(first, node), self.expression_of(low, node)))
                return Apply("min", (floor, self.expression_of(high, node)))
            case (("And" | "Or" | "all_of" | "any_of"), [first, second]):
                op = "and" if name in ("And", "all_of") else "or"
                return Apply(op, (self.expression_of(first, node), self.expression_of(second, node)))
            case "dtype", [first]:
                return first
        return self.intrinsic(name, node, arguments, named)


def _both(node: ast.Call) -> tuple[ast.AST, ast.AST]:
    """Where the first and the second argument of a call are."""
    return (node.args[0], node.args[1]) if len(node.args) == 2 else (node, node)


def _same(left: Any, right: Any) -> bool:
    """Whether two values are equal; a dtype and its name are."""
    if dtype_name(left) is not None and dtype_name(right) is not None:
        return dtype_name(left) == dtype_name(right)
    return type(left) is type(right) and bool(left == right)
