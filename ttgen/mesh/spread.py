"""Formulas over a mesh: what each device has of every value, and the collectives between them.

A sum over devices is made at once, before anything else is computed of it: what is added to it is added once, and
functions are of the sum. It is scattered where all that is made of it ends in outputs that are cut so. What doesn't fit
is gathered where devices computed it; inputs come as the spec says, and are refused with what would fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from itertools import product
from math import prod
from typing import Literal

from ttgen.exhaustive import assert_never
from ttgen.formula.functions import PLACED
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Output, Reduction, Value
from ttgen.mesh import refusals
from ttgen.mesh.nodes import Computed, Exchanged, Kind, Node, Spread
from ttgen.mesh.placement import WHOLE, Cuts, Mesh
from ttgen.mesh.rules import Held, made_of, varies
from ttgen.records import dataclass
from ttgen.spec import LoadedSpec


def spread(loaded: LoadedSpec, graph: Graph, mesh: Mesh, tensors: Mapping[str, Cuts]) -> Spread:
    """A graph over a mesh.

    Raises:
        SpecError: parts that don't fit together, and collectives that ttnn hasn't.
    """
    builder = _Builder(loaded=loaded, graph=graph, mesh=mesh, tensors=tensors)
    for index in range(len(graph.values)):
        builder.add(index)
    outputs = tuple(builder.output(output) for output in graph.outputs)
    return Spread(
        graph=graph, mesh=mesh, tensors=tensors, nodes=tuple(builder.nodes), finals=tuple(builder.finals),
        outputs=outputs,
    )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Builder:
    """Nodes while they are made: mutable inside this module only."""

    loaded: LoadedSpec
    graph: Graph
    mesh: Mesh
    tensors: Mapping[str, Cuts]
    nodes: list[Node] = field(default_factory=list)
    finals: list[int] = field(default_factory=list)
    gathered: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, index: int) -> None:
        """The node of a value whose operands have theirs."""
        value = self.graph.values[index]
        match value:
            case Input(tensor=tensor):
                node = self.computed(value, Held(value.shape, self.tensors[tensor]), index)
            case Number():
                node = self.computed(value, Held((), WHOLE), index)
            case Elementwise() | Contraction() | Reduction():
                operands = tuple(self.finals[operand] for operand in value.operands)
                node = self.summed(index, self.made(index, value, operands))
            case _:
                assert_never(value)
        self.finals.append(node)

    def computed(self, value: Value, held: Held, index: int) -> int:
        """A node that devices compute."""
        local = replace(value, shape=self.mesh.local(held.shape, held.cuts))
        self.nodes.append(Computed(value=local, held=held, origin=index))
        return len(self.nodes) - 1

    def made(self, index: int, value: Elementwise | Contraction | Reduction, operands: tuple[int, ...]) -> int:
        """A value of operands that fit together, some gathered first: as few elements as will do."""
        best: tuple[int, tuple[Cuts, ...], Held] | None = None
        # What goes by lines is refused where they are cut: to gather them would cost more than all the rest.
        lines = isinstance(value, Reduction) or (isinstance(value, Elementwise) and value.function in PLACED)
        for ways in product(*(tuple(self.ways(operand))[: 1 if lines else None] for operand in operands)):
            held = made_of(value, [self.after(operand, cuts) for operand, cuts in zip(operands, ways, strict=True)])
            if held is None:
                continue
            moved = [
                prod(self.mesh.local(self.nodes[operand].held.shape, cuts))
                for operand, cuts in zip(operands, ways, strict=True)
                if cuts != self.nodes[operand].held.cuts
            ]
            if best is None or sum(moved) < best[0]:
                best = sum(moved), ways, held
        helds = [self.nodes[operand].held for operand in operands]
        if best is None or self.forgotten(value, operands, best[1]):
            raise refusals.unfit(self.loaded, self.graph, self.mesh, index, helds)
        taken = [self.gather(operand, cuts) for operand, cuts in zip(operands, best[1], strict=True)]
        match value:
            case Elementwise():
                made: Value = replace(value, operands=tuple(taken))
            case Contraction():
                made = replace(value, operands=(taken[0], taken[1]))
            case Reduction():
                made = replace(value, operands=(taken[0],))
        return self.computed(made, best[2], index)

    def ways(self, node: int) -> Iterator[Cuts]:
        """How a value may be cut where it is used: as it is, or gathered, unless it is an input or was scattered."""
        found = self.nodes[node]
        cuts = found.held.cuts
        yield cuts
        given = isinstance(found, Computed) and not found.value.operands
        if given or (isinstance(found, Exchanged) and found.kind == "reduce_scatter"):
            return
        if cuts[1] is not None:
            yield cuts[0], None
        if cuts[0] is not None:
            yield WHOLE
            # What columns of devices have cut of what rows have is no part of the whole without those.
            if cuts[1] not in (None, cuts[0]):
                yield None, cuts[1]

    def after(self, node: int, cuts: Cuts) -> Held:
        """A value that is gathered until it is cut so."""
        return Held(self.nodes[node].held.shape, cuts)

    def forgotten(self, value: Value, operands: tuple[int, ...], ways: tuple[Cuts, ...]) -> bool:
        """Whether an element by element operation would gather a value because of an input that nobody cut."""
        if not isinstance(value, Elementwise):
            return False
        for operand, cuts in zip(operands, ways, strict=True):
            for before, after in zip(self.nodes[operand].held.cuts, cuts, strict=True):
                for other in operands:
                    found = self.nodes[other]
                    given = isinstance(found, Computed) and isinstance(found.value, Input)
                    if before is not None and after is None and given and varies(found.held.shape, before):
                        return True
        return False

    def gather(self, node: int, cuts: Cuts) -> int:
        """A value gathered until it is cut so: over columns of devices first, which have cut what rows have."""
        sides: tuple[Literal[0, 1], ...] = (1, 0)
        for side in sides:
            held = self.nodes[node].held
            along = held.cuts[side]
            if along is None or cuts[side] is not None:
                continue
            if (node, side) not in self.gathered:
                self.gathered[node, side] = self.exchanged("all_gather", node, side, along)
            node = self.gathered[node, side]
        return node

    def summed(self, index: int, node: int) -> int:
        """A value of which every device has a sum of its own, summed over devices."""
        sides: tuple[Literal[0, 1], ...] = (0, 1)
        for side in sides:
            if self.nodes[node].held.partial[side]:
                along = self.destined(index, side)
                cuts = self.nodes[node].held.cuts
                if along is not None and side == 0 and cuts[1] == along:
                    along = None  # rows of devices would cut what columns have cut
                kind: Kind = "all_reduce" if along is None else "reduce_scatter"
                node = self.exchanged(kind, node, side, along)
        return node

    def exchanged(self, kind: Kind, node: int, side: Literal[0, 1], along: int | None) -> int:
        """What devices have after a collective."""
        held = self.nodes[node].held
        partial, cuts = list(held.partial), list(held.cuts)
        partial[side] = False
        cuts[side] = None if kind == "all_gather" else along if kind == "reduce_scatter" else cuts[side]
        after = Held(held.shape, (cuts[0], cuts[1]), (partial[0], partial[1]))
        origin = self.nodes[node].origin
        part = held if kind == "all_gather" else after
        refusals.check_collective(self.loaded, self.graph, self.mesh, origin, kind, along, part)
        self.nodes.append(Exchanged(kind=kind, operand=node, side=side, along=along, held=after, origin=origin))
        return len(self.nodes) - 1

    def destined(self, index: int, side: int) -> int | None:
        """The dimension along which all outputs that are made of a value are cut, if nothing else is made of it."""
        found: set[int | None] = set()
        pending, seen = [index], set[int]()
        while pending:
            own = pending.pop()
            value = self.graph.values[own]
            if own in seen:
                continue
            seen.add(own)
            if own != index and (not isinstance(value, Elementwise) or value.function in PLACED):
                return None
            found |= {self.tensors[output.tensor][side] for output in self.graph.outputs if output.value == own}
            pending += [user for user, other in enumerate(self.graph.values) if own in other.operands]
        dim = next(iter(found)) if len(found) == 1 else None
        return dim if dim is not None and varies(self.graph.values[index].shape, dim) else None

    def output(self, output: Output) -> Output:
        """A declared output, gathered where it is declared whole."""
        node, wanted = self.finals[output.value], self.tensors[output.tensor]
        found = self.nodes[node]
        given = isinstance(found, Computed) and isinstance(found.value, Input)
        if wanted not in (self.ways(node) if not given else (found.held.cuts,)):
            raise refusals.output(self.graph, self.mesh, self.tensors, output, found.held.cuts)
        return replace(output, value=self.gather(node, wanted))
