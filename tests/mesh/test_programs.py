"""Programs of meshes: run on every device by the interpreter, proven, and proofs that fail when a plan breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ttgen
from tests.mesh import devices
from ttgen.analysis import interpreter, meshes
from ttgen.analysis.errors import ProofError
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import Array, evaluate
from ttgen.formula.values import Contraction, Elementwise, Graph, Input
from ttgen.mesh.device import device_of, stages_of
from ttgen.model.mesh import Placement, PlanCollective, PlanMesh
from ttgen.model.plan import Plan
from ttgen.spec import LoadedSpec
from ttgen.verify.meshes import cut
from ttgen.verify.programs import programs_of

SPECS = sorted(Path("specs").glob("mesh_*.yaml"))


def test_there_are_specs_for_meshes() -> None:
    loaded = [ttgen.load(path) for path in SPECS]
    found = [(item.spec.mesh.rows, item.spec.mesh.cols) for item in loaded if item.spec.mesh is not None]
    assert {(1, 2), (1, 4), (2, 4)} <= {*found}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_what_devices_compute_together_is_the_formulas_value(path: Path) -> None:
    loaded = ttgen.load(path)
    plan, graph = ttgen.plan(loaded), graph_of(loaded)
    device = device_of(loaded, graph)
    assert device.mesh is not None
    generator = np.random.default_rng(0)
    inputs = {name: generator.standard_normal(loaded.shapes[name]) for name in graph.inputs}
    there: dict[str, dict[devices.Place, Array]] = {
        name: {
            place: values[device.mesh.slices(values.shape, device.held[name].cuts, place)]
            for place in device.mesh.devices()
        }
        for name, values in inputs.items()
    }
    collectives = list(device.collectives)
    for part in cut(plan, programs_of(loaded, plan, graph)):
        for place in device.mesh.devices():
            read = {tensor.name: there[tensor.name][place] for tensor in part.plan.tensors if tensor.role == "input"}
            for name, values in interpreter.run(part.plan, read, poison=np.nan).items():
                there.setdefault(name, {})[place] = values
        for item in part.collectives:
            collective = collectives.pop(0)
            assert (collective.source, collective.target) == (item.source, item.target)
            there[item.target] = devices.exchanged(device.mesh, collective, there[item.source])
    assert not collectives
    for name, values in evaluate(graph, inputs).items():
        found = devices.whole(device.mesh, device, name, there[name])
        np.testing.assert_allclose(found, values, rtol=1e-6, atol=1e-6, err_msg=name)


Steps = list[Graph | PlanCollective]


def steps_of(loaded: LoadedSpec, plan: Plan) -> Steps:
    device = device_of(loaded, graph_of(loaded))
    dtypes = {tensor.name: tensor.dtype for tensor in plan.tensors}
    found: Steps = []
    for stage in (stage for part in stages_of(device, dtypes, {*loaded.spec.tensors}) for stage in part):
        found.append(stage.graph)
        found += [item for item in plan.collectives if item.after == stage.name]
    return found


def check(name: str, changed: Callable[[Steps], Steps], placements: dict[str, Placement] | None = None) -> None:
    """Proves a spec's plan with some of its steps changed, and with other placements."""
    loaded = ttgen.load(f"specs/{name}.yaml")
    plan = ttgen.plan(loaded)
    assert plan.mesh is not None
    tensors = {
        tensor.name: replace(tensor, mesh=(placements or {}).get(tensor.name, tensor.mesh)) for tensor in plan.tensors
    }
    meshes.check(plan.mesh, tensors, changed(steps_of(loaded, plan)), graph_of(loaded), loaded.shapes)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_plans_are_proven(path: Path) -> None:
    check(path.stem, lambda steps: steps)


def collective(**changes: Any) -> Callable[[Steps], Steps]:
    return lambda steps: [replace(step, **changes) if isinstance(step, PlanCollective) else step for step in steps]


def without_collectives(steps: Steps) -> Steps:
    """What is received is what was there."""
    renamed = {step.target: step.source for step in steps if isinstance(step, PlanCollective)}

    def graph(step: Graph) -> Graph:
        values = tuple(
            replace(value, tensor=renamed.get(value.tensor, value.tensor)) if isinstance(value, Input) else value
            for value in step.values
        )
        return replace(step, values=values)

    return [graph(step) for step in steps if isinstance(step, Graph)]


def bias_before_the_sum(steps: Steps) -> Steps:
    """The last program's values computed of the partial sum, and the sum of those."""
    first, second, exchanged, last = steps
    assert isinstance(last, Graph)
    assert isinstance(exchanged, PlanCollective)
    values = tuple(
        replace(value, tensor=exchanged.source)
        if isinstance(value, Input) and value.tensor == exchanged.target
        else value
        for value in last.values
    )
    return [first, second, replace(last, values=values), exchanged]


def another_function(steps: Steps) -> Steps:
    return [
        replace(
            step,
            values=tuple(
                replace(value, function="tanh")
                if isinstance(value, Elementwise) and value.function == "gelu"
                else value
                for value in step.values
            ),
        )
        if isinstance(step, Graph)
        else step
        for step in steps
    ]


