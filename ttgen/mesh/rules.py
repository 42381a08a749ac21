"""How what an operation makes is cut, from how its operands are: None where they don't fit together.

Every device has to find all that it needs in its own parts. Along an axis that is summed up, each then has a sum of its
own, of which the whole is the sum over devices: the value is partial.
"""

from __future__ import annotations

from collections.abc import Sequence

from ttgen.exhaustive import assert_never
from ttgen.formula.functions import PLACED
from ttgen.formula.values import Contraction, Elementwise, Input, Number, Reduction, Shape, Value
from ttgen.mesh.placement import Cuts
from ttgen.records import dataclass

_ROWS, _COLS, _SUMMED = 1, 0, -1
"""Dimensions of a product's result, and what is summed up for it."""


@dataclass(frozen=True, slots=True)
class Held:
    """What devices have of a value.

    Attributes:
        shape: of the whole.
        cuts: how it is cut.
        partial: over which dimensions of the mesh a sum of all devices is still to be made of it.
    """

    shape: Shape
    cuts: Cuts
    partial: tuple[bool, bool] = (False, False)


def varies(shape: Shape, dim: int) -> bool:
    """Whether a shape has several places along a dimension; where it has one or none, it broadcasts."""
    return dim < len(shape) and shape[-1 - dim] > 1


def made_of(value: Value, operands: Sequence[Held]) -> Held | None:
    """What devices make of their parts, none of which is partial; for a value that has operands."""
    match value:
        case Elementwise(function=function):
            cuts = _elementwise(operands)
            if cuts is None or (function in PLACED and {0, 1} & {*cuts}):
                return None
            return Held(value.shape, cuts)
        case Contraction():
            return _contraction(value, operands[0], operands[1])
        case Reduction(function=function, along=along):
            (whole,) = operands
            partial = whole.cuts[0] == along, whole.cuts[1] == along
            if any(partial) and function != "sum":
                return None
            rows, cols = (None if cut == along else cut for cut in whole.cuts)
            return Held(value.shape, (rows, cols), partial)
        case Input() | Number():
            raise AssertionError("it isn't made of anything")
        case _:
            assert_never(value)


def _elementwise(operands: Sequence[Held]) -> Cuts | None:
    """Elements meet those of the same place: operands that vary along what one of them is cut along are cut alike."""
    found: list[int | None] = []
    for side in (0, 1):
        cut = {operand.cuts[side] for operand in operands} - {None}
        if len(cut) > 1:
            return None
        dim = next(iter(cut), None)
        if dim is not None and any(operand.cuts[side] != dim for operand in operands if varies(operand.shape, dim)):
            return None
        found.append(dim)
    return found[0], found[1]


def _contraction(value: Contraction, left: Held, right: Held) -> Held | None:
    """Rows go by the left operand, columns by the right one; batches by both, and so does what is summed over."""
    found: list[int | None] = []
    partial: list[bool] = []
    for side in (0, 1):
        own = _named(left.cuts[side], transposed=value.transposed[0], first=_SUMMED, second=_ROWS)
        other = _named(right.cuts[side], transposed=value.transposed[1], first=_COLS, second=_SUMMED)
        if own != other:
            dim = own if other is None else other
            broadcast = right if other is None else left
            # One of them is whole: that will do along its own rows or columns, and where it has one batch.
            alone = {own, other} in ({None, _ROWS}, {None, _COLS})
            batch = None in (own, other) and dim is not None and dim > _ROWS and not varies(broadcast.shape, dim)
            if not (alone or batch):
                return None
        else:
            dim = own
        partial.append(dim == _SUMMED)
        found.append(None if dim == _SUMMED else dim)
    return Held(value.shape, (found[0], found[1]), (partial[0], partial[1]))


def _named(cut: int | None, *, transposed: bool, first: int, second: int) -> int | None:
    """What a cut dimension of an operand is of the product; `first` is its last dimension, `second` the one before."""
    if cut is None or cut > 1:
        return cut
    return (first, second)[cut if not transposed else 1 - cut]
