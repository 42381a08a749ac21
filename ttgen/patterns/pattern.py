"""What the planner knows of a pattern: which formulas it serves, which schedules are legal for one, and its design."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ttgen.formula.values import Graph, Value
from ttgen.model.design import Design
from ttgen.model.plan import BlockSize, Subblock
from ttgen.patterns.context import Context, tiles_of
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a formula can't be served, and the value that is in the way."""

    value: Value
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A family of formulas.

    Attributes:
        is_for: whether a graph belongs to it; the first pattern that it belongs to serves it, or says why not.
        refusals: what of such a graph it can't serve; nothing where it can.
        limits: the largest block of a unit, in tiles: rows, columns, and depth of what is summed over, 0 for nothing.
        subblock: the part of a block that is in DST at once, from the block and the tiles that DST holds.
        design: the kernels of a graph.
        meaning: which formulas those are, for the reference page.
    """

    is_for: Callable[[Graph], bool]
    refusals: Callable[[Graph], Iterator[Refusal]]
    limits: Callable[[Graph], BlockSize]
    subblock: Callable[[Graph, BlockSize, int], Subblock]
    design: Callable[[Context], Design]
    meaning: str


def work_tiles(graph: Graph) -> tuple[int, int]:
    """Rows and columns of tiles of the outputs."""
    rows, cols = (1, *(axis.size for axis in graph.work))[-2:]
    return tiles_of(rows), tiles_of(cols)
