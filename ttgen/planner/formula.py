"""Which pattern serves a stage; what none does is refused, with the place and a way to split it."""

from __future__ import annotations

from collections.abc import Callable

from ttgen.errors import Path, refuse
from ttgen.formula.values import Graph
from ttgen.patterns import PATTERNS


def pattern_of(graph: Graph, formula_path: Callable[[int], Path]) -> str:
    """The name of the pattern that serves a graph.

    Raises:
        SpecError: no pattern does.
    """
    name, pattern = next((name, pattern) for name, pattern in PATTERNS.items() if pattern.is_for(graph))
    refusal = next(pattern.refusals(graph), None)
    if refusal is not None:
        index, start, end = refusal.value.span
        raise refuse(refusal.message, *formula_path(index), span=(start, end))
    return name
