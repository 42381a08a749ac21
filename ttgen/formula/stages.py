"""A graph cut into stages, each of which one program computes; what lies between is stored whole.

An operand of a contraction has to be whole before the contraction begins, a program has one contraction at most, and
what it stores has one shape. So every contraction begins a stage, and elementwise values go to the last stage that they
are made of, as far as shapes let them: what they read of other stages is stored there. Values of inputs alone cost
nothing to make again, so each stage makes those that it reads, but for operands of contractions, which are stored.

An attention, two products with a softmax between them, is a stage of its own (`online`).

A program that reduces goes along one axis, line by line, and has no contraction. All reductions along that axis of
values that vary along the same axes as its first one's operand belong to it, and so do elementwise values of those.
What varies less would be made, and stored, by several lines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field, replace
from itertools import count

from ttgen.dtypes import DTypeName
from ttgen.exhaustive import assert_never
from ttgen.formula.axes import with_axes
from ttgen.formula.online import Online, found_in, reads_of
from ttgen.formula.values import Axis, Contraction, Elementwise, Graph, Input, Number, Output, Reduction, Shape, Value
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What one program computes.

    Attributes:
        name: of the first value that it stores.
        graph: its values; those that an earlier stage stored are inputs.
        unnamed: what it stores that no formula gives a name.
    """

    name: str
    graph: Graph
    unnamed: tuple[str, ...] = ()


def cut(graph: Graph, dtypes: Mapping[str, DTypeName], taken: Collection[str]) -> tuple[Stage, ...]:
    """The stages of a graph, in the order that they run in.

    Args:
        graph: all values.
        dtypes: how named values are stored; others are as wide as the widest input of their stage, block floats being
            as wide as bfloat16.
        taken: names that a value without one can't get.
    """
    cutter = _Cutter(graph)
    for index in range(len(graph.values)):
        cutter.place(index)
    for output in graph.outputs:
        cutter.keep(output.value)
    order = cutter.order()
    if len(order) == 1:
        return (Stage(name=graph.outputs[0].tensor, graph=graph),)
    names = _names(graph, cutter, taken)
    known = dict(dtypes)
    return tuple(_stage(graph, cutter, key, names, known) for key in order)


@dataclass(slots=True)
class _Cutter:
    """Which stage makes which value; a stage is known by the value that begins it.

    Attributes:
        homes: the stage of each value that has a contraction below it.
        shapes: what each stage stores.
        lines: of a stage that reduces, the axis that it goes along, and the axes of what it reduces.
        attentions: by value, what it is part of.
        alone: the stages of those, which make nothing else.
        stored: the stage that stores a value, for those that are stored.
        needs: the stages whose values each one reads.
        maps: by shape, the stages that store operands made of inputs alone; they wait for nobody.
    """

    graph: Graph
    homes: dict[int, int] = field(default_factory=dict)
    shapes: dict[int, Shape] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)
    needs: dict[int, set[int]] = field(default_factory=dict)
    maps: dict[Shape, int] = field(default_factory=dict)
    lines: dict[int, tuple[Axis, frozenset[Axis]]] = field(default_factory=dict)
    attentions: dict[int, Online] = field(default_factory=dict)
    alone: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for found in found_in(self.graph).values():
            if isinstance(found, Online):
                self.attentions |= dict.fromkeys(found.members, found)

    def place(self, index: int) -> None:
        """Finds a stage for a value whose operands have theirs."""
        value = self.graph.values[index]
        if index in self.attentions:
            self.attend(index, self.attentions[index])
            return
        match value:
            case Input() | Number():
                pass
            case Contraction():
                self.begin(index)
                for operand in value.operands:
                    if not isinstance(self.graph.values[operand], Input):
                        self.read(operand, index)
            case Elementwise():
                homes = {self.homes[operand] for operand in value.operands if operand in self.homes}
                if not homes:
                    return
                fits = [
                    home
                    for home in sorted(homes, reverse=True)
                    if self.serves(home, value) and not any(self.reaches(other, home) for other in homes - {home})
                ]
                home = fits[0] if fits else self.begin(index)
                self.homes[index] = home
                for operand in value.operands:
                    if self.homes.get(operand, home) != home:
                        self.read(operand, home)
            case Reduction(operands=(operand,), over=over):
                made_in = self.homes.get(operand)
                whole = self.graph.values[operand]
                fits = [
                    home
                    for home, (along, axes) in sorted(self.lines.items(), reverse=True)
                    if (along, axes) == (over, _wide(whole))
                    and (made_in in (None, home) or not self.reaches(made_in, home))
                ]
                home = fits[0] if fits else self.begin(index)
                if not fits:
                    self.lines[home], self.shapes[home] = (over, _wide(whole)), whole.shape
                self.homes[index] = home
                if made_in not in (None, home):
                    self.read(operand, home)
            case _:
                assert_never(value)

    def attend(self, index: int, found: Online) -> None:
        """A value of an attention, which has a stage to itself; what its products read is stored."""
        key = min(found.members)
        if key not in self.shapes:
            self.shapes[key], self.needs[key] = self.graph.values[found.result].shape, set()
            self.alone.add(key)
        self.homes[index] = key
        if index == found.result:
            operands = {operand for own in (found.scores, found.summed) for operand in self.graph.values[own].operands}
            for read in reads_of(self.graph, found):
                if read in self.homes or (read in operands and not isinstance(self.graph.values[read], Input)):
                    self.read(read, key)

    def serves(self, home: int, value: Value) -> bool:
        """Whether a stage can make a value beside what it makes already."""
        if home in self.alone:
            return False
        if home in self.lines:
            return _wide(value) <= self.lines[home][1]
        return self.shapes[home] == value.shape

    def begin(self, index: int) -> int:
        """A new stage."""
        self.homes[index], self.shapes[index], self.needs[index] = index, self.graph.values[index].shape, set()
        return index

    def read(self, index: int, stage: int) -> None:
        """Lets a stage read a value that another one stores."""
        if index in self.homes:
            self.stored[index] = self.homes[index]
        elif index not in self.stored:
            self.stored[index] = self.of_inputs(index)
        self.needs[stage].add(self.stored[index])

    def of_inputs(self, index: int) -> int:
        """The stage that stores values of inputs alone, of that shape."""
        shape = self.graph.values[index].shape
        if shape not in self.maps:
            self.maps[shape], self.shapes[index], self.needs[index] = index, shape, set()
        return self.maps[shape]

    def keep(self, index: int) -> None:
        """Finds a stage that stores an output; for one of inputs alone any will do that stores its shape."""
        if index in self.stored:
            return
        shape = self.graph.values[index].shape
        same = (stage for stage in sorted(self.shapes) if self.shapes[stage] == shape and stage not in self.alone)
        home = self.homes.get(index, next(same, None))
        self.stored[index] = self.of_inputs(index) if home is None else home

    def reaches(self, stage: int, other: int) -> bool:
        """Whether a stage reads, directly or not, what another one stores; or is that one."""
        return stage == other or any(self.reaches(need, other) for need in self.needs[stage])

    def order(self) -> tuple[int, ...]:
        """Every stage after those that it reads."""
        found: list[int] = []
        while len(found) < len(self.shapes):
            found.append(next(key for key in sorted(self.shapes) if key not in found and self.needs[key] <= {*found}))
        return tuple(found)


