"""What `diff` found, as notes and as the comment of a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from ttgen.cli.revisions import Compared
from ttgen.errors import counted
from ttgen.formats.markdown import table
from ttgen.formats.report import Level, Note, Report, problems
from ttgen.review.gates import Gate
from ttgen.review.model import CostName, Review, Verdict
from ttgen.review.text import cost_row, growth_text, headline, sections, summary, witness_text

Failure = tuple[Review, Gate, str]

_CODES: Final[Mapping[Verdict, tuple[str, Level]]] = {
    "different formula": ("TG600", "warning"), "unknown": ("TG601", "warning"), "interface": ("TG602", "warning"),
    "rounding may differ": ("TG603", "note"), "same values": ("TG604", "note"), "new": ("TG605", "note"),
    "removed": ("TG606", "warning"),
}  # fmt: skip
_COLUMNS: Final[Mapping[CostName, str]] = {"dram_read_bytes": "DRAM read", "l1_bytes": "L1", "time_us": "predicted"}


def report(found: Compared, failed: Sequence[Failure], against: str) -> Report:
    """Everything that changed since a revision."""
    reviews = found.reviews
    wrong = [(str(path), problems(error, str(path))) for path, error in found.wrong]
    text = f"{summary(reviews, found.unchanged)}, since {against}"
    if wrong:
        text += f"; {counted(len(wrong), 'spec')} can't be planned"
    if failed:
        text += f"; {len(failed)} {'gate fails' if len(failed) == 1 else 'gates fail'}"
    return Report(
        command="diff",
        subjects=(*(path for path, _notes in wrong), *(review.kernel for review in reviews)),
        notes=(*(note for _path, notes in wrong for note in notes), *_notes(reviews, failed)),
        summary=text,
        body="\n".join(_body(reviews)),
    )


def _notes(reviews: Sequence[Review], failed: Sequence[Failure]) -> Iterator[Note]:
    for review, gate, why in failed:
        yield _note(review, "error", "TG607", f"{review.kernel} fails {gate.text}: {why}")
    for review in reviews:
        code, level = _CODES[review.verdict]
        parts = [headline(review)]
        if review.witness is not None:
            parts.append(witness_text(review.witness))
        parts += [
            f"{_COLUMNS[cost.name]} {growth_text(cost)}"
            for cost in review.costs
            if cost.growth and cost.name in _COLUMNS
        ]
        yield _note(review, level, code, "; ".join(parts))


def _note(review: Review, level: Level, code: str, message: str) -> Note:
    """A note at the first line of the spec that says something else."""
    line = next((cause.line for cause in review.causes if cause.line is not None and cause.file == review.spec), 1)
    return Note(level=level, code=code, message=message, subject=review.kernel, file=review.spec, line=line)


def _body(reviews: Sequence[Review]) -> Iterator[str]:
    """A table of all kernels, and the details of each."""
    if not reviews:
        return
    rows = (
        (review.kernel, review.verdict, *(_growth(review, name) for name in _COLUMNS), "; ".join(_reasons(review)))
        for review in reviews
    )
    yield from table(("kernel", "verdict", *_COLUMNS.values(), "why"), rows)
    for review in reviews:
        yield ""
        yield f"<details><summary><b>{escape(headline(review))}</b></summary>"
        yield ""
        yield "```text"
        for title, lines in sections(review):
            for number, line in enumerate(lines):
                yield f"{title if not number else '':9}  {line}".rstrip().replace("```", "'''")
        yield "```"
        yield ""
        yield "</details>"


def _growth(review: Review, name: CostName) -> str:
    cost = review.cost(name)
    if cost is None or cost.old == cost.new:
        return "="
    _name, before, now, growth = cost_row(cost)
    if cost.old is None or cost.new is None:
        return now if cost.old is None else before
    return f"{before} -> {now} {growth}".strip()


def _reasons(review: Review) -> Iterator[str]:
    shown = review.causes[:3]
    for cause in shown:
        yield f"{cause.file.rpartition('/')[2]}:{cause.line} {cause.text}" if cause.line is not None else cause.text
    if len(review.causes) > len(shown):
        yield f"and {len(review.causes) - len(shown)} more"
