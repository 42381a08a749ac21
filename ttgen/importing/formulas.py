"""Values over axes to formulas, with axes in the order that is nearest to what is stored.

NumPy's rules decide: shapes are aligned at their ends, so every tensor has its dimensions in the order of the result's,
and ones where it doesn't vary between them. Where the source stores a tensor otherwise, the spec declares the shape
that formulas need, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Final

from ttgen.errors import SpecError
from ttgen.importing.axes import Value
from ttgen.importing.nodes import Element
from ttgen.importing.text import refuse_at
from ttgen.importing.views import ONE, View, axes_of, is_as_stored, moved
from ttgen.importing.writer import Unfit, Writer
from ttgen.records import dataclass

MAX_STEPS: Final = 300_000
_SPREAD: Final = 1000
"""What it costs to sum products that are spread out, instead of multiplying matrices."""
_MOVED: Final = 10
"""What it costs to have a tensor's dimensions in another order than it is stored in."""


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


def formula_of(value: Value, ranks: Mapping[str, int], names: Mapping[str, str], fixed: Mapping[str, View]) -> Formula:
    """The formula of an output.

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
        writer = Writer(value=value, names=names, views=dict(fixed), steps=steps)
        try:
            phrase = writer.written(value.node, order)
            writer.see(Element(value.tensor, value.places), order, least=len(order))
        except Unfit:
            continue
        except SpecError as error:
            reason = reason or error
            continue
        if phrase.rank != len(order):
            continue
        cost = sum(_cost(view, ranks[name]) for name, view in writer.views.items()) + _SPREAD * writer.spread
        if best is None or cost < best.cost:
            best = Formula(target=value.tensor, text=phrase.text, views=writer.views, cost=cost)
        if cost == 0:
            break
    if best is None:
        raise reason or refuse_at("formulas have no way to say this: axes don't line up in any order", value.at)
    for name, view in best.views.items():
        if ranks[name] == 2 and moved(view):
            raise refuse_at(
                f"'{name}' is used as its transpose, and only a right operand of @ can be: store it as [M, K], if a "
                "left operand, and import the kernel without transpose_A",
                value.at,
            )
    return best


def _cost(view: View, rank: int) -> int:
    """How far a declaration is from what is stored."""
    if is_as_stored(view, rank):
        return 0
    return _MOVED + moved(view) if moved(view) else 1


def _orders(value: Value) -> Iterator[tuple[str, ...]]:
    """Orders of the result's axes, that of what is stored first; each also with a place that no axis has."""
    own = tuple(axis for place in value.places for axis in axes_of(place))
    if len(own) > 6:
        raise refuse_at(f"{len(own)} axes are more than are tried", value.at)
    for order in permutations(own):
        if order:
            yield order
        yield (*order, ONE)
        if order:
            yield (*order[:-1], ONE, *order[-1:])
