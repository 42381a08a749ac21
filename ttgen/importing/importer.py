"""From a file to a proven spec: the page that shows the whole way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ttgen.errors import SpecError
from ttgen.importing.form import Kernel, Note
from ttgen.importing.proof import Proof, Read, differing, prove
from ttgen.importing.reader import Candidate, choose, read_kernel
from ttgen.importing.schedule import schedule_of
from ttgen.importing.text import KernelFile, located_in, parse, read, refuse_at
from ttgen.importing.understanding import Understood, understand
from ttgen.importing.work import Budget
from ttgen.importing.writing import dtypes_of, spec_text
from ttgen.loading import loads
from ttgen.planner.resolve import resolve
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A kernel that became a spec.

    Attributes:
        text: the spec, in canonical form.
        kernel: its name.
        formulas: what it computes.
        proof: at which sizes the source and the formulas were compared.
        warnings: what the caller should know, where it is in the source.
    """

    text: str
    kernel: str
    formulas: tuple[str, ...]
    proof: Proof
    warnings: tuple[Note, ...]


def import_file(
    path: Path, name: str | None, given: Mapping[str, Any], *, dtypes: Mapping[str, str], unproven: bool = False
) -> Imported:
    """Makes a spec of a kernel in a file.

    Raises:
        SpecError: what isn't read, isn't followed or isn't so, where it is in the file.
        OutputError: the file can't be read.
    """
    return import_text(read(path), str(path), name, given, dtypes=dtypes, unproven=unproven)


def import_text(
    raw: bytes | str,
    file_name: str,
    name: str | None,
    given: Mapping[str, Any],
    *,
    dtypes: Mapping[str, str],
    unproven: bool = False,
) -> Imported:
    """Makes a spec of a kernel in a text.

    Args:
        raw: the text, or its bytes in UTF-8.
        file_name: what problems call it.
        name: of the kernel; None where there is one only.
        given: values of parameters and sizes.
        dtypes: dtypes that become others, as float16 does bfloat16.
        unproven: write what isn't proven too, and mark it.

    Raises:
        SpecError: what isn't read, isn't followed or isn't so, where it is in the text.
    """
    file = parse(raw, file_name)
    with located_in(file.name, file.lines):
        try:
            return _imported(file, name, given, dtypes, unproven=unproven)
        except RecursionError:
            raise refuse_at("what it says nests too deep to be followed", (0, 0, 1)) from None


