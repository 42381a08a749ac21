"""What the compute kernel of a program that reduces does on one line of tiles, walk by walk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from ttgen.formula.values import Reduction
from ttgen.model.body import (
    Body,
    Dst,
    Loop,
    Op,
    Pack,
    Pop,
    Push,
    Reserve,
    Section,
    Statement,
    Tile,
    Uninit,
    Wait,
    walk,
)
from ttgen.model.index import ZERO, Const, Index, Var, add, mul
from ttgen.patterns.along import Each, along, is_one_by_one, line_pages
from ttgen.patterns.context import Context
from ttgen.patterns.elementwise import lower
from ttgen.patterns.exchange import Gathered
from ttgen.patterns.folds import Folds, reachable
from ttgen.patterns.held import Held, Places
from ttgen.patterns.kernels import compute_unit
from ttgen.patterns.operands import Leaf, Spill
from ttgen.patterns.passes import IDENTITIES, Passes, Walk
from ttgen.patterns.section import SectionBuilder
from ttgen.patterns.units import PARTS
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What is computed of a line.

    Attributes:
        body: the statements for one line.
        numbers: float32 numbers by argument name.
        spills: buffers that take values out of DST.
        stored: flat values that have a buffer.
        precise: those whose buffers keep float32's mantissa, as operations in DST need it.
        dst_tiles: most slots that a section uses.
    """

    body: Body
    numbers: Mapping[str, float]
    spills: tuple[str, ...]
    stored: frozenset[int]
    precise: frozenset[int]
    dst_tiles: int


def line_of(context: Context, passes: Passes, places: Places) -> Computed:
    """What is computed of one line.

    A flat value is broadcast by the matrix unit wherever that is possible. Where an operation takes it from DST, its
    buffer is unpacked there, and nothing else can read it.

    Raises:
        Spill: DST has no room for what a walk reduces.
    """
    flats = frozenset(places.cbs) - {*passes.inputs, *passes.kept}
    # Beside whole tiles that were reduced over batches the matrix unit would cut every element.
    precise = flats if passes.exact or passes.line == "batch" else frozenset[int]()
    while True:
        held = Held(passes=passes, places=places, precise=precise)
        line = _Line(context=context, held=held, folds=Folds(held=held, slots=context.dst_slots))
        body = tuple(line.statements())
        copied = {tile.cb for item in walk(body) if isinstance(item, Op) and item.name == "copy" for tile in item.tiles}
        found = precise | {flat for flat in line.stored if places.cbs[flat] in copied}
        if found == precise:
            return Computed(
                body=body,
                numbers=line.folds.numbers,
                spills=tuple(line.spills),
                stored=frozenset(line.stored),
                precise=precise,
                dst_tiles=_slots(body),
            )
        precise = found


def _slots(body: Body) -> int:
    """The most slots of DST that are used."""
    return 1 + max(_written(body))


def _written(body: Body) -> set[int]:
    """The slots of DST that are used."""
    return {item.dst.value for item in walk(body) if isinstance(item, Op) and isinstance(item.dst, Const)}


