"""What scores of an attention become before their softmax: operations on each of them while it is in DST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ttgen.formula.online import Online
from ttgen.formula.values import Graph, Input
from ttgen.model.body import Dst, Op
from ttgen.model.index import Const
from ttgen.patterns.folds import reachable
from ttgen.patterns.operands import Leaf, Spill, Values
from ttgen.patterns.section import SectionBuilder
from ttgen.records import dataclass

LOWEST: Final = -1e30
"""The largest score before any: what is less counts as nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What scores become before their softmax, in DST: a tile in slot 0, with more slots beside it.

    Attributes:
        ops: operations.
        spare: slots beside the tile's own.
        numbers: float32 numbers by argument name.
    """

    ops: tuple[Op, ...]
    spare: int
    numbers: Mapping[str, float]


def scaling(graph: Graph, online: Online, slots: int, leaf: Callable[[int], Leaf], *, masked: bool) -> Scaling:
    """What scores become.

    Raises:
        Spill: DST has no room for it.
    """
    leaves = {
        index: leaf(index)
        for index, value in enumerate(graph.values)
        if isinstance(value, Input) and index in _beside(graph, online)
    }
    numbers: dict[str, float] = {"lowest": LOWEST}
    values = Values(graph, leaves, {}, "", 32, slots, numbers, reuses=True)
    builder = SectionBuilder(values, (online.scaled,), reachable(values, (online.scaled,)))
    builder.hold(online.scores, builder.allocate())
    # What one tile leaves in slots is there for the next: none is zero.
    builder.written.update(range(slots))
    slot = builder.root(online.scaled)
    if slot:
        builder.emit("copy_dst", (Dst(Const(slot)),), 0)
    used = [op.dst.value for op in builder.ops if isinstance(op.dst, Const)]
    spare = max((*used, int(masked)))
    if spare + 1 > slots:
        raise Spill(online.scaled)
    return Scaling(ops=tuple(builder.ops), spare=spare, numbers=numbers)


def _beside(graph: Graph, online: Online) -> set[int]:
    """The tensors that scores are scaled or shifted by."""
    found: set[int] = set()
    pending = [online.scaled]
    while pending:
        index = pending.pop()
        if index not in found and index != online.scores:
            found.add(index)
            pending += graph.values[index].operands
    return {index for index in found if isinstance(graph.values[index], Input)}


def beside(graph: Graph, online: Online) -> tuple[int, ...]:
    """The tensors that scores are scaled or shifted by, in order."""
    return tuple(sorted(_beside(graph, online)))
