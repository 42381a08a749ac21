"""Statements by which cores have to do with each other: pages that go from core to core, and counters that say so.

Counters only grow: nobody resets one that another core may be waiting for.
"""

from __future__ import annotations

from typing import ClassVar

from ttgen.model.index import ZERO, Index
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A core, by its column and its row in the grid."""

    x: Index
    y: Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle of cores, both corners included, and how many those are."""

    first: Place
    last: Place
    cores: Index


@dataclass(frozen=True, slots=True, kw_only=True)
class AtomicBarrier:
    """Waits until every signal has been acknowledged."""

    kind: ClassVar[str] = "atomic_barrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Multicast:
    """Sends pages to every core of an area, into what each of them has reserved of a buffer.

    Attributes:
        source: where the pages begin: among those that this core has reserved of the same buffer, which the other
            cores of the area get; or at the front of another one, and then this core gets them too.
        cb: the buffer that they go to, at the same address on all cores.
        slot: the first page that they go to, of what is reserved.
    """

    kind: ClassVar[str] = "multicast"
    source: str
    cb: str
    slot: Index = ZERO
    pages: Index
    to: Area


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Sends pages from the front of a buffer to a core, into what it has reserved of another one, from a slot on."""

    kind: ClassVar[str] = "send"
    source: str
    cb: str
    slot: Index
    pages: Index
    to: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Sets a semaphore of this core and of all others of an area, after what was multicast to them before."""

    kind: ClassVar[str] = "announce"
    semaphore: str
    value: Index
    to: Area


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Raises a semaphore of a core by one."""

    kind: ClassVar[str] = "signal"
    semaphore: str
    to: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """Waits until a semaphore of this core has a value or has passed it."""

    kind: ClassVar[str] = "await"
    semaphore: str
    at_least: Index
