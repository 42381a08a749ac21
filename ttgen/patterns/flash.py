"""What the compute kernel of an attention does, row of tiles by row: one step of keys after another.

What is known of a row so far, its largest score, the sum of its weights and its output, rotates through a ring with
room for one row more than a unit has: a step takes it from the front and puts it back at the end. Where the largest
score grows, sum and output become smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ttgen.model.body import (
    Body,
    Dst,
    If,
    Let,
    Loop,
    NumberArg,
    Op,
    Pack,
    Pop,
    ProductBlock,
    Push,
    Reserve,
    Section,
    Statement,
    Tile,
    Uninit,
    Wait,
)
from ttgen.model.index import ONE, ZERO, Const, Index, Var, add, floor_div, least, mul, sub
from ttgen.patterns.contraction import DEPTH, FIRST_K, K
from ttgen.patterns.exchange import Gathered
from ttgen.patterns.pages import ROW
from ttgen.patterns.scaling import Scaling
from ttgen.patterns.units import BLOCK_K
from ttgen.records import dataclass

DT, VT = Var("Dt"), Var("Vt")
"""Columns of tiles of queries and keys, and of values."""
FIRST_QUERY, QUERY_ROWS = Var("first_query"), Var("query_rows")
"""The rows of tiles of a unit: the first, and how many there are."""
KEYS: Final = Var("keys")
"""The tiles of keys that the queries of a unit have."""
KEYS_BEFORE, LAST_MASK = Var("keys_before"), Var("last_mask")
"""Of a causal attention: the tiles of keys before those on its diagonal, and the number of the mask of all."""
VALUE_COLS: Final = Var("value_cols")
_ACROSS, _COL, _FIRST, _KEY = Var("across"), Var("col"), Var("first"), Var("key")
TOTAL, LARGEST = VT, add(VT, ONE)
"""Pages of a row's state, after its output."""
ROW_PAGES: Final = Var("row_pages")
_W: Final = Var("subblock_w")

