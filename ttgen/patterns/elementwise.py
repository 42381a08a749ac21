"""Elementwise chains to tile operations: sections that each fit the destination registers.

Values are kept in DST as far as its slots allow, operands ordered so that the fewest are needed (Sethi and Ullman);
where they don't suffice, a value is packed to a buffer in a section of its own and read back as a tile. Broadcasts go
the way that the width of DST and the operand's format permit:

- two tiles in 16-bit formats: the FPU's own `add`, `sub`, `mul` with `rows`, `cols` or `scalar`;
- 32-bit DST: the row or column is copied to a slot, and the SFPU adds, subtracts or multiplies it in place, or
  spreads it over a zero tile for any other operation, and before a function that may be infinite beside a column
  (`spreading`);
- 16-bit DST: the FPU adds it to a tile of zeros (`unary_bcast` would do, but its column form hangs on Blackhole).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from ttgen.formula.values import Axes, Contraction, Elementwise, Graph
from ttgen.model.body import Op
from ttgen.patterns.operands import Leaf, Spill, Values
from ttgen.patterns.section import SectionBuilder
from ttgen.patterns.spreading import Beside
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What one hand-over of DST computes.

    Attributes:
        contraction: DST slot that the matrix product accumulates into before the operations, or None.
        ops: operations in order.
        packs: pairs of a DST slot and the buffer that it is packed to.
    """

    contraction: int | None
    ops: tuple[Op, ...]
    packs: tuple[tuple[int, str], ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Buffers that the operations read, in order of first use."""
        return tuple(dict.fromkeys(tile.cb for op in self.ops for tile in op.tiles))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowering:
    """The elementwise part of a kernel.

    Attributes:
        sections: in order.
        spills: buffers that values are packed to and read back from.
        zeros: the buffer of a tile of zeros; empty where none is needed.
        numbers: float32 numbers by argument name.
    """

    sections: tuple[Section, ...]
    spills: tuple[str, ...]
    zeros: str
    numbers: Mapping[str, float]

    @property
    def reads_before_contraction(self) -> frozenset[str]:
        """Buffers that are read by sections before the one that has the matrix product."""
        found: set[str] = set()
        for section in self.sections:
            if section.contraction is not None:
                return frozenset(found)
            found.update(section.reads)
        return frozenset()


def lower(
    graph: Graph,
    leaves: Mapping[int, Leaf],
    outputs: Mapping[str, int],
    *,
    dst_bits: Literal[16, 32],
    slots: int,
    taken: frozenset[str],
    numbers: Mapping[str, float] | None = None,
    wide: Mapping[int, Axes] = MappingProxyType({}),
    beside: Mapping[int, Beside] = MappingProxyType({}),
) -> Lowering:
    """Lowers every node that the outputs need.

    Args:
        graph: the formulas.
        leaves: nodes that come from circular buffers.
        outputs: buffers to pack, and the node of each.
        dst_bits: width of DST.
        slots: tiles that DST holds.
        taken: buffer names that spills must not have.
        numbers: those that the kernel has already, which equal ones share.
        wide: nodes that are to be computed of spread columns, and to which axes.
        beside: what is beside inputs and reductions, where it isn't 0.
    """
    spilled: dict[int, str] = {}
    zeros = untaken("zeros", taken)
    while True:
        values = Values(
            graph, leaves, spilled, zeros, dst_bits, slots, dict(numbers or {}),
            reuses=numbers is not None, beside=beside,
        )  # fmt: skip
        attempt = _Attempt(values, outputs, wide)
        try:
            sections, found = attempt.run()
        except Spill as spill:
            spilled[spill.node] = untaken(f"partial_{len(spilled)}", taken)
            continue
        reads = {cb for section in sections for cb in section.reads}
        return Lowering(
            sections=sections,
            spills=tuple(cb for cb in spilled.values() if cb in reads),
            zeros=zeros if zeros in reads else "",
            numbers=found,
        )


def untaken(name: str, taken: frozenset[str]) -> str:
    """A buffer name that no tensor has."""
    unique, count = name, 1
    while unique in taken:
        unique, count = f"{name}_{count}", count + 1
    return unique


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt at a lowering, with the nodes that were spilled so far."""

    values: Values
    outputs: Mapping[str, int]
    wide: Mapping[int, Axes]

    def run(self) -> tuple[tuple[Section, ...], dict[str, float]]:
        # A spilled node has a section of its own; operands come first, as they do in the graph.
        pending = dict(self.outputs)
        roots: list[tuple[int, ...]] = []
        for node in sorted(self.values.spilled):
            roots.append((node,))
            pending = {cb: root for cb, root in pending.items() if root != node}
        if pending:
            roots.append(tuple(dict.fromkeys(pending.values())))
        needed = [self.reachable(root) for root in roots]
        for index, nodes in enumerate(needed):
            for later in needed[index + 1 :]:
                if shared := nodes & later:
                    raise Spill(min(shared))
        used = {operand for nodes in needed for node in nodes for operand in self.values.graph.values[node].operands}
        sections = tuple(self.section(root, nodes, used) for root, nodes in zip(roots, needed, strict=True))
        return sections, self.values.numbers

    def reachable(self, roots: Sequence[int]) -> set[int]:
        """Nodes that a section computes itself."""
        found: set[int] = set()
        pending = [root for root in roots if root not in self.values.leaves]
        while pending:
            node = pending.pop()
            if node in found:
                continue
            found.add(node)
            value = self.values.graph.values[node]
            if isinstance(value, Elementwise):
                pending.extend(operand for operand in value.operands if self.values.is_computed(operand))
        return found

    def section(self, roots: tuple[int, ...], nodes: set[int], used: set[int]) -> Section:
        wide = {node: axes for node, axes in self.wide.items() if node in nodes}
        builder = SectionBuilder(self.values, roots, nodes, wide)
        contraction = next((node for node in nodes if isinstance(self.values.graph.values[node], Contraction)), None)
        if contraction is not None:
            # Before everything else: the product needs a slot that nothing has written.
            builder.hold(contraction, builder.allocate())
        slots = {root: builder.root(root) for root in roots}
        packs = [
            (slots[root], self.values.spilled[root]) for root in roots if root in self.values.spilled and root in used
        ]
        packs += [(slots[root], cb) for cb, root in self.outputs.items() if root in slots]
        return Section(contraction=None if contraction is None else 0, ops=tuple(builder.ops), packs=tuple(packs))
