"""The persistent loop of a kernel over this core's units, and what a unit's number says of its place."""

from __future__ import annotations

from typing import Final

from ttgen.model.body import Body, Let, Loop, ReadPage, Statement, WritePage, walk
from ttgen.model.index import Expr, Index, Var, add, floor_div, mul, names, product
from ttgen.spec import BlockLinear

UNIT: Final = Var("unit")
X, Y, Z = Var("x"), Var("y"), Var("z")
GRID_X, GRID_Y = Var("grid_x"), Var("grid_y")
RUNTIME_NAMES: Final = ("unit_start", "unit_count")


def unit_loop(body: Body, *, order: str | BlockLinear, batched: bool) -> Loop:
    """The loop over units around `body`, which may use `unit`, `x`, `y` and `z`; only what it uses is computed."""
    used = {
        name
        for statement in walk(body)
        if isinstance(statement, (ReadPage, WritePage))
        for name in names(statement.page)
    }
    lets: list[Statement] = []
    for let in reversed(_place(order, batched)):
        if let.name in used:
            used |= set(names(let.index))
            lets.insert(0, let)
    if "unit" in used:
        lets.insert(0, Let(name="unit", index=add(Var("unit_start"), mul(Var("i"), Var("unit_step")))))
    return Loop(var="i", extent=Var("unit_count"), body=(*lets, *body))


def _place(order: str | BlockLinear, batched: bool) -> tuple[Let, ...]:
    """Column, row and batch of a unit from its number (the numbering of the work grid)."""
    batch_units = product(GRID_X, GRID_Y)
    z = Let(name="z", index=floor_div(UNIT, batch_units))
    if isinstance(order, BlockLinear):
        local: Index = Var("local") if batched else UNIT
        panel, in_panel, width = Var("panel"), Var("in_panel"), Var("width")
        panel_units = product(Var("panel_width"), GRID_Y)
        lets = (
            Let(name="local", index=Expr("%", UNIT, batch_units)),
            Let(name="panel", index=floor_div(local, panel_units)),
            Let(name="in_panel", index=Expr("%", local, panel_units)),
            # The last panel may be narrower.
            Let(
                name="width",
                index=Expr("min", Var("panel_width"), Expr("-", GRID_X, mul(panel, Var("panel_width")))),
            ),
            Let(name="x", index=add(mul(panel, Var("panel_width")), Expr("%", in_panel, width))),
            Let(name="y", index=floor_div(in_panel, width)),
        )
        return (z, *lets) if batched else lets[1:]
    (fast, fast_size), (slow, slow_size) = (("x", GRID_X), ("y", GRID_Y))
    if order == "column_major":
        (fast, fast_size), (slow, slow_size) = (("y", GRID_Y), ("x", GRID_X))
    over: Index = floor_div(UNIT, fast_size)
    plane = (
        Let(name=fast, index=Expr("%", UNIT, fast_size)),
        Let(name=slow, index=Expr("%", over, slow_size) if batched else over),
    )
    return (z, *plane) if batched else plane
