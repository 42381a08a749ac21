"""The sum over K: step by step through blocks of both operands, in DST or, where DST can't hold a unit, in L1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ttgen.model.body import (
    AccumulateInL1,
    Body,
    Dst,
    Let,
    Loop,
    Op,
    Pack,
    ProductBlock,
    Section,
    Tile,
    names_in,
    needed,
)
from ttgen.model.index import ONE, ZERO, Const, Index, Var, add, floor_div, least, mul, sub
from ttgen.patterns.access import Access, Axis, pop, push, reserve, streams, wait
from ttgen.patterns.context import Context
from ttgen.patterns.pages import COL, ROW
from ttgen.patterns.units import BLOCK_K, BLOCK_M, BLOCK_N, PARTS, STEP_COUNT, STEP_START

K: Final = Var("k")
STEP: Final = Var("step")
FIRST_K: Final = Var("first_k")
DEPTH: Final = Var("depth")
_KT: Final = Var("Kt")
_H, _W = Var("subblock_h"), Var("subblock_w")


def in_steps(context: Context) -> bool:
    """Whether K is gone through in steps of several tiles."""
    return context.blocked or context.block.k > 1


def whole_depth(context: Context) -> Axis:
    """All of K of an operand that stays on its core, gone through like the other's."""
    return Axis(var=K, tiles=_KT, first=FIRST_K if in_steps(context) else ZERO)


def accumulates_in_dst(context: Context) -> bool:
    """Whether DST holds a whole unit."""
    return (context.subblock.h, context.subblock.w) == (context.block.m, context.block.n)


def over_steps(context: Context, body: Body) -> Body:
    """A loop over the steps of K, which the last may fill in part: K needs no divisor."""
    if not in_steps(context):
        return (Loop(var=K.name, extent=_KT, body=body),)
    used = names_in(body)
    lets = needed(step_lets(context, STEP), used)
    return (Loop(var=STEP.name, extent=steps(context), body=(*lets, *body)),)


def step_lets(context: Context, step: Index) -> tuple[Let, ...]:
    """The tiles of K of a step: the first, and how many are inside."""
    number = add(STEP_START, step) if context.in_any_part else step
    return (
        Let(name=FIRST_K.name, index=mul(number, BLOCK_K)),
        Let(name=DEPTH.name, index=least(BLOCK_K, sub(_KT, FIRST_K))),
    )


def steps(context: Context) -> Index:
    """The steps of K that a core makes."""
    return STEP_COUNT if context.split > 1 else Var("k_blocks")


def over_depth(context: Context, a: Access, b: Access, ops: Body) -> Body:
    """Operations on each tile of depth of every step of K, with the hand-over of both operands around each step."""
    note = "DST is zero when it is acquired: the products of all steps add up in it."
    steps: Body = ops if not in_steps(context) else (Loop(var=K.name, extent=DEPTH, body=ops),)
    moving = streams((a, b))
    (loop,) = over_steps(context, (*wait(moving), *steps, *pop(moving)))
    assert isinstance(loop, Loop), "steps are a loop"
    return (Loop(var=loop.var, extent=loop.extent, body=loop.body, note=note),)


def product_of_block(
    context: Context, a: Access, b: Access, store: Access, *, name: str, partials: Access | None = None
) -> Body:
    """Packs the product of a block, into a block of a buffer or into the block's places in a shard.

    Args:
        context: the block and the subblock.
        a: the left operand, rows by depth.
        b: the right operand, blocks of depth by columns.
        store: where it goes, rows by columns.
        name: of the operation.
        partials: the same block of each other part of K, which the packer adds to it.
    """
    # A shard is handed over at once, after all units.
    moving = streams((store,))
    block = ProductBlock(rows=_H, cols=_W, stride=a.axes[-1].tiles)
    if accumulates_in_dst(context):
        sources = (Tile(a.cb, a.place(ZERO, K)), Tile(b.cb, b.place(K, ZERO)))
        whole = Op(name=name, sources=sources, dst=ZERO, block=block)
        math = over_depth(context, a, b, (whole,))
        if partials is None:
            return (Section(math=math, pack=(*reserve(moving), *_pack(store), *push(moving))),)
        section = Section(math=math, pack=_pack(store, in_place=True))
        return (*reserve(moving), section, *_added(store, partials), *push(moving))
    down, across = Var("down"), Var("across")
    # Named in the kernel: the expressions would be long.
    sub_row, sub_col = Let(name="sub_row", index=mul(down, _H)), Let(name="sub_col", index=mul(across, _W))
    first_row, first_col = Var(sub_row.name), Var(sub_col.name)
    op = Op(
        name=name,
        sources=(Tile(a.cb, a.place(first_row, K)), Tile(b.cb, b.place(K, first_col))),
        dst=ZERO,
        block=block,
    )
    h, w = Var("h"), Var("w")
    slot = Let(name="slot", index=store.place(add(first_row, h), first_col))
    pack_at = Pack(dst=add(mul(h, _W), w), cb=store.cb, slot=add(Var(slot.name), w))
    section = Section(
        math=(Loop(var=K.name, extent=DEPTH, body=(op,)),),
        pack=(Loop(var=h.name, extent=_H, body=(slot, Loop(var=w.name, extent=_W, body=(pack_at,)))),),
    )
    over_cols = Loop(var=across.name, extent=floor_div(BLOCK_N, _W), body=(sub_col, section))
    subblocks = Loop(var=down.name, extent=floor_div(BLOCK_M, _H), body=(sub_row, over_cols))
    operands = streams((a, b))
    step = (*wait(operands), AccumulateInL1(index=STEP), subblocks, *pop(operands))
    if partials is not None:
        return (*reserve(moving), *over_steps(context, step), *_added(store, partials), *push(moving))
    return (*reserve(moving), *over_steps(context, step), AccumulateInL1(index=ZERO), *push(moving))


