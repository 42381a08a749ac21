"""What each device does: programs in parts, and the collectives after each part.

A part is a graph of its own: what an earlier one stored, or devices exchanged, is a tensor that it reads. Values belong
to the last part that everything made of them allows, so that what is added to a sum of devices is added where it is
read; values of inputs alone are made again by each part that reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from ttgen.dtypes import DTypeName
from ttgen.exhaustive import assert_never
from ttgen.formula.axes import with_axes
from ttgen.formula.stages import Stage, cut
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Output, Reduction, Shape, Value
from ttgen.mesh.names import Names, named
from ttgen.mesh.nodes import Computed, Exchanged, Kind, Spread
from ttgen.mesh.placement import Mesh, check_alone, mesh_of, placements
from ttgen.mesh.rules import Held
from ttgen.mesh.spread import spread
from ttgen.records import dataclass
from ttgen.spec import LoadedSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Collective:
    """Devices exchange what programs have stored.

    Attributes:
        kind: of ttnn's collectives.
        source: the tensor that they have.
        target: the tensor that they get.
        side: whether each column of devices is by itself (0, over rows), or each row (1, over columns).
        along: the dimension that is gathered or scattered, counted from the last; None of an all_reduce.
    """

    kind: Kind
    source: str
    target: str
    side: int
    along: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What programs compute between collectives.

    Attributes:
        graph: their values; empty where collectives follow each other.
        collectives: what devices then exchange.
    """

    graph: Graph
    collectives: tuple[Collective, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What every device of a mesh does; or the only one.

    Attributes:
        mesh: the devices; None of a spec that has none.
        parts: in order.
        shapes: of tensors that are declared or exchanged, what a device has.
        held: of those tensors, what all devices have of the whole.
        dtypes: how tensors between parts are stored.
    """

    mesh: Mesh | None
    parts: tuple[Part, ...]
    shapes: Mapping[str, Shape]
    held: Mapping[str, Held] = field(default_factory=dict)
    dtypes: Mapping[str, DTypeName] = field(default_factory=dict)

    @property
    def collectives(self) -> tuple[Collective, ...]:
        """All of them, in order."""
        return tuple(item for part in self.parts for item in part.collectives)


def device_of(loaded: LoadedSpec, graph: Graph) -> Device:
    """What every device does for a graph.

    Raises:
        SpecError: parts that devices can't have, that don't fit together, or that ttnn can't exchange.
    """
    said = loaded.spec.mesh
    if said is None:
        check_alone(loaded)
        return Device(mesh=None, parts=(Part(graph=graph),), shapes=loaded.shapes)
    mesh = mesh_of(said)
    tensors = placements(loaded, mesh)
    found = spread(loaded, graph, mesh, tensors)
    return _Parts(found, named(loaded, found)).device(loaded)


def stages_of(device: Device, dtypes: Mapping[str, DTypeName], taken: set[str]) -> tuple[tuple[Stage, ...], ...]:
    """The stages of each part, in the order that they run in.

    Args:
        device: what a device does.
        dtypes: how named values are stored.
        taken: names that a value without one can't get.
    """
    taken = {*taken, *device.held}
    known = {**dtypes, **device.dtypes}
    found: list[tuple[Stage, ...]] = []
    for part in device.parts:
        stages = cut(part.graph, known, taken) if part.graph.outputs else ()
        found.append(stages)
        taken.update(output.tensor for stage in stages for output in stage.graph.outputs)
    return tuple(found)


@dataclass(slots=True)
class _Parts:
    """The parts of a device while they are made."""

    spread: Spread
    names: Names

    def device(self, loaded: LoadedSpec) -> Device:
        """All of them."""
        depths = self.names.depths
        parts: list[Part] = []
        given: set[str] = set()
        for level in range(max(depths) + 1):
            graph = self.graph(level, given)
            parts.append(Part(graph=graph, collectives=self.collectives(level)))
        while len(parts) > 1 and not parts[-1].graph.outputs and not parts[-1].collectives:
            parts.pop()
        held = {name: Held(loaded.shapes[name], cuts) for name, cuts in self.spread.tensors.items()}
        for node, names in self.names.tensors.items():
            held |= {name: self.spread.nodes[node].held for name in names if name not in held}
        shapes = {name: self.spread.mesh.local(item.shape, item.cuts) for name, item in held.items()}
        return Device(mesh=self.spread.mesh, parts=tuple(parts), shapes=shapes, held=held, dtypes=self.names.dtypes)

    def collectives(self, level: int) -> tuple[Collective, ...]:
        """Those of what is there after a part."""
        found = []
        for index, node in enumerate(self.spread.nodes):
            if isinstance(node, Exchanged) and self.names.depths[node.operand] == level:
                found += [
                    Collective(
                        kind=node.kind, source=self.names.tensors[node.operand][0], target=target, side=node.side,
                        along=node.along,
                    )
                    for target in self.names.tensors[index]
                ]  # fmt: skip
        return tuple(found)

    def graph(self, level: int, given: set[str]) -> Graph:
        """What a part computes; `given` are names that earlier ones have given to their values."""
        collected = _Collected(self.spread, self.names, level)
        outputs = []
        for node, names in self.names.tensors.items():
            if isinstance(self.spread.nodes[node], Computed) and self.names.levels[node] == level:
                value = collected.add(node)
                outputs += [Output(tensor=name, value=value) for name in names]
        assigned = []
        for output in self.spread.graph.assigned:
            own = collected.known.get((self.spread.finals[output.value],))
            has = own is not None and output.tensor not in given and not isinstance(collected.values[own], Input)
            if has:
                given.add(output.tensor)
            # A formula whose value another part makes has its place all the same.
            assigned.append(replace(output, value=own if has and own is not None else _ELSEWHERE))
        known = {output.tensor for output in assigned}
        assigned += [output for output in outputs if output.tensor not in known]
        if not outputs:
            return Graph(values=(), outputs=(), assigned=tuple(assigned))
        return with_axes(collected.values, tuple(outputs), tuple(assigned))


_ELSEWHERE = -1


@dataclass(slots=True)
class _Collected:
    """The values of one part while they are taken out of all nodes."""

    spread: Spread
    names: Names
    level: int
    values: list[Value] = field(default_factory=list)
    known: dict[tuple[int, ...], int] = field(default_factory=dict)

    def add(self, index: int, place: tuple[int, ...] = ()) -> int:
        """The index that a node has in the part; `place` tells operands of contractions from others."""
        node = self.spread.nodes[index]
        stored = isinstance(node, Exchanged) or self.names.levels.get(index, self.level) < self.level
        key = (index, *place) if stored else (index,)
        if key in self.known:
            return self.known[key]
        made: Value
        if stored:
            name = self.names.tensors[index][0]
            span = self.spread.graph.values[node.origin].span
            made = Input(tensor=name, dtype=self.names.dtypes[name], shape=self.spread.local(index), span=span)
        else:
            assert isinstance(node, Computed), "what is exchanged is stored"
            made = self.made(index, node.value)
        self.known[key] = len(self.values)
        self.values.append(made)
        return self.known[key]

    def made(self, index: int, value: Value) -> Value:
        """A value of this part, of operands in it."""
        match value:
            case Contraction(operands=operands):
                left, right = (self.add(operand, (index, side)) for side, operand in enumerate(operands))
                return replace(value, operands=(left, right))
            case Elementwise(operands=operands):
                return replace(value, operands=tuple(self.add(operand) for operand in operands))
            case Reduction(operands=(operand,)):
                return replace(value, operands=(self.add(operand),))
            case Input() | Number():
                return value
            case _:
                assert_never(value)