def _wide(value: Value) -> frozenset[Axis]:
    """The axes along which a value has several elements."""
    return frozenset(axis for axis in value.axes if axis.size > 1)


def _names(graph: Graph, cutter: _Cutter, taken: Collection[str]) -> dict[int, tuple[str, ...]]:
    """The names of what is stored: those of outputs, those that formulas assign, or new ones.

    A new one is made of the name that its formula assigns.
    """
    outputs = {output.tensor for output in graph.outputs}
    names: dict[int, tuple[str, ...]] = {}
    used = {*taken, *(output.tensor for output in graph.assigned)}
    for index in sorted(cutter.stored):
        given = [output.tensor for output in graph.assigned if output.value == index]
        declared = [name for name in given if name in outputs]
        if not given:
            base = graph.assigned[graph.values[index].span[0]].tensor
            given = [next(name for number in count(1) if (name := f"{base}_{number}") not in used)]
            used.update(given)
        names[index] = tuple(declared or given[:1])
    return names


def _stage(
    graph: Graph, cutter: _Cutter, key: int, names: Mapping[int, tuple[str, ...]], dtypes: dict[str, DTypeName]
) -> Stage:
    """One stage; adds the dtypes of what it stores."""
    own = [index for index in sorted(cutter.stored) if cutter.stored[index] == key]
    collected = _Collected(graph, cutter, key, names, dtypes)
    outputs = tuple(Output(tensor=name, value=collected.add(index)) for index in own for name in names[index])
    inputs = [value.dtype for value in collected.values if isinstance(value, Input)]
    widest: DTypeName = "float32" if "float32" in inputs else "bfloat16"
    for output in outputs:
        dtypes.setdefault(output.tensor, widest)
    assigned = {output.tensor for output in graph.assigned}
    unnamed = tuple(output.tensor for output in outputs if output.tensor not in assigned)
    named = [output.tensor for output in outputs if output.tensor in assigned]
    # What goes along an axis goes along the one for which it is a stage of its own.
    reduces = key in cutter.lines or key in cutter.alone
    made = Graph(values=tuple(collected.values), outputs=outputs) if reduces else with_axes(collected.values, outputs)
    return Stage(name=(named or unnamed)[0], graph=made, unnamed=unnamed)


@dataclass(slots=True)
class _Collected:
    """The values of one stage while they are taken out of the graph."""

    graph: Graph
    cutter: _Cutter
    key: int
    names: Mapping[int, tuple[str, ...]]
    dtypes: Mapping[str, DTypeName]
    values: list[Value] = field(default_factory=list)
    known: dict[tuple[int, ...], int] = field(default_factory=dict)

    def add(self, index: int, place: tuple[int, ...] = ()) -> int:
        """The index that a value has in the stage; `place` tells operands of contractions from others."""
        value = self.graph.values[index]
        stored = self.cutter.stored.get(index, self.key) != self.key and (place or index in self.cutter.homes)
        key = (index, *place) if stored else (index,)
        if key in self.known:
            return self.known[key]
        if stored:
            name = self.names[index][0]
            made: Value = Input(
                tensor=name, dtype=self.dtypes[name], shape=value.shape, axes=value.axes, span=value.span
            )
        elif isinstance(value, Contraction):
            left, right = (self.add(operand, (index, side)) for side, operand in enumerate(value.operands))
            made = replace(value, operands=(left, right))
        elif isinstance(value, Elementwise):
            made = replace(value, operands=tuple(self.add(operand) for operand in value.operands))
        elif isinstance(value, Reduction):
            made = replace(value, operands=(self.add(value.operands[0]),))
        else:
            made = value
        self.known[key] = len(self.values)
        self.values.append(made)
        return self.known[key]