@dataclass(slots=True, kw_only=True)
class _Line:
    """A line while its statements are made."""

    context: Context
    held: Held
    folds: Folds
    spills: list[str] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    free: set[int] = field(default_factory=set)

    def statements(self) -> Iterator[Statement]:
        """All walks, and the hand-overs around them."""
        passes, cbs = self.held.passes, self.held.places.cbs
        moving = [index for index in passes.inputs if self.held.moves(index)]
        per_line = [index for index in moving if not passes.is_whole(index)]
        yield from (Wait(cb=cbs[index]) for index in per_line)
        seen: set[int] = set()
        for number, one in enumerate(passes.walks, 1):
            reads = [index for index in passes.reads_of(number) if self.held.moves(index)]
            arriving = [index for index in reads if self.held.streams or index not in seen]
            seen.update(reads)
            if one.kept:
                stores = {cbs[index]: index for index in one.kept}
                yield from self.packing(number, arriving, stores, by_step=False, note=self.note(number, one.kept))
                yield from (Wait(cb=cbs[index], pages=line_pages(self.context)) for index in one.kept)
                # Reductions of the same walk read what was packed, and seldom what that was made of.
                kept = dict.fromkeys(passes.kept, 0)
                still = passes.computed(passes.roots_of(number), number, kept)
                yield from self.freed(number, [index for index in passes.inputs if index not in still])
                arriving = []
            if one.reductions:
                yield from self.reducing(number, one, arriving)
            if one.outputs:
                outputs = {o.tensor: o.value for o in passes.graph.outputs if passes.is_whole(o.value)}
                yield from self.packing(number, arriving, outputs, by_step=True, note=self.note(number, ()))
            yield from self.freed(number, (*passes.inputs, *passes.kept))
        yield from (Pop(cb=cbs[flat]) for flat in self.stored)
        yield from (Pop(cb=cbs[index]) for index in per_line)

    def note(self, number: int, kept: Sequence[int]) -> str:
        """What a walk is for, in the kernel's words."""
        passes = self.held.passes
        one = passes.walks[number - 1]
        walk = f"Walk {number} of {len(passes.walks)}"
        if kept:
            what = " and ".join(self.held.places.cbs[index] for index in kept)
            return f"{walk}: {what} of each tile, which later walks need again."
        if one.outputs:
            return f"{walk}: the outputs, tile by tile."
        words = {"sum": "sum", "max": "largest", "min": "smallest"}
        which = {"row": "row", "col": "column", "batch": "element over all batches"}[passes.line]
        found = [getattr(passes.graph.values[index], "function", "") for index in one.reductions]
        what = " and ".join(dict.fromkeys(words[function] for function in found))
        return f"The {what} of each {which}." if one.kept else f"{walk}: the {what} of each {which}."

    def freed(self, number: int, values: Sequence[int]) -> Iterator[Statement]:
        """Frees the lines of those inputs and kept values that no later walk needs."""
        passes = self.held.passes
        for index in values if not self.held.streams else ():
            walks = [walk for walk, taken in enumerate(passes.taken, 1) if index in taken]
            moves = index in passes.kept or (self.held.moves(index) and passes.is_whole(index))
            if moves and walks[-1:] == [number] and index not in self.free:
                self.free.add(index)
                yield Pop(cb=self.held.places.cbs[index], pages=line_pages(self.context))

    # Loops along the line.

    def loops(
        self, each: Sequence[Each], *, arriving: Sequence[int] = (), reserved: Sequence[str] = (),
        by_step: bool = False, note: str = "",
    ) -> Body:  # fmt: skip
        """Loops over the tiles of a line."""
        return along(
            self.context, each, arriving=[self.held.places.cbs[index] for index in arriving], streams=self.held.streams,
            reserved=reserved, by_step=by_step, note=note,
        )  # fmt: skip

    def packing(
        self, number: int, arriving: Sequence[int], stores: Mapping[str, int], *, by_step: bool, note: str
    ) -> Body:
        """Computes values tile by tile, and packs them."""
        # Tiles one by one need no slots; others are counted in the step, or in the line.
        one = is_one_by_one(self.context)

        def tile(place: Index, k: Index) -> Body:
            leaves = self.held.with_kept(number, place, k) if by_step else self.held.leaves(number, place, k)
            lowering = lower(
                self.held.passes.graph, leaves, stores, dst_bits=32, slots=self.context.dst_slots,
                taken=self.taken(), numbers=self.folds.numbers, beside=self.held.passes.beside,
            )  # fmt: skip
            self.folds.numbers.update(lowering.numbers)
            self.spills += lowering.spills
            apart = frozenset({*(leaf.cb for leaf in leaves.values()), *stores})
            slots = {} if one else dict.fromkeys(stores, k if by_step else place)
            slots |= {cb: at(place) for cb, at in self.held.places.resident.items() if cb in stores}
            return compute_unit(lowering, (), apart=apart, places=slots)

        moving = tuple(cb for cb in stores if cb not in self.held.places.resident)
        return self.loops([Each(tile, fills=True)], arriving=arriving, reserved=moving, by_step=by_step, note=note)

    def taken(self) -> frozenset[str]:
        """Names of buffers that spills can't have."""
        return frozenset({
            *self.context.dtypes, *self.held.places.cbs.values(), self.held.places.scaler, self.held.places.mask,
            *self.spills,
        })  # fmt: skip

    # Reductions.

    def reducing(self, number: int, one: Walk, arriving: Sequence[int]) -> Iterator[Statement]:
        """Reduces, and computes what follows: at once, or one after the other where DST has no room for that."""
        if self.context.split > 1:
            yield from self.parts(number, one, arriving)
            return
        numbers = dict(self.folds.numbers)
        try:
            section = self.section(number, one.reductions, one.flats, arriving)
        except Spill:
            self.folds.numbers.clear()
            self.folds.numbers.update(numbers)
        else:
            yield from section
            return
        yield from self.section(number, one.reductions, one.reductions, arriving, apart=True)
        graph, cbs = self.held.passes.graph, self.held.places.cbs
        leaves = self.held.leaves(number, ZERO, ZERO)
        leaves |= {index: Leaf(cb=cbs[index], exact=True) for index in one.reductions}
        followed = [flat for flat in one.flats if flat not in one.reductions]
        stores = {cbs[flat]: flat for flat in followed if self.held.passes.is_needed(flat)}
        stores |= {output.tensor: output.value for output in graph.outputs if output.value in one.flats}
        lowering = lower(
            graph,
            leaves,
            stores,
            dst_bits=32,
            slots=self.context.dst_slots,
            taken=self.taken(),
            numbers=self.folds.numbers,
            wide=self.held.passes.spread(followed),
            beside=self.held.passes.beside,
        )
        self.folds.numbers.update(lowering.numbers)
        self.spills += lowering.spills
        yield from compute_unit(lowering, (), apart=frozenset(leaf.cb for leaf in leaves.values()), places={})
        yield from self.waits(followed)

    def parts(self, number: int, one: Walk, arriving: Sequence[int]) -> Iterator[Statement]:
        """Reduces a part of a line, and puts the parts of all cores together.

        Raises:
            Spill: DST has no room for what follows.
        """
        gathered = self.held.places.gathered[number]
        yield from self.section(number, one.reductions, (), arriving, own=gathered)
        slots = {index: slot for slot, index in enumerate(one.reductions)}
        if len(slots) == self.context.dst_slots:
            raise Spill(one.reductions[0])
        before: list[Op] = []
        folds: list[Op] = []
        for index, slot in slots.items():
            function = getattr(self.held.passes.graph.values[index], "function", "")
            before.append(self.folds.filled(IDENTITIES[function], slot))
            place = add(mul(Var("other"), gathered.own_pages), Const(slot))
            copied = Const(len(slots))
            folds += (
                Op(name="copy", sources=(Tile(gathered.all, place),), dst=copied),
                Op(name=f"fold_{function}", sources=(Dst(Const(slot)), Dst(copied)), dst=Const(slot)),
            )
        loop = Loop(var="other", extent=PARTS, body=tuple(folds))
        ops, packs = self.followed(number, slots, one.flats, _written((*before, loop)), apart=False)
        yield Wait(cb=gathered.all, pages=gathered.all_pages)
        note = "Of all parts, which other cores have sent."
        yield Section(math=(*before, loop, *ops), pack=self.packed(packs), note=note)
        yield Pop(cb=gathered.all, pages=gathered.all_pages)
        yield from self.waits(one.flats)

    def packed(self, packs: Sequence[tuple[int, str]]) -> Body:
        """Packs flat values."""
        found: list[Statement] = []
        resident = self.held.places.resident
        for slot, cb in packs:
            if cb in resident:
                found.append(Pack(dst=Const(slot), cb=cb, slot=resident[cb](ZERO)))
            else:
                found += (Reserve(cb=cb), Pack(dst=Const(slot), cb=cb), Push(cb=cb))
        return tuple(found)

    def waits(self, flats: Sequence[int], *, apart: bool = False) -> Iterator[Wait]:
        """Waits for flat values that were packed."""
        stored = [flat for flat in flats if apart or self.held.passes.is_needed(flat)]
        self.stored += stored
        yield from (Wait(cb=self.held.places.cbs[flat]) for flat in stored)

    def section(
        self, number: int, reductions: Sequence[int], flats: Sequence[int], arriving: Sequence[int], *,
        apart: bool = False,
        own: Gathered | None = None,
    ) -> Body:  # fmt: skip
        """One hand-over of DST for all tiles of a line, and what waits for what it packs.

        Args:
            number: of the walk.
            reductions: what is reduced.
            flats: what is packed of that.
            arriving: inputs that come while it runs.
            apart: whether what is put out is packed later.
            own: where all reductions go, as a part of those of a line.
        """
        passes = self.held.passes
        slots = {index: slot for slot, index in enumerate(reductions)}
        before: list[Op] = []
        each: list[Each] = []
        within: list[Op] = []
        several = len(reductions) > 1
        ends: Body = ()
        for index, slot in slots.items():
            value = passes.graph.values[index]
            assert isinstance(value, Reduction), "they are"
            way = passes.way(index)
            tile, final = self.folds.reduced(number, index, slot, len(slots))
            uninit: Body = ()
            if way == "tiles":
                uninit = tuple(Uninit(op=item) for item in tile(ZERO, ZERO) if isinstance(item, Op))
            elif passes.line != "batch":
                name = f"{value.function}_within_{passes.line}"
                within.append(Op(name=name, sources=(Dst(Const(slot)),), dst=Const(slot)))
            if way == "fold":
                before.append(self.folds.filled(IDENTITIES[value.function], slot))
            each.append(Each(tile, final, uninit if several else ()))
            ends = () if several else uninit
        loops = self.loops(each, arriving=arriving)
        ops, packs = self.followed(number, slots, flats, _written((*before, *loops)), apart=apart)
        pack = self.packed(packs)
        if own is not None:
            cb, pages = own.own, own.own_pages
            packs_all = (Pack(dst=Const(slot), cb=cb) for slot in slots.values())
            pack = (Reserve(cb=cb, pages=pages), *packs_all, Push(cb=cb, pages=pages))
        math = (*before, *loops, *ends, *within, *ops)
        return (Section(math=math, pack=pack, note=self.note(number, ())), *self.waits(flats, apart=apart))

    def followed(
        self, number: int, slots: Mapping[int, int], flats: Sequence[int], written: set[int], *, apart: bool
    ) -> tuple[tuple[Op, ...], list[tuple[int, str]]]:
        """The flat values after reductions: operations, and where results are packed."""
        graph, cbs = self.held.passes.graph, self.held.places.cbs
        leaves = {
            index: leaf
            for index, leaf in self.held.leaves(number, ZERO, ZERO).items()
            if not self.held.passes.is_whole(index)
        }
        values = self.folds.values(graph, leaves)
        builder = SectionBuilder(values, tuple(flats), reachable(values, flats), self.held.passes.spread(flats))
        for index, slot in slots.items():
            assert builder.allocate() == slot, "reductions have the first slots"
            builder.hold(index, slot)
        # What tiles left in slots isn't zero, as products need them.
        builder.written |= written
        packs = []
        for flat in flats:
            slot = builder.root(flat)
            named = [output.tensor for output in graph.outputs if output.value == flat and not apart]
            own = [cbs[flat]] if apart or self.held.passes.is_needed(flat) else []
            packs += [(slot, cb) for cb in (*own, *named)]
        return tuple(builder.ops), packs
