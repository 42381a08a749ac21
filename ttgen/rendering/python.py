"""What the rendered function for Python says of a plan: its parameters, and its formulas as NumPy has them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from ttgen.formula.parse import to_float32
from ttgen.model.plan import Plan, Tensor

WIDTH: Final = 88
"""Columns of a line: what formatters of Python take for granted."""

# What a function calls things beside its tensors; those of such a name have another one there.
_TAKEN: Final = frozenset({"PROGRAMS", "inputs", "np", "numpy_parts", "out"})
_NUMPY: Final = frozenset("abs exp log max maximum mean min minimum sign sqrt square sum tanh where reciprocal".split())
_OPERATOR: Final = re.compile(r" ([-+*/@]) ")
_TIE: Final = "\N{NO-BREAK SPACE}"
_NUMBER: Final = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")


def name_of(name: str) -> str:
    """What a tensor is called in Python."""
    # No tensor's own name ends in '_'.
    return f"{name}_" if name in _TAKEN else name


def inputs(plan: Plan) -> list[Tensor]:
    """The inputs, in the order of the function's parameters."""
    return [tensor for tensor in map(plan.tensor, plan.io_order) if tensor.role == "input"]


def outputs(plan: Plan) -> list[Tensor]:
    """The outputs, in the order that they are returned in."""
    return [tensor for tensor in map(plan.tensor, plan.io_order) if tensor.role == "output"]


def described(tensor: Tensor) -> str:
    """What a tensor is, and where it lies."""
    what = f"{list(tensor.shape)} in {tensor.dtype}"
    if tensor.mesh is not None:
        what = f"{what} on each device"
    if isinstance(tensor.layout, str):
        return f"{what}, {tensor.layout}"
    shards = tensor.layout.l1_sharded
    along = "" if shards.orientation == "row_major" else ", column_major"
    return f"{what}, l1_sharded by {shards.split} over {shards.cores.rows} x {shards.cores.cols} cores{along}"


def golden_signature(plan: Plan) -> list[str]:
    """The head of the golden function."""
    parameters = [f"{name_of(tensor.name)}: np.ndarray" for tensor in inputs(plan)]
    return _broken("def _golden(", parameters, f") -> {_result(plan, 'np.ndarray')}:")


def signature(plan: Plan) -> list[str]:
    """The head of the function."""
    parameters = [f"{name_of(tensor.name)}: ttnn.Tensor" for tensor in inputs(plan)]
    result = _result(plan, "ttnn.Tensor")
    return _broken(f"def {plan.kernel}(", [*parameters, "*", f"out: {result} | None = None"], f") -> {result}:")


def _result(plan: Plan, kind: str) -> str:
    return kind if len(outputs(plan)) == 1 else f"tuple[{kind}, ...]"


def given(plan: Plan) -> list[str]:
    """The statement that puts the inputs together by their names in the spec."""
    return _broken("inputs = {", [f'"{tensor.name}": {name_of(tensor.name)}' for tensor in inputs(plan)], "}", 4)


def _broken(head: str, items: list[str], tail: str, indent: int = 0) -> list[str]:
    """A line; or an item a line where it would be too long, with the comma that has formatters leave it so."""
    line = f"{head}{', '.join(items)}{tail}"
    if indent + len(line) <= WIDTH:
        return [line]
    # After the star there can't be a line's end alone: it is an item as others are.
    return [head, *(f"    {item}," for item in items), tail]


def golden_body(plan: Plan) -> list[str]:
    """The formulas as NumPy has them, and what they return."""
    lines = [line for formula in plan.compute for line in _statement(" ".join(formula.split()))]
    made = ", ".join(name_of(tensor.name) for tensor in outputs(plan))
    return [*lines, f"return {made}"]


def _statement(formula: str) -> Iterator[str]:
    """A formula as a statement; over several lines, as they come, where one would be too long."""
    tree = _Translation(formula).visit(ast.parse(formula))
    text = ast.unparse(ast.fix_missing_locations(tree))
    if len(text) + 4 <= WIDTH:
        yield text
        return
    target, value = text.split(" = ", maxsplit=1)
    yield f"{target} = ("
    # Lines begin with their operators.
    tied = _OPERATOR.sub(f" \\1{_TIE}", value)
    lines = wrap(tied, WIDTH - 8, break_long_words=False, break_on_hyphens=False)
    yield from (f"    {line.replace(_TIE, ' ')}" for line in lines)
    yield ")  # fmt: skip"


class _Translation(ast.NodeTransformer):
    """From the language of formulas to NumPy's: functions by their modules, comparisons as the numbers 1 and 0."""

    def __init__(self, formula: str) -> None:
        self._formula = formula

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(id=name_of(node.id), ctx=node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Numbers as they are written, where that is how a formatter would."""
        text = ast.get_source_segment(self._formula, node) or ""
        return ast.Name(id=text) if _NUMBER.fullmatch(text) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A transposed matrix: `.mT` is younger than the NumPy that ttnn takes."""
        return _call("numpy_parts.transposed", self.visit(node.value))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        return ast.BinOp(left=self._condition(node), op=ast.Mult(), right=ast.Name(id="1.0"))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name), "formulas call functions by their names"
        name = node.func.id
        arguments = [self.visit(argument) for argument in node.args]
        if name == "where" and isinstance(node.args[0], ast.Compare):
            arguments[0] = self._condition(node.args[0])
        keywords = [ast.keyword(arg=item.arg, value=self.visit(item.value)) for item in node.keywords]
        return _call(f"{'np' if name in _NUMPY else 'numpy_parts'}.{name}", *arguments, keywords=keywords)

    def _condition(self, node: ast.Compare) -> ast.Compare:
        """A comparison, with the numbers that kernels compare with."""
        left, right = (_rounded(item, self.visit(item)) for item in (node.left, node.comparators[0]))
        return ast.Compare(left=left, ops=node.ops, comparators=[right])


def _rounded(node: ast.expr, translated: ast.expr) -> ast.expr:
    """A number as float32 has it, which matters where it is compared."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and to_float32(node.value) != node.value:
        return _call("np.float32", translated)
    return translated


def _call(function: str, *arguments: ast.expr, keywords: list[ast.keyword] | None = None) -> ast.Call:
    return ast.Call(func=ast.Name(id=function), args=list(arguments), keywords=keywords or [])


FILTERS: Final = {
    "described": described,
    "given": given,
    "golden_body": golden_body,
    "golden_signature": golden_signature,
    "inputs": inputs,
    "outputs": outputs,
    "python_name": name_of,
    "signature": signature,
}
