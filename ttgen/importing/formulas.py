"""Values over axes to formulas: which tensor has which shape there, and what is written of it.

NumPy's rules decide: shapes are aligned at their ends, so every tensor has its dimensions in the order of the result's,
and ones where it doesn't vary between them. Where the source stores a tensor otherwise, the spec declares the shape
that formulas need, and says so.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import permutations
from typing import Final

from ttgen.errors import SpecError
from ttgen.importing.affine import ZERO, Affine
from ttgen.importing.axes import Value, factors_of, product_of
from ttgen.importing.form import At
from ttgen.importing.nodes import Along, Element, Fold, Function, Index, Node, Num, free, operands_of
from ttgen.importing.text import refuse_at
from ttgen.records import dataclass

_SPREAD: Final = 1000
"""What it costs to sum products that are spread out, instead of multiplying matrices."""
MAX_STEPS: Final = 300_000
ONE: Final = ""
"""A place of an order that no axis has."""


@dataclass(frozen=True, slots=True)
class Part:
    """A dimension of a stored tensor or, where it is two axes, one of them; and its size."""

    dimension: int
    part: int
    size: int


View = tuple[Part | None, ...]
"""What each dimension of a declared tensor is in the stored one; None is one element."""

_COMPARED, _ADDED, _PRODUCT, _MULTIPLIED, _NEGATED, _ATOM = range(3, 9)
_INFIX: Final = {
    "add": ("+", _ADDED), "sub": ("-", _ADDED), "mul": ("*", _MULTIPLIED), "div": ("/", _MULTIPLIED),
    "gt": (">", _COMPARED), "ge": (">=", _COMPARED), "lt": ("<", _COMPARED), "le": ("<=", _COMPARED),
    "eq": ("==", _COMPARED),
}  # fmt: skip
_CALLED: Final = frozenset(
    "abs erf exp gelu log maximum minimum relu rsqrt sigmoid sign silu softplus sqrt square tanh".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula for an output.

    Attributes:
        target: the output.
        text: the expression.
        views: how each tensor is declared, of those that it names and of its own.
        cost: how far declarations are from what is stored: 0 where they are the same.
    """

    target: str
    text: str
    views: Mapping[str, View]
    cost: int


class _Unfit(Exception):  # noqa: N818 - a verdict on an order, not an error
    """A value that can't be written with axes in this order."""


def formula_of(value: Value, ranks: Mapping[str, int], names: Mapping[str, str], fixed: Mapping[str, View]) -> Formula:
    """The formula of an output, with axes in the order that is nearest to what is stored.

    Args:
        value: what it holds.
        ranks: the dimensions of each tensor as it is stored.
        names: what the spec calls tensors.
        fixed: how tensors are declared already.

    Raises:
        SpecError: no order of axes will do.
    """
    best: Formula | None = None
    reason: SpecError | None = None
    steps = [MAX_STEPS]
    for order in _orders(value):
        writer = _Writer(value=value, order=order, names=names, views=dict(fixed), steps=steps)
        try:
            text, _level = writer.written(value.node, order)
            writer.see(Element(value.tensor, value.places), order, least=len(order))
        except _Unfit:
            continue
        except SpecError as error:
            reason = reason or error
            continue
        cost = sum(_cost(view, ranks[name]) for name, view in writer.views.items()) + _SPREAD * writer.spread
        if best is None or cost < best.cost:
            best = Formula(target=value.tensor, text=text, views=writer.views, cost=cost)
        if cost == 0:
            break
    if best is None:
        raise reason or refuse_at("formulas have no way to say this: axes don't line up in any order", value.at)
    for name, view in best.views.items():
        if ranks[name] == 2 and _moved(view):
            raise refuse_at(
                f"'{name}' is used as its transpose, and only a right operand of @ can be: store it as [M, K], if a "
                "left operand, and import the kernel without transpose_A",
                value.at,
            )
    return best


