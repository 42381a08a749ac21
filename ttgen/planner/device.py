"""The smallest device that programs run on."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ttgen.model.grids import GridSize
from ttgen.model.plan import PlanTarget, Program, Tensor
from ttgen.target import Target


def needed(target: Target, tensors: Collection[Tensor], programs: Sequence[Program]) -> PlanTarget:
    """The grid of cores and the banks of DRAM that programs and shards are on, or all that pages go round.

    Pages that go round banks of DRAM do so round as many as there are.
    """
    ends = [core_range.end for program in programs for core_range in program.work.core_ranges]
    grids = [tensor.shards.grid for tensor in tensors if tensor.shards is not None and not tensor.in_dram]
    rows = max([y + 1 for _x, y in ends] + [grid.rows for grid in grids])
    cols = max([x + 1 for x, _y in ends] + [grid.cols for grid in grids])
    if any(tensor.layout == "l1_interleaved" for tensor in tensors):
        rows, cols = target.grid.rows, target.grid.cols
    banks = max((tensor.shards.grid.cols for tensor in tensors if tensor.shards and tensor.in_dram), default=1)
    return PlanTarget(device=target.product, arch=target.arch, grid=GridSize(rows=rows, cols=cols), dram_banks=banks)
