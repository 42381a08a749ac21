"""Verifies one spec's program: inputs of both kinds, several orders, everything that a run has to show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ttgen.dtypes import DTYPES, DTypeName
from ttgen.errors import counted
from ttgen.formula.infer import graph_of
from ttgen.formula.online import attention_of
from ttgen.model.artifact import Artifact
from ttgen.model.plan import Plan
from ttgen.records import dataclass
from ttgen.rendering.artifacts import artifacts, folder_artifacts
from ttgen.spec import LoadedSpec
from ttgen.verify.bounded import Bounded
from ttgen.verify.check import OutputCheck, check_counters, check_memory, compare, deeper_than_needed
from ttgen.verify.inputs import Inputs, Kind, draw
from ttgen.verify.judging import DEVIATION, RELATIVE
from ttgen.verify.run import Counters, Finding, Outcome, emulate
from ttgen.verify.tolerance import Checked, expected, programs_of
from ttgen.verify.toolchain import Builder


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one spec.

    Attributes:
        kernel: its name.
        spec: its file.
        outputs: of each output, and of what each of several programs stores, the worst of the runs with normal inputs,
            or the run that failed.
        judged: whether every run could be: bounds were narrower than the values.
        counters: of each program in the first run that ended in the emulator; none otherwise.
        findings: all that is wrong; empty if it is right.
        notes: what isn't wrong but worth knowing.
        runs: how many there were.
        seconds: that it took.
    """

    kernel: str
    spec: str
    outputs: tuple[OutputCheck, ...]
    judged: bool
    counters: tuple[Counters, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    runs: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


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
    built = builder.program(files or (*artifacts(plan), *folder_artifacts()))
    schedule: list[tuple[Kind, int]] = [("normal", seed * orders + order) for order in range(orders)]
    schedule.append(("hard", schedule[-1][1]))
    session = _Session(loaded, plan)
    for kind, order in schedule:
        inputs = session.inputs(kind, seed)
        if inputs is None:
            session.notes["no hard inputs: the formula bears no large number"] = None
            continue
        session.take(kind, order, emulate(plan, built, inputs, builder, order=order, jobs=jobs))
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
    """
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
            if place not in self.worst or _tells_more(checked, self.worst[place]):
                self.worst[place] = checked
            if not checked.passed:
                findings.append(_wrong(checked, self.plan.tensor(checked.tensor).dtype))
            if note := _note(checked, by_stages=checked.tensor in self.alone and not checked.stage):
                self.notes[note] = None
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
                        most = _most_relative(program)
                        yield compare(self.plan, name, outcome.stored[name], bounded, kind, program.name, most)
        for name, bounded in whole.items():
            if name in outcome.stored:
                most = _most_relative(self.programs[0]) if len(self.programs) == 1 else np.inf
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


def _most_relative(program: Checked) -> float:
    """How far all of an output may be off, where that says more than its bounds."""
    return RELATIVE if attention_of(program.graph) is not None else np.inf


def _tells_more(checked: OutputCheck, shown: OutputCheck) -> bool:
    """Whether a run is shown instead of another: one that failed, one that can't be judged, the worse of the normal."""
    if checked.passed != shown.passed:
        return not checked.passed
    if checked.judged != shown.judged:
        return not checked.judged
    return checked.inputs == "normal" and checked.part >= shown.part


def _wrong(checked: OutputCheck, dtype: DTypeName) -> Finding:
    of = f" of stage {checked.stage}" if checked.stage else ""
    if checked.within and checked.relative > checked.most_relative:
        return Finding(
            name="wrong-numbers",
            message=f"{checked.tensor}{of}: each element is within its bound, but not all of them together: errors are "
            f"{checked.relative:.2%} of the values (at most {checked.most_relative:.0%}, as roots of the mean square)",
        )
    if checked.within:
        return Finding(
            name="wrong-numbers",
            message=f"{checked.tensor}{of}: each element is within its bound, but not all of them together: errors are "
            f"{checked.deviation:.3g} times what rounding makes (at most {DEVIATION:g}), and the correlation is "
            f"{checked.pcc:.4f} (at least {checked.least_pcc:.4f})",
        )
    shared = f" ({dtype}: neighbours share an exponent)" if DTYPES[dtype].shares_exponents else ""
    return Finding(
        name="wrong-numbers",
        message=f"{checked.tensor}{list(checked.index)}{of}, in tile {checked.page}, is {checked.value:.6g} and should "
        f"be {checked.reference:.6g} ± {checked.allowed:.2g}{shared}",
        core=checked.core,
    )


def _note(checked: OutputCheck, *, by_stages: bool) -> str:
    """What isn't wrong but worth knowing of an output."""
    of = f" of stage {checked.stage}" if checked.stage else ""
    run = f"{checked.tensor}{of}, with {checked.inputs} inputs"
    if not checked.judged:
        return (
            f"{run}: {'judged by its stages' if by_stages else 'not judged'}: bounds ({checked.width:.2g} as root of "
            f"the mean square) are wider than the values, which spread by {checked.spread:.2g}"
        )
    if checked.overflows:
        return f"{run}: {counted(checked.overflows, 'element')} overflow: what the formula gives is infinite in float32"
    return ""
