"""The stages of a spec: what each computes, its tensors and its schedule, and where in the document they are said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from ttgen.dtypes import DTypeName
from ttgen.errors import Path, Problem, SpecError, listing, suggest
from ttgen.formula.values import Graph, Input, Shape
from ttgen.mesh.device import Device
from ttgen.mesh.device import stages_of as stages_of_device
from ttgen.model.plan import TensorRole
from ttgen.names import tensor_problem
from ttgen.records import dataclass
from ttgen.spec import Auto, Block, Layout, LoadedSpec, Schedule, in_dram

_CHOICES: Final = ("policy", "order", "cores", "block", "multicast", "prefetch", "split", "buffers")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """A tensor in device memory, declared or between stages, and where it is said how it lies there."""

    name: str
    role: TensorRole
    shape: Shape
    dtype: DTypeName
    layout: Layout
    path: Path

    @property
    def in_dram(self) -> bool:
        """Whether its pages lie in DRAM, and not in the L1 of cores."""
        return in_dram(self.layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What one program computes, and what was said of it.

    Attributes:
        name: of the first value that it stores.
        graph: its values.
        tensors: those that it reads and writes, by name.
        schedule: its own, or the spec's.
        path: where that stands.
        given: the paths of all that the document says.
        alone: whether it is the only one of its spec.
        unnamed: what it stores that no formula gives a name.
    """

    name: str
    graph: Graph
    tensors: Mapping[str, StoredTensor]
    schedule: Schedule | Auto
    path: Path
    given: Mapping[Path, object] = field(repr=False)
    alone: bool
    unnamed: tuple[str, ...] = ()

    @property
    def left_open(self) -> tuple[str, ...]:
        """The choices that the spec leaves to the planner."""
        said = self.schedule
        if not isinstance(said, Schedule):
            return _CHOICES
        sides = (said.block.m, said.block.n, said.block.k) if isinstance(said.block, Block) else ()
        return tuple(
            name for name in _CHOICES if getattr(said, name) == "auto" or (name == "block" and "auto" in sides)
        )

    @property
    def shares_schedule(self) -> bool:
        """Whether its schedule is that of several stages."""
        return not self.alone and self.path == ("schedule",)

    def gives(self, *path: str) -> bool:
        """Whether the user wrote this value of the schedule, as opposed to a default."""
        return (*self.path, *path) in self.given

    def with_layout(self, tensor: str, layout: Layout) -> Stage:
        """The stage with another layout of a tensor."""
        return replace(self, tensors={**self.tensors, tensor: replace(self.tensors[tensor], layout=layout)})


def stages_of(loaded: LoadedSpec, graph: Graph, device: Device) -> tuple[Stage, ...]:
    """The stages of a spec, in the order that they run in on every device.

    Raises:
        SpecError: `stages` names what isn't one, or says what is said elsewhere.
    """
    spec = loaded.spec
    dtypes = {name: tensor.dtype for name, tensor in spec.tensors.items()}
    dtypes |= {name: stage.dtype for name, stage in spec.stages.items() if stage.dtype is not None}
    parts = stages_of_device(device, dtypes, taken={*spec.tensors, *spec.dims})
    found = [stage for part in parts for stage in part]
    tensors = {tensor.name: tensor for tensor in _tensors(loaded, graph, device, [stage.graph for stage in found])}
    problems = [*_problems(loaded, graph, device, {stage.name: stage.graph for stage in found})]
    if problems:
        raise SpecError(problems)
    made = []
    for stage in found:
        names = [*stage.graph.inputs, *(output.tensor for output in stage.graph.outputs)]
        said = [name for name in names if name in spec.stages and spec.stages[name].schedule is not None]
        own = next((name for name in said if name not in stage.graph.inputs), None)
        schedule = spec.stages[own].schedule if own else spec.schedule
        made.append(
            Stage(
                name=stage.name,
                graph=stage.graph,
                tensors={name: tensors[name] for name in names},
                schedule=spec.schedule if schedule is None else schedule,
                path=("stages", own, "schedule") if own else ("schedule",),
                given=loaded.source.places,
                alone=len(found) == 1,
                unnamed=stage.unnamed,
            )
        )
    return tuple(made)


def exchanged(loaded: LoadedSpec, device: Device) -> tuple[StoredTensor, ...]:
    """What devices exchange, as each has it."""
    spec, found = loaded.spec, {}
    for collective in device.collectives:
        for name in (collective.source, collective.target):
            said = spec.tensors.get(name) or spec.stages.get(name)
            found[name] = StoredTensor(
                name=name,
                role="output" if name in spec.tensors else "scratch",
                shape=device.shapes[name],
                dtype=device.dtypes[name],
                layout=said.layout if said else "dram_interleaved",
                path=("tensors" if name in spec.tensors else "stages", name) if said else ("compute",),
            )
    return tuple(found.values())


