"""Indices to axes: which of what a kernel addresses by blocks, loops and lanes is one dimension of what it computes.

`by * 64 + i` in every tensor is one axis; what a reduction goes along is one, whatever trips it is cut into. An axis is
named by a variable, and has a size. Where a tensor has one element for several of another's, as heads of keys have, the
axis is two: `h // 4` and what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from ttgen.importing.affine import ZERO, Affine, Divided, variable
from ttgen.importing.form import At, Buffer
from ttgen.importing.lifted import Written
from ttgen.importing.nodes import (
    Element,
    Fold,
    Function,
    Index,
    Node,
    Num,
    free,
    function,
    indices_of,
    rebuilt,
    substituted,
    walk,
)
from ttgen.importing.text import refuse_at
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What an output holds, over axes.

    Attributes:
        tensor: the output.
        places: the index in each of its dimensions: an axis, two of them, or 0 where it has one element.
        node: the value; its indices are those of `places`, and of what is reduced.
        sizes: of every axis.
        at: where it is written.
    """

    tensor: str
    places: tuple[Affine, ...]
    node: Node
    sizes: Mapping[str, int]
    at: At


def over_axes(written: Written, buffers: Mapping[str, Buffer]) -> Value:
    """An output over its axes.

    Raises:
        SpecError: indices that are no axes.
    """
    resolver = _Resolver(written, buffers)
    node = resolver.resolved(resolver.divided(written.node))
    sizes = resolver.sizes
    node = _without_edges(node, sizes)
    missing = free(node) - sizes.keys()
    if missing:
        raise refuse_at("a value that depends on a block or a trip in a way that isn't followed", written.at)
    return Value(tensor=written.tensor, places=resolver.places, node=node, sizes=sizes, at=written.at)