def product_with_epilogue(
    context: Context, a: Access, b: Access, store: Access, ops: tuple[Op, ...], beside: Sequence[Access], *, name: str
) -> Body:
    """Packs a block whose product and epilogue are computed in DST.

    Args:
        context: the block.
        a: the left operand, rows by depth.
        b: the right operand, blocks of depth by columns.
        store: where it goes.
        ops: the epilogue of a tile in slot 0, at `row` and `col` of the block; other slots are its own.
        beside: what else they read.
        name: of the product's operation.
    """
    sources = (Tile(a.cb, a.place(ZERO, K)), Tile(b.cb, b.place(K, ZERO)))
    whole = Op(name=name, sources=sources, dst=ZERO, block=ProductBlock(rows=_H, cols=_W, stride=a.axes[-1].tiles))
    place = Let(name="tile", index=add(mul(ROW, BLOCK_N), COL))
    own = mul(BLOCK_M, BLOCK_N)

    def slot_of(index: Index) -> Index:
        assert isinstance(index, Const), "the slots of a tile are numbers"
        return Var(place.name) if index == ZERO else add(own, Const(index.value - 1))

    def placed(op: Op) -> Op:
        sources = tuple(Dst(slot_of(item.slot)) if isinstance(item, Dst) else item for item in op.sources)
        return replace(op, sources=sources, dst=slot_of(op.dst))

    tile: Body = (place, *(placed(op) for op in ops))
    over_cols = Loop(var=COL.name, extent=BLOCK_N, body=tile)
    math = (
        *over_depth(context, a, b, (whole,)),
        *wait(streams(beside)),
        Loop(var=ROW.name, extent=BLOCK_M, body=(over_cols,)),
        *pop(streams(beside)),
    )
    moving = streams((store,))
    return (Section(math=math, pack=(*reserve(moving), *_pack(store), *push(moving))),)


def _added(store: Access, partials: Access) -> Body:
    """Adds the blocks of other parts of K to one that is packed and not handed over."""
    part, tile = Var("other"), Var("tile")
    copy = Op(name="copy", sources=(Tile(partials.cb, add(mul(part, store.pages), tile)),), dst=ZERO)
    section = Section(math=(copy,), pack=(Pack(dst=ZERO, cb=store.cb, slot=tile),))
    over_tiles = Loop(var=tile.name, extent=store.pages, body=(section,))
    return (
        *wait((partials,)),
        AccumulateInL1(index=ONE),
        Loop(
            var=part.name, extent=sub(PARTS, ONE), body=(over_tiles,),
            note="Float32 adds up exactly by copies to DST that the packer adds to what is in L1.",
        ),
        AccumulateInL1(index=ZERO),
        *pop((partials,)),
    )  # fmt: skip


def _pack(store: Access, *, in_place: bool = False) -> Body:
    """Packs a whole block that DST holds, one page after another or at its places in a buffer or a shard."""
    if in_place:
        tile = Var("tile")
        return (Loop(var=tile.name, extent=store.pages, body=(Pack(dst=tile, cb=store.cb, slot=tile),)),)
    if not store.resident:
        tile = Var("tile")
        return (Loop(var=tile.name, extent=store.pages, body=(Pack(dst=tile, cb=store.cb),)),)
    pack_at = Pack(dst=add(mul(ROW, BLOCK_N), COL), cb=store.cb, slot=store.slot)
    return (Loop(var=ROW.name, extent=BLOCK_M, body=(Loop(var=COL.name, extent=BLOCK_N, body=(pack_at,)),)),)
