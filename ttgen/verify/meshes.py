"""Verifies the programs of a mesh: each device's in the emulator, what devices exchange in NumPy.

A plan is cut where devices exchange something: each part is a host program of its own, which reads what earlier parts
stored as if it were an input. It runs once for every set of inputs that devices have, as those of devices that have the
same are one run. What programs store is judged by what they really read; whole outputs are put together of all devices
and judged by the formulas' value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ttgen.apis import APIS
from ttgen.dtypes import DTypeName
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import evaluate
from ttgen.formula.values import Graph
from ttgen.model.mesh import PlanCollective
from ttgen.model.plan import Plan, Program, TensorRole
from ttgen.records import dataclass
from ttgen.rendering.artifacts import artifacts, folder_artifacts
from ttgen.spec import LoadedSpec
from ttgen.verify.bounded import Bounded, exact
from ttgen.verify.check import OutputCheck, check_counters, check_memory, compare, deeper_than_needed
from ttgen.verify.collectives import bounds, exchanged
from ttgen.verify.inputs import Inputs, Kind, draw, is_poisoned
from ttgen.verify.programs import Checked, programs_of, whole_of
from ttgen.verify.run import Counters, Finding, Outcome, emulate
from ttgen.verify.tolerance import expected, made_by
from ttgen.verify.toolchain import Builder, Built
from ttgen.verify.verdicts import Verdict, most_relative, note, tells_more, wrong
from ttgen.verify.wholes import Array, Place, cuts_of, mesh_of, parts_of, whole_tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Programs between which devices exchange nothing.

    Attributes:
        plan: of them alone.
        programs: what each is held against.
        collectives: what devices then exchange.
    """

    plan: Plan
    programs: tuple[Checked, ...]
    collectives: tuple[PlanCollective, ...]


def cut(plan: Plan, programs: Sequence[Checked]) -> tuple[Part, ...]:
    """A plan for a mesh, cut where devices exchange something."""
    found: list[Part] = []
    own: list[tuple[Program, Checked]] = []
    for program, checked in zip(plan.programs, programs, strict=True):
        own.append((program, checked))
        collectives = tuple(item for item in plan.collectives if item.after == program.name)
        if collectives or program is plan.programs[-1]:
            graphs = [item.graph for _program, item in own]
            cut = _part(plan, [item for item, _checked in own], graphs)
            found.append(Part(plan=cut, programs=tuple(item for _program, item in own), collectives=collectives))
            own = []
    return tuple(found)


def _part(plan: Plan, programs: Sequence[Program], graphs: Sequence[Graph]) -> Plan:
    """The plan of some programs: what they read of others is an input, and all that they store an output."""
    made = {output.tensor for graph in graphs for output in graph.outputs}
    read = {name for graph in graphs for name in graph.inputs} - made
    names = {program.name for program in programs}
    roles: tuple[tuple[TensorRole, set[str]], ...] = (("input", read), ("output", made))
    tensors = [
        replace(tensor, role=role, mesh=None, uses=tuple(use for use in tensor.uses if use.program in names))
        for role, some in roles
        for tensor in plan.tensors
        if tensor.name in some
    ]
    return replace(
        plan,
        mesh=None,
        tensors=tuple(tensors),
        io_order=tuple(tensor.name for tensor in tensors),
        programs=tuple(programs),
        collectives=(),
        files=(*(kernel.file for item in programs for kernel in item.kernels), *APIS[plan.api].program_files),
    )


