"""Proves a plan for a mesh: every element of every output is computed once over its devices, of the formulas' values.

What each device has of each tensor is followed through its programs and the collectives between them, device by device:
boxes of the whole, and of a sum that isn't whole the terms that are in it. How the planner came to the plan is of no
interest here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ttgen.analysis.errors import ProofError
from ttgen.exhaustive import assert_never
from ttgen.formula.functions import PLACED
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Reduction, Shape, Value
from ttgen.model.mesh import PlanCollective, PlanMesh
from ttgen.model.plan import Tensor
from ttgen.records import dataclass

Place = tuple[int, int]
"""The row and the column of a device."""


@dataclass(frozen=True, slots=True)
class Span:
    """Places `[start, end)` of the whole's, along one dimension."""

    start: int
    end: int
    total: int

    @property
    def whole(self) -> bool:
        """Whether they are all."""
        return (self.start, self.end) == (0, self.total)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a device has of a value.

    Attributes:
        box: of the whole, a span a dimension.
        terms: of a sum that isn't whole, runs of the places that are summed up, and how many there are of the whole's;
            nothing where the values are whole.
    """

    box: tuple[Span, ...]
    terms: tuple[Span, ...] = ()


Pieces = Mapping[Place, Piece]


def check(
    mesh: PlanMesh,
    tensors: Mapping[str, Tensor],
    steps: Sequence[Graph | PlanCollective],
    formulas: Graph,
    shapes: Mapping[str, Shape],
) -> None:
    """Proves what devices do.

    Args:
        mesh: the devices.
        tensors: of the plan, with a device's sizes.
        steps: what programs compute and what devices exchange, in order.
        formulas: what is to be computed.
        shapes: of the declared tensors, whole.

    Raises:
        ProofError: something is computed by no device, of the wrong parts, or counted more than once.
    """
    known: dict[str, Pieces] = {
        name: {place: Piece(_declared(tensor, mesh, place)) for place in _places(mesh)}
        for name, tensor in tensors.items()
        if tensor.role == "input"
    }
    for step in steps:
        if isinstance(step, PlanCollective):
            if step.source not in known or step.target in known:
                raise ProofError(f"{step.kind} of {step.source}: there is nothing to exchange, or it was there before")
            known[step.target] = exchanged(step, mesh, known[step.source])
            _check_sizes(step.target, known[step.target], tensors[step.target].shape)
        else:
            if missing := next((name for name in step.inputs if name not in known), None):
                raise ProofError(f"'{missing}': there is nothing to read yet")
            read = {place: {name: known[name][place] for name in step.inputs} for place in _places(mesh)}
            made = {place: _computed(step, pieces) for place, pieces in read.items()}
            for output in step.outputs:
                known[output.tensor] = {place: pieces[output.tensor] for place, pieces in made.items()}
                _check_sizes(output.tensor, known[output.tensor], tensors[output.tensor].shape)
    for output in formulas.outputs:
        _check_output(tensors[output.tensor], known[output.tensor], mesh, shapes[output.tensor])
    _check_formulas(steps, formulas)


def _places(mesh: PlanMesh) -> tuple[Place, ...]:
    return tuple((row, col) for row in range(mesh.rows) for col in range(mesh.cols))


def _declared(tensor: Tensor, mesh: PlanMesh, place: Place) -> tuple[Span, ...]:
    """The box of a tensor that a device has, as the plan says how it lies."""
    if tensor.mesh is None:
        raise ProofError(f"{tensor.name}: how it lies on the mesh isn't said")
    found = []
    for axis, size in enumerate(tensor.shape):
        part, parts = 0, 1
        for cut, count, own in zip(tensor.mesh.axes, mesh.counts, place, strict=True):
            if cut == axis:
                part, parts = part * count + own, parts * count
        found.append(Span(part * size, (part + 1) * size, parts * size))
    return tuple(found)


def _check_sizes(name: str, pieces: Pieces, shape: Shape) -> None:
    for place, piece in pieces.items():
        if tuple(span.end - span.start for span in piece.box) != shape:
            raise ProofError(f"{name}: device {place} has {piece.box}, and its tensor holds {shape}")


def _check_output(tensor: Tensor, pieces: Pieces, mesh: PlanMesh, shape: Shape) -> None:
    """Every element is in one box, or in equal ones, and none is a part of a sum."""
    for place, piece in pieces.items():
        if piece.terms:
            raise ProofError(f"{tensor.name}: device {place} has a part of a sum")
        if piece.box != _declared(tensor, mesh, place):
            raise ProofError(f"{tensor.name}: device {place} has another part than the plan says")
    boxes = {piece.box for piece in pieces.values()}
    sizes = [math.prod(span.end - span.start for span in box) for box in boxes]
    apart = all(one == other or _apart(one, other) for one in boxes for other in boxes)
    if any(tuple(span.total for span in box) != shape for box in boxes) or not apart or sum(sizes) != math.prod(shape):
        raise ProofError(f"{tensor.name}: what devices have of it isn't every element once")


def _apart(one: tuple[Span, ...], other: tuple[Span, ...]) -> bool:
    return any(left.end <= right.start or right.end <= left.start for left, right in zip(one, other, strict=True))


def exchanged(step: PlanCollective, mesh: PlanMesh, pieces: Pieces) -> Pieces:
    """What devices have after a collective, each group by itself."""
    side = 0 if step.over == "rows" else 1
    found: dict[Place, Piece] = {}
    for other in range(mesh.counts[1 - side]):
        group = [place for place in _places(mesh) if place[1 - side] == other]
        own = [pieces[place] for place in group]
        if step.kind == "all_gather":
            found |= dict.fromkeys(group, _gathered(step, own))
            continue
        total = _summed(step, own)
        for number, place in enumerate(group):
            box = list(total.box)
            if step.kind == "reduce_scatter":
                axis = _axis(step)
                box[axis] = _cut(step, box[axis], number, len(group))
            found[place] = replace(total, box=tuple(box))
    return found


def _axis(step: PlanCollective) -> int:
    if step.axis is None:
        raise ProofError(f"{step.kind} of {step.source}: no axis")
    return step.axis


def _cut(step: PlanCollective, span: Span, number: int, parts: int) -> Span:
    size, rest = divmod(span.end - span.start, parts)
    if rest:
        raise ProofError(f"{step.kind} of {step.source}: {parts} devices don't divide {span}")
    return Span(span.start + number * size, span.start + (number + 1) * size, span.total)


def _gathered(step: PlanCollective, own: Sequence[Piece]) -> Piece:
    """Parts that follow each other, in the order of devices."""
    axis = _axis(step)
    first, last = own[0].box[axis], own[-1].box[axis]
    joined = Span(first.start, last.end, first.total)
    for before, after in pairwise(own):
        if before.box[axis].end != after.box[axis].start:
            raise ProofError(f"all_gather of {step.source}: parts don't follow each other along axis {axis}")
    boxes = {tuple(joined if place == axis else span for place, span in enumerate(piece.box)) for piece in own}
    if len(boxes) != 1 or any(piece.terms for piece in own):
        raise ProofError(f"all_gather of {step.source}: devices have parts of different boxes, or of sums")
    return Piece(boxes.pop())


def _summed(step: PlanCollective, own: Sequence[Piece]) -> Piece:
    """A sum of which each device has other terms."""
    if len({piece.box for piece in own}) != 1 or not all(piece.terms for piece in own):
        raise ProofError(f"{step.kind} of {step.source}: devices sum different elements up, or whole values")
    terms = sorted((term for piece in own for term in piece.terms), key=lambda term: term.start)
    runs: list[Span] = []
    for term in terms:
        if runs and term.start < runs[-1].end:
            raise ProofError(f"{step.kind} of {step.source}: {term} is counted twice")
        if runs and term.start == runs[-1].end:
            runs[-1] = replace(runs[-1], end=term.end)
        else:
            runs.append(term)
    return Piece(own[0].box, () if runs[0].whole else tuple(runs))


def _computed(graph: Graph, inputs: Mapping[str, Piece]) -> dict[str, Piece]:
    """What a device stores, of what it reads."""
    found: list[Piece] = []
    for value in graph.values:
        operands = [found[operand] for operand in value.operands]
        if any(operand.terms for operand in operands):
            raise ProofError(f"something is computed of a sum that isn't whole: {value}")
        made = _made(value, operands, inputs)
        if tuple(span.end - span.start for span in made.box) != value.shape:
            raise ProofError(f"{made.box} of {value}")
        found.append(made)
    return {output.tensor: found[output.value] for output in graph.outputs}


def _made(value: Value, operands: Sequence[Piece], inputs: Mapping[str, Piece]) -> Piece:
    match value:
        case Input(tensor=tensor):
            if inputs[tensor].terms:
                raise ProofError(f"'{tensor}' is read, and is a part of a sum")
            return inputs[tensor]
        case Number():
            return Piece(())
        case Elementwise(function=function):
            box = _together([operand.box for operand in operands])
            if function in PLACED and not all(span.whole for span in box[-2:]):
                raise ProofError(f"'{function}' of a part of a matrix")
            return Piece(box)
        case Contraction(transposed=transposed):
            left, right = (
                (*piece.box[:-2], piece.box[-1], piece.box[-2]) if swapped else piece.box
                for piece, swapped in zip(operands, transposed, strict=True)
            )
            if left[-1] != right[-2]:
                raise ProofError(f"'@' sums over {left[-1]} of one operand and {right[-2]} of the other")
            return Piece((*_together([left[:-2], right[:-2]]), left[-2], right[-1]), _terms(left[-1]))
        case Reduction(function=function, along=along, keeps=keeps):
            box = operands[0].box
            axis = len(box) - 1 - along
            if function != "sum" and not box[axis].whole:
                raise ProofError(f"'{function}' along a part of a line")
            one = (Span(0, 1, 1),) if keeps else ()
            return Piece((*box[:axis], *one, *box[axis + 1 :]), _terms(box[axis]))
        case _:
            assert_never(value)


def _terms(span: Span) -> tuple[Span, ...]:
    """What is in a sum over some places."""
    return () if span.whole else (span,)


def _together(boxes: Sequence[tuple[Span, ...]]) -> tuple[Span, ...]:
    """The box of elements that meet: of each dimension all have the same places, but for those that have one."""
    rank = max(len(box) for box in boxes)
    found = []
    for axis in range(-rank, 0):
        spans = {box[axis] for box in boxes if len(box) >= -axis} - {Span(0, 1, 1)}
        if len(spans) > 1:
            raise ProofError(f"elements of different places meet: {spans}")
        found.append(spans.pop() if spans else Span(0, 1, 1))
    return tuple(found)


def _check_formulas(steps: Sequence[Graph | PlanCollective], formulas: Graph) -> None:
    """Programs one after another compute what the formulas say, a collective being the whole of what it exchanges."""
    numbers: dict[tuple[object, ...], int] = {}
    wanted = _numbered(formulas, {}, numbers)
    stored: dict[str, int] = {}
    for step in steps:
        if isinstance(step, PlanCollective):
            stored[step.target] = stored[step.source]
        else:
            stored |= _numbered(step, stored, numbers)
    for tensor, number in wanted.items():
        if stored.get(tensor) != number:
            raise ProofError(f"{tensor}: devices compute another formula")


def _numbered(graph: Graph, stored: Mapping[str, int], numbers: dict[tuple[object, ...], int]) -> dict[str, int]:
    """A number for what each output is, the same for what is computed alike."""
    found: list[int] = []
    for value in graph.values:
        own = [found[operand] for operand in value.operands]
        key: tuple[object, ...]
        match value:
            case Input(tensor=tensor) if tensor in stored:
                found.append(stored[tensor])
                continue
            case Input(tensor=tensor):
                key = ("input", tensor)
            case Number(number=number):
                key = ("number", number)
            case Elementwise(function=function, parameters=parameters):
                key = (function, parameters, *own)
            case Contraction(transposed=transposed):
                key = ("@", transposed, *own)
            case Reduction(function=function, along=along, keeps=keeps):
                key = (function, along, keeps, *own)
            case _:
                assert_never(value)
        found.append(numbers.setdefault(key, len(numbers)))
    return {output.tensor: found[output.value] for output in graph.outputs}
