"""Why formulas can't be spread over a mesh as a spec says, and what would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from ttgen.dtypes import TILE
from ttgen.errors import SpecError, refuse
from ttgen.formula.functions import PLACED
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Output, Reduction, Shape, Value
from ttgen.mesh.placement import WHOLE, Cuts, Mesh, said
from ttgen.mesh.rules import Held, made_of
from ttgen.spec import LoadedSpec

_WHAT: Final = {"all_reduce": "sums", "all_gather": "gathers", "reduce_scatter": "sums and scatters"}


def unfit(loaded: LoadedSpec, graph: Graph, mesh: Mesh, index: int, helds: Sequence[Held]) -> SpecError:
    """Operands that lie on devices so that none can compute its part."""
    value = graph.values[index]
    if isinstance(value, Reduction):
        text = (
            f"'{value.function}' goes along what is cut over devices, and ttnn's all_reduce makes sums only: cut "
            f"another axis{_source(graph, index, value.along)}"
        )
        return _at(loaded, value, text)
    if isinstance(value, Elementwise) and value.function in PLACED and {0, 1} & {*helds[0].cuts}:
        text = f"devices have parts of the rows and columns that '{value.function}' goes by: cut a batch"
        return _at(loaded, value, text)
    lying = " and ".join(
        f"{_name(graph, operand)} (mesh: {said(held.cuts, len(held.shape), mesh)})"
        for operand, held in zip(value.operands, helds, strict=True)
        if not isinstance(graph.values[operand], Number)
    )
    verb = f"'{value.function}' takes" if isinstance(value, Elementwise) else "'@' contracts"
    fix = _fix(graph, mesh, value, helds)
    return _at(loaded, value, f"{verb} {lying}, and no device has parts of both that meet: {fix}")


def output(graph: Graph, mesh: Mesh, tensors: Mapping[str, Cuts], declared: Output, cuts: Cuts) -> SpecError:
    """An output that is declared otherwise than its value lies, where no collective makes that of it."""
    shape, wanted = graph.values[declared.value].shape, tensors[declared.tensor]
    now, then = (said(how, len(shape), mesh) for how in (cuts, wanted))
    text = f"the value of '{declared.tensor}' lies on devices as 'mesh: {now}', not as '{then}': say that"
    missing = [dim for had, dim in zip(cuts, wanted, strict=True) if dim is not None and had != dim]
    axes = graph.values[declared.value].axes
    sources = {
        f"'{value.tensor}' along axis {place}"
        for dim in missing
        for value in graph.values
        if isinstance(value, Input) and axes[-1 - dim] in value.axes
        for place in [value.axes.index(axes[-1 - dim])]
        if place not in _axes(mesh, tensors[value.tensor], len(value.shape))
    }
    more = f", or cut {' and '.join(sorted(sources))}" if sources else "; inputs aren't gathered" if not missing else ""
    return refuse(f"{text}{more}", "tensors", declared.tensor, *(("mesh",) if wanted != WHOLE else ()))


def check_collective(
    loaded: LoadedSpec, graph: Graph, mesh: Mesh, origin: int, kind: str, along: int | None, part: Held
) -> None:
    """Refuses a collective that ttnn would take tiles apart for, or has none for.

    Args:
        loaded: the spec.
        graph: its formulas.
        mesh: the devices.
        origin: the value that they exchange.
        kind: the collective.
        along: the dimension that it gathers or scatters, counted from the last.
        part: what a device has of that dimension.

    Raises:
        SpecError: at the formula that makes the value.
    """
    value = graph.values[origin]
    shape = mesh.local(part.shape, part.cuts)
    if len(shape) < 2:
        text = f"devices exchange {_text(shape)}, and ttnn's {kind} takes two dimensions or more: make rows of it"
        raise _at(loaded, value, text)
    if along is not None and along < 2 and shape[-1 - along] % TILE:
        what = "columns" if along == 0 else "rows"
        text = (
            f"ttnn's {kind} {_WHAT[kind]} whole tiles of {TILE}, and a device has {shape[-1 - along]} {what} of "
            f"{_text(part.shape)}: use a size that is a multiple of {TILE * mesh.parts(part.cuts, along)}"
        )
        raise _at(loaded, value, text)


def _fix(graph: Graph, mesh: Mesh, value: Value, helds: Sequence[Held]) -> str:
    """The one input that could be cut otherwise, and how."""
    for place, operand in sorted(enumerate(value.operands), key=lambda item: helds[item[0]].cuts != WHOLE):
        found = graph.values[operand]
        if isinstance(found, Input):
            for cuts in _cuts(mesh, found.shape):
                others = [Held(held.shape, cuts) if own == place else held for own, held in enumerate(helds)]
                if cuts != helds[place].cuts and made_of(value, others) is not None:
                    return f"say 'mesh: {said(cuts, len(found.shape), mesh)}' of '{found.tensor}'"
    return "cut what they are made of alike"


def _cuts(mesh: Mesh, shape: Shape) -> Iterator[Cuts]:
    """All ways to cut a shape, those that cut most first."""
    dims = [*range(len(shape))]
    ways = [[*dims, None] if count > 1 else [None] for count in mesh.counts]
    for rows, cols in sorted(product(*ways), key=lambda cuts: [*cuts].count(None)):
        if all(size % mesh.parts((rows, cols), len(shape) - 1 - axis) == 0 for axis, size in enumerate(shape)):
            yield rows, cols


def _axes(mesh: Mesh, cuts: Cuts, rank: int) -> set[int]:
    """The axes that are cut."""
    return {rank - 1 - dim for dim in range(rank) if mesh.parts(cuts, dim) > 1}


def _source(graph: Graph, index: int, along: int) -> str:
    """The inputs that are cut along the axis that a value has there."""
    value = graph.values[index]
    (operand,) = value.operands
    axis = graph.values[operand].axes[-1 - along]
    names = sorted({item.tensor for item in graph.values if isinstance(item, Input) and axis in item.axes})
    return f" of '{names[0]}'" if names else ""


def _name(graph: Graph, operand: int) -> str:
    value = graph.values[operand]
    if isinstance(value, Input):
        return f"'{value.tensor}'"
    given = next((output.tensor for output in graph.assigned if output.value == operand), None)
    if given is not None:
        return f"'{given}'"
    return "the value of '@'" if isinstance(value, Contraction) else "a value"


def _at(loaded: LoadedSpec, value: Value, message: str) -> SpecError:
    index, start, end = value.span
    return refuse(message, *loaded.spec.formula_path(index), span=(start, end))


def _text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"