@dataclass(slots=True)
class _Resolver:
    """Axes as they are found."""

    written: Written
    buffers: Mapping[str, Buffer]
    sizes: dict[str, int] = field(default_factory=dict)
    known: dict[Affine, Affine] = field(default_factory=dict)
    places: tuple[Affine, ...] = ()
    bound: tuple[str, ...] = ()

    def divided(self, node: Node) -> Node:
        """Gives the output's dimensions their axes; returns the value, in which loops that others absorb are gone."""
        shape = self.buffers[self.written.tensor].shape
        heads = self.groups(node)
        places = []
        for number, (index, extent) in enumerate(zip(self.written.indices, shape, strict=True)):
            if not index.terms:
                if extent != 1:
                    raise refuse_at(
                        f"only one place of '{self.written.tensor}' is written along dimension {number}",
                        self.written.at,
                    )
                places.append(ZERO)
                continue
            if index in self.known:
                raise refuse_at(
                    f"two dimensions of '{self.written.tensor}' have one index: that is a diagonal", self.written.at
                )
            name = f"axis{number}"
            group = heads.get(index)
            if group is not None and extent % group == 0 and group < extent:
                outer, inner = f"{name}_outer", f"{name}_inner"
                self.sizes |= {outer: extent // group, inner: group}
                place = variable(outer).times(group).plus(variable(inner))
                self.known[Affine(((Divided("floordiv", index, group), 1),))] = variable(outer)
                self.known[Affine(((Divided("mod", index, group), 1),))] = variable(inner)
            elif group is not None and group == extent:
                self.sizes[name], place = extent, variable(name)
                self.known[Affine(((Divided("floordiv", index, group), 1),))] = ZERO
            else:
                self.sizes[name], place = extent, variable(name)
            self.known[index] = place
            places.append(place)
        self.places = tuple(places)
        return _joined(node)

    def groups(self, node: Node) -> dict[Affine, int]:
        """Indices that others are quotients of, and how many share one."""
        found: dict[Affine, int] = {}
        for item in walk(node):
            for index in item.indices if isinstance(item, Element) else ():
                for atom, times in index.terms:
                    if isinstance(atom, Divided) and times == 1 and len(index.terms) == 1 and not index.constant:
                        found[atom.of] = atom.by
        return found

    def resolved(self, node: Node) -> Node:
        """A value whose indices are axes."""
        match node:
            case Element(tensor=tensor, indices=indices):
                shape = self.buffers[tensor].shape
                places = tuple(
                    self.place(tensor, number, index, extent)
                    for number, (index, extent) in enumerate(zip(indices, shape, strict=True))
                )
                return Element(tensor, places)
            case Index(at=at):
                return Index(self.number(at))
            case Fold(kind=kind, variable=name, operand=operand):
                return self.fold(kind, name, operand)
            case _:
                return rebuilt(node, self.resolved)

    def fold(self, kind: str, name: str, operand: Node) -> Node:
        """A reduction, whose variable becomes an axis."""
        indices = {
            index
            for item in walk(operand)
            if isinstance(item, Element)
            for index in item.indices
            if name in index.variables
        }
        if len(indices) != 1:
            raise refuse_at(
                "a reduction whose trips or lanes address tensors in several ways isn't one along an axis" if indices
                else "a reduction of what doesn't vary isn't followed", self.written.at,
            )  # fmt: skip
        index = indices.pop()
        before = self.known.get(index)
        self.known[index] = variable(name)
        kept, self.bound = self.bound, (*self.bound, name)
        inner = self.resolved(operand)
        self.bound = kept
        if before is None:
            del self.known[index]
        else:
            self.known[index] = before
        return Fold(kind, name, inner)  # type: ignore[arg-type]

    def place(self, tensor: str, number: int, index: Affine, extent: int) -> Affine:
        """The axis that a tensor's dimension goes along."""
        place = self.known.get(index) if index.terms else ZERO
        if place == ZERO:
            if index.constant == 0 and extent == 1:
                return ZERO
            raise refuse_at(
                f"'{tensor}' is read at one place of dimension {number} only: import what reads all of it",
                self.written.at,
            )
        if place is None:
            shifted = [known for known in self.known if not index.minus(known).terms]
            reason = f"'{tensor}' is read along dimension {number} by an index that the result has not"
            if shifted:
                offset = index.minus(shifted[0]).constant
                side = "after" if offset > 0 else "before"
                reason = f"'{tensor}' is read {abs(offset)} elements {side} where the result is written"
            raise refuse_at(f"{reason}: formulas go element by element, and by @ and reductions", self.written.at)
        self.measure(tensor, number, place, extent)
        return place

    def measure(self, tensor: str, number: int, place: Affine, extent: int) -> None:
        """Sees that all that goes along an axis has one size."""
        names = [atom for atom, _times in place.terms if isinstance(atom, str)]
        if len(names) == 1:
            size = self.sizes.setdefault(names[0], extent)
            if size != extent:
                text = f"dimension {number} of '{tensor}' has {extent} elements, and {size} go along it elsewhere"
                raise refuse_at(text, self.written.at)
        elif names and extent != self.sizes[names[0]] * self.sizes[names[1]]:
            raise refuse_at(f"dimension {number} of '{tensor}' has {extent} elements", self.written.at)

    def number(self, at: Affine) -> Affine:
        """An index that is used as a number: an axis, and what is added to it."""
        for known, place in self.known.items():
            rest = at.minus(known)
            if not rest.terms and place.only is not None:
                return place.plus(rest)
        if not at.terms:
            return at
        raise refuse_at("an index as a number has no counterpart in formulas", self.written.at)


def _joined(node: Node) -> Node:
    """A sum over trips of a sum over a trip's places is one sum, where trips only say where places begin."""
    if isinstance(node, Fold):
        inner = _joined(node.operand)
        if isinstance(inner, Fold) and inner.kind == node.kind:
            uses = [
                index for item in walk(inner.operand) for index in indices_of(item) if node.variable in index.variables
            ]
            if uses and all(inner.variable in index.variables for index in uses):
                return inner
        return Fold(node.kind, node.variable, inner)
    return rebuilt(node, _joined)


def _without_edges(node: Node, sizes: Mapping[str, int]) -> Node:
    """A value without conditions that always hold, or never do: those that keep a block inside of a tensor."""
    if isinstance(node, Function) and node.name in ("ge", "gt", "le", "lt", "eq", "ne"):
        bounds = [_bounds(operand, sizes) for operand in node.operands]
        if None not in bounds:
            (low, high), (least, most) = bounds  # type: ignore[misc]
            always = {"ge": low >= most, "gt": low > most, "le": high <= least, "lt": high < least}
            never = {"ge": high < least, "gt": high <= least, "le": low > most, "lt": low >= most}
            if always.get(node.name):
                return Num(1.0)
            if never.get(node.name):
                return Num(0.0)
        return node
    return rebuilt(node, lambda operand: _without_edges(operand, sizes))


def _bounds(node: Node, sizes: Mapping[str, int]) -> tuple[float, float] | None:
    """The least and the largest of an index or a number."""
    if isinstance(node, Num):
        return node.value, node.value
    if isinstance(node, Index) and all(
        isinstance(atom, str) and atom in sizes and times > 0 for atom, times in node.at.terms
    ):
        most = sum(times * (sizes[atom] - 1) for atom, times in node.at.terms if isinstance(atom, str))
        return node.at.constant, node.at.constant + most
    return None


def renamed(node: Node, old: str, new: str) -> Node:
    """A value along another axis of the same size."""
    return substituted(node, {old: variable(new)})


def means(node: Node, sizes: Mapping[str, int]) -> Node:
    """A value in which sums over one over the number of their elements are means."""
    node = rebuilt(node, lambda operand: means(operand, sizes))
    if not (isinstance(node, Function) and node.name == "mul" and isinstance(node.operands[0], Num)):
        return node
    factors = factors_of(node.operands[1])
    sums = [item for item in factors if isinstance(item, Fold) and item.kind == "sum"]
    scale = node.operands[0].value
    for count in range(len(sums), 0, -1):
        total = 1.0
        for item in sums[:count]:
            total *= sizes[item.variable]
        if abs(scale * total - 1) < 1e-6:
            chosen = list(sums[:count])
            changed = [
                Fold("mean", item.variable, item.operand) if isinstance(item, Fold) and _taken(item, chosen) else item
                for item in factors
            ]
            return product_of(changed)
    return node


def _taken(item: Node, chosen: list[Fold]) -> bool:
    if item in chosen:
        chosen.remove(item)
        return True
    return False


def factors_of(node: Node) -> list[Node]:
    """What a product is made of."""
    if isinstance(node, Function) and node.name == "mul":
        return [factor for operand in node.operands for factor in factors_of(operand)]
    return [node]


def product_of(factors: Sequence[Node]) -> Node:
    """The product of some values."""
    result = factors[0]
    for factor in factors[1:]:
        result = function("mul", result, factor)
    return result