def transposed(steps: Steps) -> Steps:
    return [
        replace(
            step,
            values=tuple(
                replace(value, operands=value.operands[::-1]) if isinstance(value, Contraction) else value
                for value in step.values
            ),
        )
        if isinstance(step, Graph)
        else step
        for step in steps
    ]


BROKEN: dict[str, tuple[str, Callable[[Steps], Steps], str]] = {
    "no collective": ("mesh_mlp", without_collectives, "is read, and is a part of a sum"),
    "the bias before the sum": ("mesh_mlp", bias_before_the_sum, "is read, and is a part of a sum"),
    "never received": (
        "mesh_mlp", lambda steps: [step for step in steps if not isinstance(step, PlanCollective)], "nothing to read",
    ),
    "summed twice": ("mesh_mlp", lambda steps: [*steps[:3], *steps[2:]], "was there before"),
    "summed too early": ("mesh_mlp", lambda steps: [steps[2], *steps[:2], *steps[3:]], "nothing to exchange"),
    "a sum gathered": ("mesh_mlp", collective(kind="all_gather", axis=1), "don't follow each other"),
    "summed over nobody": ("mesh_mlp", collective(over="rows"), "is read, and is a part of a sum"),
    "scattered": ("mesh_mlp", collective(kind="reduce_scatter", axis=1), "and its tensor holds"),
    "another function": ("mesh_mlp", another_function, "another formula"),
    "operands swapped": ("mesh_mlp", transposed, "sums over"),
    "scattered along rows": ("mesh_mlp_scattered", collective(axis=0), "and its tensor holds"),
    "not scattered": ("mesh_mlp_scattered", collective(kind="all_reduce"), "and its tensor holds"),
    "batches summed": ("mesh_mlp_batched", collective(over="rows"), "sum different elements up"),
    "parts summed": ("mesh_linear", collective(kind="all_reduce"), "sum different elements up, or whole values"),
    "gathered twice one way": ("mesh_linear", collective(over="cols"), "don't follow each other"),
    "gathered in the other order": (
        "mesh_linear",
        lambda steps: [
            steps[0], *(replace(step, over="rows" if step.over == "cols" else "cols")
                        for step in steps if isinstance(step, PlanCollective)),
        ],
        "don't follow each other",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plan_is_found(case: str) -> None:
    name, changed, message = BROKEN[case]
    with pytest.raises(ProofError, match=message):
        check(name, changed)


@pytest.mark.parametrize(
    ("name", "tensor", "placement", "message"),
    [
        ("mesh_mlp", "W2", Placement(rows=None, cols=None), "sums over"),
        ("mesh_mlp", "b1", Placement(rows=None, cols=None), "elements of different places meet"),
        ("mesh_mlp", "Y", Placement(rows=None, cols=0), "another part than the plan says"),
        ("mesh_batches", "A", Placement(rows=None, cols=None), "another part than the plan says"),
        ("mesh_mlp_batched", "X", Placement(rows=None, cols=0), "sum different elements up"),
    ],
)
def test_a_tensor_that_lies_otherwise_is_found(name: str, tensor: str, placement: Placement, message: str) -> None:
    with pytest.raises(ProofError, match=message):
        check(name, lambda steps: steps, {tensor: placement})


def test_every_plan_of_a_mesh_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise ProofError("seen")

    monkeypatch.setattr(meshes, "check", refuse)
    with pytest.raises(ProofError, match="seen"):
        ttgen.plan(ttgen.load("specs/mesh_batches.yaml"))


def test_a_sum_is_whole_before_anything_is_computed_of_it() -> None:
    """In one program, too."""

    def together(steps: Steps) -> Steps:
        first, second, _exchanged, last = steps
        assert isinstance(second, Graph)
        assert isinstance(last, Graph)
        values = list(second.values)
        own: dict[int, int] = {}
        for index, value in enumerate(last.values):
            if isinstance(value, Input) and value.tensor == "Y_sum":
                own[index] = second.outputs[0].value
                continue
            own[index] = len(values)
            if isinstance(value, Elementwise):
                value = replace(value, operands=tuple(own[operand] for operand in value.operands))
            values.append(value)
        outputs = tuple(replace(output, value=own[output.value]) for output in last.outputs)
        return [first, replace(second, values=tuple(values), outputs=outputs)]

    with pytest.raises(ProofError, match="computed of a sum that isn't whole"):
        check("mesh_mlp", together)


def test_no_term_is_counted_twice() -> None:
    """Two devices that sum the same places up."""
    mesh = PlanMesh(rows=1, cols=2)
    step = PlanCollective(kind="all_reduce", source="P", target="Y", over="cols", axis=None, after="P")
    span = meshes.Span(0, 4, 8)
    own = {(0, 0): meshes.Piece((span,), (span,)), (0, 1): meshes.Piece((span,), (span,))}
    with pytest.raises(ProofError, match="is counted twice"):
        meshes.exchanged(step, mesh, own)
