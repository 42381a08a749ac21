"""`validate --targets`: every spec on every card, served or why not, with what it takes there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

from ttgen.cli import specs
from ttgen.cost import predict
from ttgen.errors import SpecError, UserError, counted
from ttgen.formats.markdown import table
from ttgen.formats.report import Note, Report, problems
from ttgen.loading import load
from ttgen.planner.resolve import planned
from ttgen.source import Place
from ttgen.spec import LoadedSpec
from ttgen.target import TargetName
from ttgen.target import load as load_target


class Row(NamedTuple):
    """A spec on a card: a headline, or the notes of why there is none."""

    spec: str
    target: str
    headline: str
    notes: tuple[Note, ...]


def rows(words: Sequence[str], targets: Sequence[str]) -> Iterator[Row]:
    """Every spec that words name on every card."""
    for path in specs.find(words):
        try:
            loaded = load(path)
        except UserError as error:
            yield Row(str(path), "", "", problems(error, str(path)))
            continue
        for target in targets:
            yield _row(path, loaded, target)


def _row(path: Path, loaded: LoadedSpec, target: str) -> Row:
    there = _on(loaded, target)
    try:
        found = planned(there)
        device = load_target(target)
        time = sum(predict(made, device).device_us for made in found.programs)
        return Row(str(path), target, f"{', '.join(specs.headline(found.plan))}, {time:.1f} us", ())
    except SpecError as error:
        notes = problems(error, str(path))
        return Row(str(path), target, "", tuple(replace(note, message=f"{target}: {note.message}") for note in notes))


def _on(loaded: LoadedSpec, target: str) -> LoadedSpec:
    """A spec that asks for a card."""
    places = {("target",): Place(0, 0, 0, 0, None, ""), **loaded.source.places}
    return replace(
        loaded,
        spec=replace(loaded.spec, target=cast("TargetName", target)),
        source=replace(loaded.source, places=places),
    )


def lines(found: Sequence[Row]) -> Iterator[str]:
    """The table for people: a line a spec and card."""
    names = max((len(row.spec) for row in found), default=0)
    targets = max((len(row.target) for row in found), default=0)
    for row in found:
        what = row.headline or "not served: " + "; ".join(
            note.message.removeprefix(f"{row.target}: ") for note in row.notes
        )
        yield f"{row.spec:{names}}  {row.target:{targets}}  {what}"


def report(found: Sequence[Row]) -> Report:
    """The table and everything that isn't served."""
    served = sum(not row.notes for row in found)
    body = table(("spec", "target", ""), ((row.spec, row.target, row.headline or "not served") for row in found))
    return Report(
        command="validate --targets",
        subjects=tuple(dict.fromkeys(row.spec for row in found)),
        notes=tuple(note for row in found for note in row.notes),
        summary=f"{served} of {counted(len(found), 'spec')} and cards are served",
        body="\n".join(body),
    )
