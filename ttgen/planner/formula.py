"""Which pattern serves a graph; what fits none is refused, with the place and a way to split it."""

from __future__ import annotations

from ttgen.errors import SpecError, refuse
from ttgen.formula.graph import Graph, Node, Shape
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
    return graph.nodes[graph.outputs[0].node].shape


def _at(node: Node, loaded: LoadedSpec, message: str) -> SpecError:
    index, start, end = node.span
    error = refuse(message, *loaded.spec.formula_path(index), span=(start, end))
    return SpecError(error.problems, loaded.source)


def _refuse_contractions(graph: Graph, loaded: LoadedSpec) -> None:
    contractions = [graph.nodes[index] for index in graph.contractions]
    if len(contractions) > 1:
        raise _at(
            contractions[1], loaded,
            "one '@' a kernel, and this is the second: write it as a spec of its own that reads this one's result",
        )  # fmt: skip
    for product in contractions:
        for operand, side in zip(product.operands, ("left", "right"), strict=True):
            if graph.nodes[operand].kind != "input":
                raise _at(
                    graph.nodes[operand], loaded,
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
    shapes = [graph.nodes[output.node].shape for output in graph.outputs]
    places = {output.tensor: graph.nodes[output.node] for output in graph.outputs}
    whole = graph.nodes[graph.contractions[0]].shape if graph.contractions else shapes[0]
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
