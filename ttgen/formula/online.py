"""Attention in a graph: a product, a softmax along its rows, and a product with that, of which no row is ever whole.

Recognised by what it is: a largest element, sums and products over e to the power of what is left of it. A program that
goes along the row in steps keeps the largest so far, and what it has summed up becomes smaller wherever that grows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache

from ttgen.formula.scalar import value_of
from ttgen.formula.values import Axis, Contraction, Elementwise, Graph, Input, Number, Reduction, Value
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Online:
    """The values of an attention, by their indices.

    Attributes:
        scores: the product of queries and keys.
        scaled: what the softmax is of, but for its mask: elementwise of scores.
        masked: the same with the mask; scaled itself where there is none.
        powers: e to the power of what is left of the largest.
        total: their sum.
        summed: the product of the powers, or of the weights, with the values.
        result: that over the total.
        members: all of them, and what is between: nothing else reads these, but for the result.
    """

    scores: int
    scaled: int
    masked: int
    powers: int
    total: int
    summed: int
    result: int
    members: frozenset[int]

    @property
    def is_causal(self) -> bool:
        """Whether later columns are masked."""
        return self.masked != self.scaled


@dataclass(frozen=True, slots=True)
class Unlike:
    """A product that resembles an attention's, and why it isn't one."""

    product: int
    because: str


@cache
def attention_of(graph: Graph) -> Online | None:
    """The attention that a graph is, and nothing beside."""
    if len(graph.contractions) != 2 or len(graph.outputs) != 1:
        return None
    found = found_in(graph).get(graph.contractions[1])
    return found if isinstance(found, Online) and found.result == graph.outputs[0].value else None


def found_in(graph: Graph) -> Mapping[int, Online | Unlike]:
    """The attentions of a graph, and what resembles one, by their second product."""
    found: dict[int, Online | Unlike] = {}
    for index in graph.contractions:
        value = graph.values[index]
        if isinstance(value, Contraction) and _resembles(graph, value):
            found[index] = _Search(graph, index).found()
    return found


def reads_of(graph: Graph, online: Online) -> Iterator[int]:
    """What an attention reads: operands of its members that are none."""
    seen = set()
    for index in sorted(online.members):
        for operand in graph.values[index].operands:
            if operand not in online.members and operand not in seen:
                seen.add(operand)
                yield operand


def _resembles(graph: Graph, product: Contraction) -> bool:
    """Whether the left operand of a product is made of a product and of a reduction along what is summed over."""
    pending, seen = [product.operands[0]], set[int]()
    reduces = multiplies = False
    while pending:
        index = pending.pop()
        if index in seen:
            continue
        seen.add(index)
        match graph.values[index]:
            case Contraction():
                multiplies = True
            case Reduction(over=over) as value:
                reduces = reduces or over == product.over
                pending += value.operands
            case value:
                pending += value.operands
    return reduces and multiplies


class _No(Exception):  # noqa: N818 - control flow of this module, not an error
    """Why it isn't one."""


