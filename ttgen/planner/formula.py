"""Which pattern serves a stage; what none does is refused, with the place and a way to split it."""

from __future__ import annotations

from collections.abc import Callable

from ttgen.errors import Path, refuse
from ttgen.formula.functions import PLACED
from ttgen.formula.online import Online, Unlike, found_in
from ttgen.formula.values import Elementwise, Graph
from ttgen.patterns import PATTERNS


def check_places(graph: Graph, formula_path: Callable[[int], Path]) -> None:
    """Refuses a mask by place of what isn't the scores of an attention.

    Raises:
        SpecError: there is one.
    """
    found = found_in(graph)
    masked = {item.masked for item in found.values() if isinstance(item, Online)}
    reasons = [item.because for item in found.values() if isinstance(item, Unlike)]
    for place, value in enumerate(graph.values):
        if isinstance(value, Elementwise) and value.function in PLACED and place not in masked:
            index, start, end = value.span
            why = f", and {reasons[0]}" if reasons else ""
            text = f"'{value.function}' masks the scores of an attention, softmax(causal(Q @ K.mT)) @ V{why}"
            fix = "add a tensor of 0 and large negative numbers instead"
            raise refuse(f"{text}: {fix}", *formula_path(index), span=(start, end))


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
