"""The sum over K: step by step through blocks of both operands, in DST or, where DST can't hold a unit, in L1."""

from __future__ import annotations

from typing import Final

from ttgen.model.body import (
    AccumulateInL1,
    Body,
    Let,
    Loop,
    Op,
    Pack,
    ProductBlock,
    Section,
    Statement,
    Tile,
)
from ttgen.model.index import ZERO, Var, add, floor_div, least, mul, sub
from ttgen.patterns.context import Context
from ttgen.patterns.kernels import Access, Axis, pop, push, reserve, streams, wait
from ttgen.patterns.pages import COL, ROW
from ttgen.patterns.units import BLOCK_K, BLOCK_M, BLOCK_N

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
    used: tuple[Statement, ...] = (
        Let(name="first_k", index=mul(STEP, BLOCK_K)),
        Let(name="depth", index=least(BLOCK_K, sub(_KT, FIRST_K))),
    )
    return (Loop(var=STEP.name, extent=Var("k_blocks"), body=(*used, *body)),)


def over_depth(context: Context, a: Access, b: Access, ops: Body) -> Body:
    """Operations on each tile of depth of every step of K, with the hand-over of both operands around each step."""
    note = "DST is zero when it is acquired: the products of all steps add up in it."
    steps: Body = ops if not in_steps(context) else (Loop(var=K.name, extent=DEPTH, body=ops),)
    moving = streams((a, b))
    (loop,) = over_steps(context, (*wait(moving), *steps, *pop(moving)))
    assert isinstance(loop, Loop), "steps are a loop"
    return (Loop(var=loop.var, extent=loop.extent, body=loop.body, note=note),)


def product_of_block(context: Context, a: Access, b: Access, store: Access, *, name: str) -> Body:
    """Packs the product of a block, into a block of a buffer or into the block's places in a shard.

    Args:
        context: the block and the subblock.
        a: the left operand, rows by depth.
        b: the right operand, blocks of depth by columns.
        store: where it goes, rows by columns.
        name: of the operation.
    """
    # A shard is handed over at once, after all units.
    moving = streams((store,))
    block = ProductBlock(rows=_H, cols=_W, stride=a.axes[-1].tiles)
    if accumulates_in_dst(context):
        sources = (Tile(a.cb, a.place(ZERO, K)), Tile(b.cb, b.place(K, ZERO)))
        whole = Op(name=name, sources=sources, dst=ZERO, block=block)
        section = Section(
            math=over_depth(context, a, b, (whole,)), pack=(*reserve(moving), *_pack(store), *push(moving))
        )
        return (section,)
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
    return (*reserve(moving), *over_steps(context, step), AccumulateInL1(index=ZERO), *push(moving))


def _pack(store: Access) -> Body:
    """Packs a whole block that DST holds, one page after another or at its places in a shard."""
    if not store.resident:
        tile = Var("tile")
        return (Loop(var=tile.name, extent=store.pages, body=(Pack(dst=tile, cb=store.cb),)),)
    pack_at = Pack(dst=add(mul(ROW, BLOCK_N), COL), cb=store.cb, slot=store.slot)
    return (Loop(var=ROW.name, extent=BLOCK_M, body=(Loop(var=COL.name, extent=BLOCK_N, body=(pack_at,)),)),)
