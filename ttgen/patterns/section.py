"""One section: nodes of a graph into DST slots, by tile operations.

Operands are taken in the order that needs the fewest slots (Sethi and Ullman). A value that is used again keeps its
slot, and is copied before an operation that works in place. Products accumulate, so they go into slots that are zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from ttgen.exhaustive import assert_never
from ttgen.formula.functions import COMPARISONS
from ttgen.formula.parse import SMALLEST
from ttgen.formula.values import Axes, Contraction, Elementwise, Input, Number, Reduction, Value
from ttgen.model.body import Dst, NumberArg, Op, Source, Tile
from ttgen.model.index import Const
from ttgen.operations import OPERATIONS
from ttgen.patterns.operands import ON_FPU, Spill, Values, broadcast_of, may_be_negative_zero
from ttgen.patterns.spreading import widened

_BINARY: Final = {
    "add": "add_dst", "sub": "sub_dst", "mul": "mul_dst", "div": "div_dst", "maximum": "max_dst", "minimum": "min_dst",
}  # fmt: skip
_COMMUTATIVE: Final = frozenset({"add", "mul"})


def _dst(slot: int) -> Dst:
    return Dst(Const(slot))


class SectionBuilder:
    """Evaluates the nodes of one section into DST slots."""

    def __init__(
        self,
        values: Values,
        roots: tuple[int, ...],
        nodes: set[int],
        wide: Mapping[int, Axes] = MappingProxyType({}),
    ) -> None:
        """Begins a section.

        Args:
            values: where values come from.
            roots: those that are packed.
            nodes: those that the section computes.
            wide: those that are to be computed of spread columns, and to which axes.
        """
        self.values = values
        self.nodes: Sequence[Value] = values.graph.values
        if values.dst_bits == 32:
            self.nodes = widened(self.nodes, nodes, wide, values.beside)
        self.roots = roots
        self.ops: list[Op] = []
        self.free = set(range(values.slots))
        self.written: set[int] = set()
        self.held: dict[int, int] = {}
        self.owners: dict[int, int] = {}
        self.stack: list[int] = []
        self.remaining = {node: roots.count(node) for node in nodes}
        for node in nodes:
            if isinstance(self.nodes[node], Elementwise):
                for operand in self.nodes[node].operands:
                    if operand in self.remaining:
                        self.remaining[operand] += 1
        self.needs: dict[int, int] = {}

    # Slots.

    def allocate(self) -> int:
        """A free slot, rather one that was written before: products need the others."""
        slot = min(self.free & self.written or self.free, default=None)
        if slot is None:
            raise Spill(self.victim())
        self.free.discard(slot)
        self.written.add(slot)
        return slot

    def allocate_zero(self) -> int | None:
        """A slot that still is zero, or None."""
        slot = min(self.free - self.written, default=None)
        if slot is not None:
            self.free.discard(slot)
            self.written.add(slot)
        return slot

    def release(self, slot: int) -> None:
        """Frees a slot."""
        self.owners.pop(slot, None)
        self.free.add(slot)

    def hold(self, node: int, slot: int) -> None:
        """Keeps a node in a slot until its last use."""
        self.held[node] = slot
        self.owners[slot] = node

    def victim(self) -> int:
        """The value to spill: the oldest that waits in a slot, or else an operand of what is being computed."""
        waiting = [node for _slot, node in sorted(self.owners.items()) if node not in self.values.spilled]
        if waiting:
            return waiting[0]
        below = (
            operand
            for node in reversed(self.stack)
            for operand in self.nodes[node].operands
            if self.values.is_computed(operand)
        )
        return next(below, self.roots[0])

    # Values.

    def root(self, node: int) -> int:
        """The slot of a root, which stays until it is packed."""
        if node in self.remaining:
            if node not in self.held:
                self.hold(node, self.compute(node))
            return self.held[node]
        return self.take(node)[0]

    def evaluate(self, operands: Sequence[int]) -> None:
        """Computes operands into slots that they keep until each is taken: the one that needs most slots first.

        Nothing is taken before all of them are there: an operand of two of them, or one that is an operand of another,
        would lose its value to the second use.
        """
        for node in sorted(operands, key=lambda operand: -self.need(operand)):
            if node in self.remaining and node not in self.held:
                self.hold(node, self.compute(node))

    def take(self, node: int) -> tuple[int, bool]:
        """Uses a node once: its slot, and whether the user may overwrite it and has to release it."""
        leaf = None if node in self.remaining else self.values.leaf(node)
        if leaf is not None:
            slot = self.allocate()
            self.emit("copy", (Tile(leaf.cb, leaf.slot),), slot)
            return slot, True
        value = self.nodes[node]
        if isinstance(value, Number):
            slot = self.allocate()
            self.emit("fill", (self.values.number(value.number, "number"),), slot)
            return slot, True
        if node not in self.held:
            self.hold(node, self.compute(node))
        self.remaining[node] -= 1
        slot = self.held[node]
        if self.remaining[node]:
            return slot, False
        del self.held[node]
        return slot, True

    def own(self, node: int, into: Axes) -> int:
        """Uses a node once, spread over the whole tile where it has to be, in a slot that may be overwritten."""
        slot, owned = self.spread(node, into)
        if owned:
            return slot
        copy = self.allocate()
        self.emit("copy_dst", (_dst(slot),), copy)
        return copy

    def spread(self, node: int, into: Axes) -> tuple[int, bool]:
        """Uses a node once, spread over the whole tile where it is a row, a column or an element of one."""
        dim = None if isinstance(self.nodes[node], Number) else broadcast_of(self.nodes[node], into)
        if dim is None:
            return self.take(node)
        if self.values.dst_bits == 16:
            leaf = None if node in self.remaining else self.values.leaf(node)
            if leaf is None:
                raise Spill(node)
            slot = self.allocate()
            self.emit(f"add_{dim}", (Tile(self.values.zeros), Tile(leaf.cb, leaf.slot)), slot)
            return slot, True
        vector, owned = self.take(node)
        full = self.allocate()
        if dim == "scalar":
            # Row 0 over all rows, then its column 0 over all columns.
            rows = full
            self.emit("zero", (), rows)
            self.emit("add_dst_rows", (_dst(rows), _dst(vector)), rows)
            full = vector if owned else self.allocate()
            self.emit("zero", (), full)
            self.emit("add_dst_cols", (_dst(full), _dst(rows)), full)
            self.release(rows)
            return full, True
        self.emit("zero", (), full)
        self.emit(f"add_dst_{dim}", (_dst(full), _dst(vector)), full)
        if owned:
            self.release(vector)
        return full, True

    def compute(self, node: int) -> int:
        """Computes a node into a slot that belongs to it."""
        self.stack.append(node)
        match self.nodes[node]:
            case Elementwise() as value:
                slot = self.dispatch(value)
            case Input() | Number() | Contraction() | Reduction():
                raise AssertionError("a value that isn't computed by operations is held, or comes from a buffer")
            case value:
                assert_never(value)
        self.stack.pop()
        return slot

    def dispatch(self, node: Elementwise) -> int:
        """Computes a value the best way that its operands permit."""
        kind = node.function
        if kind == "where":
            return self.combine("where", node)
        if kind in COMPARISONS:
            return self.compared(node)
        if kind not in _BINARY:
            slot = self.own(node.operands[0], node.axes)
            if kind == "softplus":
                # Its exponential rounds to integers of 23 bits (ckernel_sfpu_softplus.h): of a mask's -1e9 it is
                # anything. Of what is clamped here it is 0, as float32 has it.
                least = max(-128 / node.parameters[0], -1 / SMALLEST)
                self.emit("max_number", (_dst(slot), self.values.number(least, "softplus_least")), slot)
            return self.emit(kind, (_dst(slot), *self.parameters(node)), slot)
        for compute in (self.with_number, self.on_fpu, self.in_place):
            slot_or_none = compute(node)
            if slot_or_none is not None:
                return slot_or_none
        return self.combine(_BINARY[kind], node)

    def parameters(self, node: Elementwise) -> tuple[NumberArg, ...]:
        """The numbers that a function's operation takes beside its operand."""
        number = self.values.number
        if node.function == "leaky_relu":
            return (number(node.parameters[0], "leaky_relu_slope"),)
        if node.function == "clip":
            low, high = node.parameters
            return (number(low, "clip_low"), number(high, "clip_high"))
        if node.function == "softplus":
            beta, threshold = node.parameters
            return (
                number(beta, "softplus_beta"),
                number(1 / beta, "softplus_beta_reciprocal"),
                number(threshold, "softplus_threshold"),
            )
        return ()

    def compared(self, node: Elementwise) -> int:
        """A comparison with a number, in place, or of two values."""
        kind, (left, right) = node.function, node.operands
        if isinstance(self.nodes[left], Number):
            kind, left, right = COMPARISONS[kind], right, left
        number = self.nodes[right]
        if not isinstance(number, Number):
            return self.combine(f"{kind}_dst", node)
        slot = self.own(left, node.axes)
        if number.number == 0:
            return self.emit(f"{kind}_zero", (_dst(slot),), slot)
        return self.emit(f"{kind}_number", (_dst(slot), self.values.number(number.number, "number")), slot)

    def with_number(self, node: Elementwise) -> int | None:
        """An operation between a value and a number, in place."""
        left, right = node.operands
        first, second = self.nodes[left], self.nodes[right]
        if isinstance(first, Number):
            name = {
                "add": "add",
                "mul": "mul",
                "sub": "rsub",
                "div": "rdiv",
                "maximum": "max",
                "minimum": "min",
            }[node.function]
            value, operand = first.number, right
        elif isinstance(second, Number):
            value, operand = second.number, left
            if node.function == "div" and not SMALLEST <= 1 / abs(value) <= 1 / SMALLEST:
                return None  # its reciprocal is no normal float32
            name = {
                "add": "add",
                "mul": "mul",
                "sub": "add",
                "div": "mul",
                "maximum": "max",
                "minimum": "min",
            }[node.function]
            value = -value if node.function == "sub" else 1 / value if node.function == "div" else value
        else:
            return None
        slot = self.own(operand, node.axes)
        return self.emit(f"{name}_number", (_dst(slot), self.values.number(value, "number")), slot)

    def on_fpu(self, node: Elementwise) -> int | None:
        """Both operands straight from their buffers, where the FPU loses nothing."""
        if node.function not in ON_FPU:
            return None
        left, right = node.operands
        if node.function in _COMMUTATIVE and broadcast_of(self.nodes[left], node.axes):
            left, right = right, left
        tiles = []
        for operand in (left, right):
            leaf = None if operand in self.remaining else self.values.leaf(operand)
            if leaf is None or leaf.exact:
                return None
            tiles.append(Tile(leaf.cb, leaf.slot))
        if broadcast_of(self.nodes[left], node.axes):
            return None
        dim = broadcast_of(self.nodes[right], node.axes)
        name = node.function if dim is None else f"{node.function}_{dim}"
        slot = self.allocate_zero() if OPERATIONS[name].result == "accumulates" else self.allocate()
        return None if slot is None else self.emit(name, tuple(tiles), slot)

    def in_place(self, node: Elementwise) -> int | None:
        """A row or a column that the SFPU applies to a value in place (32-bit DST)."""
        if node.function not in ON_FPU or self.values.dst_bits == 16:
            return None
        data, vector = node.operands
        if node.function in _COMMUTATIVE and broadcast_of(self.nodes[data], node.axes):
            data, vector = vector, data
        dim = broadcast_of(self.nodes[vector], node.axes)
        if dim not in ("rows", "cols") or broadcast_of(self.nodes[data], node.axes):
            return None
        self.evaluate((data, vector))
        slot = self.own(data, node.axes)
        other, owned = self.take(vector)
        self.emit(f"{node.function}_dst_{dim}", (_dst(slot), _dst(other)), slot)
        if owned:
            self.release(other)
        return slot

    def combine(self, name: str, node: Elementwise) -> int:
        """An operation whose operands are all in DST, whole; the result replaces one that nobody needs any more."""
        self.evaluate(node.operands)
        taken = [self.spread(operand, node.axes) for operand in node.operands]
        tested = OPERATIONS[name].by_bits
        if tested is not None and may_be_negative_zero(self.nodes[node.operands[tested]]):
            taken[tested] = self.without_sign(*taken[tested])
        slots = [slot for slot, _owned in taken]
        owned = [slot for index, slot in enumerate(slots) if taken[index][1]]
        result = min(owned) if owned else self.allocate()
        self.emit(name, tuple(_dst(slot) for slot in slots), result)
        for slot in owned:
            if slot != result:
                self.release(slot)
        return result

    def without_sign(self, slot: int, owned: bool) -> tuple[int, bool]:
        """The absolute value of a slot, in place where it may be overwritten."""
        result = slot if owned else self.allocate()
        if not owned:
            self.emit("copy_dst", (_dst(slot),), result)
        return self.emit("abs_of_condition", (_dst(result),), result), True

    def need(self, node: int) -> int:
        """Slots that a node needs while it is computed (Sethi and Ullman's number)."""
        if not self.values.is_computed(node) or node in self.held:
            return 1
        if node not in self.needs:
            parts = sorted((self.need(operand) for operand in self.nodes[node].operands), reverse=True)
            self.needs[node] = max((part + index for index, part in enumerate(parts)), default=1)
        return self.needs[node]

    def emit(self, name: str, sources: tuple[Source, ...], dst: int) -> int:
        """Adds an operation; returns the slot of its result."""
        self.owners.pop(dst, None)
        self.ops.append(Op(name=name, sources=sources, dst=Const(dst)))
        return dst
