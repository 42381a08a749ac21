"""The whole page: a part a kernel, with what changed where it is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ttgen.cost import predict
from ttgen.cost.loads import pages
from ttgen.model.grids import Coordinate
from ttgen.model.plan import Plan, Program
from ttgen.planner.candidate import Candidate, Planned
from ttgen.records import dataclass
from ttgen.report import compared
from ttgen.report.html import Content, Html, bar, code, element, joined, table
from ttgen.report.stages import drawing
from ttgen.report.style import CSS
from ttgen.review.model import Review
from ttgen.target import load as load_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A kernel of the page.

    Attributes:
        planned: its spec, what was decided, and how each program is made.
        review: what changed; None where nothing is compared, or nothing did.
        verified: what `ttgen verify --json` said of it; None where it didn't.
    """

    planned: Planned
    review: Review | None = None
    verified: Mapping[str, Any] | None = None


def page(subjects: Sequence[Subject], title: str, against: str | None = None) -> str:
    """The text of the page."""
    kernels = [item.planned.plan.kernel for item in subjects]
    links = [element("li", element("a", kernel, href=f"#{kernel}")) for kernel in kernels]
    nav = element("nav", element("ul", *links), aria_label="Kernels") if len(subjects) > 1 else Html("")
    body = [_subject(item, against) for item in subjects]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"{element('title', title).text}<style>{CSS}</style>"
    )
    skip = element("a", "To the kernels", href="#kernels", class_="skip")
    top = element("header", element("h1", title), nav)
    foot = element("footer", "Made by ttgen. Times are predicted: docs/cost.md says how, and how far off they were.")
    main = element("main", *body, id="kernels")
    shown = joined((skip, top, main, foot)).text
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{shown}</body></html>\n'


def _subject(item: Subject, against: str | None) -> Html:
    spec, plan = item.planned.loaded.source, item.planned.plan
    parts: list[Content] = [
        element("h2", plan.kernel, id=f"{plan.kernel}-title"),
        code("\n".join(plan.compute), f"Formulas of {plan.kernel}"),
    ]
    if item.review is not None:
        parts += compared.section(item.review, against or "")
    elif against is not None:
        parts.append(element("p", f"Unchanged since {against}."))
    parts.append(_facts(item.planned))
    parts += [element("h3", "Stages and values"), drawing(plan, item.planned.programs, f"Stages of {plan.kernel}")]
    for program, made in zip(plan.programs, item.planned.programs, strict=True):
        name = f" of program {program.name}" if len(plan.programs) > 1 else ""
        parts += [element("h3", f"Work of each core{name}"), grid(plan, program)]
        parts += [element("h3", f"L1{name}"), _l1(program)]
        parts += [element("h3", f"Predicted time{name}"), *_time(plan, made)]
        parts += [element("h3", f"Traffic{name}"), _traffic(plan, made)]
    parts += [element("h3", "Decisions"), decisions(plan)]
    if item.verified is not None:
        parts += [element("h3", "Verification"), *_verified(item.verified)]
    parts.append(
        element("details", element("summary", f"The spec, {spec.name}"), code(spec.text, f"The spec of {plan.kernel}"))
    )
    return element("section", *parts, id=plan.kernel, aria_labelledby=f"{plan.kernel}-title")


def _facts(item: Planned) -> Html:
    plan, target = item.plan, load_target(item.plan.target.device)
    time = sum(predict(made, target).device_us for made in item.programs)
    facts = (
        ("card", f"{plan.target.device} ({plan.target.arch})"),
        ("cores", f"{max(program.work.cores for program in plan.programs)} of {target.grid.cores}"),
        ("balance", f"{min(program.balance for program in plan.programs):.0%}"),
        ("L1 of a core", f"{max(program.l1.bytes for program in plan.programs):,} of {plan.programs[0].l1.limit:,} B"),
        ("DRAM read", f"{plan.dram_read_bytes:,} B"),
        ("predicted", f"{time:.1f} us"),
        ("fidelity", f"{plan.precision.fidelity}, {plan.precision.accumulate}"),
    )
    return element(
        "dl", *(element("div", element("dt", name), element("dd", value)) for name, value in facts), class_="facts"
    )


def grid(plan: Plan, program: Program) -> Html:
    """The cores of the card as they lie, each with its units."""
    units = {core: program.units_of(values) for core, values in program.cores()}
    size = load_target(plan.target.device).grid
    caption = f"Units of each core of {plan.target.device}; rows are core y, columns core x"
    return units_table(units, size.rows, size.cols, caption)