def verify_mesh(loaded: LoadedSpec, plan: Plan, builder: Builder, *, seed: int, orders: int, jobs: int) -> Verdict:
    """Renders, compiles, runs on every device of the mesh and compares, as `verify` does for one.

    Args:
        loaded: the spec.
        plan: its plan, for a mesh.
        builder: compiles.
        seed: of the inputs, and of the orders after the first.
        orders: how many.
        jobs: compilers at a time for kernels.

    Raises:
        ToolchainError: a host program doesn't compile.
    """
    begin = time.monotonic()
    graph = graph_of(loaded)
    parts = cut(plan, programs_of(loaded, plan, graph))
    built = [builder.program((*artifacts(part.plan), *folder_artifacts())) for part in parts]
    session = _Session(loaded, plan, graph, parts)
    schedule: list[tuple[Kind, int]] = [("normal", seed * orders + order) for order in range(orders)]
    schedule.append(("hard", schedule[-1][1]))
    for kind, order in schedule:
        inputs = session.inputs(kind, seed)
        if inputs is None:
            session.notes["no hard inputs: the formula bears no large number"] = None
            continue
        session.run(kind, order, inputs, built, builder, jobs)
        if session.findings:
            break
    return session.verdict(time.monotonic() - begin)


def verify_mesh_elsewhere(
    loaded: LoadedSpec,
    plan: Plan,
    execute: Callable[[Sequence[Mapping[Place, Inputs]]], Iterable[Mapping[Place, Outcome]]],
    *,
    seed: int = 0,
    given: Inputs | None = None,
) -> Verdict:
    """The same comparison for programs and collectives that run elsewhere, on cards.

    Args:
        loaded: the spec.
        plan: its plan, for a mesh.
        execute: runs all on some sets of what devices have of inputs; what came of each device, with all that its
            programs stored and that it got of others, and no more after a fault.
        seed: of the inputs that are drawn: normal ones, and then hard ones.
        given: whole inputs that aren't drawn, rounded to their dtypes; with any, there are no hard ones.
    """
    begin = time.monotonic()
    graph = graph_of(loaded)
    session = _Session(loaded, plan, graph, cut(plan, programs_of(loaded, plan, graph)), given or {})
    kinds: tuple[Kind, ...] = ("normal",) if given else ("normal", "hard")
    sets = {kind: inputs for kind in kinds if (inputs := session.inputs(kind, seed)) is not None}
    uploaded = [session.uploaded(inputs) for inputs in sets.values()]
    for (kind, inputs), outcomes in zip(sets.items(), execute(uploaded), strict=False):
        session.take(kind, inputs, outcomes)
        if session.findings:
            break
    return session.verdict(time.monotonic() - begin)


@dataclass(slots=True)
class _Device:
    """What a device has in a run.

    Attributes:
        there: every tensor, as it was uploaded, stored or received.
        known: what it should be, by the formulas.
    """

    there: dict[str, Array]
    known: dict[str, Bounded]


