"""The programs of a kernel and what they read and write, as a drawing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ttgen.model.plan import Plan
from ttgen.planner.candidate import Candidate
from ttgen.report.html import Html, element

_WIDTH: Final = 150
_HEIGHT: Final = 44
_GAP_X: Final = 60
_GAP_Y: Final = 14
_LETTERS: Final = 20
"""Of a name that fit a box."""


def drawing(plan: Plan, candidates: tuple[Candidate, ...], label: str) -> Html:
    """Boxes of tensors and programs, in the order that programs run in, with lines from what is read to its readers."""
    columns: dict[str, int] = {}
    edges: list[tuple[str, str]] = []
    for number, made in enumerate(candidates):
        program = f"program {made.stage.name}"
        columns[program] = 2 * number + 1
        for name in made.stage.graph.inputs:
            columns.setdefault(name, 2 * number)
            edges.append((name, program))
        for output in made.stage.graph.outputs:
            columns.setdefault(output.tensor, 2 * number + 2)
            edges.append((program, output.tensor))
    rows = {
        name: row
        for column in set(columns.values())
        for row, name in enumerate(name for name, own in columns.items() if own == column)
    }
    width = (max(columns.values()) + 1) * (_WIDTH + _GAP_X) - _GAP_X
    height = (max(rows.values()) + 1) * (_HEIGHT + _GAP_Y)

    def place(name: str) -> tuple[int, int]:
        return columns[name] * (_WIDTH + _GAP_X), rows[name] * (_HEIGHT + _GAP_Y)

    lines = "".join(_line(*place(one), *place(other)) for one, other in edges)
    boxes = "".join("".join(_box(name, *place(name), plan)) for name in columns)
    inner = Html(f"{element('title', label).text}{lines}{boxes}")
    size = {"width": str(width + 4), "height": str(height + 4)}
    svg = element("svg", inner, viewBox=f"-2 -2 {width + 4} {height + 4}", role="img", **size)
    return element("div", svg, class_="scroll", tabindex="0", role="group", aria_label=label)


def _line(x: int, y: int, to_x: int, to_y: int) -> str:
    begin, end, middle = x + _WIDTH, to_x, (x + _WIDTH + to_x) // 2
    own, other = y + _HEIGHT // 2, to_y + _HEIGHT // 2
    return f'<path d="M{begin} {own}C{middle} {own} {middle} {other} {end} {other}"/>'


def _box(name: str, x: int, y: int, plan: Plan) -> Iterator[str]:
    if name.startswith("program "):
        program = next(item for item in plan.programs if f"program {item.name}" == name)
        kind, title, below = "program", name, f"{program.pattern}, {program.work.cores} cores"
    else:
        tensor = plan.tensor(name)
        kind, title = "tensor", f"{name} ({tensor.role})"
        below = f"{'x'.join(map(str, tensor.shape))} {tensor.dtype}"
    radius = 4 if kind == "program" else _HEIGHT // 2
    yield f'<rect class="{kind}" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}"/>'
    for text, at in ((title, 18), (below, 35)):
        shown = text if len(text) <= _LETTERS + 2 else f"{text[:_LETTERS]}…"
        yield element("text", shown, x=str(x + _WIDTH // 2), y=str(y + at), text_anchor="middle").text
