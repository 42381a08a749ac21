"""What changed of a kernel, before and now side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ttgen.report.html import Content, Html, bar, code, element, table
from ttgen.review.model import Review
from ttgen.review.text import cost_row, headline, sections

_GOOD: Final = frozenset({"same values", "new"})
_OWN: Final = frozenset({"cost", "work"})
"""Sections that are drawn, and not listed."""


def section(review: Review, against: str) -> list[Content]:
    """The verdict, and everything below it."""
    kind = "good" if review.verdict in _GOOD else "bad"
    return [
        element("h3", f"Since {against}"),
        element("p", element("span", headline(review), class_=f"verdict {kind}")),
        *_details(review),
    ]


def _details(review: Review) -> Iterator[Content]:
    for title, lines in sections(review):
        if title not in _OWN:
            yield element("h4", title.capitalize())
            yield code("\n".join(lines), f"{title} of {review.kernel}")
    rows = [_row(*cost_row(cost), cost.old, cost.new) for cost in review.costs]
    yield table(
        "What it takes, before and now",
        ("cost", "before", "now", "growth", "before, drawn", "now, drawn"),
        rows,
        numbers=(1, 2, 3),
    )
    for change in review.work:
        name = f"Program {change.program}: " if len(review.work) > 1 else ""
        cores = " → ".join(str(number) for number in change.cores)
        balance = " → ".join(f"{part:.0%}" for part in change.balance)
        yield element("p", f"{name}cores {cores}, balance {balance}")
        yield code(
            "\n".join(("before, and now", *change.lines)), f"Units of each core of {change.program}, before and now"
        )


def _row(name: str, before: str, now: str, growth: str, old: float | None, new: float | None) -> tuple[Content, ...]:
    """A cost with bars of one scale."""
    most = max(old or 0, new or 0) or 1
    bars: tuple[Html, ...] = (bar((old or 0) / most), bar((new or 0) / most))
    return (name, before, now, growth, *bars)
