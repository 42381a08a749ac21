"""What a pattern decides: the bodies of a program's kernels and the buffers between them, before they have numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from ttgen.dtypes import DTypeName
from ttgen.model.body import Body
from ttgen.model.plan import Padding
from ttgen.records import dataclass

WORKERS: Final = "workers"
"""The role of the cores that make units of work."""

ROOTS: Final = "roots"
"""Of several cores that make a unit, those that finish it."""
HELPERS: Final = "helpers"
"""Those that make a part of its sums."""

BufferRole = Literal["input", "output", "intermediate", "fed", "sent"]
"""What a buffer is for: tiles of tensors that come or go, values between sections, or what kernels that move data
make for the compute kernel, or take from it and send to other cores."""
Part = Literal["reader", "compute", "writer"]
"""What a core runs side by side: kernels that move data on two of its processors, and one that computes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferDesign:
    """A circular buffer.

    Attributes:
        role: decides its index.
        block: tiles that are handed over at once.
        blocks: how many of those it holds.
        unpack_to_dst: float32 that goes to DST without passing through SrcA, with its whole mantissa.
        tensor: the tensor on whose shard it lies; None where it has memory of its own.
        lies_in: the buffer, of the same format and as many pages, in whose memory it lies; None where it has its own.
        on: the roles whose cores have it.
    """

    name: str
    role: BufferRole
    dtype: DTypeName
    block: int
    blocks: int = 1
    unpack_to_dst: bool = False
    tensor: str | None = None
    lies_in: str | None = None
    on: tuple[str, ...] = (WORKERS,)

    @property
    def pages(self) -> int:
        """Its capacity in tiles."""
        return self.block * self.blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelDesign:
    """A kernel.

    Attributes:
        part: of a core that runs it.
        noc: that it moves data on: the one that the target prefers for reads, or the other one.
        summary: what it is for.
        body: what it does.
        on: the roles whose cores have it.
    """

    name: str
    part: Part
    noc: Literal["read", "write"] = "read"
    summary: str
    body: Body
    on: tuple[str, ...] = (WORKERS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A program without numbers.

    Attributes:
        semaphores: counters that cores raise in each other, all 0 at first.
        sizes: the values of all names that the bodies use as compile-time arguments.
        numbers: float32 numbers by argument name.
        padding: what each use of a tensor needs of its padding, by tensor.
        dst_tiles: most DST slots that a section uses.
        accumulator: the buffer of a block's product on its way to the epilogue; empty for none.
        spills: buffers that take values out of DST because it hasn't room for all.
    """

    kernels: tuple[KernelDesign, ...]
    buffers: tuple[BufferDesign, ...]
    semaphores: tuple[str, ...]
    sizes: Mapping[str, int]
    numbers: Mapping[str, float]
    padding: Mapping[str, tuple[Padding, ...]]
    dst_tiles: int
    accumulator: str
    spills: tuple[str, ...]
