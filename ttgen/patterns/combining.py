"""Attention of which cores have parts of the keys: what all made of theirs becomes one output."""

from __future__ import annotations

from ttgen.model.body import Body, Loop, Op, Pack, Pop, Push, Reserve, Section, Wait
from ttgen.model.index import ONE, ZERO, Index, Var, add, mul
from ttgen.patterns.exchange import Gathered
from ttgen.patterns.flash import LARGEST, ROW_PAGES, TOTAL, VT, Rings, binary, copy, fill, inverse, packed, unary
from ttgen.patterns.pages import COL
from ttgen.patterns.units import PARTS


def combine(rings: Rings, gathered: Gathered) -> Body:
    """The output of a row, of which each of some cores has a part of the keys.

    Args:
        rings: the buffers of the attention.
        gathered: what cores tell each other: the largest score, the sum and the output of their part.
    """
    other = Var("other")

    def told(at: Index) -> Index:
        """A page of the state of another core."""
        return add(mul(other, ROW_PAGES), at)

    def over(*ops: Op) -> Loop:
        return Loop(var=other.name, extent=PARTS, body=ops)

    largest = (
        fill(0),
        over(copy(gathered.all, told(LARGEST), 1), binary("max_dst", 0, 1, 0)),
    )
    share = (
        copy(gathered.all, told(LARGEST), 0),
        copy(rings.rescale, ZERO, 1),
        binary("sub_dst", 0, 1, 0),
        unary("exp", 0),
    )
    total = (
        Op(name="zero", sources=(), dst=ZERO),
        over(
            copy(gathered.all, told(TOTAL), 1),
            copy(rings.shares, other, 2),
            binary("mul_dst", 1, 2, 1),
            binary("add_dst", 0, 1, 0),
        ),
        *inverse(ZERO, ONE),
    )
    output = (
        Op(name="zero", sources=(), dst=ZERO),
        over(
            copy(gathered.all, told(COL), 1),
            copy(rings.shares, other, 2),
            binary("mul_dst_cols", 1, 2, 1),
            binary("add_dst", 0, 1, 0),
        ),
        copy(rings.rescale, ZERO, 1),
        binary("mul_dst", 0, 1, 0),
    )
    summed = Section(math=(copy(rings.state, COL, 0),), pack=(Pack(dst=ZERO, cb=gathered.own, slot=COL),))
    known = Section(
        math=(copy(rings.state, TOTAL, 0), copy(rings.state, LARGEST, 1)),
        pack=(Pack(dst=ZERO, cb=gathered.own, slot=TOTAL), Pack(dst=ONE, cb=gathered.own, slot=LARGEST)),
    )
    shares = Section(math=share, pack=(Pack(dst=ZERO, cb=rings.shares),))
    return (
        Wait(cb=rings.state, pages=ROW_PAGES),
        Reserve(cb=gathered.own, pages=gathered.own_pages),
        Loop(var=COL.name, extent=VT, body=(summed,), note="What this core has made of its part of the keys."),
        known,
        Push(cb=gathered.own, pages=gathered.own_pages),
        Pop(cb=rings.state, pages=ROW_PAGES),
        Wait(cb=gathered.all, pages=gathered.all_pages),
        Section(math=largest, pack=packed(rings.rescale, ZERO), note="The largest score of all parts."),
        Wait(cb=rings.rescale),
        Reserve(cb=rings.shares, pages=PARTS),
        Loop(var=other.name, extent=PARTS, body=(shares,), note="What of each part counts beside the others."),
        Push(cb=rings.shares, pages=PARTS),
        Pop(cb=rings.rescale),
        Wait(cb=rings.shares, pages=PARTS),
        Section(math=total, pack=packed(rings.rescale, ONE), note="One over the sum of all weights."),
        Wait(cb=rings.rescale),
        Reserve(cb=rings.output, pages=VT),
        Loop(
            var=COL.name,
            extent=VT,
            body=(Section(math=output, pack=(Pack(dst=ZERO, cb=rings.output),), note="The output of all parts."),),
        ),
        Push(cb=rings.output, pages=VT),
        Pop(cb=rings.rescale),
        Pop(cb=rings.shares, pages=PARTS),
        Pop(cb=gathered.all, pages=gathered.all_pages),
    )