def _cost(view: View, rank: int) -> int:
    """How far a declaration is from what is stored."""
    if (
        [(part.dimension, part.part) for part in view if part]
        == [(number, 0) for number in range(rank)]
        == [(number, 0) for number in range(len(view))]
    ):
        return 0
    moved = _moved(view)
    return 10 + moved if moved else 1


def _moved(view: View) -> int:
    """How many pairs of a tensor's dimensions are in another order than it is stored in."""
    parts = [(part.dimension, part.part) for part in view if part is not None]
    return sum(one > other for number, one in enumerate(parts) for other in parts[number:])


def _axes(index: Affine) -> tuple[str, ...]:
    """The axes of a dimension, the outer one first."""
    ordered = sorted(index.terms, key=lambda term: -term[1])
    return tuple(atom for atom, _times in ordered if isinstance(atom, str))


def _orders(value: Value) -> Iterator[tuple[str, ...]]:
    """Orders of the result's axes, that of what is stored first; each also with a place that no axis has."""
    own = tuple(axis for place in value.places for axis in (_axes(place) or (ONE,)))
    if len(own) > 6:
        raise refuse_at(f"{len(own)} axes are more than are tried", value.at)
    for order in permutations(own):
        yield order
        yield (*order, ONE)
        yield (*order[:-1], ONE, *order[-1:])


