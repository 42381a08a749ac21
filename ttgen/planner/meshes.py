"""What a plan says of a mesh: how each tensor lies on it, what devices exchange, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ttgen.analysis import meshes as proof
from ttgen.formula.values import Graph, Input, Number
from ttgen.mesh.device import Device
from ttgen.mesh.placement import SIDES, WHOLE, said
from ttgen.mesh.rules import Held, made_of
from ttgen.model.mesh import Placement, PlanCollective, PlanMesh
from ttgen.model.plan import Decision, Tensor
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import LoadedSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Meshed:
    """What a plan says of its mesh; nothing of a spec that has none.

    Attributes:
        mesh: the devices.
        collectives: what they exchange.
        held: what they have of each tensor.
    """

    mesh: PlanMesh | None
    collectives: tuple[PlanCollective, ...]
    held: Mapping[str, Held]

    def placed(self, tensor: Tensor) -> Tensor:
        """A tensor with how it lies on the mesh."""
        if self.mesh is None:
            return tensor
        held = self.held[tensor.name]
        sides: list[int | Literal["partial"] | None] = [
            "partial" if partial else None if dim is None else len(tensor.shape) - 1 - dim
            for dim, partial in zip(held.cuts, held.partial, strict=True)
        ]
        return replace(tensor, mesh=Placement(rows=sides[0], cols=sides[1]))


def meshed(device: Device, stages: Sequence[Stage]) -> Meshed:
    """The mesh of a plan whose programs compute some stages."""
    if device.mesh is None:
        return Meshed(mesh=None, collectives=(), held={})
    makers = {output.tensor: place for place, stage in enumerate(stages) for output in stage.graph.outputs}
    found, last = [], 0
    for item in device.collectives:
        last = max(last, makers.get(item.source, last))
        rank = len(device.shapes[item.source])
        found.append(
            PlanCollective(
                kind=item.kind, source=item.source, target=item.target, over="rows" if item.side == 0 else "cols",
                axis=None if item.along is None else rank - 1 - item.along, after=stages[last].name,
            )
        )  # fmt: skip
    rows, cols = device.mesh.counts
    return Meshed(mesh=PlanMesh(rows=rows, cols=cols), collectives=tuple(found), held=_held(device, stages))


def _held(device: Device, stages: Sequence[Stage]) -> dict[str, Held]:
    """What devices have of every tensor, those between the programs of a part included."""
    known = dict(device.held)
    for stage in stages:
        found: list[Held] = []
        for value in stage.graph.values:
            if isinstance(value, Input):
                found.append(replace(known[value.tensor], shape=value.shape))
            elif isinstance(value, Number):
                found.append(Held((), WHOLE))
            else:
                made = made_of(value, [found[operand] for operand in value.operands])
                assert made is not None, "it fitted together when it was spread"
                found.append(made)
        for output in stage.graph.outputs:
            known.setdefault(output.tensor, found[output.value])
    return known


def prove(
    made: Meshed, stages: Sequence[Stage], tensors: Mapping[str, Tensor], graph: Graph, loaded: LoadedSpec
) -> None:
    """Proves what devices do, if there is a mesh.

    Raises:
        ProofError: something is wrong with the plan.
    """
    if made.mesh is None:
        return
    steps: list[Graph | PlanCollective] = []
    for stage in stages:
        steps.append(stage.graph)
        steps += [item for item in made.collectives if item.after == stage.name]
    proof.check(made.mesh, tensors, steps, graph, loaded.shapes)


def decisions(device: Device, made: Meshed) -> Iterator[Decision]:
    """What is decided of a mesh: what devices exchange, and why."""
    if device.mesh is None or made.mesh is None:
        return
    value = f"{made.mesh.rows} rows x {made.mesh.cols} cols"
    yield Decision(name="mesh", value=value, origin="spec", because="each device runs the same programs on its part")
    for item in made.collectives:
        held, got = made.held[item.source], made.held[item.target]
        rank, side = len(held.shape), SIDES.index(item.over)
        before, after = (said(one.cuts, rank, device.mesh) for one in (held, got))
        devices = f"the {device.mesh.counts[side]} devices of each {'column' if side == 0 else 'row'}"
        if item.kind == "all_gather":
            because = f"{devices} have parts ({before}), and what comes next reads more of it ({after})"
        else:
            because = f"{devices} have sums over their parts of what is summed up; all that comes next is of the sum"
            if item.kind == "reduce_scatter":
                because += f", of which outputs keep a part ({after})"
        yield Decision(name=item.kind, value=f"{item.source} to {item.target}", origin="rule", because=because)
