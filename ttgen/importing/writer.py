"""A value over axes as the text of a formula, with axes in one order: NumPy aligns shapes at their ends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field

from ttgen.importing.axes import Value, factors_of, product_of
from ttgen.importing.form import At
from ttgen.importing.nodes import Along, Element, Fold, Function, Index, Node, Num, free, operands_of
from ttgen.importing.phrases import ATOM, CALLED, INFIX, MULTIPLIED, NEGATED, PRODUCT, Phrase, call, infix, spelt
from ttgen.importing.text import refuse_at
from ttgen.importing.views import ONE, View, axes_of, moved, view_of
from ttgen.records import dataclass


class Unfit(Exception):  # noqa: N818 - a verdict on an order, not an error
    """A value that can't be written with axes in this order."""


@dataclass(slots=True, kw_only=True)
class Writer:
    """Writes a value with axes in one order.

    Attributes:
        value: what is written.
        names: what the spec calls tensors.
        views: how tensors are declared, as far as they have been seen.
        spread: sums of products that are no products of whole matrices.
        steps: how many parts may still be written, by all writers together.
    """

    value: Value
    names: Mapping[str, str]
    views: dict[str, View] = field(default_factory=dict)
    spread: int = 0
    steps: list[int]

    @property
    def at(self) -> At:
        """Where the value is written."""
        return self.value.at

    @property
    def permuted(self) -> int:
        """How far tensors have their dimensions in another order than they are stored in."""
        return sum(moved(view) for view in self.views.values())

    def see(self, element: Element, order: Sequence[str], least: int = 1) -> None:
        """Declares a tensor so that it has its axes in an order, and at least so many dimensions."""
        view = view_of(element.indices, order, self.value.sizes, least)
        if view is None:
            raise Unfit
        if self.views.setdefault(element.tensor, view) != view:
            raise Unfit

    def named(self, element: Element, order: tuple[str, ...], least: int = 1) -> Phrase:
        """A tensor's name."""
        self.see(element, order, least)
        return Phrase(self.names[element.tensor], ATOM, len(self.views[element.tensor]))

    def written(self, node: Node, order: tuple[str, ...]) -> Phrase:
        """A value's text."""
        self.steps[0] -= 1
        if self.steps[0] < 0:
            raise refuse_at("what is computed has too many axes to be written as a formula", self.at)
        match node:
            case Num(value=value):
                return self.number(value)
            case Element():
                return self.named(node, order)
            case Index():
                raise refuse_at("an index as a number has no counterpart in formulas", self.at)
            case Fold():
                return self.fold(node, order)
            case Along(name=name, variable=variable, operand=operand):
                return call(name, self.written(operand, order), how=self.axis(order, variable))
            case Function(name="where"):
                return self.where(node, order)
            case Function():
                return self.function(node, order)

    def axis(self, order: tuple[str, ...], variable: str) -> str:
        """What a function says of the axis that it goes along."""
        if variable not in order:
            raise Unfit
        number = order.index(variable) - len(order)
        return "" if number == -1 else f", axis={number}"

    def number(self, value: float) -> Phrase:
        """A number."""
        if not math.isfinite(value):
            raise refuse_at("an infinite number has no counterpart in formulas", self.at)
        try:
            return Phrase(spelt(value), NEGATED if value < 0 else ATOM, 0)
        except OverflowError:
            raise refuse_at(f"{value:g} is beyond float32", self.at) from None

    def function(self, node: Function, order: tuple[str, ...]) -> Phrase:
        """A function of values."""
        name = node.name
        if name == "ne":
            return self.written(Function("not", (Function("eq", node.operands),)), order)
        if name in ("rmsnorm", "layernorm"):
            return self.normalised(node, order)
        operands = [self.written(operand, order) for operand in node.operands]
        rank = max(operand.rank for operand in operands)
        if name in INFIX:
            return infix(name, *operands)
        if name == "neg":
            return Phrase(f"-{operands[0].within(NEGATED)}", NEGATED, rank)
        if name == "and":
            return infix("mul", *operands)
        if name == "or":
            return call("maximum", *operands)
        if name == "not":
            return infix("sub", Phrase("1", ATOM, 0), operands[0])
        if name not in CALLED:
            raise refuse_at(f"'{name}' has no counterpart in formulas", self.at)
        return call(name, *operands)

    def normalised(self, node: Function, order: tuple[str, ...]) -> Phrase:
        """`rmsnorm(x, g)` and `layernorm(x, g, b)`."""
        *values, eps, axis = node.operands
        (along,) = free(axis)
        default = {"rmsnorm": 1e-6, "layernorm": 1e-5}[node.name]
        said = eps.value if isinstance(eps, Num) else default
        how = "" if said == default else f", eps={spelt(said)}"
        return call(node.name, *(self.written(item, order) for item in values), how=self.axis(order, along) + how)

    def where(self, node: Function, order: tuple[str, ...]) -> Phrase:
        """A choice; one of places with -inf elsewhere is a mask, of which formulas have the causal one."""
        condition, first, second = node.operands
        if any(isinstance(item, Index) for item in operands_of(condition)):
            if not (isinstance(second, Num) and second.value == -math.inf):
                raise refuse_at("a choice by places has no counterpart in formulas but for a causal mask", self.at)
            self.causal(condition, order)
            return call("causal", self.written(first, order))
        return call("where", *(self.written(operand, order) for operand in node.operands))

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
        rows, cols = (axes_of(index) for index in (row, col))
        if len(order) < 2 or (rows, cols) != ((order[-2],), (order[-1],)):
            raise Unfit
        sizes = self.value.sizes
        if offset != sizes[cols[0]] - sizes[rows[0]]:
            raise refuse_at("a causal mask lets the last row see the last column, and no earlier row", self.at)

    def fold(self, node: Fold, order: tuple[str, ...]) -> Phrase:
        """A product, or a reduction."""
        if node.kind == "sum":
            found = self.product(node, order)
            if found is not None:
                return found
            depends = [free(factor) for factor in factors_of(node.operand)]
            self.spread += not any(free(node.operand) <= axes for axes in depends)
        return self.reduction(node, order)

    def product(self, node: Fold, order: tuple[str, ...]) -> Phrase | None:
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
        first = (
            self.named(first_factor, inner, least=2)
            if isinstance(first_factor, Element)
            else self.written(first_factor, inner)
        )
        try:
            second = self.right(product_of(right), (*batches, over, col), (*batches, col, over))
        except Unfit:
            self.views = kept
            return None
        if min(first.rank, second.rank) < 2:
            raise Unfit
        result = Phrase(f"{first.within(MULTIPLIED)} @ {second.within(NEGATED)}", PRODUCT, max(first.rank, second.rank))
        return infix("mul", self.written(product_of(constants), order), result) if constants else result

    def right(self, node: Node, order: tuple[str, ...], swapped: tuple[str, ...]) -> Phrase:
        """A right operand, as it is stored or as its transpose."""
        if not isinstance(node, Element):
            return self.written(node, order)
        kept = dict(self.views)
        found: list[tuple[int, dict[str, View], Phrase]] = []
        for suffix, own in (("", order), (".T", swapped)):
            self.views = dict(kept)
            try:
                self.see(node, own, least=2)
            except Unfit:
                continue
            view = self.views[node.tensor]
            if suffix and len(view) > 2:
                suffix = ".mT"
            phrase = Phrase(f"{self.names[node.tensor]}{suffix}", ATOM, len(view))
            found.append((moved(view), self.views, phrase))
        if not found:
            raise Unfit
        _permuted, self.views, phrase = min(found, key=lambda item: item[0])
        return phrase

    def reduction(self, node: Fold, order: tuple[str, ...]) -> Phrase:
        """A reduction along an axis, which has the place of one that the result doesn't vary along."""
        over = node.variable
        kept, spread = dict(self.views), self.spread
        depends = free(node)
        tried: list[tuple[int, int, dict[str, View], Phrase]] = []
        for number in range(len(order) - 1, -1, -1):
            if order[number] in depends and order[number] != ONE:
                continue
            inner = (*order[:number], over, *order[number + 1 :])
            self.views, self.spread = dict(kept), spread
            try:
                operand = self.written(node.operand, inner)
            except Unfit:
                continue
            phrase = call(node.kind, operand, how=f", axis={number - len(order)}, keepdims=True")
            tried.append((self.spread, self.permuted, self.views, phrase))
        self.views, self.spread = dict(kept), spread
        try:
            # The first axes are dropped, and no element moves.
            operand = self.written(node.operand, (over, *order))
            phrase = Phrase(f"{node.kind}({operand.text}, axis=0)", ATOM, operand.rank - 1)
            if operand.rank == len(order) + 1:
                tried.append((self.spread, self.permuted, self.views, phrase))
        except Unfit:
            pass
        if not tried:
            raise Unfit
        self.spread, _permuted, self.views, phrase = min(tried, key=lambda item: item[:2])
        return phrase
