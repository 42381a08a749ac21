"""Verifies one spec's program: inputs of both kinds, several orders, everything that a run has to show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ttgen.errors import VerifyError
from ttgen.formula.infer import graph_of
from ttgen.model.artifact import Artifact
from ttgen.model.plan import Plan
from ttgen.rendering.artifacts import artifacts, folder_artifacts
from ttgen.spec import LoadedSpec
from ttgen.verify.bounded import Bounded
from ttgen.verify.check import OutputCheck, check_counters, check_memory, compare, deeper_than_needed
from ttgen.verify.inputs import Inputs, Kind, draw, is_poisoned
from ttgen.verify.meshes import verify_mesh
from ttgen.verify.programs import Checked, programs_of
from ttgen.verify.run import Counters, Finding, Outcome, emulate
from ttgen.verify.tolerance import expected
from ttgen.verify.toolchain import Builder
from ttgen.verify.verdicts import Verdict as Verdict
from ttgen.verify.verdicts import most_relative, note, tells_more, wrong


def verify(
    loaded: LoadedSpec,
    plan: Plan,
    builder: Builder,
    *,
    seed: int = 0,
    orders: int = 1,
    jobs: int = 1,
    files: tuple[Artifact, ...] | None = None,
) -> Verdict:
    """Renders, compiles, runs in the emulator and compares.

    Normal inputs run in every order, hard ones in the last; a run that finds something is the last.

    Args:
        loaded: the spec.
        plan: its plan.
        builder: compiles.
        seed: of the inputs, and of the orders after the first.
        orders: how many.
        jobs: compilers at a time for kernels.
        files: texts other than the rendered ones.

    Raises:
        ToolchainError: the host program doesn't compile.
    """
    begin = time.monotonic()
    if plan.mesh is not None:
        return verify_mesh(loaded, plan, builder, seed=seed, orders=orders, jobs=jobs)
    built = builder.program(files or (*artifacts(plan), *folder_artifacts()))
    schedule: list[tuple[Kind, int]] = [("normal", seed * orders + order) for order in range(orders)]
    schedule.append(("hard", schedule[-1][1]))
    session = _Session(loaded, plan)
    for kind, order in schedule:
        inputs = session.inputs(kind, seed)
        if inputs is None:
            session.notes["no hard inputs: the formula bears no large number"] = None
            continue
        poison = is_poisoned(kind, order)
        outcome = emulate(plan, built, inputs, builder, order=order, jobs=jobs, poison=poison)
        session.take(kind, order, outcome)
        if session.findings:
            break
    return session.verdict(time.monotonic() - begin)


def verify_elsewhere(
    loaded: LoadedSpec,
    plan: Plan,
    execute: Callable[[Sequence[Inputs]], Iterable[Outcome]],
    *,
    seed: int = 0,
    given: Inputs | None = None,
) -> Verdict:
    """The same comparison of outputs for programs that run elsewhere, on a card or a simulator.

    Args:
        loaded: the spec.
        plan: its plan.
        execute: runs the programs on each of some sets of inputs; what came of each, and no more after a fault.
        seed: of the inputs that are drawn: normal ones, and then hard ones.
        given: inputs that aren't drawn, rounded to their dtypes; with any, there are no hard ones.

    Raises:
        VerifyError: they are for a mesh, of which a program that runs elsewhere is one device.
    """
    if plan.mesh is not None:
        raise VerifyError(
            f"{plan.kernel} is for a mesh: what one device computes is no output; verify it in the emulator"
        )
    begin = time.monotonic()
    session = _Session(loaded, plan, given or {})
    kinds: tuple[Kind, ...] = ("normal",) if given else ("normal", "hard")
    sets = {kind: inputs for kind in kinds if (inputs := session.inputs(kind, seed)) is not None}
    for kind, outcome in zip(sets, execute(tuple(sets.values())), strict=False):
        session.take(kind, 0, outcome)
        if session.findings:
            break
    return session.verdict(time.monotonic() - begin)


class _Session:
    """The runs of one spec, and what they have shown so far."""

    def __init__(self, loaded: LoadedSpec, plan: Plan, fixed: Inputs = MappingProxyType({})) -> None:
        self.plan = plan
        self.fixed = fixed
        self.spec = loaded.file_name
        self.graph = graph_of(loaded)
        self.programs = programs_of(loaded, plan, self.graph)
        given = {tensor.name for tensor in plan.tensors if tensor.role == "input"}
        # An output of inputs alone is one program's anyway.
        self.alone = {
            output.tensor
            for program in self.programs
            for output in program.graph.outputs
            if plan.tensor(output.tensor).role == "scratch" or not given.issuperset(program.graph.inputs)
        }
        self.findings: list[Finding] = []
        self.notes: dict[str, None] = {}
        self.worst: dict[tuple[str, str], OutputCheck] = {}
        self.counters: list[tuple[Counters, ...]] = []
        self.runs = 0
        self._prepared: dict[Kind, tuple[Inputs, Mapping[str, Bounded]] | None] = {}
        self._by_stage: dict[tuple[object, ...], Mapping[str, Bounded]] = {}

    def inputs(self, kind: Kind, seed: int) -> Inputs | None:
        """Inputs of a kind, drawn once; None where the formula bears none."""
        if kind not in self._prepared:
            self._prepared[kind] = draw(self.plan, self.graph, self.programs, seed=seed, kind=kind, given=self.fixed)
        prepared = self._prepared[kind]
        return prepared[0] if prepared else None

    def take(self, kind: Kind, order: int, outcome: Outcome) -> None:
        """Judges a run."""
        self.runs += 1
        findings = list(outcome.findings)
        if not outcome.findings:
            findings.extend(check_memory(self.plan, outcome))
            # How undefined data travelled is worth knowing once it has arrived.
            if findings:
                self.notes.update({f"{note.file}:{note.line}: {note.message}": None for note in outcome.notes})
        if outcome.counters:
            self.counters.append(outcome.counters)
            if not outcome.findings:
                findings.extend(check_counters(self.plan, outcome.counters))
        for checked in self._checks(kind, outcome):
            place = checked.tensor, checked.stage
            if place not in self.worst or tells_more(checked, self.worst[place]):
                self.worst[place] = checked
            if not checked.passed:
                findings.append(wrong(checked, self.plan.tensor(checked.tensor).dtype))
            if noted := note(checked, by_stages=checked.tensor in self.alone and not checked.stage):
                self.notes[noted] = None
        self.findings.extend(replace(finding, inputs=kind, order=order) for finding in findings)

    def _checks(self, kind: Kind, outcome: Outcome) -> Iterator[OutputCheck]:
        """What programs stored: each by itself from what those before it stored, and outputs from the inputs."""
        prepared = self._prepared[kind]
        assert prepared is not None
        inputs, whole = prepared
        there = {**inputs, **outcome.stored}
        for program in self.programs:
            if all(name in there for name in program.graph.inputs):
                alone = [output.tensor for output in program.graph.outputs if output.tensor in self.alone]
                for name, bounded in self._stage(program, kind, there).items() if alone else ():
                    if name in alone and name in outcome.stored:
                        most = most_relative(program)
                        yield compare(self.plan, name, outcome.stored[name], bounded, kind, program.name, most)
        for name, bounded in whole.items():
            if name in outcome.stored:
                most = most_relative(self.programs[0]) if len(self.programs) == 1 else np.inf
                yield compare(self.plan, name, outcome.stored[name], bounded, kind, most_relative=most)

    def _stage(self, program: Checked, kind: Kind, there: Inputs) -> Mapping[str, Bounded]:
        """What a program should store, from what is there; found once as long as that is the same in every order."""
        read = {name: there[name] for name in program.graph.inputs}
        made = [values.tobytes() for name, values in read.items() if self.plan.tensor(name).role != "input"]
        key = (program.name, kind, *made)
        if key not in self._by_stage:
            self._by_stage[key] = expected(program.graph, [program], read)
        return self._by_stage[key]

    def verdict(self, seconds: float) -> Verdict:
        """What came of all runs; where bounds of all together are too wide, programs by themselves are judged."""
        return Verdict(
            kernel=self.plan.kernel,
            spec=self.spec,
            outputs=tuple(self.worst.values()),
            judged=all(
                checked.judged for checked in self.worst.values() if checked.stage or checked.tensor not in self.alone
            ),
            counters=self.counters[0] if self.counters else (),
            findings=tuple(self.findings),
            notes=(*self.notes, *deeper_than_needed(self.plan, self.counters)),
            runs=self.runs,
            seconds=seconds,
        )
