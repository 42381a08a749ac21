"""What a statement does, said once: all that proofs, counts, preparation and the interpreter know of it.

A statement that `effects` doesn't handle, and an effect that a walk doesn't, is a type error: nothing passes over
what it doesn't know.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from ttgen.exhaustive import assert_never
from ttgen.model.body import (
    AccumulateInL1,
    Action,
    Init,
    Op,
    Pack,
    Pop,
    Push,
    ReadBarrier,
    ReadPage,
    Reconfigure,
    Reserve,
    Startup,
    Uninit,
    Wait,
    WriteBarrier,
    WritePage,
)
from ttgen.model.exchange import Announce, Area, AtomicBarrier, Await, Multicast, Place, Send, Signal
from ttgen.model.index import ONE, ZERO, Index
from ttgen.model.tiles import Content, FillTile, ReadRow
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """Reserves or pushes pages of a buffer as its producer, waits for or pops them as its consumer."""

    kind: Literal["reserve", "push", "wait", "pop"]
    cb: str
    pages: Index


@dataclass(frozen=True, slots=True)
class Page:
    """Begins to read pages of a tensor, or the first row of one, or to write one."""

    kind: Literal["read", "read_row", "write"]
    tensor: str
    page: Index
    pages: Index = ONE


@dataclass(frozen=True, slots=True)
class Fill:
    """Fills pages of a buffer, counted from the first that is reserved, or the next one where `slot` is None.

    What the NoC brings is there after a barrier only. What the core fills a page with has some `valid` places.
    """

    cb: str
    slot: Index | None
    by: Literal["noc", "core", "packer"]
    pages: Index = ONE
    content: Content = "zeros"
    valid: Index = ZERO


@dataclass(frozen=True, slots=True)
class Use:
    """Reads pages of a buffer, counted from its front: from the first to the last slot.

    What the NoC takes has to stay until a barrier.
    """

    cb: str
    first: Index
    last: Index
    by: Literal["noc", "unpacker"]


@dataclass(frozen=True, slots=True)
class Barrier:
    """Waits until all reads have landed, or all writes or signals have been acknowledged."""

    of: Literal["read", "write", "atomic"]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Sends pages to other cores, into what they have reserved of a buffer, from a slot on.

    Attributes:
        source: the buffer that they come from: its front, or this core's own reserved pages where it is the same one.
        to: all cores of an area, this one too where the buffer is another one; or one core.
    """

    source: str
    cb: str
    slot: Index
    pages: Index
    to: Area | Place


@dataclass(frozen=True, slots=True)
class Raise:
    """Sets a semaphore of all cores of an area to a value, or adds one to that of a core."""

    semaphore: str
    value: Index
    to: Area | Place


@dataclass(frozen=True, slots=True)
class Reach:
    """Waits until a semaphore of this core is as high."""

    semaphore: str
    at_least: Index


@dataclass(frozen=True, slots=True)
class Operate:
    """Computes: needs the DST slots among the operation's sources, leaves its results in DST."""

    op: Op


@dataclass(frozen=True, slots=True)
class TakeDst:
    """Takes a tile out of DST, converted to the format of a buffer."""

    slot: Index
    cb: str


@dataclass(frozen=True, slots=True)
class Accumulate:
    """From here on the packer adds to what is in L1 where the index isn't 0."""

    index: Index


@dataclass(frozen=True, slots=True)
class Prepare:
    """Configures engines for what comes."""

    statement: Startup | Init | Uninit | Reconfigure


Effect = Token | Page | Fill | Use | Barrier | Deliver | Raise | Reach | Operate | TakeDst | Accumulate | Prepare


@cache
def effects(statement: Action) -> tuple[Effect, ...]:
    """What a statement does, in the order in which it does it."""
    match statement:
        case Reserve(cb=cb, pages=pages):
            return (Token("reserve", cb, pages),)
        case Push(cb=cb, pages=pages):
            return (Token("push", cb, pages),)
        case Wait(cb=cb, pages=pages):
            return (Token("wait", cb, pages),)
        case Pop(cb=cb, pages=pages):
            return (Token("pop", cb, pages),)
        case ReadPage(tensor=tensor, page=page, cb=cb, slot=slot, pages=pages):
            return (Page("read", tensor, page, pages), Fill(cb, slot, "noc", pages))
        case ReadRow(tensor=tensor, page=page, cb=cb, slot=slot):
            return (Page("read_row", tensor, page), Fill(cb, slot, "noc"))
        case WritePage(tensor=tensor, page=page, cb=cb, slot=slot):
            return (Use(cb, slot, slot, "noc"), Page("write", tensor, page))
        case ReadBarrier():
            return (Barrier("read"),)
        case WriteBarrier():
            return (Barrier("write"),)
        case AtomicBarrier():
            return (Barrier("atomic"),)
        case Multicast(source=source, cb=cb, slot=slot, pages=pages, to=area):
            return (Deliver(source, cb, slot, pages, area),)
        case Send(source=source, cb=cb, slot=slot, pages=pages, to=place):
            return (Deliver(source, cb, slot, pages, place),)
        case Announce(semaphore=semaphore, value=value, to=area):
            return (Raise(semaphore, value, area),)
        case Signal(semaphore=semaphore, to=place):
            return (Raise(semaphore, ONE, place),)
        case Await(semaphore=semaphore, at_least=at_least):
            return (Reach(semaphore, at_least),)
        case FillTile(cb=cb, slot=slot, content=content, valid=valid):
            return (Fill(cb, slot, "core", content=content, valid=valid),)
        case Op(tiles=tiles, last_slots=last_slots):
            used = (Use(tile.cb, tile.slot, last, "unpacker") for tile, last in zip(tiles, last_slots, strict=True))
            return (*used, Operate(statement))
        case Pack(dst=dst, cb=cb, slot=slot):
            return (TakeDst(dst, cb), Fill(cb, slot, "packer"))
        case AccumulateInL1(index=index):
            return (Accumulate(index),)
        case Startup() | Init() | Uninit() | Reconfigure():
            return (Prepare(statement),)
        case _:
            assert_never(statement)
