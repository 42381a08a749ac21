"""Formula text to syntax: Python's `ast` against a whitelist, every part with its characters in the formula."""

from __future__ import annotations

import ast
import math
import re
import struct
import warnings
from collections.abc import Collection, Iterable, Iterator
from keyword import iskeyword
from typing import Final

from ttgen.errors import Path, SpecError, listing, refuse, suggest
from ttgen.formula.functions import COMPARISONS, FUNCTIONS, PLACED
from ttgen.formula.reductions import COMPOSED, REDUCTIONS
from ttgen.formula.syntax import Apply, Assignment, Attention, Name, Number, Reduce, Span, Syntax, Transpose

MAX_CHARACTERS: Final = 4000
MAX_DEPTH: Final = 80
SMALLEST: Final = 2.0**-126
"""What is nearer to 0 is subnormal in float32: the card computes with 0 instead."""


# The beginning of an assignment; and where one begins after a whole expression, which ends with a word or a bracket.
_TARGET: Final = re.compile(r"([^\W\d]\w*)\s*=(?!=)")
_SECOND: Final = re.compile(r"(?<=[\w.)\]}])\s+([^\W\d]\w*)\s*=(?!=)")

_COMPARISONS: Final = {ast.Gt: "gt", ast.GtE: "ge", ast.Lt: "lt", ast.LtE: "le", ast.Eq: "eq"}
_OPERATORS: Final = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.MatMult: "matmul"}


