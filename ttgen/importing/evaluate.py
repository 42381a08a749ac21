"""The value of Python's expressions, as far as kernels need it: a whitelist, in a bounded number of steps.

Nothing is imported, called or executed: names are looked up in the file, arithmetic is done on numbers, and what
depends on a block or a loop becomes an expression.
"""

from __future__ import annotations

import ast
import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

from ttgen.importing.dialect import NOTES
from ttgen.importing.form import Apply, Buffer, Expression
from ttgen.importing.operators import MAX_BITS, Operators
from ttgen.importing.text import KernelFile, refuse_at
from ttgen.importing.values import (
    DTYPE_NAMES,
    LANGUAGE,
    DType,
    Function,
    Indexed,
    Intrinsic,
    Module,
    Scope,
    Span,
    Unknown,
    expression,
    is_expression,
    is_number,
)

MAX_STEPS: Final = 200_000
MAX_DEPTH: Final = 60

_BINARY: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow",
}  # fmt: skip
_MATH: Final[Mapping[str, Callable[..., float]]] = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2, "ceil": math.ceil, "floor": math.floor,
    "gcd": math.gcd, "pow": math.pow,
}  # fmt: skip
_MATH_NUMBERS: Final = {"pi": math.pi, "e": math.e, "inf": math.inf}
BUILTINS: Final = frozenset("min max abs int float len bool tuple list range sum".split())