class _Session:
    """The runs of one spec, and what they have shown so far."""

    def __init__(
        self,
        loaded: LoadedSpec,
        plan: Plan,
        graph: Graph,
        parts: tuple[Part, ...],
        fixed: Inputs = MappingProxyType({}),
    ) -> None:
        self.loaded = loaded
        self.fixed = fixed
        self.plan = plan
        self.graph = graph
        self.parts = parts
        self.mesh = mesh_of(plan)
        self.cuts = {tensor.name: cuts_of(tensor) for tensor in plan.tensors}
        self.whole = replace(plan, programs=(), tensors=tuple(whole_tensor(plan, item.name) for item in plan.tensors))
        self.findings: list[Finding] = []
        self.notes: dict[str, None] = {}
        self.worst: dict[tuple[str, str], OutputCheck] = {}
        self.counters: list[tuple[Counters, ...]] = []
        self.runs = 0
        self._drawn: dict[Kind, Inputs | None] = {}
        self._known: dict[Kind, Mapping[Place, dict[str, Bounded]]] = {}

    def inputs(self, kind: Kind, seed: int) -> Inputs | None:
        """Whole inputs of a kind, drawn once; None where the formula bears none."""
        if kind not in self._drawn:
            programs = [program for part in self.parts for program in part.programs]
            whole = whole_of(self.plan, programs)
            drawn = draw(self.whole, self.graph, whole, seed=seed, kind=kind, given=self.fixed)
            self._drawn[kind] = drawn[0] if drawn else None
        return self._drawn[kind]

    def run(self, kind: Kind, order: int, inputs: Inputs, built: Sequence[Built], builder: Builder, jobs: int) -> None:
        """Runs all devices on inputs, and judges what they store."""
        devices = self._devices(kind, inputs)
        counted: list[Counters] = []
        self.runs += 1
        for part, program in zip(self.parts, built, strict=True):
            seen: dict[tuple[bytes, ...], Mapping[str, Array]] = {}
            for place, device in devices.items():
                read = {item.name: device.there[item.name] for item in part.plan.tensors if item.role == "input"}
                key = tuple(values.tobytes() for values in read.values())
                if key not in seen:
                    outcome = emulate(
                        part.plan, program, read, builder, order=order, jobs=jobs, poison=is_poisoned(kind, order)
                    )
                    counted += outcome.counters if not seen else ()
                    self._take(kind, order, part, place, read, outcome)
                    if self.findings:
                        return
                    seen[key] = outcome.stored
                device.there.update(seen[key])
            for item in part.collectives:
                values = {place: device.there[item.source] for place, device in devices.items()}
                received = exchanged(item, self.mesh, values, self.plan.tensor(item.target).dtype)
                for place, device in devices.items():
                    device.there[item.target] = received[place]
        self.counters.append(tuple(counted))
        for output in self.graph.outputs:
            self._judge(kind, order, output.tensor, inputs, devices)

    def take(self, kind: Kind, inputs: Inputs, outcomes: Mapping[Place, Outcome]) -> None:
        """Judges what devices stored, and got of each other, elsewhere."""
        devices = self._devices(kind, inputs)
        self.runs += 1
        for place, outcome in outcomes.items():
            self._found(kind, 0, outcome.findings, "")
            devices[place].there.update(outcome.stored)
        if self.findings:
            return
        for part in self.parts:
            made = {output.tensor for program in part.programs for output in program.graph.outputs}
            for place, device in devices.items():
                read = {item.name: device.there[item.name] for item in part.plan.tensors if item.role == "input"}
                stored = Outcome(stored={name: device.there[name] for name in made})
                self._take(kind, 0, part, place, read, stored)
            for item in part.collectives:
                self._exchanged(kind, item, devices)
        for output in self.graph.outputs:
            self._judge(kind, 0, output.tensor, inputs, devices)

    def _exchanged(self, kind: Kind, item: PlanCollective, devices: Mapping[Place, _Device]) -> None:
        """Judges what devices got of each other, from what they had."""
        values = {place: exact(device.there[item.source]) for place, device in devices.items()}
        dtype = self.plan.tensor(item.target).dtype
        for place, right in bounds(item, self.mesh, values, dtype).items():
            got = devices[place].there[item.target]
            checked = compare(self.plan, item.target, got, right, kind, item.kind)
            self._found(kind, 0, self._noted(checked, dtype), _on(place))

    def _devices(self, kind: Kind, inputs: Inputs) -> dict[Place, _Device]:
        """The devices with what they have of inputs."""
        bounded = self._bounds(kind, inputs)
        return {place: _Device(there, dict(bounded[place])) for place, there in self.uploaded(inputs).items()}

    def uploaded(self, inputs: Inputs) -> dict[Place, dict[str, Array]]:
        """What devices have of whole inputs."""
        found: dict[Place, dict[str, Array]] = {place: {} for place in self.mesh.devices()}
        for name, values in inputs.items():
            for place, part in parts_of(self.plan, name, values).items():
                found[place][name] = part
        return found

    def _bounds(self, kind: Kind, inputs: Inputs) -> Mapping[Place, dict[str, Bounded]]:
        """What every tensor of every device should be, from the inputs; found once a kind."""
        if kind not in self._known:
            known = {
                place: {name: exact(values) for name, values in there.items()}
                for place, there in self.uploaded(inputs).items()
            }
            for part in self.parts:
                for program in part.programs:
                    for own in known.values():
                        made = made_by(program, {name: own[name] for name in program.graph.inputs})
                        own.update({name: self._of_shape(name, bounded) for name, bounded in made.items()})
                for item in part.collectives:
                    values = {place: own[item.source] for place, own in known.items()}
                    received = bounds(item, self.mesh, values, self.plan.tensor(item.target).dtype)
                    for place, own in known.items():
                        own[item.target] = received[place]
            self._known[kind] = known
        return self._known[kind]

    def _of_shape(self, name: str, bounded: Bounded) -> Bounded:
        """What is the same along an axis, for each place of it."""
        shape = self.plan.tensor(name).shape
        value, error, typical = (
            np.broadcast_to(array, shape) for array in (bounded.value, bounded.error, bounded.typical)
        )
        return Bounded(value, error, typical)

    def _take(self, kind: Kind, order: int, part: Part, place: Place, read: Inputs, outcome: Outcome) -> None:
        """Judges the run of a part on a device: what each program stored, from what it read."""
        findings = list(outcome.findings)
        if not outcome.findings:
            findings.extend(check_memory(part.plan, outcome))
            if outcome.counters:
                findings.extend(check_counters(part.plan, outcome.counters))
        there = {**read, **outcome.stored}
        for program in part.programs:
            if not all(name in there for name in program.graph.inputs):
                continue
            right = expected(program.graph, [program], {name: there[name] for name in program.graph.inputs})
            for name, bounded in right.items():
                if name in outcome.stored:
                    most = most_relative(program)
                    checked = compare(part.plan, name, outcome.stored[name], bounded, kind, program.name, most)
                    findings += self._noted(checked, part.plan.tensor(name).dtype)
        self._found(kind, order, findings, _on(place))

    def _judge(self, kind: Kind, order: int, name: str, inputs: Inputs, devices: Mapping[Place, _Device]) -> None:
        """Judges a whole output, put together of what all devices have of it."""
        shape = self.whole.tensor(name).shape
        actual = np.full(shape, np.nan, dtype=np.float32)
        value, error, typical = (np.zeros(shape) for _array in range(3))
        given: set[str] = set()
        for place, device in devices.items():
            part = self.mesh.slices(shape, self.cuts[name], place)
            key = str(part)
            if key in given and actual[part].tobytes() != device.there[name].tobytes():
                text = (
                    f"{name}: device in row {place[0]}, column {place[1]} of the mesh has other numbers than the others"
                )
                self._found(kind, order, [Finding(name="wrong-numbers", message=f"{text} of its part")], "")
                return
            given.add(key)
            actual[part] = device.there[name]
            known = device.known[name]
            value[part], error[part], typical[part] = known.value, known.error, known.typical
        right = evaluate(self.graph, inputs)[name]
        bounded = Bounded(np.where(np.isinf(value), value, right), error, typical)
        checked = compare(self.whole, name, actual, bounded, kind)
        self._found(kind, order, self._noted(checked, self.whole.tensor(name).dtype), "")

    def _noted(self, checked: OutputCheck, dtype: DTypeName) -> Iterator[Finding]:
        """What is wrong of an output; keeps the worst."""
        place = checked.tensor, checked.stage
        if place not in self.worst or tells_more(checked, self.worst[place]):
            self.worst[place] = checked
        if noted := note(checked, by_stages=not checked.stage):
            self.notes[noted] = None
        if not checked.passed:
            yield wrong(checked, dtype)

    def _found(self, kind: Kind, order: int, findings: Sequence[Finding] | Iterator[Finding], where: str) -> None:
        self.findings.extend(
            replace(finding, inputs=kind, order=order, message=f"{finding.message}{where}") for finding in findings
        )

    def verdict(self, seconds: float) -> Verdict:
        """What came of all runs; programs by themselves are judged."""
        return Verdict(
            kernel=self.plan.kernel,
            spec=self.loaded.file_name,
            outputs=tuple(self.worst.values()),
            judged=all(checked.judged for checked in self.worst.values() if checked.stage),
            counters=self.counters[0] if self.counters else (),
            findings=tuple(self.findings),
            notes=(*self.notes, *deeper_than_needed(self.plan, self.counters)),
            runs=self.runs,
            seconds=seconds,
        )


def _on(place: Place) -> str:
    return f" (device in row {place[0]}, column {place[1]} of the mesh)"