IN_TURN: Final = add(_FIRST, _COL)
"""The place of one of the tiles that are in DST together: in a step, or in a row's output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """The buffers of an attention, by their names.

    Attributes:
        queries: a unit's rows of tiles of queries.
        keys: of a step, depth by depth.
        values: of a step.
        beside: what else is read of each step, by the value in the graph.
        scaler: a tile of ones, by which sums and maxima of rows multiply.
        masks: tiles that are added to scores; empty where nothing is masked.
        scores: of a row and a step.
        powers: the same, e to the power of what is left of the largest.
        state: of each row so far: the largest score, the sum of powers, and the output.
        largest: of a row after its step, as the matrix unit takes it.
        rescale: what becomes of a row's sums in its step; of the sum of all parts, its reciprocal.
        gathered: what cores exchange that each have a part of the keys; None where they don't.
        shares: what of each part counts.
        output: of the program.
    """

    queries: str
    keys: str
    values: str
    beside: Mapping[int, str]
    scaler: str
    masks: str
    scores: str
    powers: str
    state: str
    largest: str
    rescale: str
    gathered: Gathered | None
    shares: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """The statements of the compute kernel.

    Attributes:
        rings: its buffers.
        scaling: what scores become.
        transposed: whether keys are stored as rows.
        causal: whether a query has no later keys.
        ragged: whether the last tile of keys is partly padding.
        beside: pages of a step of each other buffer.
        beyond: whether units may have no rows, so that all cores of a group have as many.
    """

    rings: Rings
    scaling: Scaling
    transposed: bool
    causal: bool
    ragged: bool
    beside: Mapping[str, Index]
    beyond: bool

    def begin(self) -> Body:
        """What a row has before its first step."""
        rings = self.rings
        math = (fill(0), Op(name="zero", sources=(), dst=ONE))
        zero = Pack(dst=ONE, cb=rings.state, slot=_COL)
        pack: Body = (
            Reserve(cb=rings.state, pages=ROW_PAGES),
            # The output, and after it the sum.
            Loop(var=_COL.name, extent=LARGEST, body=(zero,)),
            Pack(dst=ZERO, cb=rings.state, slot=LARGEST),
            Push(cb=rings.state, pages=ROW_PAGES),
        )
        note = "Of each row of queries: the largest score so far, the sum of its weights, and its output."
        return (self.over_rows((Section(math=math, pack=pack),), note=note),)

    def over_rows(self, body: Body, note: str = "") -> Loop:
        """A loop over the rows of tiles of a unit."""
        return Loop(var=ROW.name, extent=QUERY_ROWS, body=body, may_be_empty=self.beyond, note=note)

    def step(self) -> Body:
        """One step of keys, for all rows of a unit."""
        rings = self.rings
        moving = [rings.keys, *rings.beside.values()]
        row: Body = (
            *self.scores(),
            Wait(cb=rings.scores, pages=BLOCK_K),
            Wait(cb=rings.state, pages=ROW_PAGES),
            Reserve(cb=rings.state, pages=ROW_PAGES),
            self.maximum(),
            Wait(cb=rings.largest),
            Wait(cb=rings.rescale),
            *self.powers(),
            Pop(cb=rings.scores, pages=BLOCK_K),
            Pop(cb=rings.largest),
            Wait(cb=rings.powers, pages=BLOCK_K),
            self.sum(),
            self.product(),
            Push(cb=rings.state, pages=ROW_PAGES),
            Pop(cb=rings.state, pages=ROW_PAGES),
            Pop(cb=rings.powers, pages=BLOCK_K),
            Pop(cb=rings.rescale),
        )
        return (
            *(Wait(cb=cb, pages=self.pages(cb)) for cb in (*moving, rings.values)),
            self.over_rows(row),
            *(Pop(cb=cb, pages=self.pages(cb)) for cb in (*moving, rings.values)),
        )

    def pages(self, cb: str) -> Index:
        """Pages of a step."""
        if cb == self.rings.keys:
            return mul(DT, BLOCK_K)
        return mul(BLOCK_K, VT) if cb == self.rings.values else self.beside[cb]

    def scores(self) -> Body:
        """The scores of a row, some tiles at a time, scaled and masked."""
        rings = self.rings
        product = Op(
            name="matmul_transposed_block" if self.transposed else "matmul_block",
            sources=(Tile(rings.queries, add(mul(ROW, DT), K)), Tile(rings.keys, add(mul(K, BLOCK_K), _FIRST))),
            dst=ZERO,
            block=ProductBlock(rows=ONE, cols=_W, stride=DT),
        )
        scaled = tuple(self.placed(op) for op in self.scaling.ops)
        each = (body for body in (scaled, self.masked()) if body)
        math: Body = (
            Loop(var=K.name, extent=DT, body=(product,)),
            *_inside(Loop(var=_COL.name, extent=_W, body=body) for body in each),
        )
        pack = Loop(var=_COL.name, extent=_W, body=(Pack(dst=_COL, cb=rings.scores, slot=IN_TURN),))
        return (
            Reserve(cb=rings.scores, pages=BLOCK_K),
            _in_turns(BLOCK_K, _W, Section(math=math, pack=(pack,))),
            Push(cb=rings.scores, pages=BLOCK_K),
        )

    def placed(self, op: Op) -> Op:
        """An operation on the tile in slot 0, for the one in slot `col`; other slots follow those of all."""

        def slot_of(index: Index) -> Index:
            assert isinstance(index, Const), "the slots of a tile are numbers"
            return _COL if index == ZERO else _spare(index.value - 1)

        sources = tuple(Dst(slot_of(item.slot)) if isinstance(item, Dst) else item for item in op.sources)
        return Op(name=op.name, sources=sources, dst=slot_of(op.dst))

    def masked(self) -> Body:
        """Adds a mask to a tile where it has one: on the diagonal and after it, or in the last of all."""
        if not (self.causal or self.ragged):
            return ()
        key = add(add(FIRST_K, _FIRST), _COL)
        diagonal = Let(name="diagonal", index=add(add(FIRST_QUERY, ROW), KEYS_BEFORE))
        spare = _spare(0)

        def mask(tile: Index) -> Body:
            return (
                Op(name="copy", sources=(Tile(self.rings.masks, tile),), dst=spare),
                Op(name="add_dst", sources=(Dst(_COL), Dst(spare)), dst=_COL),
            )

        if self.causal:
            # It masks what is beyond the last key, too.
            behind = least(sub(_KEY, Var("diagonal")), LAST_MASK)
            return (
                Let(name=_KEY.name, index=key),
                diagonal,
                If(left=Var("diagonal"), relation="<", right=add(_KEY, ONE), then=mask(behind)),
            )
        return (If(left=key, relation="==", right=sub(Var("Kt"), ONE), then=mask(ZERO)),)

    def maximum(self) -> Section:
        """The largest score so far, and what becomes of what was summed up before."""
        rings = self.rings
        reduce = self.reduced("max", rings.scores)
        math: Body = (
            Loop(var=K.name, extent=DEPTH, body=(reduce,)),
            Uninit(op=reduce),
            copy(rings.state, LARGEST, 1),
            binary("max_dst", 0, 1, 0),
            binary("sub_dst", 1, 0, 1),
            unary("exp", 1),
        )
        state = Pack(dst=ZERO, cb=rings.state, slot=LARGEST)
        pack = (state, *packed(rings.largest, ZERO), *packed(rings.rescale, ONE))
        return Section(math=math, pack=pack, note="The largest score so far; what was summed up shrinks as it grows.")

    def reduced(self, function: str, cb: str) -> Op:
        """The largest or the sum of the rows of a tile."""
        return Op(name=f"reduce_{function}_row", sources=(Tile(cb, K), Tile(self.rings.scaler)), dst=ZERO)

    def powers(self) -> Body:
        """The weights of a row, but for their sum."""
        rings = self.rings
        left = Op(name="sub_cols", sources=(Tile(rings.scores, IN_TURN), Tile(rings.largest)), dst=_COL)
        power = Op(name="exp", sources=(Dst(_COL),), dst=_COL)
        pack = Loop(var=_COL.name, extent=_W, body=(Pack(dst=_COL, cb=rings.powers, slot=IN_TURN),))
        powers = Loop(var=_COL.name, extent=_W, body=(power,))
        section = Section(math=(Loop(var=_COL.name, extent=_W, body=(left,)), *_inside((powers,))), pack=(pack,))
        return (
            Reserve(cb=rings.powers, pages=BLOCK_K),
            _in_turns(BLOCK_K, _W, section),
            Push(cb=rings.powers, pages=BLOCK_K),
        )

    def sum(self) -> Section:
        """The sum of weights so far."""
        rings = self.rings
        reduce = self.reduced("sum", rings.powers)
        math: Body = (
            Loop(var=K.name, extent=DEPTH, body=(reduce,)),
            Uninit(op=reduce),
            copy(rings.rescale, ZERO, 1),
            copy(rings.state, TOTAL, 2),
            binary("mul_dst", 2, 1, 2),
            binary("add_dst", 0, 2, 0),
        )
        return Section(math=math, pack=(Pack(dst=ZERO, cb=rings.state, slot=TOTAL),), note="The sum of weights so far.")

    def product(self) -> Loop:
        """The output so far: it shrinks, and what the step adds comes on top of it in DST."""
        rings = self.rings
        rescale = VALUE_COLS
        product = Op(
            name="matmul_block",
            sources=(Tile(rings.powers, K), Tile(rings.values, add(mul(K, VT), _FIRST))),
            dst=ZERO,
            block=ProductBlock(rows=ONE, cols=VALUE_COLS, stride=BLOCK_K),
            onto=True,
        )
        shrunk = Op(name="mul_dst_cols", sources=(Dst(_COL), Dst(rescale)), dst=_COL)
        math: Body = (
            copy(rings.rescale, ZERO, rescale),
            Loop(var=_COL.name, extent=VALUE_COLS, body=(copy(rings.state, IN_TURN, _COL), shrunk)),
            Loop(var=K.name, extent=DEPTH, body=(product,)),
        )
        pack = Loop(var=_COL.name, extent=VALUE_COLS, body=(Pack(dst=_COL, cb=rings.state, slot=IN_TURN),))
        note = "The output so far shrinks, and what this step adds to it comes on top."
        return _in_turns(VT, VALUE_COLS, Section(math=math, pack=(pack,), note=note))

    def end(self) -> Body:
        """The output of a unit: what was summed up over the sum of its weights."""
        rings = self.rings
        divided = Op(name="mul_dst", sources=(Dst(_COL), Dst(VALUE_COLS)), dst=_COL)
        math: Body = (
            copy(rings.state, TOTAL, 0),
            *inverse(ZERO, VALUE_COLS),
            Loop(var=_COL.name, extent=VALUE_COLS, body=(copy(rings.state, IN_TURN, _COL), divided)),
        )
        pack = Loop(var=_COL.name, extent=VALUE_COLS, body=(Pack(dst=_COL, cb=rings.output),))
        row = (
            Wait(cb=rings.state, pages=ROW_PAGES),
            Reserve(cb=rings.output, pages=VT),
            _in_turns(VT, VALUE_COLS, Section(math=math, pack=(pack,))),
            Push(cb=rings.output, pages=VT),
            Pop(cb=rings.state, pages=ROW_PAGES),
        )
        return (self.over_rows(row, note="The output over the sum of its weights."),)


def _in_turns(tiles: Index, together: Index, section: Section) -> Loop:
    """A loop over tiles of a row, as many at a time as DST holds together."""
    first = Let(name=_FIRST.name, index=mul(_ACROSS, together))
    return Loop(var=_ACROSS.name, extent=floor_div(tiles, together), body=(first, section))


def _inside(body: Iterable[Statement]) -> Body:
    """What isn't worth doing for tiles beyond the last keys, which nobody reads."""
    found = tuple(body)
    return (If(left=_FIRST, relation="<", right=DEPTH, then=found),) if found else ()