class Evaluator(Operators):
    """Values of expressions; `intrinsic` and `function` are what statements add."""

    def __init__(self, file: KernelFile) -> None:
        super().__init__(file)
        self.steps = 0
        self.depth = 0

    @abstractmethod
    def function(self, called: Function, node: ast.Call, arguments: list[Any], named: dict[str, Any]) -> Any:
        """What a function of the file gives."""

    def value(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise self.refuse(f"more than {MAX_STEPS:,} steps to read it: that is no kernel", node)
        if self.depth >= MAX_DEPTH:
            raise self.refuse(f"expressions nest deeper than {MAX_DEPTH}", node)
        self.depth += 1
        try:
            return self._value(node, scope)
        finally:
            self.depth -= 1

    def known(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression that is read."""
        value = self.value(node, scope)
        if isinstance(value, Unknown):
            raise refuse_at(value.why, value.at)
        return value

    def index(self, node: ast.expr, scope: Scope) -> Expression:
        """An expression's value as one of the kernel's."""
        return self.expression_of(self.known(node, scope), node)

    def _value(self, node: ast.expr, scope: Scope) -> Any:
        match node:
            case ast.Constant(value=value):
                if isinstance(value, int) and value.bit_length() > MAX_BITS:
                    raise self.refuse("the number is too large", node)
                if value is None or isinstance(value, (bool, int, float, str)):
                    return value
            case ast.Name(id=name):
                return self.name(name, node, scope)
            case ast.Tuple(elts=items):
                return tuple(self.value(item, scope) for item in items)
            case ast.List(elts=items):
                return [self.value(item, scope) for item in items]
            case ast.Dict(keys=keys, values=values):
                return [(self.known(key, scope), self.value(item, scope))
                        for key, item in zip(keys, values, strict=True) if key is not None]  # fmt: skip
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.negative(self.known(operand, scope), node)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.known(operand, scope)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                value = self.known(operand, scope)
                inner = expression(value)
                return not value if inner is None or is_number(value) else Apply("not", (inner,))
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
                first, second = self.known(left, scope), self.known(right, scope)
                return self.binary(_BINARY[type(op)], first, second, node, (left, right))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return self.compare(left, ops, comparators, node, scope)
            case ast.BoolOp(op=op, values=values):
                return self.both(isinstance(op, ast.And), values, scope)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition = self.known(test, scope)
                if expression(condition) is not None and not is_number(condition):
                    parts = (self.index(test, scope), self.index(body, scope), self.index(orelse, scope))
                    return Apply("where", parts)
                return self.value(body if condition else orelse, scope)
            case ast.Attribute(value=owner, attr=attr):
                return self.attribute(self.known(owner, scope), attr, node)
            case ast.Subscript(value=owner, slice=index):
                return self.subscript(self.known(owner, scope), index, node, scope)
            case ast.Call():
                return self.call(node, scope)
            case ast.JoinedStr():
                return Unknown("a text that is put together isn't read", self.file.at(node))
        raise self.refuse("this isn't part of what is read of a kernel", node)

    def name(self, name: str, node: ast.AST, scope: Scope) -> Any:
        """What a name stands for."""
        found, value = scope.find(name)
        if found:
            return value
        if name in BUILTINS:
            return Intrinsic("builtins", name)
        raise self.refuse(f"'{name}' is not known where the kernel is read", node)

    def compare(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr], node: ast.AST, scope: Scope) -> Any:
        """The value of a comparison, or of several in a chain."""
        result: Any = True
        first = self.known(left, scope)
        for op, item in zip(ops, others, strict=True):
            second = self.known(item, scope)
            one = self.one_comparison(op, first, second, node)
            if is_expression(one):
                result = one if result is True else Apply("and", (self.expression_of(result, node), one))
            elif not one:
                return False
            first = second
        return result

    def both(self, is_and: bool, values: list[ast.expr], scope: Scope) -> Any:
        """`and` and `or`."""
        found: list[Expression] = []
        value: Any = is_and
        for item in values:
            value = self.known(item, scope)
            inner = expression(value)
            if inner is not None and not is_number(value):
                found.append(inner)
            elif bool(value) is not is_and:
                return value
        if not found:
            return value
        result = found[0]
        for item_found in found[1:]:
            result = Apply("and" if is_and else "or", (result, item_found))
        return result

    def attribute(self, owner: Any, attr: str, node: ast.AST) -> Any:
        """An attribute of a module, or of a buffer."""
        match owner:
            case Module(path="tilelang") if attr == "language":
                return Module(LANGUAGE)
            case Module(path="tilelang") if attr in ("cdiv", "ceildiv"):
                return Intrinsic(LANGUAGE, "ceildiv")
            case Module(path=path) if path == LANGUAGE:
                return DType(attr) if attr in DTYPE_NAMES else Intrinsic(LANGUAGE, attr)
            case Module(path="math"):
                return _MATH_NUMBERS.get(attr, Intrinsic("math", attr))
            case Module(path=path):
                return Unknown(f"'{path}.{attr}' isn't read: give what depends on it with --set", self.file.at(node))
            case Buffer(shape=shape) if attr == "shape":
                return shape
            case Buffer(dtype=dtype) if attr == "dtype":
                return DType(dtype)
            case Indexed(buffer=Buffer(dtype=dtype)) if attr == "dtype":
                return DType(dtype)
            case Intrinsic(module=module, name=name):
                return Intrinsic(module, f"{name}.{attr}")
        if attr == "astype" and expression(owner) is not None:
            return Intrinsic("value", "astype")
        raise self.refuse(f"the attribute '{attr}' isn't read", node)

    def subscript(self, owner: Any, index: ast.expr, node: ast.AST, scope: Scope) -> Any:
        """An element, or a part, of a buffer or a list."""
        items = index.elts if isinstance(index, ast.Tuple) else [index]
        if isinstance(owner, Buffer):
            if len(items) != len(owner.shape):
                raise self.refuse(f"'{owner.name}' has {len(owner.shape)} dimensions, not {len(items)}", node)
            return Indexed(owner, tuple(self.item(item, scope) for item in items))
        if isinstance(owner, (list, tuple)) and not isinstance(index, ast.Slice):
            at = self.integer(self.known(index, scope), index)
            if -len(owner) <= at < len(owner):
                return owner[at]
            raise self.refuse(f"index {at} of {len(owner)} items", node)
        if isinstance(owner, Intrinsic) and owner.module == LANGUAGE:
            # T.Tensor[(M, N), dtype]
            return self.intrinsic(owner.name, ast.Call(func=index, args=[], keywords=[], **_where(node)),
                                  [self.value(item, scope) for item in items], {})  # fmt: skip
        raise self.refuse("only buffers and lists have elements here", node)

    def item(self, node: ast.expr, scope: Scope) -> Expression | Span:
        """One index, or a span of them."""
        if not isinstance(node, ast.Slice):
            return self.index(node, scope)
        if node.step is not None:
            raise self.refuse("a span has no step here", node.step)
        start, stop = (None if part is None else self.index(part, scope) for part in (node.lower, node.upper))
        return Span(start, stop)

    def call(self, node: ast.Call, scope: Scope) -> Any:
        """The value of a call."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "astype":
            inner = self.known(node.func.value, scope)
            arguments = [self.known(item, scope) for item in node.args]
            return self.cast(inner, arguments[0] if arguments else None, node)
        called = self.known(node.func, scope)
        if isinstance(called, Intrinsic) and called.module == LANGUAGE and called.name in NOTES:
            # What changes no value isn't read further: its arguments may be anything.
            return self.intrinsic(called.name, node, [], {})
        arguments = []
        for item in node.args:
            if isinstance(item, ast.Starred):
                given = self.known(item.value, scope)
                if not isinstance(given, (list, tuple)):
                    raise self.refuse("only a list can be given with '*'", item)
                arguments += given
            else:
                arguments.append(self.value(item, scope))
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.refuse("arguments given with '**' aren't read: write them out", keyword.value)
            named[keyword.arg] = self.value(keyword.value, scope)
        match called:
            case Intrinsic(module=module, name=name) if module == LANGUAGE:
                return self.of_language(name, node, arguments, named)
            case Intrinsic(module="math", name=name) if name in _MATH:
                numbers = [self.real(item, node) for item in arguments]
                found = self.python(lambda: _MATH[name](*numbers), node)
                return int(found) if name in ("ceil", "floor", "gcd") else found
            case Intrinsic(module="builtins", name=name):
                return self.builtin(name, node, arguments)
            case DType():
                return self.cast(arguments[0] if arguments else None, called, node)
            case Function():
                return self.function(called, node, arguments, named)
            case Unknown(why=why, at=at):
                return Unknown(why, at)
        raise self.refuse("this call isn't read", node)


def _where(node: ast.AST) -> dict[str, Any]:
    names = ("lineno", "col_offset", "end_lineno", "end_col_offset")
    return {name: getattr(node, name) for name in names if hasattr(node, name)}