def to_float32(value: float) -> float:
    """The nearest float32; infinite where there is none."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.inf


def parse(text: str, path: Path) -> Assignment:
    """Parses one formula that stands at `path` of the document.

    Raises:
        SpecError: the text is not an assignment of the formula language; the span says where it isn't.
    """
    return _Parser(text, path).assignment()


class _Parser:
    def __init__(self, text: str, path: Path) -> None:
        self.path = path
        self.level = 0
        self.lead = len(text) - len(text.lstrip())
        # One line, whatever YAML style the formula is written in, so that `ast` only counts columns.
        self.text = text.strip().replace("\n", " ")

    def refuse(self, message: str, span: Span | None = None) -> SpecError:
        return refuse(message, *self.path, span=span)

    def offset(self, column: int) -> int:
        """The character of the formula at a column of `ast`, which counts bytes of UTF-8."""
        return self.lead + len(self.text.encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> Span:
        return (self.offset(node.col_offset), self.offset(node.end_col_offset or 0))

    def assignment(self) -> Assignment:
        if not self.text:
            raise self.refuse("the formula is empty: write it as 'C = A @ B'")
        if len(self.text) > MAX_CHARACTERS:
            raise self.refuse(f"the formula is longer than {MAX_CHARACTERS} characters")
        if self.depth() > MAX_DEPTH:
            raise self.refuse(f"parentheses nest deeper than {MAX_DEPTH} levels")
        self.refuse_what_is_no_single_formula()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse(self.text, mode="exec").body
        except SyntaxError as error:
            raise self.refuse(f"not a formula: {error.msg}", self.syntax_span(error)) from None
        except (ValueError, RecursionError, MemoryError):
            raise self.refuse("not a formula: it can't be parsed") from None
        if len(body) != 1:
            raise self.refuse("one formula a line: make 'compute' a list", self.span(body[1]) if body else None)
        statement = body[0]
        if not isinstance(statement, ast.Assign):
            raise self.refuse("a formula assigns a value: write it as 'C = A @ B'", self.span(statement))
        if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name):
            raise self.refuse("a formula assigns to one name", self.span(statement.targets[0]))
        target = statement.targets[0]
        value = self.expression(statement.value)
        return Assignment(target=target.id, target_span=self.span(target), value=value)

    def refuse_what_is_no_single_formula(self) -> None:
        """Refuses what `ast` would call invalid syntax, or would not even see, on one line.

        In a block scalar two formulas are two lines, and a comment hides all lines after it.
        """
        if "#" in self.text:
            at = self.lead + self.text.index("#")
            raise self.refuse("comments are not part of a formula: write them outside of it", (at, at + 1))
        if (target := _TARGET.match(self.text)) and iskeyword(target[1]):
            text = f"'{target[1]}' is a keyword of Python, which formulas are read as: choose another name"
            raise self.refuse(text, (self.lead, self.lead + target.end(1)))
        for second in _SECOND.finditer(self.text):
            before = self.text[: second.start(1)]
            if all(before.count(opening) <= before.count(closing) for opening, closing in ("()", "[]", "{}")):
                span = (self.lead + second.start(1), self.lead + len(self.text))
                raise self.refuse("one formula a line: make 'compute' a list", span)

    def depth(self) -> int:
        depth = deepest = 0
        for character in self.text:
            depth += (character in "([{") - (character in ")]}")
            deepest = max(deepest, depth)
        return deepest

    def syntax_span(self, error: SyntaxError) -> Span:
        # SyntaxError's offsets are characters from 1.
        start = self.lead + min(max((error.offset or 1) - 1, 0), len(self.text) - 1)
        return (start, start + 1)

    def expression(self, node: ast.expr) -> Syntax:
        self.level += 1
        if self.level > MAX_DEPTH:
            raise self.refuse(f"operations nest deeper than {MAX_DEPTH} levels: split the formula", self.span(node))
        syntax = self.syntax(node)
        self.level -= 1
        return syntax

    def syntax(self, node: ast.expr) -> Syntax:
        span = self.span(node)
        match node:
            case ast.Constant(value=bool()) | ast.Constant(value=str() | bytes() | complex() | None):
                raise self.refuse("only numbers can stand here", span)
            case ast.Constant(value=int() | float() as value):
                return self.number(value, span)
            case ast.Name(id=name):
                return Name(name=name, span=span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.expression(operand)
                if isinstance(inner, Number):
                    return Number(value=-inner.value, span=span)
                return Apply(kind="neg", operands=(inner,), span=span)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.expression(operand)
            case ast.BinOp(op=operator, left=left, right=right) if type(operator) in _OPERATORS:
                return self.binary(_OPERATORS[type(operator)], self.expression(left), self.expression(right), span)
            case ast.BinOp(op=ast.Pow()):
                raise self.refuse("'**' is not part of the language: use square(x), sqrt(x) or exp(n * log(x))", span)
            case ast.BinOp():
                raise self.refuse("this operator is not part of the language: + - * / and @ are", span)
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _COMPARISONS:
                return self.binary(_COMPARISONS[type(operator)], self.expression(left), self.expression(right), span)
            case ast.Compare(ops=[ast.NotEq()]):
                raise self.refuse("'!=' is not part of the language: write 1 - (x == y)", span)
            case ast.Compare():
                raise self.refuse(
                    "a comparison has two sides: > < >= <= or ==, with the values 1 and 0; multiply several of them",
                    span,
                )
            case ast.Attribute(value=operand, attr="T" | "mT" as name):
                inner = self.expression(operand)
                if not isinstance(inner, Name):
                    raise self.refuse(f"'.{name}' belongs on a tensor that is an operand of '@'", span)
                return Transpose(operand=inner, batched=name == "mT", span=span)
            case ast.Call():
                return self.call(node, span)
        raise self.refuse("this is not part of the formula language", span)

    def number(self, value: float, span: Span) -> Number:
        try:
            rounded = to_float32(float(value))
        except OverflowError:
            rounded = math.inf
        if not math.isfinite(rounded):
            raise self.refuse("the number is beyond float32 (3.4e38)", span)
        if value != 0 and abs(rounded) < SMALLEST:
            raise self.refuse(
                "the number is nearer to 0 than a normal float32 (1.18e-38): the card takes it as 0; scale what it is "
                "used with, or write 0",
                span,
            )
        return Number(value=rounded, span=span)

    def binary(self, kind: str, left: Syntax, right: Syntax, span: Span) -> Syntax:
        if isinstance(left, Number) and isinstance(right, Number):
            return self.fold(kind, left.value, right.value, span)
        return Apply(kind=kind, operands=(left, right), span=span)

    def fold(self, kind: str, left: float, right: float, span: Span) -> Syntax:
        """The value of an operator between two numbers."""
        match kind:
            case "add":
                return self.number(left + right, span)
            case "sub":
                return self.number(left - right, span)
            case "mul":
                return self.number(left * right, span)
            case "div" if right != 0:
                return self.number(left / right, span)
        if kind in COMPARISONS:
            raise self.refuse("a comparison of numbers only: write its value", span)
        raise self.refuse("division by zero" if kind == "div" else "'@' takes tensors", span)

    def call(self, node: ast.Call, span: Span) -> Syntax:
        if not isinstance(node.func, ast.Name):
            raise self.refuse("only functions of the language can be called", self.span(node.func))
        name = node.func.id
        if name in REDUCTIONS or name in COMPOSED:
            return self.reduction(name, node, span)
        if name == "attention":
            return self.attention(node, span)
        if name in PLACED:
            if len(node.args) != 1 or node.keywords:
                raise self.refuse(f"{name} takes 1 operand and no parameters: write {name}(x)", span)
            return Apply(kind=name, operands=(self.expression(node.args[0]),), span=span)
        function = FUNCTIONS.get(name)
        if function is None:
            all_known = sorted({*FUNCTIONS, *PLACED, *REDUCTIONS, *COMPOSED, "attention"})
            known = suggest(name, all_known) or f"; known: {listing(all_known)}"
            raise self.refuse(f"unknown function '{name}'{known}", self.span(node.func))
        positional = [self.expression(argument) for argument in node.args]
        operands = tuple(positional[: function.operands])
        if len(operands) < function.operands or len(positional) > function.operands + len(function.parameters):
            takes = f"{function.operands} operand{'s' if function.operands > 1 else ''}"
            if function.parameters:
                takes += f" and at most {listing(function.parameters)}"
            raise self.refuse(f"{name} takes {takes}, not {len(positional)}", span)
        given = dict(zip(function.parameters, positional[function.operands :], strict=False))
        for parameter, argument in self.keywords(name, node, function.parameters, taken=given):
            given[parameter] = self.expression(argument)
        parameters = []
        for parameter, default in function.parameters.items():
            value = given.get(parameter)
            if value is not None and not isinstance(value, Number):
                raise self.refuse(f"'{parameter}' of {name} is a number", value.span)
            if value is None and math.isnan(default):
                raise self.refuse(
                    f"{name} takes {listing(function.parameters).replace(' or ', ' and ')}: '{parameter}' is missing",
                    span,
                )
            parameters.append(to_float32(default if value is None else value.value))
        if name == "clip" and parameters[0] > parameters[1]:
            raise self.refuse("'low' of clip is more than 'high'", span)
        if name == "softplus" and not (
            all(value > 0 for value in parameters) and SMALLEST <= 1 / parameters[0] <= 1 / SMALLEST
        ):
            text = "beta and threshold of softplus are greater than 0, and 1 / beta is a normal float32"
            raise self.refuse(text, span)
        if all(isinstance(operand, Number) for operand in operands):
            raise self.refuse(f"{name} of numbers only: write its value", span)
        return Apply(kind=name, operands=operands, parameters=tuple(parameters), span=span)

    def keywords(
        self, name: str, node: ast.Call, options: Collection[str], taken: Iterable[str] = ()
    ) -> Iterator[tuple[str, ast.expr]]:
        """The parameters of a call that are given by name, but for those that are given already."""
        seen = set(taken)
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg not in options:
                known = f"it has {listing(options)}" if options else "it takes none"
                raise self.refuse(f"{name} has no parameter '{keyword.arg or '**'}'; {known}", self.span(keyword))
            if keyword.arg in seen:
                raise self.refuse(f"'{keyword.arg}' is given twice", self.span(keyword))
            seen.add(keyword.arg)
            yield keyword.arg, keyword.value

    def reduction(self, name: str, node: ast.Call, span: Span) -> Syntax:
        """A reduction, or a function that is made of some."""
        composed = COMPOSED.get(name)
        takes = composed.operands if composed else 1
        options = ("axis",) if composed else ("axis", "keepdims")
        if composed and composed.eps is not None:
            options = ("axis", "eps")
        if len(node.args) != takes:
            names = ", ".join(("x", "g", "b")[:takes])
            example = f"{name}({names})" if composed else f"{name}(x, axis=-1, keepdims=True)"
            raise self.refuse(f"{name} takes {takes} operand{'s' if takes > 1 else ''}: write {example}", span)
        given = dict(self.keywords(name, node, options))
        eps = composed.eps or 0.0 if composed else 0.0
        if "eps" in given:
            number = self.expression(given["eps"])
            if not isinstance(number, Number) or number.value < 0:
                raise self.refuse(f"'eps' of {name} is a number, 0 or greater", self.span(given["eps"]))
            eps = number.value
        axes: tuple[int, ...] | None = (-1,) if composed else None
        if "axis" in given:
            axes = self.axes(name, given["axis"])
        if composed and (axes is None or len(axes) != 1):
            raise self.refuse(f"{name} goes along one axis: write axis=-1", self.span(given["axis"]))
        return Reduce(
            kind=name,
            operands=tuple(self.expression(argument) for argument in node.args),
            axes=axes,
            keeps="keepdims" in given and self.truth(given["keepdims"]),
            eps=to_float32(eps),
            span=span,
        )

    def attention(self, node: ast.Call, span: Span) -> Syntax:
        """Queries, keys and values, and what becomes of their scores."""
        if len(node.args) != 3:
            text = "attention takes 3 operands: write attention(q, k, v, scale=0.125, causal=True)"
            raise self.refuse(text, span)
        given = dict(self.keywords("attention", node, ("scale", "causal")))
        scale = None
        if "scale" in given:
            number = self.expression(given["scale"])
            if not isinstance(number, Number):
                raise self.refuse("'scale' of attention is a number", self.span(given["scale"]))
            scale = number.value
        causal = given.get("causal")
        if causal is not None and not (isinstance(causal, ast.Constant) and isinstance(causal.value, bool)):
            raise self.refuse("'causal' is True or False", self.span(causal))
        queries, keys, values = (self.expression(argument) for argument in node.args)
        if not isinstance(keys, Name):
            raise self.refuse(
                "the keys of attention are a name, which is used transposed: assign what is computed to one", keys.span
            )
        return Attention(
            queries=queries, keys=keys, values=values, scale=scale,
            causal=isinstance(causal, ast.Constant) and causal.value is True, span=span,
        )  # fmt: skip

    def axes(self, name: str, node: ast.expr) -> tuple[int, ...] | None:
        """What `axis` says: a whole number, several, or None."""
        if isinstance(node, ast.Constant) and node.value is None:
            return None
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        found = []
        for part in parts:
            sign, inner = (
                (-1, part.operand) if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub) else (1, part)
            )
            if not isinstance(inner, ast.Constant) or type(inner.value) is not int:
                raise self.refuse(
                    f"'axis' of {name} is a whole number such as -1, or several: (-1, -2)", self.span(part)
                )
            found.append(sign * inner.value)
        return tuple(found)

    def truth(self, node: ast.expr) -> bool:
        """What `keepdims` says."""
        if not isinstance(node, ast.Constant) or not isinstance(node.value, bool):
            raise self.refuse("'keepdims' is True or False", self.span(node))
        return node.value
