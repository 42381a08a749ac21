"""What devices compute and what they exchange, value by value, before it is cut into parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ttgen.formula.values import Graph, Output, Value
from ttgen.mesh.placement import Cuts, Mesh
from ttgen.mesh.rules import Held
from ttgen.records import dataclass

Kind = Literal["all_reduce", "all_gather", "reduce_scatter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A value that each device computes of its parts.

    Attributes:
        value: it, of the shape that a device has; operands are nodes.
        held: what devices have of the whole.
        origin: the value of the formulas that it is.
    """

    value: Value
    held: Held
    origin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """What devices have after a collective.

    Attributes:
        kind: of ttnn's collectives.
        operand: the node that they exchange.
        side: whether each column of devices is by itself (0, over rows), or each row (1, over columns).
        along: the dimension that is gathered or scattered, counted from the last; None of an all_reduce.
        held: what devices have of the whole.
        origin: the value of the formulas that it is.
    """

    kind: Kind
    operand: int
    side: Literal[0, 1]
    along: int | None
    held: Held
    origin: int


Node = Computed | Exchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Formulas spread over a mesh.

    Attributes:
        graph: what they compute.
        mesh: the devices.
        tensors: how each declared tensor is cut.
        nodes: operands before their users.
        finals: the node that each value of the graph is, with sums made.
        outputs: the node that each declared output is.
    """

    graph: Graph
    mesh: Mesh
    tensors: Mapping[str, Cuts]
    nodes: tuple[Node, ...]
    finals: tuple[int, ...]
    outputs: tuple[Output, ...]

    def operands(self, node: int) -> tuple[int, ...]:
        """What a node is made of."""
        found = self.nodes[node]
        return found.value.operands if isinstance(found, Computed) else (found.operand,)

    def local(self, node: int) -> tuple[int, ...]:
        """The shape that a device has."""
        return self.mesh.local(self.nodes[node].held.shape, self.nodes[node].held.cuts)
