"""Which pattern serves a graph; what none does is refused, with the place and a way to split it."""

from __future__ import annotations

from ttgen.errors import Problem, SpecError
from ttgen.formula.values import Graph
from ttgen.patterns import PATTERNS
from ttgen.spec import LoadedSpec


def pattern_of(graph: Graph, loaded: LoadedSpec) -> str:
    """The name of the pattern that serves a graph.

    Raises:
        SpecError: no pattern does.
    """
    name, pattern = next((name, pattern) for name, pattern in PATTERNS.items() if pattern.is_for(graph))
    refusal = next(pattern.refusals(graph), None)
    if refusal is not None:
        index, start, end = refusal.value.span
        problem = Problem(message=refusal.message, path=loaded.spec.formula_path(index), span=(start, end))
        raise SpecError([problem])
    return name