def units_table(units: Mapping[Coordinate, int], rows: int, cols: int, caption: str) -> Html:
    """A table of cores; darker ones do more."""
    most = max(units.values())

    def cell(core: Coordinate) -> Html:
        if core not in units:
            return element(
                "td",
                element("span", "no work", class_="hidden"),
                Html('<span aria-hidden="true">·</span>'),
                class_="idle",
            )
        return element("td", units[core], style=f"--load:{units[core] / most:.2f}")

    head = element("tr", element("td", "", class_="idle"), *(element("th", x, scope="col") for x in range(cols)))
    body = (element("tr", element("th", y, scope="row"), *(cell((x, y)) for x in range(cols))) for y in range(rows))
    inner = element(
        "table", element("caption", caption), element("thead", head), element("tbody", *body), class_="grid"
    )
    return element("div", inner, class_="scroll", tabindex="0", role="group", aria_label=caption)


def _l1(program: Program) -> Html:
    """Each buffer, on which cores, and its part of what there is."""
    resident, guests, limit = program.resident(), program.guests(), program.l1.limit
    rows: list[Sequence[Content]] = []
    own = 0
    for buffer in program.circular_buffers:
        size = buffer.pages * buffer.page_bytes
        cores = sum(1 for area in buffer.core_ranges for _core in area.cores())
        what = f"{buffer.pages} of {buffer.page_bytes:,} B, {buffer.dtype}"
        if buffer.name in resident or buffer.name in guests:
            on = f"on the shard of {resident[buffer.name]}" if buffer.name in resident else f"in {guests[buffer.name]}"
            rows.append((buffer.name, f"{what}, {on}", cores, "0", bar(0)))
            continue
        own += size
        rows.append((buffer.name, what, cores, f"{size:,}", bar(size / limit)))
    if rest := program.l1.bytes - own:
        rows.append(("tensors in L1", "the largest share of each", "all", f"{rest:,}", bar(rest / limit)))
    rows.append(("together", "", "", f"{program.l1.bytes:,}", bar(program.l1.bytes / limit)))
    return table(f"L1 by buffer, of {limit:,} B", ("buffer", "pages", "cores", "bytes", "part"), rows, numbers=(2, 3))


def _time(plan: Plan, made: Candidate) -> Iterator[Html]:
    """The parts of the time one after another, and how long each engine is busy in it."""
    found = predict(made, load_target(plan.target.device))
    total = found.device_cycles
    scale = found.clock_ghz * 1000
    limit = f"no schedule is faster than {found.bound_us:.2f} us ({found.bound.limit})"
    yield element("p", f"{found.device_us:.2f} us, waiting for {found.binding}; {limit}.")
    rows = [(name, f"{cycles / scale:.2f}", bar(cycles / total)) for name, cycles in found.parts.items()]
    yield table("One after another", ("part", "us", "of the time"), rows, numbers=(1,))
    busy = [(name, f"{cycles / scale:.2f}", bar(cycles / total)) for name, cycles in found.engines.items()]
    yield table("Side by side", ("engine", "us busy", "of the time"), busy, numbers=(1,))


def _traffic(plan: Plan, made: Candidate) -> Html:
    """Pages of each tensor that are read and written, and how often that is all of it."""
    found = [(kind, name, number) for kind in ("read", "write") for name, number in pages(made.tally.total, kind)]
    sizes = [number * plan.tensor(name).page_bytes for _kind, name, number in found]
    most = max(sizes, default=0) or 1
    rows = [
        (
            f"{name} {kind}",
            "DRAM" if plan.tensor(name).in_dram else "L1",
            f"{size:,}",
            f"{number / plan.tensor(name).pages:.3g}",
            bar(size / most),
        )
        for (kind, name, number), size in zip(found, sizes, strict=True)
    ]
    if not rows:
        return element("p", "Nothing moves: every core has all that it needs.")
    return table("Pages that move", ("tensor", "lies in", "bytes", "times all of it", "drawn"), rows, numbers=(2, 3))


def decisions(plan: Plan) -> Html:
    """All decisions, in their order."""
    rows = [(item.name, item.value, item.origin, item.because) for item in plan.decisions]
    return table("What was decided, and why", ("decision", "value", "from", "because"), rows, prose=(1, 3))


def _verified(found: Mapping[str, Any]) -> Iterator[Html]:
    """What `ttgen verify` said."""
    good = found["passed"] and found["judged"]
    word = "verified" if good else "not judged" if found["passed"] else "wrong"
    yield element("p", element("span", word, class_=f"verdict {'good' if good else 'bad'}"), f", {found['runs']} runs")
    rows = [
        (item["tensor"], f"{item['error']:.2e}", f"{item['allowed']:.2e}", f"{item['pcc']:.6f}", str(item["index"]))
        for item in found["outputs"]
    ]
    yield table(
        "The worst element of each output", ("output", "error", "allowed", "PCC", "at"), rows, numbers=(1, 2, 3)
    )
    if found["findings"]:
        yield element("ul", *(element("li", f"{item['name']}: {item['message']}") for item in found["findings"]))