def _imported(
    file: KernelFile, name: str | None, given: Mapping[str, Any], dtypes: Mapping[str, str], *, unproven: bool
) -> Imported:
    chosen = choose(file, name)
    kernel = read_kernel(file, chosen, given)
    chosen_dtypes = dtypes_of(kernel, dtypes)
    understood, proof, read_at = _proven(kernel, _Reading(file, chosen), given)
    formulas = tuple(f"{understood.names[formula.target]} = {formula.text}" for formula in understood.formulas)
    if not proof.holds and not unproven:
        sizes = next((verdict.case.text for verdict in proof.verdicts if verdict.outcome == "differs"), "")
        at = f" at {sizes}" if sizes else ""
        raise refuse_at(f"not proven{at}: {proof.failure}, where `{'; '.join(formulas)}` was tried", kernel.at)
    warnings = _warnings(understood, proof, read_at, given) if proof.holds else []
    header = _header(file, chosen.path, given, proof, warnings)
    text = _planned(understood, chosen_dtypes, header)
    return Imported(text=text, kernel=kernel.name, formulas=formulas, proof=proof, warnings=tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads and understands a kernel at some sizes."""

    file: KernelFile
    chosen: Candidate
    idioms: bool = True

    def __call__(self, given: Mapping[str, Any]) -> Understood:
        return understand(read_kernel(self.file, self.chosen, given), idioms=self.idioms)


def _proven(kernel: Kernel, reading: _Reading, given: Mapping[str, Any]) -> tuple[Understood, Proof, Read]:
    """Formulas with named functions, if those are proven, or else written out."""
    budget = Budget()
    first: tuple[Understood, Proof, Read] | None = None
    problem: SpecError | None = None
    for idioms in (True, False):
        read_at = replace(reading, idioms=idioms)
        try:
            understood = understand(kernel, idioms=idioms)
            proof = prove(understood, read_at, given, budget)
        except SpecError as error:
            problem = problem or error
            continue
        if proof.holds:
            return understood, proof, read_at
        first = first or (understood, proof, read_at)
    if first is None:
        raise problem or refuse_at("nothing that formulas say is found", kernel.at)
    return first


def _warnings(understood: Understood, proof: Proof, read_at: Read, given: Mapping[str, Any]) -> list[Note]:
    """Sizes at which the source doesn't compute what the formula says, though it does at the spec's."""
    at = understood.kernel.at
    wrong = [verdict for verdict in proof.verdicts if verdict.outcome == "differs"]
    if wrong:
        wrong = differing(understood, read_at, given, Budget()) or wrong
    found = [f"the source differs from the formula at {verdict.case.text}: {verdict.reason}" for verdict in wrong]
    found += [
        f"not compared at {verdict.case.text}: {verdict.reason}"
        for verdict in proof.verdicts
        if verdict.outcome == "refused"
    ]
    return [Note(text=text, at=at) for text in found]


def _header(file: KernelFile, path: str, given: Mapping[str, Any], proof: Proof, warnings: list[Note]) -> list[str]:
    """What a spec says of where it comes from, and of what is proven."""
    set_to = " ".join(f"{name}={value}" for name, value in given.items())
    source = file.name.replace("\\", "/").rsplit("/", 1)[-1]
    lines = [f"Imported from {source}:{path}{f', with {set_to}' if set_to else ''}."]
    agreed = [verdict.case.text for verdict in proof.verdicts if verdict.outcome == "agrees"]
    if proof.holds:
        sizes = "; ".join(text for text in agreed if text)
        where = f" at {sizes}" if sizes else ""
        lines.append(f"Proven: run block by block, the source gives what the formula does{where}.")
        if any(verdict.case.kind == "given" and verdict.outcome == "skipped" for verdict in proof.verdicts):
            lines.append("The spec's own sizes take too long to be run: these stand for them.")
    else:
        lines.append(f"UNPROVEN: {proof.failure}.")
    return [*lines, *(f"Beware: {warning.text}." for warning in warnings)]


def _planned(understood: Understood, dtypes: Mapping[str, str], header: list[str]) -> str:
    """The spec with as much of the kernel's schedule and layouts as a program can be made with.

    Raises:
        SpecError: no program can be made of the formula at all.
    """
    schedule, notes = schedule_of(understood)
    notes = [note.text for note in understood.kernel.notes] + notes
    layouts = dict(understood.kernel.hints.layouts)
    reasons: list[str] = []
    for kept, lying in ((schedule, layouts), ({}, layouts), (schedule, {}), ({}, {})):
        more = []
        if kept != schedule:
            said = ", ".join(f"{key}: {value}" for key, value in schedule.items())
            more.append(f"schedule ({said}): {reasons[0]}")
        if lying != layouts:
            more.append(f"layouts ({', '.join(f'{name}: {layout}' for name, layout in layouts.items())}): {reasons[0]}")
        text = spec_text(understood, dtypes, header, [*notes, *more], kept, lying)
        try:
            resolve(loads(text, name=f"{understood.kernel.name}.yaml"))
        except SpecError as error:
            reasons.append(error.problems[0].message)
        else:
            return text
    formulas = "; ".join(formula.text for formula in understood.formulas)
    text = f"`{formulas}` is what it computes, and no program can be made of that: {reasons[-1]}"
    raise refuse_at(text, understood.kernel.at)
