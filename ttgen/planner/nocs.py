"""Which of two kernels that both read is on the NoC for reads: that of the operand that is read more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from ttgen.dtypes import DTYPES
from ttgen.formula.values import Input
from ttgen.model.grids import GroupShape, Operand
from ttgen.model.plan import WorkGrid
from ttgen.planner.stages import Stage
from ttgen.planner.tensors import tiled

_WRITES: Final = 2.4
"""How many bytes more one kernel has to read than the other for each that the second one writes: on Wormhole, reads get
69 % of DRAM's rate on NoC 0 and 27 % on NoC 1, writes 12 % and 33 % (tt-npe's device model, uncoordinated)."""


def heavier(stage: Stage, grid: WorkGrid, groups: Mapping[Operand, GroupShape], sharers: Mapping[str, int]) -> Operand:
    """The operand whose kernel takes the NoC for reads; the other kernel's is the one for writes.

    Args:
        stage: what is computed.
        grid: units of work.
        groups: the operands that cores share.
        sharers: rows and columns of the cores that have to do with each other, if any have.
    """
    product = stage.graph.contraction
    if product is None or "core_cols" not in sharers or "kv" in groups:
        return "a"
    left, right = stage.graph.operands_of(product)
    cores = {
        "row": sharers["core_cols"],
        "column": sharers["core_rows"],
        "all": sharers["core_cols"] * sharers["core_rows"],
    }
    read = {}
    for operand, value, units in (("a", left, grid.x), ("b", right, grid.y)):
        assert isinstance(value, Input), "operands are tensors"
        ranks = next((cores[shape] for name, shape in groups.items() if name == operand), 1)
        read[operand] = _bytes(stage, value.tensor) * -(-units // ranks)
    written = sum(_bytes(stage, output.tensor) for output in stage.graph.outputs)
    return first(read["a"], read["b"], written)


def first(a: float, b: float, written: float) -> Operand:
    """The operand whose kernel reads on the NoC for reads, from the bytes that are read of each and written."""
    return "b" if b - a > _WRITES * written else "a"


def _bytes(stage: Stage, tensor: str) -> int:
    stored = stage.tensors[tensor]
    return math.prod(tiled(stored.shape)) * DTYPES[stored.dtype].tile_bytes
