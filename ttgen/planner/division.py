"""Which core makes which units: the tables of the plan, and the loop that reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from ttgen.errors import counted, refuse
from ttgen.formula.online import attention_of
from ttgen.model.design import HELPERS, ROOTS, WORKERS
from ttgen.model.grids import Coordinate, GroupShape, Local, Operand, Table
from ttgen.model.plan import BlockSize, CoreRange, LinearLoop, RectangleLoop, WorkGrid
from ttgen.model.schedule import Schedule
from ttgen.patterns.context import tiles_of
from ttgen.planner import cores
from ttgen.planner.policies import POLICIES, Policy, RectanglePolicy
from ttgen.planner.roles import Roles
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import BlockLinear, Shared
from ttgen.target import Grid, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Units by core.

    Attributes:
        cores: how many have work.
        core_ranges: where those are.
        tables: a value a core, by the name of the runtime argument.
        sizes: what the loop needs beside them, by the name of the compile-time argument.
        roles: the cores by what they do.
        groups: the operands of a contraction that cores share, and with which others each core does.
    """

    cores: int
    core_ranges: tuple[CoreRange, ...]
    loop: LinearLoop | RectangleLoop
    tables: Mapping[str, Table]
    sizes: Mapping[str, int]
    roles: Roles
    groups: Mapping[Operand, GroupShape] = field(default_factory=dict)


