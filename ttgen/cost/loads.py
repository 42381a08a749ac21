"""What kernels ask of a core's engines, its NoCs and DRAM: counts by walking the tile program.

The walk of a body is compiled once and shared by all programs of its structure; a load is its value under the arguments
of one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

from ttgen.analysis.counts import Count, Counts, Key, counter
from ttgen.exhaustive import assert_never
from ttgen.model.body import (
    Body,
    If,
    Loop,
    Op,
    Pack,
    ProductBlock,
    ReadBarrier,
    ReadPage,
    Routine,
    Section,
    Statement,
    children,
    walk,
)
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Deliver,
    Effect,
    Fill,
    Operate,
    Page,
    Prepare,
    Raise,
    Reach,
    TakeDst,
    Token,
    Use,
)
from ttgen.model.exchange import Area, Multicast, Send
from ttgen.model.index import ONE, Index, product
from ttgen.model.tiles import ReadRow
from ttgen.records import dataclass

When = Literal["first", "round", "ahead"]
"""Reads before all loops, reads that are waited for in their round, and reads for a later round."""


def _moved(effect: Effect) -> tuple[tuple[Key, Index], ...]:
    """What a kernel that moves data does: pages and how often it asks for some, rounds of reads, and hand-overs."""
    match effect:
        case Token(kind=kind, cb=cb, pages=pages):
            return (((kind, cb), pages), (("waits", cb), ONE)) if kind == "wait" else (((kind, cb), pages),)
        case Page(kind=kind, tensor=tensor, pages=pages):
            return ((kind, tensor), pages), (("asks", tensor), ONE)
        case Deliver(cb=cb, pages=pages, to=to):
            return ((("multicast" if isinstance(to, Area) else "send", cb), pages),)
        case Barrier(of="read"):
            return ((("rounds",), ONE),)
        case Barrier() | Fill() | Use() | Operate() | TakeDst() | Accumulate() | Prepare() | Raise() | Reach():
            return ()
        case _:
            assert_never(effect)


def _computed(effect: Effect) -> tuple[tuple[Key, Index], ...]:
    """What a section does: operations by name and buffers, and packs by buffer."""
    match effect:
        case Operate(op=op):
            times = ONE if op.block is None else product(op.block.rows, op.block.cols)
            return ((("op", op.name, *(tile.cb for tile in op.tiles)), times),)
        case TakeDst(cb=cb):
            return ((("pack", cb), ONE),)
        case Token() | Page() | Deliver() | Barrier() | Fill() | Use() | Accumulate() | Prepare() | Raise() | Reach():
            return ()
        case _:
            assert_never(effect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The compiled counts of a kernel that moves data.

    Attributes:
        all: everything, as the core does it whose turn to send it is.
        reads: pages read, by when they are waited for.
    """

    all: Counts
    reads: dict[When, Counts]


@cache
def moves(body: Body) -> Moves:
    """What a kernel that moves data does, as the sender of every round: the others wait for it."""
    sending = _as_sender(body)
    classes: tuple[When, ...] = ("first", "round", "ahead")
    return Moves(
        all=counter(sending, _moved),
        reads={when: counter(_reads(sending, when, waits=False, inside=False)[0], _moved) for when in classes},
    )


def _as_sender(body: Body) -> Body:
    """The body of the core that sends in each round: what it does takes longest, and all others wait for it."""
    found: list[Statement] = []
    for item in body:
        match item:
            case If(then=then) if any(isinstance(inner, Multicast) for inner in walk(then)):
                found += _as_sender(then)
            case Loop() | If() | Routine():
                found.append(_with_bodies(item, tuple(_as_sender(inner) for inner in children(item))))
            case _:
                found.append(item)
    return tuple(found)


