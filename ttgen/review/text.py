"""A comparison as people read it in a terminal: a line that says what matters, then the details."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ttgen.review.model import Bound, CostChange, Review, Witness

_STATEMENTS: Final = 16
"""Lines of a file's statements that are shown; --json has all."""
_NAMES: Final = {
    "dram_read_bytes": "DRAM read", "dram_write_bytes": "DRAM written", "noc_bytes": "NoC", "tile_products": "products",
    "l1_bytes": "L1 of a core", "kernel_bytes": "kernels", "time_us": "predicted",
}  # fmt: skip
_UNITS: Final = {"tile_products": " tiles", "time_us": " us"}


def headline(review: Review) -> str:
    """The kernel and its verdict."""
    was = f" (was {review.was})" if review.was else ""
    also = ""
    if review.verdict == "interface":
        also = {"same": "; the same formula", "rounding": "; rounding may differ"}.get(review.values, "")
    if review.verdict == "different formula" and review.interface:
        also = "; interface"
    return f"{review.kernel}{was}: {review.verdict}{also}"


def describe(review: Review) -> Iterator[str]:
    """All lines of a kernel."""
    yield headline(review)
    for title, lines in sections(review):
        for number, line in enumerate(lines):
            yield f"  {title if not number else '':9}  {line}".rstrip()


def sections(review: Review) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The details by what they are about, without those that there are none of."""
    for title, lines in (
        ("values", tuple(_values(review))),
        ("interface", tuple(_interface(review))),
        ("cost", tuple(_costs(review))),
        ("why", tuple(_why(review))),
        ("kernels", tuple(_kernels(review))),
        ("work", tuple(_work(review))),
        ("note", review.notes),
    ):
        if lines:
            yield title, lines


def _values(review: Review) -> Iterator[str]:
    if review.compute is not None:
        before, now = ("; ".join(formulas) for formulas in review.compute)
        yield f"{before}  ->  {now}"
    if review.witness is not None:
        yield witness_text(review.witness)
    elif review.tried:
        yield f"written otherwise; {review.tried} inputs tell no difference"
    yield from (_bound(bound) for bound in review.bounds)
    if review.renamed:
        yield "renamed: " + ", ".join(f"{before} is {now} now" for before, now in review.renamed.items())


def witness_text(found: Witness) -> str:
    """An input, and what both formulas make of it."""
    cut = f" (sums cut to {found.sums})" if found.sums is not None else ""
    place = f"{found.tensor}{list(found.index)}"
    if not found.inputs:
        return f"for drawn inputs {place} was {found.old:.6g}, is {found.new:.6g}{cut}"
    given = ", ".join(
        f"{item.tensor}{'' if item.index is None else list(item.index)} = {item.value:.6g}" for item in found.inputs
    )
    everywhere = " everywhere" if all(item.index is None for item in found.inputs) else ""
    return f"for {given}{everywhere}: {place} was {found.old:.6g}, is {found.new:.6g}{cut}"


def _bound(bound: Bound) -> str:
    before, now = ("not known" if part is None else f"{part:.2%}" for part in (bound.old, bound.new))
    cut = f" (sums cut to {bound.sums})" if bound.sums is not None else ""
    return f"{bound.tensor} is off by {before} -> {now} of its root mean square at most{cut}"


def _interface(review: Review) -> Iterator[str]:
    for change in review.interface:
        what = {"new": "new tensor", "removed": "tensor removed", "schema_version": "schema of tt.plan.json"}.get(
            change.what, change.what
        )
        values = " -> ".join(part for part in (change.old, change.new) if part)
        yield f"{change.tensor} {what}: {values}".strip()


def _costs(review: Review) -> Iterator[str]:
    if review.change in ("new", "removed"):
        names = max((len(_NAMES[cost.name]) for cost in review.costs), default=0)
        for cost in review.costs:
            yield f"{_NAMES[cost.name]:{names}}  {_number(cost, cost.new if cost.old is None else cost.old):>12}"
        return
    shown = [cost for cost in review.costs if cost.old != cost.new]
    rows = [cost_row(cost) for cost in shown]
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, before, now, growth in rows:
        yield f"{name:{widths[0]}}  {before:>{widths[1]}} -> {now:>{widths[2]}}  {growth}".rstrip()


def cost_row(cost: CostChange) -> tuple[str, str, str, str]:
    """A cost's name, both values and its growth."""
    return _NAMES[cost.name], _number(cost, cost.old), _number(cost, cost.new), growth_text(cost)


def _number(cost: CostChange, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.2f} us" if cost.name == "time_us" else f"{value:,.0f}{_UNITS.get(cost.name, ' B')}"


def growth_text(cost: CostChange) -> str:
    """`+12.5%`; nothing where there is no old or new value."""
    if cost.growth is None:
        return ""
    return "from nothing" if cost.growth == float("inf") else f"{cost.growth:+.1%}"


def _why(review: Review) -> Iterator[str]:
    for cause in review.causes:
        place = f"{cause.file}:{cause.line}" if cause.line is not None else cause.file
        yield f"{place}: {cause.text}"
    for decision in review.decisions:
        before, now = decision.old or "(nothing)", decision.new or "(nothing)"
        yield f"{decision.name}: {before} -> {now}" + (f"  {decision.because}" if decision.because else "")


def _kernels(review: Review) -> Iterator[str]:
    if not review.kernels:
        return
    if all(change.state == "same" for change in review.kernels):
        yield "the same text"
        return
    for change in review.kernels:
        words = {"same": "the same text", "statements": "other statements", "text": "another text"}
        yield f"{change.file}: {words.get(change.state, change.state)}"
        yield from (f"  {line}" for line in change.lines[:_STATEMENTS])
        if len(change.lines) > _STATEMENTS:
            yield f"  and {len(change.lines) - _STATEMENTS} lines more (--json)"


def _work(review: Review) -> Iterator[str]:
    for change in review.work:
        name = f"{change.program}: " if len(review.work) > 1 else ""
        cores = " -> ".join(str(number) for number in change.cores)
        balance = " -> ".join(f"{part:.0%}" for part in change.balance)
        yield f"{name}cores {cores}, balance {balance}; units of each core:"
        yield from (f"  {line}" for line in change.lines)


def summary(reviews: Sequence[Review], unchanged: int) -> str:
    """`1 interface, 2 rounding may differ, 997 unchanged`."""
    verdicts = [review.verdict for review in reviews]
    parts = [f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(sorted(verdicts))]
    return ", ".join((*parts, f"{unchanged} unchanged"))
