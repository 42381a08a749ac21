"""From a kernel's statements to what each output holds.

Loops are gone through once, as if one trip saw all that they go along: a sum that starts at 0 and takes a block's part
each trip is then the sum, and an online softmax, whose first trip has nothing to rescale, is softmax. That is a good
guess; whether blocks and trips really come to the same is what the proof shows, by running them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

from ttgen.exhaustive import assert_never
from ttgen.importing.affine import ZERO, Affine, affine, variable
from ttgen.importing.form import (
    Allocate,
    Apply,
    At,
    Buffer,
    Constant,
    Copy,
    Expression,
    Fill,
    Gemm,
    If,
    Kernel,
    Let,
    Load,
    Loop,
    Parallel,
    Reduce,
    Region,
    Statement,
    Store,
    Variable,
)
from ttgen.importing.lifted import Held, Lifted, Walked, Written
from ttgen.importing.nodes import (
    Element,
    Fold,
    Index,
    Node,
    Num,
    free,
    function,
    indices_of,
    is_of_places,
    size,
    substituted,
    walk,
)
from ttgen.importing.text import refuse_at

MAX_NODES: Final = 1500
_NAMES: Final = {"max": "maximum", "min": "minimum"}


def lift(kernel: Kernel) -> Lifted:
    """What a kernel computes.

    Raises:
        SpecError: what isn't followed, where it is.
    """
    state = _State(kernel)
    state.run(kernel.body)
    if not state.outputs:
        raise refuse_at("the kernel writes to no tensor", kernel.at)
    return Lifted(
        outputs=tuple(state.outputs.values()),
        walked=tuple(dict.fromkeys(state.walked)),
        steps=tuple(state.steps),
        accumulators=tuple(dict.fromkeys(state.accumulators)),
    )


class _State:
    """What is known while statements are gone through."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.held: dict[str, Held | None] = {}
        self.values: dict[str, Node] = {}
        self.outputs: dict[str, Written] = {}
        self.walked: list[Walked] = []
        self.steps: list[int] = []
        self.accumulators: list[str] = []
        self.fresh = 0
        self.lanes: dict[str, int] = {}
        self.loops: list[str] = []
        self.guard: Node | None = None
        self.single = {name for name, extent in kernel.grid if extent == 1}

    def new(self) -> str:
        """A variable of its own."""
        self.fresh += 1
        return f"${self.fresh}"

    def buffer(self, name: str) -> Buffer:
        return self.kernel.buffers[name]

    def run(self, statements: Sequence[Statement]) -> None:
        """Goes through statements."""
        for statement in statements:
            self.one(statement)

    def one(self, statement: Statement) -> None:
        """Goes through a statement."""
        match statement:
            case Allocate(buffer=name):
                self.held[name] = None
            case Copy(source=source, target=target, at=at):
                self.copy(source, target, at)
            case Fill(target=target, value=value, at=at):
                node = self.node(value, at)
                self.put(target, Held(tuple(self.new() for _size in target.extents), node), at)
            case Gemm():
                self.gemm(statement)
            case Reduce():
                self.reduce(statement)
            case Store():
                self.store(statement)
            case Let(variable=name, value=value, at=at):
                self.values[name] = self.bounded(self.node(value, at), at)
            case Loop(variable=name, body=body):
                self.loop(name, body)
            case Parallel(variables=names, extents=extents, body=body):
                kept = dict(self.lanes)
                self.lanes |= dict(zip(names, extents, strict=True))
                self.run(body)
                self.lanes = kept
            case If(condition=condition, then=then, otherwise=otherwise, at=at):
                self.branch(self.node(condition, at), then, otherwise, at)
            case _:
                assert_never(statement)

    def branch(self, condition: Node, then: Sequence[Statement], otherwise: Sequence[Statement], at: At) -> None:
        """Statements under a condition: one on blocks is a guard at an edge, one on lanes chooses values."""
        if self.lanes and free(condition) & self.lanes.keys():
            kept = self.guard
            for holds, body in ((condition, then), (function("not", condition), otherwise)):
                self.guard = holds if kept is None else function("and", kept, holds)
                self.run(body)
            self.guard = kept
            return
        if otherwise:
            raise refuse_at("blocks that do different things: a condition on values, by T.if_then_else, is read", at)
        self.run(then)

    def loop(self, name: str, body: Sequence[Statement]) -> None:
        """One trip; what it adds up over its variable alone becomes a sum, or a maximum, over that."""
        before = dict(self.held)
        self.loops.append(name)
        self.run(body)
        self.loops.pop()
        for buffer, old in before.items():
            now = self.held[buffer]
            if old is None or now is None or now is old or name not in free(now.node):
                continue
            if self.absorbed(now.node, name, now.places):
                continue
            kind = _kind(old.node)
            if kind is not None:
                bound = self.new()
                inner = substituted(now.node, {name: variable(bound)})
                self.held[buffer] = Held(now.places, Fold(kind, bound, inner))

    def absorbed(self, node: Node, name: str, places: Sequence[str]) -> bool:
        """Whether a loop's variable only says where the part begins that some other variable goes along."""
        bound = {item.variable for item in walk(node) if isinstance(item, Fold)}
        inner = {*places, *bound, *self.lanes}
        found = True
        for item in walk(node):
            named = (index for index in indices_of(item) if name in index.variables)
            found &= all(not index.variables.isdisjoint(inner) for index in named)
        return found

    def copy(self, source: Region, target: Region, at: At) -> None:
        """What a region holds, to another."""
        wide = [extent for extent in source.extents if extent != 1]
        if wide != [extent for extent in target.extents if extent != 1]:
            raise refuse_at(f"a copy of {source.extents} to {target.extents}: sizes differ", at)
        places = [self.new() for _extent in target.extents]
        own = iter([place for place, extent in zip(places, target.extents, strict=True) if extent != 1])
        indices = tuple(ZERO if extent == 1 else variable(next(own)) for extent in source.extents)
        self.put(target, Held(tuple(places), self.at(source, indices, at)), at)

    def at(self, region: Region, indices: Sequence[Affine], at: At) -> Node:
        """An element of a region."""
        self.walk(region)
        places = [self.index(start, at).plus(index) for start, index in zip(region.starts, indices, strict=True)]
        return self.element(region.buffer, places, at)

    def walk(self, region: Region) -> None:
        """Remembers how much of a tensor is taken at once."""
        if self.buffer(region.buffer).is_tensor:
            for number, extent in enumerate(region.extents):
                self.walked.append(Walked(region.buffer, number, extent))

    def element(self, name: str, indices: Sequence[Affine], at: At) -> Node:
        """An element of a buffer."""
        if self.buffer(name).is_tensor:
            if name in self.outputs:
                raise refuse_at(f"'{name}' is read after it is written: give what is read a tensor of its own", at)
            return Element(name, tuple(indices))
        held = self.held.get(name)
        if held is None:
            raise refuse_at("a buffer that holds nothing yet: T.clear, T.fill or T.copy it first", at)
        return substituted(held.node, dict(zip(held.places, indices, strict=True)))

    def put(self, region: Region, held: Held, at: At) -> None:
        """Gives a region what it holds: all of a buffer, or a part of a tensor."""
        buffer = self.buffer(region.buffer)
        self.bounded(held.node, at)
        if not buffer.is_tensor:
            if region.extents != buffer.shape or any(not _is_zero(start) for start in region.starts):
                raise refuse_at("a part of a buffer is written: give each part a buffer of its own", at)
            self.held[region.buffer] = held
            return
        self.walk(region)
        places = dict(zip(held.places, region.extents, strict=True))
        indices = []
        for start, place in zip(region.starts, held.places, strict=True):
            indices.append(self.index(start, at).plus(ZERO if places[place] == 1 else variable(place)))
        ones = {place: ZERO for place, extent in places.items() if extent == 1}
        self.output(region.buffer, tuple(indices), region.extents, substituted(held.node, ones), at)

    def output(self, name: str, indices: tuple[Affine, ...], extents: tuple[int, ...], node: Node, at: At) -> None:
        """What a tensor holds in the end."""
        if name in self.outputs:
            raise refuse_at(f"'{name}' is written in two places: write each element once", at)
        if any(isinstance(item, Element) and item.tensor == name for item in walk(node)):
            raise refuse_at(f"'{name}' is read and written: give the result a tensor of its own", at)
        self.outputs[name] = Written(tensor=name, indices=indices, extents=extents, node=node, at=at)

    def gemm(self, statement: Gemm) -> None:
        """A product: a sum over a new variable."""
        at = statement.at
        rows, cols, over = self.new(), self.new(), self.new()
        if len(statement.target.extents) != 2:
            raise refuse_at("T.gemm adds to a matrix", at)
        sides = []
        for region, is_transposed, place in ((statement.left, statement.transposed[0], (rows, over)),
                                             (statement.right, statement.transposed[1], (over, cols))):  # fmt: skip
            names = place[::-1] if is_transposed else place
            if len(region.extents) < 2 or any(extent != 1 for extent in region.extents[:-2]):
                raise refuse_at("T.gemm takes matrices", at)
            # A dimension of one element, such as of a block of one row, has one place.
            indices = [*(ZERO for _extent in region.extents[:-2]), *(variable(name) for name in names)]
            sides.append(self.at(region, indices, at))
        depth = statement.left.extents[-2 if statement.transposed[0] else -1]
        self.steps.append(depth)
        self.accumulators.append(self.buffer(statement.target.buffer).dtype)
        product: Node = Fold("sum", over, function("mul", *sides))
        if not statement.clears:
            product = function("add", self.at(statement.target, [variable(rows), variable(cols)], at), product)
        self.put(statement.target, Held((rows, cols), product), at)

    def reduce(self, statement: Reduce) -> None:
        """A reduction: over a new variable."""
        at, extents = statement.at, statement.source.extents
        places = [self.new() for _extent in extents]
        node = self.at(statement.source, [variable(place) for place in places], at)
        if statement.of_absolutes:
            node = function("abs", node)
        over = places.pop(statement.dim)
        if extents[statement.dim] != 1:
            node = Fold(statement.kind, over, node)
        kept = [extent for number, extent in enumerate(extents) if number != statement.dim]
        target = statement.target.extents
        if [extent for extent in kept if extent != 1] != [extent for extent in target if extent != 1]:
            raise refuse_at(f"what is reduced is {kept}, not {list(target)}", at)
        wide = iter([place for place, extent in zip(places, kept, strict=True) if extent != 1])
        own = tuple(next(wide) if extent != 1 else self.new() for extent in target)
        ones = {place: ZERO for place, extent in zip(places, kept, strict=True) if extent == 1}
        node = substituted(node, ones)
        if not statement.clears:
            before = self.at(statement.target, [variable(place) for place in own], at)
            node = function({"sum": "add", **_NAMES}[statement.kind], before, node)
        self.put(statement.target, Held(own, node), at)

    def store(self, statement: Store) -> None:
        """A value to elements, one a lane."""
        at, name = statement.at, statement.buffer
        buffer = self.buffer(name)
        node = self.node(statement.value, at)
        indices = [self.index(index, at) for index in statement.indices]
        if buffer.is_tensor:
            if self.guard is not None and not is_of_places(self.guard):
                raise refuse_at("a tensor's elements are written under a condition: write all of them", at)
            extents = tuple(self.extent(index) for index in indices)
            for number, extent in enumerate(extents):
                self.walked.append(Walked(name, number, extent))
            self.output(name, tuple(indices), extents, self.bounded(node, at), at)
            return
        places, given = [], {}
        for index, extent in zip(indices, buffer.shape, strict=True):
            place = self.new()
            places.append(place)
            if extent == 1 and not index.terms:
                continue
            only = index.only
            trivial = self.lanes.get(only or "", 0) == 1
            is_along = only is not None and only not in given and (self.lanes.get(only) == extent or only in self.loops)
            if not is_along and not (trivial and extent == 1):
                raise refuse_at("a part of a buffer is written: go along all of it, each dimension by a variable", at)
            given[only or ""] = variable(place)
        if statement.adds:
            for lane in self.lanes:
                if lane not in given and lane in free(node):
                    over = self.new()
                    node = Fold("sum", over, substituted(node, {lane: variable(over)}))
        node = substituted(node, given)
        if self.guard is not None or statement.adds:
            before = self.element(name, [variable(place) for place in places], at)
            if statement.adds:
                node = function("add", before, node)
            if self.guard is not None:
                node = function("where", substituted(self.guard, given), node, before)
        self.held[name] = Held(tuple(places), self.bounded(node, at))

    def bounded(self, node: Node, at: At) -> Node:
        """A value that isn't too large to be followed."""
        if size(node, MAX_NODES) >= MAX_NODES:
            raise refuse_at("what is computed grows too large to be followed", at)
        return node

    def extent(self, index: Affine) -> int:
        """How many elements lanes take along an index."""
        total = 1
        for name in index.variables:
            total *= self.lanes.get(name, 1)
        return total

    def index(self, expression: Expression, at: At) -> Affine:
        """An expression as an index."""
        found = affine(expression)
        if found is None:
            raise refuse_at("an index that isn't a sum of variables, or that comes from data, isn't followed", at)
        given = {}
        for name in found.variables:
            node = self.values.get(name)
            if isinstance(node, Index):
                given[name] = node.at
            elif node is not None:
                raise refuse_at("an index from data: elements are addressed by blocks, loops and lanes here", at)
            elif self.lanes.get(name) == 1 or name in self.single:
                given[name] = ZERO
        return found.with_variables(given)

    def node(self, expression: Expression, at: At) -> Node:
        """An expression's value."""
        index = affine(expression) if not isinstance(expression, Constant) else None
        if index is not None and index.terms and not index.variables & self.values.keys():
            return Index(self.index(expression, at))
        match expression:
            case Constant(value=value):
                return Num(float(value))
            case Variable(name=name):
                return self.values[name] if name in self.values else Index(self.index(expression, at))
            case Load(buffer=name, indices=indices):
                found = [self.index(item, at) for item in indices]
                if self.buffer(name).is_tensor:
                    for number, item in enumerate(found):
                        self.walked.append(Walked(name, number, self.extent(item)))
                return self.element(name, found, at)
            case Apply(op=op, operands=operands):
                nodes = [self.node(operand, at) for operand in operands]
                return function(_NAMES.get(op, op), *nodes)
            case _:
                assert_never(expression)


def _is_zero(expression: Expression) -> bool:
    return affine(expression) == ZERO


def _kind(node: Node) -> Literal["sum", "max", "min"] | None:
    """What a value that a loop begins with says of what the loop does: 0 of a sum, -inf of a maximum."""
    if not isinstance(node, Num):
        return None
    if node.value == 0:
        return "sum"
    if math.isinf(node.value):
        return "max" if node.value < 0 else "min"
    return None