def _with_bodies(item: Loop | If | Routine, bodies: tuple[Body, ...]) -> Statement:
    match item:
        case Loop(var=var, extent=extent):
            return Loop(var=var, extent=extent, body=bodies[0])
        case If(left=left, relation=relation, right=right):
            return If(left=left, relation=relation, right=right, then=bodies[0], otherwise=bodies[1])
        case Routine(name=name, parameter=parameter, argument=argument, note=note):
            return Routine(name=name, parameter=parameter, argument=argument, body=bodies[0], note=note)


def _reads(body: Body, when: When, *, waits: bool, inside: bool) -> tuple[Body, bool]:
    """A body with the reads of a class only, and whether any barrier follows its beginning.

    Args:
        body: statements in the order that they run.
        when: the class that is kept.
        waits: whether a barrier follows the body in the same trip of the innermost loop that has one.
        inside: whether the body is in a loop that has a barrier.
    """
    kept: list[Statement] = []
    for item in reversed(body):
        match item:
            case ReadBarrier():
                waits = True
            case ReadPage() | ReadRow():
                own: When = "first" if not inside else "round" if waits else "ahead"
                if own == when:
                    kept.append(item)
            case Loop() if any(isinstance(inner, ReadBarrier) for inner in walk(item.body)):
                # What its own barriers don't wait for is waited for in a later trip.
                inner, _waits = _reads(item.body, when, waits=False, inside=True)
                kept.append(_with_bodies(item, (inner,)))
                waits = True
            case Loop() | If() | Routine():
                parts = [_reads(part, when, waits=waits, inside=inside) for part in children(item)]
                kept.append(_with_bodies(item, tuple(part for part, _waits in parts)))
                waits = any(after for _part, after in parts)
            case _:
                kept.append(item)
    return tuple(reversed(kept)), waits


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionLoad:
    """The compiled counts of a section.

    Attributes:
        counts: operations and packs, as often as the section runs.
        block: the subblock of its product, if there is one.
        packs: buffers that it packs to.
    """

    counts: Counts
    block: ProductBlock | None
    packs: frozenset[str]


@cache
def sections(body: Body) -> tuple[SectionLoad, ...]:
    """The sections of a compute kernel, each with the loops around it."""
    own = [item for item in walk(body) if isinstance(item, Section)]
    found = []
    for number, section in enumerate(own):
        blocks = [item.block for item in walk(section.math) if isinstance(item, Op) and item.block is not None]
        alone, _count = _only(body, number, 0)
        found.append(
            SectionLoad(
                counts=counter(alone, _computed), block=blocks[0] if blocks else None, packs=packed(section.pack)
            )
        )
    return tuple(found)


def _only(body: Body, number: int, seen: int) -> tuple[Body, int]:
    """A body without its sections but one, counted in the order of a walk; and how many came before its end."""
    kept: list[Statement] = []
    for item in body:
        match item:
            case Section():
                if seen == number:
                    kept.append(item)
                seen += 1
            case Loop() | If() | Routine():
                inner = []
                for part in children(item):
                    alone, seen = _only(part, number, seen)
                    inner.append(alone)
                kept.append(_with_bodies(item, tuple(inner)))
            case Op() | Pack():
                continue
            case _:
                kept.append(item)
    return tuple(kept), seen


def pages(count: Count, kind: str) -> Iterator[tuple[str, int]]:
    """What a count has of a kind: names, and how many pages."""
    return ((key[1], times) for key, times in count.items() if key[0] == kind and times)


@cache
def read_by(body: Body) -> frozenset[str]:
    """The tensors that a body reads."""
    return frozenset(item.tensor for item in walk(body) if isinstance(item, (ReadPage, ReadRow)))


@cache
def packed(body: Body) -> frozenset[str]:
    """The buffers that a body packs to."""
    return frozenset(item.cb for item in walk(body) if isinstance(item, Pack))


@cache
def sent_to(body: Body) -> frozenset[str]:
    """The buffers that a body fills on one other core."""
    return frozenset(item.cb for item in walk(body) if isinstance(item, Send))
