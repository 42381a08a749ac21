"""Which pattern serves a graph; what fits none is refused, with the place and a way to split it."""

from __future__ import annotations

from ttgen.errors import SpecError, refuse
from ttgen.formula.values import Contraction, Graph, Input, Shape, Value
from ttgen.patterns import PATTERNS
from ttgen.spec import LoadedSpec


def pattern_of(graph: Graph, loaded: LoadedSpec) -> str:
    """The name of the pattern that serves a graph.

    Raises:
        SpecError: no pattern does.
    """
    for refuse_graph in (_refuse_contractions, _refuse_outputs):
        refuse_graph(graph, loaded)
    return next(name for name, pattern in PATTERNS.items() if pattern.matches(graph))


def work_shape(graph: Graph) -> Shape:
    """The shape that units cover: that of every output."""
    return graph.values[graph.outputs[0].value].shape


def _at(value: Value, loaded: LoadedSpec, message: str) -> SpecError:
    index, start, end = value.span
    error = refuse(message, *loaded.spec.formula_path(index), span=(start, end))
    return SpecError(error.problems, loaded.source)


def _refuse_contractions(graph: Graph, loaded: LoadedSpec) -> None:
    contractions = [value for value in graph.values if isinstance(value, Contraction)]
    if len(contractions) > 1:
        raise _at(
            contractions[1], loaded,
            "one '@' a kernel, and this is the second: write it as a spec of its own that reads this one's result",
        )  # fmt: skip
    for product in contractions:
        for operand, side in zip(graph.operands_of(product), ("left", "right"), strict=True):
            if not isinstance(operand, Input):
                raise _at(
                    operand, loaded,
                    f"the {side} operand of '@' is computed, and has to be a tensor: compute it with a spec of its own "
                    "and read its result here",
                )  # fmt: skip
        if product.transposed[0]:
            raise _at(
                product, loaded,
                "the left operand of '@' can't be transposed, only the right one: store it transposed, or compute the "
                "transposed result with the operands swapped",
            )  # fmt: skip


def _refuse_outputs(graph: Graph, loaded: LoadedSpec) -> None:
    shapes = [graph.values[output.value].shape for output in graph.outputs]
    places = {output.tensor: graph.values[output.value] for output in graph.outputs}
    whole = shapes[0] if graph.contraction is None else graph.contraction.shape
    for output, shape in zip(graph.outputs, shapes, strict=True):
        if shape == whole:
            continue
        if graph.contractions:
            message = (
                f"'{output.tensor}' has shape {shape}, and the contraction's result {whole}: the two agree in one "
                "kernel; split the broadcast into a spec of its own"
            )
        else:
            first = graph.outputs[0].tensor
            message = (
                f"'{output.tensor}' has shape {shape}, and '{first}' {whole}: outputs of one kernel have one shape; "
                "make it a spec of its own"
            )
        raise _at(places[output.tensor], loaded, message)