def stored_tensors(stages: Sequence[Stage], others: Sequence[StoredTensor] = ()) -> tuple[StoredTensor, ...]:
    """All tensors of a spec: inputs, outputs, and what lies between stages; `others` beside those of stages."""
    found = {name: tensor for stage in stages for name, tensor in stage.tensors.items()}
    found |= {tensor.name: tensor for tensor in others if tensor.name not in found}
    roles: tuple[TensorRole, ...] = ("input", "output", "scratch")
    return tuple(tensor for role in roles for tensor in found.values() if tensor.role == role)


def _tensors(loaded: LoadedSpec, graph: Graph, device: Device, stages: Sequence[Graph]) -> Iterator[StoredTensor]:
    """All tensors: inputs in the order of their use, outputs, and what lies between stages."""
    spec = loaded.spec
    declared: list[tuple[str, TensorRole]] = [(name, "input") for name in graph.inputs]
    declared += [(output.tensor, "output") for output in graph.outputs]
    for name, role in declared:
        tensor = spec.tensors[name]
        yield StoredTensor(
            name=name, role=role, shape=device.shapes[name], dtype=tensor.dtype, layout=tensor.layout,
            path=("tensors", name),
        )  # fmt: skip
    between = {tensor.name: tensor for tensor in exchanged(loaded, device) if tensor.name not in spec.tensors}
    yield from between.values()
    read = {value.tensor: value.dtype for stage in stages for value in stage.values if isinstance(value, Input)}
    for stage in stages:
        for output in stage.outputs:
            if output.tensor not in spec.tensors and output.tensor not in between:
                said = spec.stages.get(output.tensor)
                yield StoredTensor(
                    name=output.tensor,
                    role="scratch",
                    shape=stage.values[output.value].shape,
                    dtype=read[output.tensor],
                    layout=said.layout if said else "dram_interleaved",
                    path=("stages", output.tensor) if said else spec.formula_path(stage.values[output.value].span[0]),
                )


def _problems(loaded: LoadedSpec, graph: Graph, device: Device, stages: Mapping[str, Graph]) -> Iterator[Problem]:
    """What `stages` says of no stage, or of a tensor that is declared, or twice."""
    spec = loaded.spec
    stored = {output.tensor: name for name, stage in stages.items() for output in stage.outputs}
    received = {item.target for item in device.collectives}
    stored |= {name: name for name in received}
    assigned = {output.tensor for output in graph.assigned}
    scheduled: dict[str, str] = {}
    places = {
        output.tensor: stage.values[output.value].span[0] for stage in stages.values() for output in stage.outputs
    }
    for name in stored:
        if (message := tensor_problem(name)) and name not in spec.tensors:
            text = f"'{name}' is stored between programs, and as the name of a tensor it {message}"
            yield Problem(message=text, path=spec.formula_path(places.get(name, 0)))
    for name, said in spec.stages.items():
        path = ("stages", name)
        if len(stages) == 1 and not received:
            text = "one program computes this formula, there are no stages: say it under 'schedule' and 'tensors'"
            yield Problem(message=text, path=path, at_key=True)
        elif name not in stored and name in assigned:
            text = f"'{name}' stays on the chip, no stage ends with it: stages end with {listing(stored)}"
            yield Problem(message=text, path=path, at_key=True)
        elif name not in stored:
            text = f"no formula assigns '{name}'{suggest(name, stored) or f': stages end with {listing(stored)}'}"
            yield Problem(message=text, path=path, at_key=True)
        elif name in spec.tensors:
            for key in ("dtype", "layout"):
                if loaded.gives(*path, key):
                    text = f"'{name}' is declared: its {key} is said under 'tensors'"
                    yield Problem(message=text, path=(*path, key), at_key=True)
        if name in received and said.schedule is not None:
            text = f"'{name}' is what devices get of each other: no program makes it, which a schedule could be of"
            yield Problem(message=text, path=(*path, "schedule"), at_key=True)
        elif name in stored and said.schedule is not None:
            other = scheduled.setdefault(stored[name], name)
            if other != name:
                text = f"'{name}' is made by the stage of '{other}', which has a schedule"
                yield Problem(message=text, path=(*path, "schedule"), at_key=True)
        if name in stored and not any(loaded.gives(*path, key) for key in ("dtype", "layout", "schedule")):
            text = f"nothing is said of '{name}': a stage has 'dtype', 'layout' and 'schedule'"
            yield Problem(message=text, path=path, at_key=True)
