"""Where the values of a graph come from while it is lowered: buffers, numbers, or operations; and how tiles spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ttgen.formula.values import Axes, Graph, Number, Value, spans
from ttgen.model.body import NumberArg
from ttgen.model.index import ZERO, Index

Broadcast = Literal["rows", "cols", "scalar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A node whose tile waits in a circular buffer; `exact` where the FPU would truncate its float32."""

    cb: str
    exact: bool
    slot: Index = ZERO


def broadcast_of(value: Value, into: Axes) -> Broadcast | None:
    """How a tile of a value spreads over one that varies along some axes: by its row, its column or its element."""
    match spans(value, into):
        case False, False:
            return "scalar"
        case False, True:
            return "rows"
        case True, False:
            return "cols"
    return None


class Spill(Exception):  # noqa: N818 - control flow of this module, not an error
    """The node has to be packed to a buffer."""

    def __init__(self, node: int) -> None:
        super().__init__(node)
        self.node = node


@dataclass(frozen=True, slots=True)
class Values:
    """Where the values of a graph come from while it is lowered.

    Attributes:
        leaves: nodes that come from circular buffers.
        spilled: nodes that have a section of their own, and the buffers that hold them.
        zeros: the buffer of a tile of zeros.
        numbers: float32 numbers by argument name; grows.
    """

    graph: Graph
    leaves: Mapping[int, Leaf]
    spilled: Mapping[int, str]
    zeros: str
    dst_bits: Literal[16, 32]
    slots: int
    numbers: dict[str, float] = field(default_factory=dict)

    def leaf(self, node: int) -> Leaf | None:
        """The buffer that a node comes from, or None where it is computed or a number."""
        if node in self.spilled:
            return Leaf(cb=self.spilled[node], exact=self.dst_bits == 32)
        return self.leaves.get(node)

    def is_computed(self, node: int) -> bool:
        """Whether a node takes operations."""
        return self.leaf(node) is None and not isinstance(self.graph.values[node], Number)

    def number(self, value: float, name: str) -> NumberArg:
        """Registers a number under its name, numbered where the name is taken."""
        unique, count = name, 1
        while unique in self.numbers:
            unique, count = f"{name}_{count}", count + 1
        self.numbers[unique] = value
        return NumberArg(unique)
