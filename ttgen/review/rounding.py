"""Whether two revisions round alike, and how far off each may be.

They do where they apply the same operations to the same numbers in the same order, in the model that `ttgen verify`
judges by: the compute kernels' operations, the width of DST, fidelity, and how tensors are stored. How units are cut,
dealt to cores and shared among them is of no interest here.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ttgen.dtypes import DTypeName
from ttgen.formula.values import Graph
from ttgen.operations import OPERATIONS
from ttgen.review.formulas import Known
from ttgen.review.model import Bound
from ttgen.review.sampling import Shapes, cut_shapes
from ttgen.review.side import Side
from ttgen.verify.bounded import exact
from ttgen.verify.flow import Step
from ttgen.verify.inputs import draw
from ttgen.verify.programs import Checked, programs_of, whole_of
from ttgen.verify.tolerance import made_by, stored_error

_ALIKE: Final = frozenset({"add", "maximum", "minimum"})
"""Functions that round alike whichever operand comes first; products of the vector unit do, too."""


def steps(side: Side, known: Known) -> Mapping[str, int]:
    """A number for each output, the same for what is computed by the same steps; `known` is shared."""
    assert side.plan is not None, "statements are known"
    stored: dict[str, int] = {}
    for program in whole_of(side.plan, programs_of(side.loaded, side.plan, side.graph)):
        found: list[int] = []
        for step in program.flow.steps:
            key: Hashable = _key(step, found, program, stored)
            found.append(known.setdefault(key, len(known)))
        for tensor, index in program.flow.outputs.items():
            key = ("stored", found[index], program.precision.dtypes[tensor], program.precision.engine.wide)
            stored[tensor] = known.setdefault(key, len(known))
        for item in program.exchanged:
            key = ("exchanged", stored[item.source], item.additions)
            stored[item.target] = known.setdefault(key, len(known)) if item.additions else stored[item.source]
    declared = {output.tensor for output in side.graph.outputs}
    return {tensor: number for tensor, number in stored.items() if tensor in declared}


def _key(step: Step, found: Sequence[int], program: Checked, stored: Mapping[str, int]) -> Hashable:
    """All that the rounding of a step depends on."""
    precision = program.precision
    operands = [found[operand] for operand in step.operands]
    if step.tensor:
        return ("read", stored.get(step.tensor, step.tensor), precision.dtypes[step.tensor])
    if step.op not in OPERATIONS:
        return (step.op, *operands)
    operation = OPERATIONS[step.op]
    formats = step.formats
    commutes = operation.function in _ALIKE or (operation.function == "mul" and operation.engine == "sfpu")
    if commutes and len(operands) == 2:
        pairs = sorted(zip(operands, formats, strict=True)) if len(formats) == 2 else None
        operands = sorted(operands)
        formats = formats if pairs is None else tuple(held for _operand, held in pairs)
    engine = precision.engine
    # The width of DST is that of all steps, and part of what is stored.
    settings: list[Hashable] = []
    if operation.engine == "sfpu":
        settings.append(precision.approximate)
    elif operation.contracts or operation.function == "mul":
        settings.append(engine.phases)
    if operation.contracts:
        settings += [step.in_steps and engine.depth, step.parts]
    # Arguments are float32, whatever a number was computed from.
    numbers = tuple(float(np.float32(number)) for number in step.numbers)
    return (operation.function, operation.engine, *operands, numbers, formats, *settings)


def compare(old: Side, new: Side) -> tuple[Bound, ...]:
    """The error bound of each output that both have, on one draw of ordinary inputs.

    Numbers are those of the caller: where a tensor is stored otherwise now, what storing makes of them counts, in both.
    """
    stored = [{tensor["name"]: tensor["dtype"] for tensor in side.document["tensors"]} for side in (old, new)]
    differ = {name for name in stored[0].keys() & stored[1].keys() if stored[0][name] != stored[1][name]}
    graphs = [side.graph for side in (old, new)]
    alike = all(old.loaded.shapes.get(name) == new.loaded.shapes.get(name) for graph in graphs for name in graph.inputs)
    samples = [cut_shapes(graphs if alike else [graph]) for graph in graphs]
    sums = min((sample.sums for sample in samples if sample.sums is not None), default=None)
    before, after = (
        _bounds(side, graph, sample.shapes, differ)
        for side, graph, sample in zip((old, new), graphs, samples, strict=True)
    )
    found = (Bound(tensor=name, old=before[name], new=after[name], sums=sums) for name in before if name in after)
    return tuple(bound for bound in found if bound.old is not None or bound.new is not None)


def _bounds(side: Side, graph: Graph, shapes: Shapes, differ: set[str]) -> dict[str, float | None]:
    """The largest error of each output that can be bounded, as a part of the output's root mean square."""
    if side.plan is None:
        return dict.fromkeys((output.tensor for output in graph.outputs), None)
    tensors = (replace(tensor, shape=shapes.get(tensor.name, tensor.shape)) for tensor in side.plan.tensors)
    cut = replace(side.plan, tensors=tuple(tensors))
    programs = whole_of(side.plan, programs_of(side.loaded, side.plan, graph))
    drawn = draw(cut, graph, programs, seed=0, kind="normal")
    assert drawn is not None, "ordinary numbers can always be drawn"
    known = {}
    for name, array in drawn[0].items():
        held = exact(array)
        if name in differ:
            dtype: DTypeName = side.plan.tensor(name).dtype
            lost = stored_error(held.value, dtype)
            held = replace(held, error=lost, typical=lost)
        known[name] = held
    for program in programs:
        known |= made_by(program, known)
    found: dict[str, float | None] = {}
    for output in graph.outputs:
        value, error = np.broadcast_arrays(known[output.tensor].value, known[output.tensor].error)
        judged = np.isfinite(value) & np.isfinite(error)
        size = float(np.sqrt(np.mean(np.square(value[judged])))) if judged.any() else 0.0
        found[output.tensor] = float(np.max(error[judged])) / size if size else None
    return found
