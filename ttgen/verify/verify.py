"""Verifies one spec's program: inputs of both kinds, several orders, everything that a run has to show."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ttgen.dtypes import DTYPES, DTypeName
from ttgen.formula.infer import graph_of
from ttgen.model.plan import Plan
from ttgen.rendering.artifacts import Artifact, artifacts
from ttgen.spec import LoadedSpec
from ttgen.verify.check import OutputCheck, check_counters, check_memory, compare, deeper_than_needed
from ttgen.verify.inputs import Inputs, Kind, draw
from ttgen.verify.run import Counters, Finding, Outcome, emulate, execute
from ttgen.verify.tolerance import Bounded, bounds, outputs, precision_of
from ttgen.verify.toolchain import Builder


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one spec.

    Attributes:
        kernel: its name.
        spec: its file.
        outputs: of each output the worst of the runs with normal inputs, or the run that failed.
        counters: of the first run that ended in the emulator; None for none.
        findings: all that is wrong; empty if it is right.
        notes: what isn't wrong but worth knowing.
        runs: how many there were.
        seconds: that it took.
    """

    kernel: str
    spec: str
    outputs: tuple[OutputCheck, ...]
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
            session.notes.append("no hard inputs: the formula bears no large number")
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
    session = _Session(loaded, plan, card=True)
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

    def __init__(self, loaded: LoadedSpec, plan: Plan, *, card: bool = False) -> None:
        self.plan = plan
        self.spec = loaded.file_name
        self.graph = graph_of(loaded)
        self.precision = precision_of(plan, card=card)
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.worst: dict[str, OutputCheck] = {}
        self.counters: list[Counters] = []
        self.runs = 0
        self._prepared: dict[Kind, tuple[Inputs, Mapping[str, Bounded]] | None] = {}

    def inputs(self, kind: Kind, seed: int) -> Inputs | None:
        """Inputs of a kind, drawn once; None where the formula bears none."""
        if kind not in self._prepared:
            drawn = draw(self.plan, self.graph, self.precision, seed=seed, kind=kind)
            self._prepared[kind] = None
            if drawn is not None:
                found = bounds(self.graph, drawn, self.precision)
                self._prepared[kind] = (drawn, outputs(self.graph, found, self.precision))
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
                self.notes.extend(f"{note.file}:{note.line}: {note.message}" for note in outcome.notes)
        if outcome.counters is not None:
            self.counters.append(outcome.counters)
            if not outcome.findings:
                findings.extend(check_counters(self.plan, outcome.counters))
        for name, actual in outcome.outputs.items():
            checked = compare(self.plan, name, actual, prepared[1][name], kind)
            shown = self.worst.get(name)
            if shown is None or not checked.passed or (kind == "normal" and checked.part >= shown.part):
                self.worst[name] = checked
            if not checked.passed:
                findings.append(_wrong(checked, self.plan.tensor(name).dtype))
        self.findings.extend(replace(finding, inputs=kind, order=order) for finding in findings)

    def verdict(self, seconds: float) -> Verdict:
        """What came of all runs."""
        return Verdict(
            kernel=self.plan.kernel,
            spec=self.spec,
            outputs=tuple(self.worst.values()),
            counters=self.counters[0] if self.counters else None,
            findings=tuple(self.findings),
            notes=(*self.notes, *deeper_than_needed(self.plan, self.counters)),
            runs=self.runs,
            seconds=seconds,
        )


def _wrong(checked: OutputCheck, dtype: DTypeName) -> Finding:
    shared = f" ({dtype}: neighbours share an exponent)" if DTYPES[dtype].shares_exponents else ""
    return Finding(
        name="wrong-numbers",
        message=f"{checked.tensor}{list(checked.index)}, in tile {checked.page}, is {checked.value:.6g} and should be "
        f"{checked.reference:.6g} ± {checked.allowed:.2g}{shared}",
        core=checked.core,
    )
