"""What a pattern knows when it designs kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ttgen.dtypes import TILE, DTypeName
from ttgen.formula.values import Graph
from ttgen.model.grids import GroupShape, Local, Operand
from ttgen.model.plan import BlockSize, Subblock
from ttgen.patterns.units import UnitLoop
from ttgen.records import dataclass
from ttgen.spec import BlockLinear, Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The formulas and what was decided before the kernels.

    Attributes:
        made: the inputs that earlier programs make, whose padding is what they leave there.
        dst_bits: width of the destination registers.
        dst_slots: tiles that they hold.
        loop: how a core goes through its units: by number, or by rows and columns of a rectangle, batch by batch or
            through the rows of all batches.
        block: tiles of a unit, and the depth of one step of a contraction.
        subblock: tiles of a unit that a contraction accumulates in DST at once.
        local: the division that shards make, if there are any.
        groups: the operands that cores share, and with which others each core does.
        prefetch: whether a core reads its next block of a shared operand while others send.
        heavier: the operand that is read most, where each has a kernel of its own.
        split: parts into which K is cut, each made by a core of its own.
        at_root: whether a kernel is one of roots alone, whose part of K is the first.
        shard_widths: columns of tiles of a shard, by tensor that has some: in it rows of tiles lie one after another.
        buffers: blocks that a stream of an operand holds.
        keep: what stays on the core from one walk along a line to the next.
        lines: lines of an input that a core holds, where inputs stay.
    """

    graph: Graph
    dtypes: Mapping[str, DTypeName]
    made: frozenset[str]
    order: Literal["row_major", "column_major", "zigzag"] | BlockLinear
    dst_bits: Literal[16, 32]
    dst_slots: int
    loop: UnitLoop
    block: BlockSize
    subblock: Subblock
    local: Local | None
    groups: Mapping[Operand, GroupShape]
    prefetch: bool
    heavier: Operand
    split: int
    shard_widths: Mapping[str, int]
    buffers: int
    keep: Keep
    lines: int
    at_root: bool = False

    def in_runs(self, tensor: str, tiles: int) -> bool:
        """Whether so many columns of tiles of a block follow each other in memory: they are in one shard."""
        return tiles > 1 and self.shard_widths.get(tensor, 1) % tiles == 0

    @property
    def blocked(self) -> bool:
        """Whether a unit is gone through as a block of tiles: it has several, or what it reads is shared in blocks."""
        return self.block.m * self.block.n > 1 or self.exchanges

    @property
    def exchanges(self) -> bool:
        """Whether cores have to do with each other."""
        return bool(self.groups) or self.split > 1

    @property
    def in_any_part(self) -> bool:
        """Whether a kernel's core makes some part of K, and its place says which."""
        return self.split > 1 and not self.at_root

    @property
    def numbered(self) -> bool:
        """Whether the number of a unit is the number of its tile in a tensor of the output's shape."""
        return self.loop == "linear" and self.order == "row_major" and not self.blocked

    @property
    def batched(self) -> bool:
        """Whether units have a batch index."""
        return len(self.graph.work) > 2

    def is_resident(self, tensor: str) -> bool:
        """Whether all that a core needs of a tensor is the shard that lies there."""
        return self.local is not None and tensor in self.local.resident

    @property
    def intermediate_dtype(self) -> DTypeName:
        """What buffers between sections hold: the width of DST, so that a spill loses nothing."""
        return "float32" if self.dst_bits == 32 else "bfloat16"


def tiles_of(size: int) -> int:
    """Tiles that cover a size in elements."""
    return -(-size // TILE)
