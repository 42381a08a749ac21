"""Every choice of how a stage is made that doesn't change its result, each with where it came from and why."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from ttgen.model.plan import BlockSize, Origin
from ttgen.records import dataclass
from ttgen.spec import Auto, BlockLinear, CoreGrid, Keep, PolicyName, Shared

Value = TypeVar("Value")
Order = Literal["row_major", "column_major", "zigzag"] | BlockLinear


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Generic[Value]):
    """A choice that was made, and the reason that it was made with; empty where what comes of it is reason enough."""

    value: Value
    origin: Origin
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a stage is made.

    Attributes:
        policy: how units are dealt to cores; shards deal them where a layout has some.
        order: how units are numbered.
        cores: how many may be used, or in which rectangle; None for all.
        block: tiles of a unit, and the depth of one step of a contraction.
        multicast: the operands of a contraction that cores share.
        prefetch: whether cores read ahead what they share.
        split: parts into which K is cut.
        buffers: blocks that a stream of an operand holds.
        keep: what stays on a core between walks along a line; auto for as much as there is room for.
    """

    policy: Decided[PolicyName]
    order: Decided[Order]
    cores: Decided[int | CoreGrid | None]
    block: Decided[BlockSize]
    multicast: Decided[Shared]
    prefetch: Decided[bool]
    split: Decided[int]
    buffers: Decided[int]
    keep: Decided[Keep | Auto]
