"""What the kernels of an attention that move data do: queries, keys step by step, masks, and the output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from ttgen.dtypes import TILE
from ttgen.model.body import (
    Body,
    If,
    Let,
    Loop,
    Pop,
    Push,
    Reserve,
    Wait,
    WriteBarrier,
    WritePage,
    names_in,
    needed,
)
from ttgen.model.index import ONE, ZERO, Const, Index, Var, add, floor_div, least, mul, sub
from ttgen.model.tiles import FillTile
from ttgen.patterns.access import Access, read_blocks
from ttgen.patterns.along import KT
from ttgen.patterns.context import Context
from ttgen.patterns.contraction import DEPTH, FIRST_K, STEP
from ttgen.patterns.exchange import exchanged
from ttgen.patterns.flash import FIRST_QUERY, KEYS, LAST_MASK, QUERY_ROWS, VT, Flash, Rings
from ttgen.patterns.groups import group_of, sharing
from ttgen.patterns.pages import COL, ROW, batch_index
from ttgen.patterns.units import BLOCK_K, BLOCK_M, PART, PARTS, STEP_COUNT, STEP_START, X, Y, Z, unit_loop

MT: Final = Var("Mt")

Reads = tuple[Access, Access, Access, Mapping[int, Access]]
"""Blocks of queries, keys and values, and of what scores are scaled or shifted by, by the value in the graph."""


def head(context: Context) -> Index:
    """The number of a unit's batch."""
    return Y if context.loop == "rectangle" else Z


def units(context: Context, body: Body) -> Loop:
    """The loop over a core's units: blocks of queries go along rows of cores where those have a head to themselves."""
    block: Index = X if context.loop == "rectangle" else Y
    first = mul(block, BLOCK_M)
    lets = (
        Let(name=FIRST_QUERY.name, index=least(first, MT) if context.groups else first),
        Let(name=QUERY_ROWS.name, index=least(BLOCK_M, sub(MT, FIRST_QUERY))),
    )
    return unit_loop(
        (*needed(lets, names_in(body)), *body), loop=context.loop, order=context.order,
        batched=context.batched and context.loop != "rectangle", beyond=False,
    )  # fmt: skip


def moved(context: Context, flash: Flash, accesses: Reads) -> tuple[Body, Body]:
    """What the kernels that move data do for a unit."""
    queries, keys, values, others = accesses
    writes = written(context, flash)
    if "kv" not in context.groups:
        step = read_blocks((keys, *others.values(), values))
        return (*read_blocks((queries,)), *over_keys(context, flash, step)), writes

    def shared(access: Access, name: str) -> Body:
        group = group_of(context, "kv")
        assert group is not None, "cores share keys and values"
        return sharing(context, replace(group, operand=name), access, Var("k_blocks")).block

    reads = (*shared(keys, "keys"), *read_blocks(tuple(others.values())))
    return (
        (*read_blocks((queries,)), *over_keys(context, flash, reads)),
        (*over_keys(context, flash, shared(values, "values")), *writes),
    )


def over_keys(context: Context, flash: Flash, body: Body) -> Body:
    """A loop over the steps of keys that a unit has, or the part of them that is this core's."""
    steps: Index = Var("k_blocks")
    keys: Index = KT
    lets: tuple[Let, ...] = ()
    if flash.causal:
        # Up to the last tile that the last row of queries has something of.
        keys, steps = KEYS, Var("steps")
        lets = (
            Let(name=KEYS.name, index=least(add(add(FIRST_QUERY, QUERY_ROWS), Var("keys_beyond")), KT)),
            Let(name="steps", index=floor_div(sub(add(KEYS, BLOCK_K), ONE), BLOCK_K)),
        )
    extent: Index = steps
    step: Index = STEP
    if context.split > 1:
        until = floor_div(mul(add(PART, ONE), steps), PARTS)
        lets += (
            Let(name=STEP_START.name, index=floor_div(mul(PART, steps), PARTS)),
            Let(name=STEP_COUNT.name, index=sub(until, STEP_START)),
        )
        extent, step = STEP_COUNT, add(STEP_START, STEP)
    inner = (
        Let(name=FIRST_K.name, index=mul(step, BLOCK_K)),
        Let(name=DEPTH.name, index=least(BLOCK_K, sub(keys, FIRST_K))),
    )
    # Of few keys some cores have none.
    some_empty = flash.causal and context.split > 1
    loop = Loop(var=STEP.name, extent=extent, body=(*needed(inner, names_in(body)), *body), may_be_empty=some_empty)
    return (*lets, loop)


def written(context: Context, flash: Flash) -> Body:
    """Writes the output of a unit, row by row; of cores that have parts of the keys, the first does."""
    rings = flash.rings
    value = context.graph.values[context.graph.outputs[0].value]
    batch = batch_index(value, context.graph.work, z=head(context))
    page = add(mul(add(mul(batch, MT), add(FIRST_QUERY, ROW)), VT), COL)
    if rings.gathered is not None:
        page = add(mul(add(mul(batch, MT), FIRST_QUERY), VT), COL)
    write = WritePage(tensor=rings.output, page=page, cb=rings.output, slot=COL)
    writes: Body = (Loop(var=COL.name, extent=VT, body=(write,)), WriteBarrier())
    if rings.gathered is not None:
        # A unit is a row of tiles.
        writes = (If(left=PART, relation="==", right=ZERO, then=writes),)
    row = (Wait(cb=rings.output, pages=VT), *writes, Pop(cb=rings.output, pages=VT))
    if rings.gathered is not None:
        return (*exchanged(rings.gathered, Var("i")), *row)
    return (flash.over_rows(row),)


def fills_of(rings: Rings, flash: Flash) -> Iterator[FillTile]:
    """The tiles that the reader makes."""
    yield FillTile(cb=rings.scaler, content="row_scaler", valid=Const(TILE))
    if flash.causal:
        yield FillTile(cb=rings.masks, content="causal_bias", valid=Var("diagonal_valid"))
        yield FillTile(cb=rings.masks, content="causal_bias", slot=ONE, valid=Var("after_valid"))
        yield FillTile(cb=rings.masks, content="causal_bias", slot=LAST_MASK, valid=ZERO)
    elif flash.ragged:
        yield FillTile(cb=rings.masks, content="row_bias", valid=Var("valid"))


def filled(fills: tuple[FillTile, ...], held: Mapping[str, Index]) -> Body:
    """Fills tiles, and hands them over."""
    found: list[Reserve | FillTile | Push] = []
    for cb, pages in held.items():
        found += (Reserve(cb=cb, pages=pages), *(fill for fill in fills if fill.cb == cb), Push(cb=cb, pages=pages))
    return tuple(found)
