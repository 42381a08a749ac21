"""How a spec declares a tensor that a kernel stores: dimensions in the order that formulas need, and ones between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ttgen.importing.affine import ZERO, Affine
from ttgen.records import dataclass

ONE: Final = ""
"""A place of an order of axes that no axis has."""


@dataclass(frozen=True, slots=True)
class Part:
    """A dimension of a stored tensor or, where it is two axes, one of them; and its size."""

    dimension: int
    part: int
    size: int


View = tuple[Part | None, ...]
"""What each dimension of a declared tensor is in the stored one; None is one element."""


def axes_of(index: Affine) -> tuple[str, ...]:
    """The axes of a dimension, the outer one first."""
    ordered = sorted(index.terms, key=lambda term: -term[1])
    return tuple(atom for atom, _times in ordered if isinstance(atom, str))


def view_of(indices: Sequence[Affine], order: Sequence[str], sizes: Mapping[str, int], least: int) -> View | None:
    """How a tensor is declared so that it has its axes in an order; None where it can't have them so.

    Args:
        indices: the axes of each dimension as it is stored.
        order: of axes; the tensor has those from its first one on.
        sizes: of axes.
        least: dimensions that it has at least.
    """
    parts: dict[str, Part] = {}
    for number, index in enumerate(indices):
        for part, axis in enumerate(axes_of(index)):
            if axis in parts or axis not in order:
                return None
            parts[axis] = Part(number, part, sizes[axis])
    view: View = tuple(parts.get(axis) if axis else None for axis in order)
    while len(view) > least and view[0] is None:
        view = view[1:]
    ones = [number for number, index in enumerate(indices) if index == ZERO]
    if ones and view.count(None) >= len(ones):
        # A dimension of one element is one of those that no axis has.
        filled = iter(Part(number, 0, 1) for number in ones)
        view = tuple(part if part is not None else next(filled, None) for part in view)
    return view


def moved(view: View) -> int:
    """How many pairs of a tensor's dimensions are in another order than it is stored in."""
    parts = [(part.dimension, part.part) for part in view if part is not None]
    return sum(one > other for number, one in enumerate(parts) for other in parts[number:])


def is_as_stored(view: View, rank: int) -> bool:
    """Whether a tensor of so many dimensions is declared as it is stored."""
    own = [(part.dimension, part.part) for part in view if part is not None]
    return len(view) == rank and own == [(number, 0) for number in range(rank)]


def shape_of(view: View) -> tuple[int, ...]:
    """The shape that a tensor is declared with."""
    return tuple(1 if part is None else part.size for part in view)
