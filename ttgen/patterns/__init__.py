"""Patterns: which formulas can be served, and the bodies of their kernels. A pattern is a module and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ttgen.formula.values import Graph
from ttgen.model.design import Design
from ttgen.patterns import map as map_
from ttgen.patterns import matmul
from ttgen.patterns.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A family of formulas.

    Attributes:
        matches: whether a graph belongs to it.
        design: the kernels of a graph that does.
        meaning: which formulas those are, for the reference page.
    """

    matches: Callable[[Graph], bool]
    design: Callable[[Context], Design]
    meaning: str


PATTERNS: Final[Mapping[str, Pattern]] = {
    "map": Pattern(
        matches=lambda graph: not graph.contractions,
        design=map_.design,
        meaning="elementwise formulas with NumPy's broadcasting",
    ),
    "matmul": Pattern(
        matches=lambda graph: len(graph.contractions) == 1,
        design=matmul.design,
        meaning="one contraction of two tensors, and an elementwise epilogue on its result",
    ),
}