@dataclass(slots=True, kw_only=True)
class _Writer:
    """Writes a value with axes in one order."""

    value: Value
    order: tuple[str, ...]
    names: Mapping[str, str]
    views: dict[str, View] = field(default_factory=dict)
    spread: int = 0
    steps: list[int]

    @property
    def at(self) -> At:
        return self.value.at

    @property
    def permuted(self) -> int:
        """How far tensors have their dimensions in another order than they are stored in."""
        return sum(_moved(view) for view in self.views.values())

    def see(self, element: Element, order: Sequence[str], least: int = 1) -> None:
        """Declares a tensor so that it has its axes in an order, and at least so many dimensions."""
        parts: dict[str, Part] = {}
        for number, index in enumerate(element.indices):
            for part, axis in enumerate(_axes(index)):
                if axis in parts or axis not in order:
                    raise _Unfit
                parts[axis] = Part(number, part, self.value.sizes[axis])
        view: View = tuple(parts.get(axis) if axis else None for axis in order)
        while len(view) > least and view[0] is None:
            view = view[1:]
        ones = [number for number, index in enumerate(element.indices) if index == ZERO]
        if ones and view.count(None) >= len(ones):
            # A dimension of one element is one of those that have none.
            filled = iter(Part(number, 0, 1) for number in ones)
            view = tuple(part if part is not None else next(filled, None) for part in view)
        if self.views.setdefault(element.tensor, view) != view:
            raise _Unfit

    def within(self, text: str, level: int, least: int) -> str:
        """A text, in parentheses where it binds less than it has to."""
        return text if level >= least else f"({text})"

    def written(self, node: Node, order: tuple[str, ...]) -> tuple[str, int]:
        """A value's text, and how strongly it binds."""
        self.steps[0] -= 1
        if self.steps[0] < 0:
            raise refuse_at("what is computed has too many axes to be written as a formula", self.at)
        match node:
            case Num(value=value):
                return self.number(value)
            case Element(tensor=tensor):
                self.see(node, order)
                return self.names[tensor], _ATOM
            case Index():
                raise refuse_at("an index as a number has no counterpart in formulas", self.at)
            case Fold():
                return self.fold(node, order)
            case Along(name=name, variable=variable, operand=operand):
                return f"{name}({self.written(operand, order)[0]}{self.axis(order, variable)})", _ATOM
            case Function(name="where"):
                return self.where(node, order)
            case Function():
                return self.function(node, order)

    def axis(self, order: tuple[str, ...], variable: str) -> str:
        """What a function says of the axis that it goes along."""
        if variable not in order:
            raise _Unfit
        number = order.index(variable) - len(order)
        return "" if number == -1 else f", axis={number}"

    def number(self, value: float) -> tuple[str, int]:
        """A number with as few digits as float32 needs."""
        if not math.isfinite(value):
            raise refuse_at("an infinite number has no counterpart in formulas", self.at)
        try:
            exact = struct.pack("<f", value)
        except OverflowError:
            raise refuse_at(f"{value:g} is beyond float32", self.at) from None
        text = next(text for digits in range(1, 18) if struct.pack("<f", float(text := f"{value:.{digits}g}")) == exact)
        text = re.sub(r"e([+-])0*", r"e\1", text)
        if "e" not in text and float(text) == int(float(text)):
            text = str(int(float(text)))
        return text, _NEGATED if value < 0 else _ATOM

    def function(self, node: Function, order: tuple[str, ...]) -> tuple[str, int]:
        """A function of values."""
        name, operands = node.name, node.operands
        if name in _INFIX:
            sign, level = _INFIX[name]
            left = self.within(*self.written(operands[0], order), level)
            right = self.within(
                *self.written(operands[1], order), level + (name in ("sub", "div") or level == _COMPARED)
            )
            return f"{left} {sign} {right}", level
        if name == "neg":
            return f"-{self.within(*self.written(operands[0], order), _NEGATED)}", _NEGATED
        if name == "and":
            left, right = (self.within(*self.written(operand, order), _MULTIPLIED) for operand in operands)
            return f"{left} * {right}", _MULTIPLIED
        if name == "or":
            left, right = (self.written(operand, order)[0] for operand in operands)
            return f"maximum({left}, {right})", _ATOM
        if name == "not":
            return f"1 - {self.within(*self.written(operands[0], order), _MULTIPLIED)}", _ADDED
        if name == "ne":
            return self.written(Function("not", (Function("eq", operands),)), order)
        if name in ("rmsnorm", "layernorm"):
            *values, eps, axis = operands
            (along,) = free(axis)
            texts = ", ".join(self.written(item, order)[0] for item in values)
            default = {"rmsnorm": 1e-6, "layernorm": 1e-5}[name]
            said = eps.value if isinstance(eps, Num) else default
            how = "" if said == default else f", eps={self.number(said)[0]}"
            return f"{name}({texts}{self.axis(order, along)}{how})", _ATOM
        if name not in _CALLED:
            raise refuse_at(f"'{name}' has no counterpart in formulas", self.at)
        return f"{name}({', '.join(self.written(operand, order)[0] for operand in operands)})", _ATOM

    def where(self, node: Function, order: tuple[str, ...]) -> tuple[str, int]:
        """A choice; one of places with -inf elsewhere is a mask, of which formulas have the causal one."""
        condition, first, second = node.operands
        if any(isinstance(item, Index) for item in operands_of(condition)):
            if not (isinstance(second, Num) and second.value == -math.inf):
                raise refuse_at("a choice by places has no counterpart in formulas but for a causal mask", self.at)
            self.causal(condition, order)
            return f"causal({self.written(first, order)[0]})", _ATOM
        texts = [self.written(operand, order)[0] for operand in node.operands]
        return f"where({', '.join(texts)})", _ATOM

    def causal(self, condition: Node, order: tuple[str, ...]) -> None:
        """Sees that a condition lets each row see the columns up to its own, counted from the last row and column."""
        match condition:
            case Function(name="ge", operands=(Index(at=row), Index(at=col))):
                pass
            case Function(name="le", operands=(Index(at=col), Index(at=row))):
                pass
            case _:
                raise refuse_at("of masks by places formulas have the causal one: row >= column", self.at)
        offset = row.constant - col.constant
        rows, cols = (_axes(index) for index in (row, col))
        if len(order) < 2 or (rows, cols) != ((order[-2],), (order[-1],)):
            raise _Unfit
        sizes = self.value.sizes
        if offset != sizes[cols[0]] - sizes[rows[0]]:
            raise refuse_at("a causal mask lets the last row see the last column, and no earlier row", self.at)

    def fold(self, node: Fold, order: tuple[str, ...]) -> tuple[str, int]:
        """A product, or a reduction."""
        if node.kind == "sum":
            found = self.product(node, order)
            if found is not None:
                return found
            depends = [free(factor) for factor in factors_of(node.operand)]
            self.spread += not any(free(node.operand) <= axes for axes in depends)
        return self.reduction(node, order)

    def product(self, node: Fold, order: tuple[str, ...]) -> tuple[str, int] | None:
        """`left @ right`, if a sum is one of products; None if it isn't one in this order."""
        factors = factors_of(node.operand)
        over = node.variable
        constants = [item for item in factors if over not in free(item)]
        varying = [item for item in factors if over in free(item)]
        if len(varying) < 2 or len(order) < 2 or any(not isinstance(item, Num) for item in constants):
            return None
        row, col = order[-2:]
        left = [item for item in varying if col not in free(item)]
        right = [item for item in varying if col in free(item)]
        if not left or not right or col == ONE or any(row and row in free(item) for item in right):
            return None
        kept = dict(self.views)
        batches = order[:-2]
        apart = [free(product_of(side)) for side in (left, right)]
        # What only one operand has makes rows, or columns: the longest of it, since the rest are products of their own.
        sizes = self.value.sizes
        for own, other, line in ((apart[0], apart[1], row), (apart[1], apart[0], col)):
            batched = [sizes[axis] for axis in batches if axis in own and axis not in other]
            self.spread += any(size > sizes.get(line, 1) for size in batched)
        inner = (*batches, row, over)
        first_factor = product_of(left)
        if isinstance(first_factor, Element):
            self.see(first_factor, inner, least=2)
            first = self.names[first_factor.tensor]
        else:
            first = self.within(*self.written(first_factor, inner), _MULTIPLIED)
        second = product_of(right)
        try:
            text = self.right(second, (*batches, over, col), (*batches, col, over))
        except _Unfit:
            self.views = kept
            return None
        scale = product_of(constants) if constants else None
        result = f"{first} @ {text}"
        if scale is None:
            return result, _PRODUCT
        return f"{self.within(*self.written(scale, order), _MULTIPLIED)} * ({result})", _MULTIPLIED

    def right(self, node: Node, order: tuple[str, ...], swapped: tuple[str, ...]) -> str:
        """A right operand, as it is stored or as its transpose."""
        if not isinstance(node, Element):
            return self.within(*self.written(node, order), _NEGATED)
        kept = dict(self.views)
        found: list[tuple[int, dict[str, View], str]] = []
        for suffix, own in (("", order), (".T", swapped)):
            self.views = dict(kept)
            try:
                self.see(node, own, least=2)
            except _Unfit:
                continue
            view = self.views[node.tensor]
            if suffix and len(view) > 2:
                suffix = ".mT"
            found.append((_moved(view), self.views, f"{self.names[node.tensor]}{suffix}"))
        if not found:
            raise _Unfit
        _permuted, self.views, text = min(found, key=lambda item: item[0])
        return text

    def reduction(self, node: Fold, order: tuple[str, ...]) -> tuple[str, int]:
        """A reduction along an axis, which has the place of one that the result doesn't vary along."""
        over = node.variable
        kept, spread = dict(self.views), self.spread
        depends = free(node)
        tried: list[tuple[int, int, dict[str, View], str]] = []
        for number in range(len(order) - 1, -1, -1):
            if order[number] in depends and order[number] != ONE:
                continue
            inner = (*order[:number], over, *order[number + 1 :])
            self.views, self.spread = dict(kept), spread
            try:
                text = self.written(node.operand, inner)[0]
            except _Unfit:
                continue
            text = f"{node.kind}({text}, axis={number - len(order)}, keepdims=True)"
            tried.append((self.spread, self.permuted, self.views, text))
        self.views, self.spread = dict(kept), spread
        try:
            # The first axes are dropped, and no element moves.
            text = f"{node.kind}({self.written(node.operand, (over, *order))[0]}, axis=0)"
            tried.append((self.spread, self.permuted, self.views, text))
        except _Unfit:
            pass
        if not tried:
            raise _Unfit
        self.spread, _permuted, self.views, text = min(tried, key=lambda item: item[:2])
        return text, _ATOM