@dataclass(slots=True)
class _Search:
    """Looks at what a product is made of."""

    graph: Graph
    summed: int
    users: dict[int, list[int]] = field(default_factory=dict)

    def found(self) -> Online | Unlike:
        """The attention, or why there is none."""
        for index, value in enumerate(self.graph.values):
            for operand in value.operands:
                self.users.setdefault(operand, []).append(index)
        try:
            return self.online()
        except _No as error:
            return Unlike(self.summed, str(error))

    def online(self) -> Online:
        """The attention.

        Raises:
            _No: it isn't one.
        """
        product = self.graph.values[self.summed]
        assert isinstance(product, Contraction), "it is one"
        if any(product.transposed):
            raise _No("what is multiplied with its weights is transposed")
        weights = product.operands[0]
        divided = self.quotient(weights)
        powers = weights if divided is None else divided[0]
        power = self.graph.values[powers]
        if not isinstance(power, Elementwise) or power.function != "exp":
            raise _No("what is multiplied with its values isn't exp(x - max(x)), or that over its sum")
        left = self.graph.values[power.operands[0]]
        if not isinstance(left, Elementwise) or left.function != "sub":
            raise _No("its exponential isn't that of x - max(x)")
        masked, largest = left.operands
        over = product.over
        if not self.reduces(largest, "max", masked, over):
            raise _No("its exponential isn't that of x - max(x)")
        total = divided[1] if divided else self.total_of(powers, over)
        if not self.reduces(total, "sum", powers, over):
            raise _No("its weights aren't divided by their own sum")
        result, more = (self.summed, set[int]()) if divided else self.divided(total)
        scaled, between = self.unmasked(masked)
        members = {*self.elementwise(scaled, over), *between, masked, largest, power.operands[0], powers, total}
        members |= {self.summed, weights, result, *more} | (set(divided[2]) if divided else set())
        scores = [index for index in members if isinstance(self.graph.values[index], Contraction)]
        first = next(index for index in sorted(scores) if index != self.summed)
        self.check_users(members, result)
        return Online(
            scores=first, scaled=scaled, masked=masked, powers=powers, total=total, summed=self.summed, result=result,
            members=frozenset(members),
        )  # fmt: skip

    def quotient(self, index: int) -> tuple[int, int, tuple[int, ...]] | None:
        """Numerator and denominator of a value, and what is between; None where it is no quotient."""
        value = self.graph.values[index]
        if not isinstance(value, Elementwise):
            return None
        if value.function == "div":
            return value.operands[0], value.operands[1], ()
        if value.function == "mul":
            for left, right in (value.operands, value.operands[::-1]):
                inverse = self.graph.values[right]
                if isinstance(inverse, Elementwise) and inverse.function == "reciprocal":
                    return left, inverse.operands[0], (right,)
        return None

    def reduces(self, index: int, function: str, operand: int, over: Axis) -> bool:
        """Whether a value is a reduction of another along the axis, which stays."""
        value = self.graph.values[index]
        if not isinstance(value, Reduction) or value.operands != (operand,):
            return False
        return value.function == function and value.over == over and value.along == 0 and value.keeps

    def total_of(self, powers: int, over: Axis) -> int:
        """The sum of powers that are multiplied with values before they are divided."""
        sums = (user for user in self.users.get(powers, ()) if self.reduces(user, "sum", powers, over))
        total = next(sums, None)
        if total is None:
            raise _No("its weights aren't divided by their sum")
        return total

    def divided(self, total: int) -> tuple[int, set[int]]:
        """What the product is divided by its total in, and what is between."""
        for user in self.users.get(self.summed, ()):
            found = self.quotient(user)
            if found is not None and found[:2] == (self.summed, total):
                return user, set(found[2])
        raise _No("its weights aren't divided by their sum")

    def unmasked(self, index: int) -> tuple[int, set[int]]:
        """What a mask is of; the value itself where there is none."""
        value = self.graph.values[index]
        if isinstance(value, Elementwise) and value.function == "causal":
            return value.operands[0], {index}
        return index, set()

    def elementwise(self, root: int, over: Axis) -> set[int]:
        """A value's operations down to one product, whose columns are the keys.

        Raises:
            _No: there is another one, or what isn't elementwise.
        """
        found: set[int] = set()
        pending = [root]
        products = []
        while pending:
            index = pending.pop()
            if index in found:
                continue
            value = self.graph.values[index]
            if self.is_outside(index):
                continue
            found.add(index)
            if isinstance(value, Contraction):
                products.append(index)
            elif isinstance(value, Elementwise) and value.function != "causal":
                pending += value.operands
            else:
                raise _No("what its softmax is of isn't elementwise of one product, with a mask outermost")
        if len(products) != 1:
            raise _No("what its softmax is of isn't elementwise of one product")
        scores = self.graph.values[products[0]]
        if scores.axes[-1:] != (over,) or self.graph.values[root].shape != scores.shape:
            raise _No("what its softmax is of is larger than the product of queries and keys")
        if isinstance(scores, Contraction) and scores.transposed[0]:
            raise _No("its queries are transposed")
        if not self.is_finite_at_zero(root):
            raise _No("what its softmax is of isn't finite where its tensors are 0, as their padding is")
        return found

    def is_outside(self, index: int) -> bool:
        """Whether a value isn't made of any product: a tensor, a number, or what another program makes of such."""
        pending = [index]
        while pending:
            value = self.graph.values[pending.pop()]
            if isinstance(value, Contraction):
                return False
            pending += value.operands
        return True

    def is_finite_at_zero(self, root: int) -> bool:
        """Whether the value is finite where all that it is made of is 0."""
        known: dict[int, float] = {}

        def value_at(index: int) -> float:
            value: Value = self.graph.values[index]
            if index not in known:
                match value:
                    case Number(number=number):
                        known[index] = number
                    case Elementwise(function=function, operands=operands, parameters=parameters):
                        known[index] = value_of(function, *map(value_at, operands), *parameters)
                    case _:
                        known[index] = 0.0
            return known[index]

        return math.isfinite(value_at(root))

    def check_users(self, members: set[int], result: int) -> None:
        """Refuses values that something else reads, or that are stored.

        Raises:
            _No: there is one.
        """
        stored = {output.value for output in self.graph.outputs}
        for index in sorted(members - {result}):
            if isinstance(self.graph.values[index], Input | Number):
                continue
            if index in stored:
                raise _No("a value before its result is an output")
            if set(self.users.get(index, ())) - members:
                raise _No("something else reads a value before its result")
