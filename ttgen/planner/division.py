"""Which core makes which units: the tables of the plan, and the loop that reads them."""

from __future__ import annotations

from collections.abc import Mapping

from ttgen.errors import refuse
from ttgen.model.design import WORKERS
from ttgen.model.grids import Local
from ttgen.model.plan import BlockSize, CoreRange, LinearLoop, RectangleLoop, Table, WorkGrid
from ttgen.planner import cores
from ttgen.planner.policies import POLICIES, Policy
from ttgen.planner.roles import Roles
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import BlockLinear, CoreGrid, PolicyName
from ttgen.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Units by core.

    Attributes:
        cores: how many have work.
        core_ranges: where those are.
        tables: a value a core, by the name of the runtime argument.
        sizes: what the loop needs beside them, by the name of the compile-time argument.
    """

    cores: int
    core_ranges: tuple[CoreRange, ...]
    loop: LinearLoop | RectangleLoop
    tables: Mapping[str, Table]
    sizes: Mapping[str, int]

    @property
    def roles(self) -> Roles:
        """The cores by what they do: all that have work do the same."""
        return {WORKERS: self.core_ranges}


def divide(
    stage: Stage,
    policy: PolicyName,
    order: str | BlockLinear,
    asked: int | CoreGrid | None,
    grid: WorkGrid,
    target: Target,
) -> Division:
    """Deals the units of a work grid.

    Raises:
        SpecError: more cores than the target has, or cores or an order that a rectangle can't have.
    """
    most, core_grid = cores.asked_for(stage, asked, target)
    chosen = POLICIES[policy]
    if isinstance(chosen, Policy):
        split = chosen.split(grid.x * grid.y * grid.z, most)
        sizes = {"unit_step": split.step}
        if isinstance(order, BlockLinear):
            sizes["panel_width"] = order.block_linear
        return Division(
            cores=split.cores,
            core_ranges=cores.ranges(0, split.cores, core_grid.cols),
            loop=LinearLoop(step=split.step),
            tables={
                "unit_start": cores.table(split.starts, core_grid.cols),
                "unit_count": cores.table(split.counts, core_grid.cols),
            },
            sizes=sizes,
        )
    if isinstance(asked, int):
        text = f"policy {policy} needs a rectangle of cores: write {{rows: …, cols: …}}"
        raise refuse(text, *stage.path, "cores")
    if isinstance(order, BlockLinear):
        text = f"policy {policy} goes by rows and columns of units: use row_major or column_major"
        raise refuse(text, *stage.path, "order")
    rectangle = chosen.split(grid.x, grid.y, core_grid.rows, core_grid.cols)
    rows, cols = len(rectangle.y_counts), len(rectangle.x_counts)
    return Division(
        cores=rows * cols,
        core_ranges=(CoreRange(start=(0, 0), end=(cols - 1, rows - 1)),),
        loop=RectangleLoop(x_step=cols, y_step=rows),
        tables={
            "x_start": (tuple(range(cols)),) * rows,
            "x_count": (rectangle.x_counts,) * rows,
            "y_start": tuple((row,) * cols for row in range(rows)),
            "y_count": tuple((count,) * cols for count in rectangle.y_counts),
        },
        sizes={"x_step": cols, "y_step": rows},
    )


def by_shards(local: Local, grid: WorkGrid, block: BlockSize) -> Division:
    """The units of each core's part of the output, which begins with a whole unit and ends with one or at an edge."""
    # Rows that nothing splits end with an edge in each batch.
    split = len({part.row for part in local.parts.values()}) > 1
    tables = {
        "x_start": {core: part.col // block.n for core, part in local.parts.items()},
        "x_count": {core: -(-part.cols // block.n) for core, part in local.parts.items()},
        "y_start": {core: part.row // block.m for core, part in local.parts.items()},
        "y_count": {core: part.rows // block.m if split else grid.y * grid.z for core, part in local.parts.items()},
    }
    return Division(
        cores=len(local.parts),
        core_ranges=cores.cover(local.parts),
        loop=RectangleLoop(x_step=1, y_step=1),
        tables={name: cores.table_of(values) for name, values in tables.items()},
        sizes={"x_step": 1, "y_step": 1},
    )
