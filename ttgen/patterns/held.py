"""Where the values of a line are: buffers of inputs, of what is kept and of what was reduced, and slots in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ttgen.formula.values import Graph, Input
from ttgen.model.index import ZERO, Index
from ttgen.patterns.exchange import Gathered
from ttgen.patterns.operands import Leaf
from ttgen.patterns.passes import Passes
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The buffers of a program that reduces.

    Attributes:
        cbs: of inputs, of whole values that are kept and of flat ones that are stored.
        scaler: of the tiles that others are multiplied by to be reduced.
        mask: of the tile that says which places of the last tile of a line are inside.
        gathered: of each walk what the cores of a line exchange after it, where they have parts of it.
        resident: where a tile lies of tensors whose shards stay on their cores, by its place in the line.
    """

    cbs: Mapping[int, str]
    scaler: str
    mask: str
    gathered: Mapping[int, Gathered]
    resident: Mapping[str, Callable[[Index], Index]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The buffers of a line, walk by walk.

    Attributes:
        passes: the walks.
        places: the buffers.
        precise: flat values whose buffers keep float32's mantissa.
    """

    passes: Passes
    places: Places
    precise: frozenset[int]

    @property
    def streams(self) -> bool:
        """Whether every walk reads its inputs again."""
        return self.passes.keep == "nothing"

    def moves(self, index: int) -> bool:
        """Whether an input comes line by line."""
        value = self.passes.graph.values[index]
        assert isinstance(value, Input), "inputs are"
        return value.tensor not in self.places.resident and not self.passes.is_read_once(index)

    def leaves(self, number: int, place: Index, k: Index) -> dict[int, Leaf]:
        """Where values come from in a walk, at a place of the line, which is the k-th of the step."""
        passes, cbs = self.passes, self.places.cbs
        found = {}
        for index in passes.inputs:
            value = passes.graph.values[index]
            assert isinstance(value, Input), "inputs are"
            slot: Index = ZERO
            if value.tensor in self.places.resident:
                slot = self.places.resident[value.tensor](place)
            elif passes.is_whole(index):
                slot = k if self.streams and not passes.is_read_once(index) else place
            found[index] = Leaf(cb=cbs[index], exact=value.dtype == "float32", slot=slot)
        for index, first in passes.kept.items():
            if first < number:
                found[index] = Leaf(cb=cbs[index], exact=passes.exact, slot=place)
        for one in passes.walks[: number - 1]:
            found |= {flat: Leaf(cb=cbs[flat], exact=flat in self.precise) for flat in one.flats if flat in cbs}
        return found

    def with_kept(self, number: int, place: Index, k: Index) -> dict[int, Leaf]:
        """The same, after the walk's own kept values are packed."""
        own = {index for index, first in self.passes.kept.items() if first == number}
        kept = {index: Leaf(cb=self.places.cbs[index], exact=self.passes.exact, slot=place) for index in own}
        return self.leaves(number, place, k) | kept

    def tiles(self, number: int, graph: Graph, place: Index, k: Index) -> dict[int, Leaf]:
        """Where values come from while a walk reduces; the mask too."""
        found = self.with_kept(number, place, k)
        for index in range(len(self.passes.graph.values), len(graph.values)):
            if getattr(graph.values[index], "function", "") == "abs":
                found[index] = Leaf(cb=self.places.mask, exact=False)
        return found
