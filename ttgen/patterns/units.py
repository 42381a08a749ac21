"""The persistent loop of a kernel over this core's units, and what a unit's number says of its place."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

from ttgen.model.body import Body, Let, Loop, names_in, needed
from ttgen.model.index import Const, Expr, Index, Var, add, floor_div, least, mul, product, sub
from ttgen.spec import BlockLinear

UnitLoop = Literal["linear", "rectangle", "local"]
"""How a core goes through its units: by number; by rows and columns, batch by batch, or through all batches' rows."""

UNIT: Final = Var("unit")
X, Y, Z = Var("x"), Var("y"), Var("z")
GRID_X, GRID_Y = Var("grid_x"), Var("grid_y")
BLOCK_M, BLOCK_N, BLOCK_K = Var("block_m"), Var("block_n"), Var("block_k")
FIRST_ROW, FIRST_COL = Var("first_row"), Var("first_col")
ROWS, COLS = Var("rows"), Var("cols")
X_TRIP, Y_TRIP = Var("x_trip"), Var("y_trip")
SHARD_ROW, SHARD_COL = Var("shard_row"), Var("shard_col")
TRIP: Final = Var("trip")
CORE_X, CORE_Y = Var("core_x"), Var("core_y")
CORE_COLS, CORE_ROWS = Var("core_cols"), Var("core_rows")
PART, PARTS = Var("part"), Var("parts")
STEP_START, STEP_COUNT = Var("step_start"), Var("step_count")
RUNTIME_NAMES: Final = (
    "unit_start", "unit_count", "x_start", "x_count", "y_start", "y_count", CORE_X.name, CORE_Y.name,
)  # fmt: skip


@cache
def unit_loop(body: Body, *, loop: UnitLoop, order: str | BlockLinear, batched: bool, beyond: bool) -> Loop:
    """The loop over units around `body`, which may use a unit's number, its place and its tiles.

    Cores of a group make as many trips as any of them: where some are `beyond` the output, they have no tiles.

    Only what it uses is computed: `unit`, `x`, `y` and `z`; of a block its first row and column of tiles and how many
    of its rows and columns are inside the output (`rows` and `cols`: a block at an edge has fewer than the others).
    """
    used = names_in(body)
    if loop != "linear":
        return _rectangle(body, used, loop, column_major=order == "column_major", batched=batched, beyond=beyond)
    unit = Let(name="unit", index=add(Var("unit_start"), mul(Var("i"), Var("unit_step"))))
    lets = needed((unit, *_place(order, batched), *block_lets(beyond=beyond)), used)
    return Loop(var="i", extent=Var("unit_count"), body=(*lets, *body))


def _rectangle(body: Body, used: set[str], loop: UnitLoop, *, column_major: bool, batched: bool, beyond: bool) -> Loop:
    """Rows and columns of units."""
    axes = (("y", Y_TRIP), ("x", X_TRIP)) if column_major else (("x", X_TRIP), ("y", Y_TRIP))
    (fast, fast_trip), (slow, slow_trip) = axes
    outer: Index = slow_trip
    if batched and loop == "rectangle":
        outer = add(mul(Z, Var(f"{slow}_count")), slow_trip)
    turn = add(mul(outer, Var(f"{fast}_count")), fast_trip)
    lets = needed((Let(name=TRIP.name, index=turn), *block_lets(beyond=beyond)), used)
    inner: Body = (*lets, *body)
    for axis, trip in axes:
        place = add(Var(f"{axis}_start"), mul(trip, Var(f"{axis}_step")))
        names_it: tuple[Let, ...] = (Let(name=axis, index=place),)
        if axis == "y" and batched and loop == "local":
            line = Var("line")
            names_it = (
                Let(name=line.name, index=place),
                Let(name="z", index=floor_div(line, GRID_Y)),
                Let(name="y", index=Expr("%", line, GRID_Y)),
            )
        inner = (Loop(var=trip.name, extent=Var(f"{axis}_count"), body=(*needed(names_it, used), *inner)),)
    (over_units,) = inner
    assert isinstance(over_units, Loop), "a rectangle has two axes"
    return Loop(var="z", extent=Var("grid_z"), body=inner) if batched and loop == "rectangle" else over_units


def block_lets(*, beyond: bool) -> tuple[Let, ...]:
    """The tiles of a unit of several: where they begin, in a shard too, and how many are inside the output."""
    first_row, first_col = mul(Y, BLOCK_M), mul(X, BLOCK_N)
    return (
        Let(name="first_row", index=least(first_row, Var("Mt")) if beyond else first_row),
        Let(name="first_col", index=least(first_col, Var("Nt")) if beyond else first_col),
        Let(name=SHARD_ROW.name, index=mul(Y_TRIP, BLOCK_M)),
        Let(name=SHARD_COL.name, index=mul(X_TRIP, BLOCK_N)),
        Let(name="rows", index=least(BLOCK_M, sub(Var("Mt"), FIRST_ROW))),
        Let(name="cols", index=least(BLOCK_N, sub(Var("Nt"), FIRST_COL))),
    )


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
                index=least(Var("panel_width"), sub(GRID_X, mul(panel, Var("panel_width")))),
            ),
            Let(name="x", index=add(mul(panel, Var("panel_width")), Expr("%", in_panel, width))),
            Let(name="y", index=floor_div(in_panel, width)),
        )
        return (z, *lets) if batched else lets[1:]
    (fast, fast_size), (slow, slow_size) = (("x", GRID_X), ("y", GRID_Y))
    if order == "column_major":
        (fast, fast_size), (slow, slow_size) = (("y", GRID_Y), ("x", GRID_X))
    if order == "zigzag":
        # Rows from both ends in turn: 0, the last, 1, the last but one.
        line, half = Var("line"), Var("half")
        in_batch: Index = floor_div(UNIT, GRID_X)
        last = sub(sub(GRID_Y, Const(1)), mul(Const(2), half))
        return (
            z,
            Let(name="x", index=Expr("%", UNIT, GRID_X)),
            Let(name=line.name, index=Expr("%", in_batch, GRID_Y) if batched else in_batch),
            Let(name=half.name, index=floor_div(line, Const(2))),
            Let(name="y", index=add(half, mul(Expr("%", line, Const(2)), last))),
        )
    over: Index = floor_div(UNIT, fast_size)
    plane = (
        Let(name=fast, index=Expr("%", UNIT, fast_size)),
        Let(name=slow, index=Expr("%", over, slow_size) if batched else over),
    )
    return (z, *plane) if batched else plane
