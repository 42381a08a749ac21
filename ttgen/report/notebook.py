"""A plan in a notebook: formulas, what counts most, the work of each core, and decisions with their reasons."""

from __future__ import annotations

from typing import Final

from ttgen.model.plan import Plan
from ttgen.report.html import Content, Html, element, table
from ttgen.report.page import decisions, grid

# For what is inside alone: the rest of the page is the notebook's.
_CSS: Final = """\
.ttgen-plan .grid td,.ttgen-plan .grid th{text-align:center;padding:.1rem .3rem;min-width:1.6rem}
.ttgen-plan .grid td{background:color-mix(in srgb,#1b5fc1 calc(var(--load,0)*45%),transparent)}
.ttgen-plan .hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.ttgen-plan caption{text-align:left}.ttgen-plan td,.ttgen-plan th{text-align:left}
"""


def plan_html(plan: Plan) -> str:
    """What a cell shows that ends with a plan."""
    several = len(plan.programs) > 1
    parts: list[Content] = [
        Html(f"<style>{_CSS}</style>"),
        element("strong", plan.kernel),
        element("pre", element("code", "\n".join(plan.compute))),
        _tensors(plan),
        _programs(plan),
    ]
    for program in plan.programs:
        title = f"Work of each core in program {program.name}" if several else "Work of each core"
        parts.append(element("details", element("summary", title), grid(plan, program)))
    parts.append(element("details", element("summary", "Decisions"), decisions(plan)))
    return element("div", *parts, class_="ttgen-plan").text


def _tensors(plan: Plan) -> Html:
    layouts = [item.layout if isinstance(item.layout, str) else "l1_sharded" for item in plan.tensors]
    rows = [
        (item.name, item.role, " x ".join(map(str, item.shape)), item.dtype, layout)
        for item, layout in zip(plan.tensors, layouts, strict=True)
    ]
    return table("Tensors", ("name", "role", "shape", "dtype", "layout"), rows)


def _programs(plan: Plan) -> Html:
    """What each program takes."""
    rows = [
        (item.name, item.pattern, item.work.cores, f"{item.balance:.0%}", f"{item.l1.bytes:,} of {item.l1.limit:,} B",
         f"{item.cost.dram_read_bytes:,} B")
        for item in plan.programs
    ]  # fmt: skip
    device = f"Programs for {plan.target.device} ({plan.target.arch})"
    head = ("program", "pattern", "cores", "balance", "L1 of a core", "DRAM reads")
    return table(device, head, rows, numbers=(2, 3, 4, 5))