def _spare(number: int) -> Index:
    """A slot after those of the tiles that are computed together."""
    return add(_W, Const(number))


def fill(slot: int) -> Op:
    """Sets a slot to less than any score."""
    return Op(name="fill", sources=(NumberArg("lowest"),), dst=Const(slot))


def copy(cb: str, page: Index, slot: int | Index) -> Op:
    """A page of a buffer into a slot."""
    return Op(name="copy", sources=(Tile(cb, page),), dst=Const(slot) if isinstance(slot, int) else slot)


def unary(name: str, slot: int) -> Op:
    """An operation on a slot in place."""
    return Op(name=name, sources=(Dst(Const(slot)),), dst=Const(slot))


def inverse(column: Index, slot: Index) -> Body:
    """One over a column, in all columns of a slot.

    The column is spread first: beside it are zeros, of which the reciprocals are infinite, and what spreads a column
    multiplies its neighbours by 0, which would make NaN of them.
    """
    return (
        Op(name="zero", sources=(), dst=slot),
        Op(name="add_dst_cols", sources=(Dst(slot), Dst(column)), dst=slot),
        Op(name="reciprocal", sources=(Dst(slot),), dst=slot),
    )


def binary(name: str, left: int, right: int, dst: int) -> Op:
    """An operation of two slots."""
    return Op(name=name, sources=(Dst(Const(left)), Dst(Const(right))), dst=Const(dst))


def packed(cb: str, slot: Index) -> tuple[Statement, ...]:
    """A slot as a page of a buffer, handed over."""
    return (Reserve(cb=cb), Pack(dst=slot, cb=cb), Push(cb=cb))
