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
    Pop,
    ProductBlock,
    Push,
    Reserve,
    Section,
    Statement,
    Tile,
    Wait,
)
from ttgen.model.index import ZERO, Index, Var, add, floor_div, least, mul, product, sub
from ttgen.patterns.context import Context
from ttgen.patterns.kernels import Access
from ttgen.planner.loop import BLOCK_K, BLOCK_M, BLOCK_N

K: Final = Var("k")
STEP: Final = Var("step")
FIRST_K: Final = Var("first_k")
DEPTH: Final = Var("depth")
_KT: Final = Var("Kt")
_H, _W = Var("subblock_h"), Var("subblock_w")


def in_steps(context: Context) -> bool:
    """Whether K is gone through in steps of several tiles."""
    return context.blocked or context.block.k > 1


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
    (loop,) = over_steps(context, (*_wait(a, b), *steps, *_pop(a, b)))
    assert isinstance(loop, Loop), "steps are a loop"
    return (Loop(var=loop.var, extent=loop.extent, body=loop.body, note=note),)


def product_of_block(context: Context, a: Access, b: Access, cb: str, *, name: str) -> Body:
    """Packs the product of a block, row by row of tiles, as one page run of a buffer.

    Args:
        context: the block and the subblock.
        a: the left operand, blocks of rows by depth.
        b: the right operand, blocks of depth by columns.
        cb: the buffer.
        name: of the operation.
    """
    pages = product(BLOCK_M, BLOCK_N)
    block = ProductBlock(rows=_H, cols=_W, stride=BLOCK_K)
    if accumulates_in_dst(context):
        whole = Op(name=name, sources=(Tile(a.cb, K), Tile(b.cb, mul(K, BLOCK_N))), dst=ZERO, block=block)
        tile = Var("tile")
        pack: Body = (
            Reserve(cb=cb, pages=pages),
            Loop(var=tile.name, extent=pages, body=(Pack(dst=tile, cb=cb),)),
            Push(cb=cb, pages=pages),
        )
        return (Section(math=over_depth(context, a, b, (whole,)), pack=pack),)
    down, across = Var("down"), Var("across")
    # Named in the kernel: the expressions would be long.
    sub_row, sub_col = Let(name="sub_row", index=mul(down, _H)), Let(name="sub_col", index=mul(across, _W))
    first_row, first_col = Var(sub_row.name), Var(sub_col.name)
    op = Op(
        name=name,
        sources=(Tile(a.cb, add(mul(first_row, BLOCK_K), K)), Tile(b.cb, add(mul(K, BLOCK_N), first_col))),
        dst=ZERO,
        block=block,
    )
    h, w = Var("h"), Var("w")
    slot: Index = add(mul(add(first_row, h), BLOCK_N), add(first_col, w))
    pack_at = Pack(dst=add(mul(h, _W), w), cb=cb, slot=slot)
    section = Section(
        math=(Loop(var=K.name, extent=DEPTH, body=(op,)),),
        pack=(Loop(var=h.name, extent=_H, body=(Loop(var=w.name, extent=_W, body=(pack_at,)),)),),
    )
    over_cols = Loop(var=across.name, extent=floor_div(BLOCK_N, _W), body=(sub_col, section))
    subblocks = Loop(var=down.name, extent=floor_div(BLOCK_M, _H), body=(sub_row, over_cols))
    step = (*_wait(a, b), AccumulateInL1(index=STEP), subblocks, *_pop(a, b))
    return (
        Reserve(cb=cb, pages=pages),
        *over_steps(context, step),
        AccumulateInL1(index=ZERO),
        Push(cb=cb, pages=pages),
    )


def _wait(a: Access, b: Access) -> Body:
    return (Wait(cb=a.cb, pages=a.pages), Wait(cb=b.cb, pages=b.pages))


def _pop(a: Access, b: Access) -> Body:
    return (Pop(cb=a.cb, pages=a.pages), Pop(cb=b.cb, pages=b.pages))
