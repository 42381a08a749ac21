"""From a file to a proven spec: the page that shows the whole way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ttgen.errors import SpecError
from ttgen.importing.form import At, Note
from ttgen.importing.proof import Proof, differing, prove
from ttgen.importing.reader import choose, read_kernel
from ttgen.importing.schedule import Entries, schedule_of
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
    understood, proof = _proven(file, kernel.at, chosen, kernel, given)
    if not proof.holds and not unproven:
        formulas = "; ".join(f"{formula.target} = {formula.text}" for formula in understood.formulas)
        sizes = next((verdict.case.text for verdict in proof.verdicts if verdict.outcome == "differs"), "")
        at = f" at {sizes}" if sizes else ""
        raise refuse_at(f"not proven{at}: {proof.failure}, where `{formulas}` was tried", kernel.at)
    chosen_dtypes = dtypes_of(understood, dtypes)
    notes = [note.text for note in kernel.notes]
    schedule, more = schedule_of(understood)
    notes += more
    read_at = _reading(file, chosen, idioms=True)
    warnings = [] if not proof.holds else _warnings(understood, proof, read_at, given, kernel.at)
    header = _header(file, chosen.path, given, proof, warnings)
    text = spec_text(understood, chosen_dtypes, header, notes, schedule)
    try:
        resolve(loads(text, name=f"{kernel.name}.yaml"))
    except SpecError as error:
        text = _without_schedule(understood, chosen_dtypes, header, notes, schedule, error, kernel.at)
    formulas_said = tuple(f"{understood.names[formula.target]} = {formula.text}" for formula in understood.formulas)
    return Imported(text=text, kernel=kernel.name, formulas=formulas_said, proof=proof, warnings=tuple(warnings))


def _reading(file: KernelFile, chosen: Any, *, idioms: bool) -> Any:
    """What reads the kernel at other sizes."""
    return lambda given: understand(read_kernel(file, chosen, given), idioms=idioms)


def _proven(file: KernelFile, at: At, chosen: Any, kernel: Any, given: Mapping[str, Any]) -> tuple[Understood, Proof]:
    """Formulas with named functions, if those are proven, or else written out."""
    budget = Budget()
    first: tuple[Understood, Proof] | None = None
    problem: SpecError | None = None
    for idioms in (True, False):
        try:
            understood = understand(kernel, idioms=idioms)
            proof = prove(understood, _reading(file, chosen, idioms=idioms), given, budget)
        except SpecError as error:
            problem = problem or error
            continue
        if proof.holds:
            return understood, proof
        first = first or (understood, proof)
    if first is None:
        raise problem or refuse_at("nothing that formulas say is found", at)
    return first


def _warnings(understood: Understood, proof: Proof, read_at: Any, given: Mapping[str, Any], at: At) -> list[Note]:
    """Sizes at which the source doesn't compute what the formula says, though it does at the spec's."""
    found = []
    wrong = [verdict for verdict in proof.verdicts if verdict.outcome == "differs"]
    if wrong:
        each = differing(understood, read_at, given, Budget()) or wrong
        for verdict in each:
            text = f"the source differs from the formula at {verdict.case.text}: {verdict.reason}"
            found.append(Note(text=text, at=at))
    found += [
        Note(text=f"not compared at {verdict.case.text}: {verdict.reason}", at=at)
        for verdict in proof.verdicts
        if verdict.outcome == "refused"
    ]
    return found


def _header(file: KernelFile, path: str, given: Mapping[str, Any], proof: Proof, warnings: list[Note]) -> list[str]:
    """What a spec says of where it comes from, and of what is proven."""
    set_to = " ".join(f"{name}={value}" for name, value in given.items())
    source = file.name.replace("\\", "/").rsplit("/", 1)[-1]
    lines = [f"Imported from {source}:{path}{f', with {set_to}' if set_to else ''}."]
    agreed = [verdict.case.text for verdict in proof.verdicts if verdict.outcome == "agrees"]
    if proof.holds:
        sizes = "; ".join(text for text in agreed if text)
        lines.append(
            f"Proven: run block by block, the source gives what the formula does{f' at {sizes}' if sizes else ''}."
        )
    else:
        lines.append(f"UNPROVEN: {proof.failure}.")
    lines += [f"Beware: {warning.text}." for warning in warnings]
    return lines


def _without_schedule(
    understood: Understood,
    dtypes: Mapping[str, str],
    header: list[str],
    notes: list[str],
    schedule: Entries,
    error: SpecError,
    at: At,
) -> str:
    """The spec with ttgen's own schedule, where the kernel's doesn't fit the card.

    Raises:
        SpecError: no program can be made of the formula at all.
    """
    reason = error.problems[0].message
    if schedule:
        said = ", ".join(f"{key}: {value}" for key, value in schedule.items())
        text = spec_text(understood, dtypes, header, [*notes, f"schedule ({said}): {reason}"], {})
        try:
            resolve(loads(text, name="spec.yaml"))
        except SpecError as other:
            reason = other.problems[0].message
        else:
            return text
    formulas = "; ".join(formula.text for formula in understood.formulas)
    raise refuse_at(f"`{formulas}` is what it computes, and no program can be made of that: {reason}", at)
