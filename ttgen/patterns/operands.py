"""Where the values of a graph come from while it is lowered: buffers, numbers, or operations; and how tiles spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal

from ttgen.exhaustive import assert_never
from ttgen.formula.functions import COMPARISONS
from ttgen.formula.values import Axes, Contraction, Elementwise, Graph, Input, Number, Reduction, Value, spans
from ttgen.model.body import NumberArg
from ttgen.model.index import ZERO, Index
from ttgen.records import dataclass

Broadcast = Literal["rows", "cols", "scalar"]
ON_FPU: Final = frozenset({"add", "sub", "mul"})
"""What the FPU computes of two tiles in buffers, one of which it may spread."""


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


# Functions whose value is never -0.0: not where its exact value is 0, nor where it underflows.
_NEVER_NEGATIVE_ZERO: Final = frozenset({"abs", "exp", "sigmoid", "softplus", "square", *COMPARISONS})


def may_be_negative_zero(value: Value) -> bool:
    """Whether an element of a value may be -0.0, which has a bit that isn't 0."""
    match value:
        case Number(number=number):
            return number == 0 and math.copysign(1.0, number) < 0
        case Elementwise(function=function):
            return function not in _NEVER_NEGATIVE_ZERO
        case Input() | Contraction() | Reduction():
            return True
        case _:
            assert_never(value)


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
        reuses: whether equal numbers are one argument.
        beside: what is beside inputs and reductions, where it isn't 0.
    """

    graph: Graph
    leaves: Mapping[int, Leaf]
    spilled: Mapping[int, str]
    zeros: str
    dst_bits: Literal[16, 32]
    slots: int
    numbers: dict[str, float] = field(default_factory=dict)
    reuses: bool = False
    beside: Mapping[int, Literal["again", "anything"]] = field(default_factory=dict)

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
        if self.reuses and value in self.numbers.values():
            return NumberArg(next(known for known, other in self.numbers.items() if other == value))
        unique, count = name, 1
        while unique in self.numbers:
            unique, count = f"{name}_{count}", count + 1
        self.numbers[unique] = value
        return NumberArg(unique)
