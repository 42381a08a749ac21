"""Verifies one spec's program: inputs of both kinds, several orders, everything that a run has to show."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ttgen.dtypes import DTYPES, DTypeName
from ttgen.errors import counted
from ttgen.formula.infer import graph_of
from ttgen.model.plan import Plan
from ttgen.rendering.artifacts import Artifact, artifacts
from ttgen.spec import LoadedSpec
from ttgen.verify.check import OutputCheck, check_counters, check_memory, compare, deeper_than_needed
from ttgen.verify.flow import flow_of
from ttgen.verify.inputs import Inputs, Kind, draw
from ttgen.verify.judging import DEVIATION
from ttgen.verify.run import Counters, Finding, Outcome, emulate, execute
from ttgen.verify.tolerance import Bounded, precision_of
from ttgen.verify.toolchain import Builder


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one spec.

    Attributes:
        kernel: its name.
        spec: its file.
        outputs: of each output the worst of the runs with normal inputs, or the run that failed.
        judged: whether every run could be: bounds were narrower than the values.
        counters: of the first run that ended in the emulator; None for none.
        findings: all that is wrong; empty if it is right.
        notes: what isn't wrong but worth knowing.
        runs: how many there were.
        seconds: that it took.
    """

    kernel: str
    spec: str
    outputs: tuple[OutputCheck, ...]
    judged: bool
    counters: Counters | None
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
    built = builder.program(files or artifacts(plan))
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


def verify_executable(loaded: LoadedSpec, plan: Plan, command: str, *, seed: int = 0) -> Verdict:
    """The same comparison of outputs for a host program that was built elsewhere, on a card or a simulator.

    Raises:
        VerifyError: there is no such program.
    """
    begin = time.monotonic()
    session = _Session(loaded, plan)
    kinds: tuple[Kind, ...] = ("normal", "hard")
    for kind in kinds:
        inputs = session.inputs(kind, seed)
        if inputs is not None:
            session.take(kind, 0, execute(plan, command, inputs))
        if session.findings:
            break
    return session.verdict(time.monotonic() - begin)


class _Session:
    """The runs of one spec, and what they have shown so far."""

    def __init__(self, loaded: LoadedSpec, plan: Plan) -> None:
        self.plan = plan
        self.spec = loaded.file_name
        self.graph = graph_of(loaded)
        self.flow = flow_of(plan)
        self.precision = precision_of(plan)
        self.findings: list[Finding] = []
        self.notes: dict[str, None] = {}
        self.worst: dict[str, OutputCheck] = {}
        self.counters: list[Counters] = []
        self.runs = 0
        self._prepared: dict[Kind, tuple[Inputs, Mapping[str, Bounded]] | None] = {}

    def inputs(self, kind: Kind, seed: int) -> Inputs | None:
        """Inputs of a kind, drawn once; None where the formula bears none."""
        if kind not in self._prepared:
            self._prepared[kind] = draw(self.plan, self.graph, self.flow, self.precision, seed=seed, kind=kind)
        prepared = self._prepared[kind]
        return prepared[0] if prepared else None

    def take(self, kind: Kind, order: int, outcome: Outcome) -> None:
        """Judges a run."""
        self.runs += 1
        findings = list(outcome.findings)
        prepared = self._prepared[kind]
        assert prepared is not None
        if not outcome.findings:
            findings.extend(check_memory(self.plan, outcome))
            # How undefined data travelled is worth knowing once it has arrived.
            if findings:
                self.notes.update({f"{note.file}:{note.line}: {note.message}": None for note in outcome.notes})
        if outcome.counters is not None:
            self.counters.append(outcome.counters)
            if not outcome.findings:
                findings.extend(check_counters(self.plan, outcome.counters))
        for name, actual in outcome.outputs.items():
            checked = compare(self.plan, name, actual, prepared[1][name], kind)
            if name not in self.worst or _tells_more(checked, self.worst[name]):
                self.worst[name] = checked
            if not checked.passed:
                findings.append(_wrong(checked, self.plan.tensor(name).dtype))
            if note := _note(checked):
                self.notes[note] = None
        self.findings.extend(replace(finding, inputs=kind, order=order) for finding in findings)

    def verdict(self, seconds: float) -> Verdict:
        """What came of all runs."""
        return Verdict(
            kernel=self.plan.kernel,
            spec=self.spec,
            outputs=tuple(self.worst.values()),
            judged=all(checked.judged for checked in self.worst.values()),
            counters=self.counters[0] if self.counters else None,
            findings=tuple(self.findings),
            notes=(*self.notes, *deeper_than_needed(self.plan, self.counters)),
            runs=self.runs,
            seconds=seconds,
        )


def _tells_more(checked: OutputCheck, shown: OutputCheck) -> bool:
    """Whether a run is shown instead of another: one that failed, one that can't be judged, the worse of the normal."""
    if checked.passed != shown.passed:
        return not checked.passed
    if checked.judged != shown.judged:
        return not checked.judged
    return checked.inputs == "normal" and checked.part >= shown.part


def _wrong(checked: OutputCheck, dtype: DTypeName) -> Finding:
    if checked.within:
        return Finding(
            name="wrong-numbers",
            message=f"{checked.tensor}: each element is within its bound, but not all of them together: errors are "
            f"{checked.deviation:.3g} times what rounding makes (at most {DEVIATION:g}), and the correlation is "
            f"{checked.pcc:.4f} (at least {checked.least_pcc:.4f})",
        )
    shared = f" ({dtype}: neighbours share an exponent)" if DTYPES[dtype].shares_exponents else ""
    return Finding(
        name="wrong-numbers",
        message=f"{checked.tensor}{list(checked.index)}, in tile {checked.page}, is {checked.value:.6g} and should be "
        f"{checked.reference:.6g} ± {checked.allowed:.2g}{shared}",
        core=checked.core,
    )


def _note(checked: OutputCheck) -> str:
    """What isn't wrong but worth knowing of an output."""
    run = f"{checked.tensor}, with {checked.inputs} inputs"
    if not checked.judged:
        return (
            f"{run}: not judged: bounds ({checked.width:.2g} as root of the mean square) are wider than "
            f"the values, which spread by {checked.spread:.2g}"
        )
    if checked.overflows:
        return f"{run}: {counted(checked.overflows, 'element')} overflow: what the formula gives is infinite in float32"
    return ""