def divide(stage: Stage, schedule: Schedule, grid: WorkGrid, target: Target) -> Division:
    """Deals the units of a work grid.

    Raises:
        SpecError: more cores than the target has, or cores or an order that a rectangle can't have.
    """
    policy, order, asked = schedule.policy.value, schedule.order.value, schedule.cores.value
    most, core_grid = cores.asked_for(stage, asked, target)
    chosen = POLICIES[policy]
    if stage.graph.reduced is not None and schedule.split.value > 1:
        return _in_parts(stage, schedule, grid, core_grid)
    if isinstance(chosen, Policy):
        dealt = chosen.split(grid.x * grid.y * grid.z, most)
        sizes = {"unit_step": dealt.step}
        if isinstance(order, BlockLinear):
            sizes["panel_width"] = order.block_linear
        everywhere = cores.ranges(0, dealt.cores, core_grid.cols)
        return Division(
            cores=dealt.cores,
            core_ranges=everywhere,
            roles={WORKERS: everywhere},
            loop=LinearLoop(step=dealt.step),
            tables={
                "unit_start": cores.table(dealt.starts, core_grid.cols),
                "unit_count": cores.table(dealt.counts, core_grid.cols),
            },
            sizes=sizes,
        )
    if isinstance(asked, int):
        text = f"policy {policy} needs a rectangle of cores: write {{rows: …, cols: …}}"
        raise refuse(text, *stage.path, "cores")
    if isinstance(order, BlockLinear) or order == "zigzag":
        text = f"policy {policy} goes by rows and columns of units: use row_major or column_major"
        raise refuse(text, *stage.path, "order")
    split, steps = schedule.split.value, _steps(stage, schedule)
    if split > core_grid.rows:
        text = f"{split} parts of K need as many rows of cores, and there are {core_grid.rows}"
        raise refuse(f"{text}: use at most {core_grid.rows}", *stage.path, "split")
    if split > steps:
        text = f"{split} parts of K, which has {steps} steps of block.k {schedule.block.value.k}"
        raise refuse(f"{text}: use at most {steps}, or a smaller block.k", *stage.path, "split")
    if attention_of(stage.graph) is not None:
        return _heads(chosen, schedule.multicast.value, grid, core_grid)
    # Each part of K has a band of the rectangle, in which cores share and deal units as in a whole one.
    band = Grid(rows=core_grid.rows // split, cols=core_grid.cols)
    return _rectangle(chosen, schedule.multicast.value, grid, band, split)


def _heads(policy: RectanglePolicy, shared: Shared, grid: WorkGrid, core_grid: Grid) -> Division:
    """Deals blocks of queries to columns of cores, and heads to rows of them: a row has the keys of one head.

    Args:
        policy: deals lines of units to lines of cores.
        shared: whether a row's cores share those.
        grid: of units: blocks of queries along x, and heads along y.
        core_grid: the cores that there are.
    """
    found = sides("a" if shared != "none" else "none", grid.x, grid.y, core_grid)
    dealt = policy.split(grid.x, grid.y, found.down, found.across)
    begins = _begins(found, grid)
    x_counts = dealt.x_counts
    sizes = {"x_step": found.across, "y_step": found.down}
    if found.groups:
        x_counts = (max(x_counts),) * found.across
        sizes |= {"x_count": x_counts[0], "core_cols": found.cols, "core_rows": found.rows, "parts": 1}
    tables = _lines(begins, x_counts, dealt.y_counts) | (_places(begins) if found.groups else {})
    everywhere = cores.cover(begins)
    return Division(
        cores=len(begins),
        core_ranges=everywhere,
        loop=RectangleLoop(x_step=found.across, y_step=found.down),
        tables={name: cores.table_of(values) for name, values in tables.items()},
        sizes=sizes,
        roles={WORKERS: everywhere},
        groups=dict.fromkeys(("kv",), next(iter(found.groups.values()))) if found.groups else {},
    )


def _in_parts(stage: Stage, schedule: Schedule, grid: WorkGrid, core_grid: Grid) -> Division:
    """Deals lines to rectangles of cores, each of which has a part of each of its lines.

    Raises:
        SpecError: no rectangles of so many cores, or units that aren't lines.
    """
    split, steps = schedule.split.value, _steps(stage, schedule)
    policy = POLICIES[schedule.policy.value]
    path = (*stage.path, "split")
    if not isinstance(policy, Policy):
        text = f"lines in parts are dealt one after the other: use policy {' or '.join(_linear())}"
        raise refuse(text, *stage.path, "policy")
    block = schedule.block.value
    if block.m * block.n > 1 and attention_of(stage.graph) is not None:
        text = f"queries whose keys are in parts are units of a row of tiles: leave block.m at 1, not {block.m}"
        raise refuse(text, *stage.path, "block", "m")
    if block.m * block.n > 1:
        side = "m" if block.m > 1 else "n"
        raise refuse(f"lines in parts are units: leave block.{side} at 1", *stage.path, "block", side)
    if split > steps:
        what = f"{counted(steps, 'step')} of block.k {block.k}" if block.k > 1 else counted(steps, "tile")
        fix = f"use at most {steps}" if steps > 1 else "leave it out"
        smaller = ", or a smaller block.k" if block.k > 1 else ""
        raise refuse(f"{split} parts of a line, which has {what}: {fix}{smaller}", *path)
    wide, high = min(split, core_grid.cols), -(-split // core_grid.cols)
    if wide * high != split or high > core_grid.rows:
        whole = (core_grid.cols * rows for rows in range(2, core_grid.rows + 1))
        fits = [fit for fit in (*range(2, core_grid.cols + 1), *whole) if fit <= steps]
        near = [fit for fit in fits if fit < split][-1:] + [fit for fit in fits if fit > split][:1]
        text = f"{split} cores make no rectangle of {core_grid.rows} rows and {core_grid.cols} cols of cores"
        raise refuse(f"{text}: use {' or '.join(map(str, near))}", *path)
    across = core_grid.cols // wide
    dealt = policy.split(grid.x * grid.y * grid.z, across * (core_grid.rows // high))
    places = {
        (group % across * wide + rank % wide, group // across * high + rank // wide): group
        for group in range(dealt.cores)
        for rank in range(split)
    }
    tables = {
        "unit_start": {core: dealt.starts[group] for core, group in places.items()},
        "unit_count": {core: dealt.counts[group] for core, group in places.items()},
        **_places(places),
    }
    everywhere = cores.cover(places)
    return Division(
        cores=len(places),
        core_ranges=everywhere,
        roles={WORKERS: everywhere},
        loop=LinearLoop(step=dealt.step),
        tables={name: cores.table_of(values) for name, values in tables.items()},
        sizes={
            "unit_step": dealt.step, "group_cols": wide, "group_rows": high,
            "core_cols": 1 + max(x for x, _y in places), "core_rows": 1 + max(y for _x, y in places),
        },
    )  # fmt: skip


def _linear() -> list[str]:
    """The policies that deal units one after the other."""
    return [name for name, policy in POLICIES.items() if isinstance(policy, Policy)]


def _steps(stage: Stage, schedule: Schedule) -> int:
    """Steps of K, or of a line; one where nothing is summed over."""
    reduced = stage.graph.reduced
    if reduced is not None:
        tiles = reduced.size if (stage.graph.along or 0) > 1 else tiles_of(reduced.size)
        return -(-tiles // schedule.block.value.k)
    product = stage.graph.contraction
    return 1 if product is None else -(-tiles_of(product.over.size) // schedule.block.value.k)


def _rectangle(policy: RectanglePolicy, shared: Shared, grid: WorkGrid, core_grid: Grid, split: int) -> Division:
    """Deals rows and columns of units to those of a rectangle of cores, or a single line of units to all its cores.

    Cores that share an operand make the same number of trips: some are beyond the last unit where those don't come out
    even, and so may be all trips of a core that only completes the rectangle.

    Args:
        policy: deals lines of units to lines of cores.
        shared: the operands of a contraction that cores share.
        grid: of units.
        core_grid: the cores that there are for a part of K.
        split: parts of K, below each other.
    """
    found = sides(shared, grid.x, grid.y, core_grid)
    rows, cols, down, across, groups = found.rows, found.cols, found.down, found.across, found.groups
    dealt = policy.split(grid.x, grid.y, down, across)
    x_counts, y_counts = dealt.x_counts, dealt.y_counts
    sizes = {"x_step": across, "y_step": down}
    if groups:
        x_counts, y_counts = (max(x_counts),) * across, (max(y_counts),) * down
        sizes |= {"x_count": x_counts[0], "y_count": y_counts[0]}
    begins = _begins(found, grid)
    parts = {(x, y + part * rows): begin for part in range(split) for (x, y), begin in begins.items()}
    tables = _lines(parts, x_counts, y_counts)
    everywhere = cores.cover(parts)
    roles = {WORKERS: everywhere}
    if groups or split > 1:
        tables |= _places(parts)
        sizes |= {"core_cols": cols, "core_rows": rows, "parts": split}
    if split > 1:
        roles[ROOTS] = cores.cover(begins)
        roles[HELPERS] = cores.cover(parts.keys() - begins.keys())
    return Division(
        cores=len(parts),
        core_ranges=everywhere,
        loop=RectangleLoop(x_step=across, y_step=down),
        tables={name: cores.table_of(values) for name, values in tables.items()},
        sizes=sizes,
        roles=roles,
        groups=groups,
    )


def _begins(found: Sides, grid: WorkGrid) -> dict[Coordinate, Coordinate]:
    """The column and row of units that each core begins with."""
    if 1 not in (grid.x, grid.y):
        return {(x, y): (x, y) for y in range(found.rows) for x in range(found.cols)}
    lines = {(index % found.cols, index // found.cols): index for index in range(found.down * found.across)}
    return {core: (index, 0) if grid.y == 1 else (0, index) for core, index in lines.items()}


def _lines(
    begins: Mapping[Coordinate, Coordinate], x_counts: Sequence[int], y_counts: Sequence[int]
) -> dict[str, dict[Coordinate, int]]:
    """The columns and rows of units that each core has, by what it begins with and how many that leads to."""
    return {
        "x_start": {core: x for core, (x, _y) in begins.items()},
        "x_count": {core: x_counts[x] for core, (x, _y) in begins.items()},
        "y_start": {core: y for core, (_x, y) in begins.items()},
        "y_count": {core: y_counts[y] for core, (_x, y) in begins.items()},
    }


def _places(among: Iterable[Coordinate]) -> dict[str, dict[Coordinate, int]]:
    """Where each core is, for those that find others by it."""
    places = tuple(among)
    return {"core_x": {(x, y): x for x, y in places}, "core_y": {(x, y): y for x, y in places}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A rectangle of cores, and how many rows and columns of units are dealt to at a time.

    Attributes:
        rows: of cores.
        cols: of cores.
        down: rows of units; as many as rows of cores, but where a single line of units goes to all cores.
        across: columns of units.
        groups: the operands that cores share.
    """

    rows: int
    cols: int
    down: int
    across: int
    groups: Mapping[Operand, GroupShape]

    def sharing(self, operand: Operand) -> int:
        """How many cores share an operand; one where each reads its own."""
        shape = self.groups.get(operand)
        if shape is None:
            return 1
        return {"row": self.cols, "column": self.rows, "all": self.rows * self.cols}[shape]


def sides(shared: Shared, across: int, down: int, core_grid: Grid) -> Sides:
    """The cores that units are dealt to, row by row and column by column, or a single line of them to all cores.

    Args:
        shared: the operands of a contraction that cores may share.
        across: columns of units.
        down: rows of units.
        core_grid: the cores that there are.
    """
    if 1 not in (across, down):
        rows, cols = min(core_grid.rows, down), min(core_grid.cols, across)
        groups = _groups(shared, rows=rows, cols=cols, line=None)
        return Sides(rows=rows, cols=cols, down=rows, across=cols, groups=groups)
    used = min(core_grid.cores, across * down)
    rows, cols = -(-used // core_grid.cols), min(used, core_grid.cols)
    groups = _groups(shared, rows=rows, cols=cols, line="a" if down == 1 else "b")
    # Who shares completes the rectangle.
    used = rows * cols if groups else used
    return Sides(
        rows=rows, cols=cols, down=1 if down == 1 else used, across=used if down == 1 else 1, groups=groups
    )  # fmt: skip


def _groups(shared: Shared, *, rows: int, cols: int, line: Operand | None) -> Mapping[Operand, GroupShape]:
    """Which operands are shared, and with whom; a core alone shares nothing.

    Args:
        shared: the operands that may be.
        rows: of cores.
        cols: of cores.
        line: the operand that all cores need the same of, where they make a single line of units.
    """
    found: dict[Operand, GroupShape] = {}
    if shared in ("a", "both") and (line == "a" or (line is None and cols > 1)):
        found["a"] = "row" if line is None or rows == 1 else "all"
    if shared in ("b", "both") and (line == "b" or (line is None and rows > 1)):
        found["b"] = "column" if line is None else "row" if rows == 1 else "all"
    return found if rows * cols > 1 else {}


def by_shards(local: Local, grid: WorkGrid, block: BlockSize, group: tuple[int, int] | None = None) -> Division:
    """The units of each core's part of the output, which begins with a whole unit and ends with one or at an edge.

    Args:
        local: the parts.
        grid: of units.
        block: tiles of a unit.
        group: columns and rows of cores that have each of their units together, a part of it each.
    """
    # Rows that nothing splits end with an edge in each batch.
    split = len({part.row for part in local.parts.values()}) > 1
    tables = {
        "x_start": {core: part.col // block.n for core, part in local.parts.items()},
        "x_count": {core: -(-part.cols // block.n) for core, part in local.parts.items()},
        "y_start": {core: part.row // block.m for core, part in local.parts.items()},
        "y_count": {core: part.rows // block.m if split else grid.y * grid.z for core, part in local.parts.items()},
    }
    sizes = {"x_step": 1, "y_step": 1}
    if group is not None:
        tables |= {"core_x": {core: core[0] for core in local.parts}, "core_y": {core: core[1] for core in local.parts}}
        sizes |= {
            "group_cols": group[0], "group_rows": group[1],
            "core_cols": 1 + max(x for x, _y in local.parts), "core_rows": 1 + max(y for _x, y in local.parts),
        }  # fmt: skip
    everywhere = cores.cover(local.parts)
    return Division(
        cores=len(local.parts),
        core_ranges=everywhere,
        roles={WORKERS: everywhere},
        loop=RectangleLoop(x_step=1, y_step=1),
        tables={name: cores.table_of(values) for name, values in tables.items()},
        sizes=sizes,
    )
