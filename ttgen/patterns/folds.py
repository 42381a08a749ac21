"""What reductions do with tiles of a line: the matrix unit reduces them or adds up products, or DST folds values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from ttgen.formula.values import Elementwise, Graph, Number, Reduction
from ttgen.model.body import Body, Dst, Op, Tile
from ttgen.model.index import ONE, ZERO, Const, Index
from ttgen.patterns.along import TileBody
from ttgen.patterns.held import Held
from ttgen.patterns.operands import Leaf, Values
from ttgen.patterns.passes import IDENTITIES, masked_value
from ttgen.patterns.section import SectionBuilder
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """Operations on the tiles of a line.

    Attributes:
        held: where values are.
        slots: tiles that DST holds.
        numbers: float32 numbers by argument name; grows.
    """

    held: Held
    slots: int
    numbers: dict[str, float] = field(default_factory=dict)

    def filled(self, number: float, slot: int) -> Op:
        """Sets a slot to a number."""
        if number == 0:
            return Op(name="zero", sources=(), dst=Const(slot))
        name = "least" if number < 0 else "most"
        return Op(name="fill", sources=(self.values(self.held.passes.graph, {}).number(number, name),), dst=Const(slot))

    def values(self, graph: Graph, leaves: Mapping[int, Leaf]) -> Values:
        """Where values of a section come from; numbers are the kernel's."""
        beside = self.held.passes.beside
        return Values(graph, leaves, {}, "", 32, self.slots, self.numbers, reuses=True, beside=beside)

    def reduced(self, number: int, index: int, slot: int, held: int) -> tuple[TileBody, TileBody | None]:
        """What a reduction does with a tile, and with the last one of a ragged line."""
        passes, dst = self.held.passes, Const(slot)
        value = passes.graph.values[index]
        assert isinstance(value, Reduction), "it is one"
        (operand,) = value.operands
        is_ragged = passes.is_ragged

        def fold(graph: Graph, node: int) -> TileBody:
            def tile(place: Index, k: Index) -> Body:
                builder = self.builder(graph, self.held.tiles(number, graph, place, k), (node,), held)
                result = builder.root(node)
                folded = Op(name=f"fold_{value.function}", sources=(Dst(dst), Dst(Const(result))), dst=dst)
                return (*builder.ops, folded)

            return tile

        masked = fold(*masked_value(passes.graph, operand, IDENTITIES[value.function])) if is_ragged else None
        match passes.way(index):
            case "fold":
                return fold(passes.graph, operand), masked
            case "products":
                factors = passes.factors(operand)
                assert factors is not None, "a product has them"

                def product(place: Index, k: Index) -> Body:
                    leaves = self.held.tiles(number, passes.graph, place, k)
                    sources = tuple(Tile(leaves[factor].cb, leaves[factor].slot) for factor in factors)
                    return (Op(name="mul_accumulate", sources=sources, dst=dst),)

                return product, masked
            case "tiles":
                name = f"reduce_{value.function}_{passes.line}"

                def reduce(scaler: Index) -> TileBody:
                    def tile(place: Index, k: Index) -> Body:
                        leaf = self.held.tiles(number, passes.graph, place, k)[operand]
                        return (
                            Op(
                                name=name,
                                sources=(Tile(leaf.cb, leaf.slot), Tile(self.held.places.scaler, scaler)),
                                dst=dst,
                            ),
                        )

                    return tile

                return reduce(ZERO), reduce(ONE) if is_ragged else None

    def builder(self, graph: Graph, leaves: Mapping[int, Leaf], roots: tuple[int, ...], held: int) -> SectionBuilder:
        """A builder of operations in the slots beside those that are held."""
        values = self.values(graph, leaves)
        made = SectionBuilder(values, roots, reachable(values, roots))
        for _slot in range(held):
            made.allocate()
        # What one tile leaves in them is there for the next: none is zero.
        made.written.update(range(self.slots))
        return made


def reachable(values: Values, roots: Sequence[int]) -> set[int]:
    """The values that a section computes, or that it reduced."""
    found: set[int] = set()
    pending = list(roots)
    while pending:
        node = pending.pop()
        if node in found or values.leaf(node) is not None or isinstance(values.graph.values[node], Number):
            continue
        found.add(node)
        value = values.graph.values[node]
        if isinstance(value, Elementwise):
            pending.extend(value.operands)
    return found
