"""The tile program: what a kernel is before it is text.

A body is a small frozen tree of statements. Patterns build it; templates print it, one macro a statement; costs, proofs
and the interpreter walk over it. Buffers and tensors are referred to by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import ClassVar, Literal

from ttgen.exhaustive import assert_never
from ttgen.model.exchange import Announce, Area, AtomicBarrier, Await, Multicast, Send, Signal
from ttgen.model.index import ONE, ZERO, Index, add, mul, names, sub
from ttgen.model.tiles import FillTile, ReadRow
from ttgen.records import dataclass

Port = Literal["srca", "srcb", "pack"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of a circular buffer, counted from its front."""

    cb: str
    slot: Index = ZERO


@dataclass(frozen=True, slots=True)
class Dst:
    """A tile in the destination registers."""

    slot: Index


@dataclass(frozen=True, slots=True)
class NumberArg:
    """A float32 number that arrives as the bits of a named compile-time argument."""

    name: str


Source = Tile | Dst | NumberArg
Relation = Literal["==", "<"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Runs `body` for `var` = 0 … extent - 1; the extent is at least 1, unless it `may_be_empty`."""

    kind: ClassVar[str] = "loop"
    var: str
    extent: Index
    body: tuple[Statement, ...]
    may_be_empty: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """Runs `then` where a comparison holds, `otherwise` where it doesn't."""

    kind: ClassVar[str] = "if"
    left: Index
    relation: Relation
    right: Index
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """Runs `body` with `parameter` named; it is the same wherever its name stands, and is printed once."""

    kind: ClassVar[str] = "routine"
    name: str
    parameter: str
    argument: Index
    body: tuple[Statement, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Let:
    """Names a value."""

    kind: ClassVar[str] = "let"
    name: str
    index: Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Waits until the buffer has room for pages, as its producer."""

    kind: ClassVar[str] = "reserve"
    cb: str
    pages: Index = ONE
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Hands pages to the buffer's consumer."""

    kind: ClassVar[str] = "push"
    cb: str
    pages: Index = ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Waits until the buffer holds pages, as its consumer; cumulative until they are popped."""

    kind: ClassVar[str] = "wait"
    cb: str
    pages: Index = ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop:
    """Frees pages for the buffer's producer."""

    kind: ClassVar[str] = "pop"
    cb: str
    pages: Index = ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """Begins to read a page of a tensor, or a run of pages that follow each other in memory, into reserved pages."""

    kind: ClassVar[str] = "read_page"
    tensor: str
    page: Index
    cb: str
    slot: Index = ZERO
    pages: Index = ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePage:
    """Begins to write a page of a buffer, counted from its front, to a page of a tensor."""

    kind: ClassVar[str] = "write_page"
    tensor: str
    page: Index
    cb: str
    slot: Index = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBarrier:
    """Waits until every read has landed."""

    kind: ClassVar[str] = "read_barrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBarrier:
    """Waits until every write has been acknowledged."""

    kind: ClassVar[str] = "write_barrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """Configures unpacker, math and packer for the first operation; once, as the kernel's first statement.

    Attributes:
        operands: the buffers of the first operation, in the order of its arguments.
        output: the buffer that is packed first.
        reverse: the first operand goes to SrcB, as a contraction has it.
    """

    kind: ClassVar[str] = "startup"
    operands: tuple[str, str]
    output: str
    reverse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """Prepares the engines for an operation; valid until another one on the same engine is prepared."""

    kind: ClassVar[str] = "init"
    op: Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninit:
    """Undoes what an operation's preparation did to the packer, which keeps the results of reductions only."""

    kind: ClassVar[str] = "uninit"
    op: Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconfigure:
    """Changes the data format of a port from one buffer's to another's; `old` is None where it isn't known."""

    kind: ClassVar[str] = "reconfigure"
    port: Port
    old: str | None
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductBlock:
    """The tiles of one `matmul_block`: rows of the first operand, columns of the second, from their slots on.

    Attributes:
        rows: rows of tiles, of the first operand and of the result.
        cols: columns of tiles, of the second operand and of the result.
        stride: tiles from one row of the first operand to the next.
    """

    rows: Index
    cols: Index
    stride: Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One tile operation: a row of `operations.OPERATIONS`, its sources, and the DST slot of its result.

    An operation on a subblock has its first tiles in its sources, and its results in DST row by row from `dst` on. One
    that accumulates needs zeros there, or what it has added up; or else it says that it comes `onto` other values.
    """

    kind: ClassVar[str] = "op"
    name: str
    sources: tuple[Source, ...]
    dst: Index
    block: ProductBlock | None = None
    onto: bool = False

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The sources that are in circular buffers."""
        return tuple(source for source in self.sources if isinstance(source, Tile))

    @property
    def last_slots(self) -> tuple[Index, ...]:
        """The last slot that it reads of each of its tiles' buffers; of a single tile it is the tile's own."""
        slots = tuple(tile.slot for tile in self.tiles)
        if self.block is None:
            return slots
        beyond = (mul(sub(self.block.rows, ONE), self.block.stride), sub(self.block.cols, ONE))
        return tuple(add(slot, more) for slot, more in zip(slots, beyond, strict=True))

    @property
    def numbers(self) -> tuple[NumberArg, ...]:
        """The sources that are numbers."""
        return tuple(source for source in self.sources if isinstance(source, NumberArg))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Packs a DST slot into the next reserved page of a buffer, or into the one that `slot` counts from the first."""

    kind: ClassVar[str] = "pack"
    dst: Index
    cb: str
    slot: Index | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccumulateInL1:
    """Makes the packer add to what is in L1 where `index` isn't 0, and overwrite it where it is; until changed."""

    kind: ClassVar[str] = "accumulate_in_l1"
    index: Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A hand-over of DST: acquire, `math`, commit; wait, `pack`, release. DST is zero when it is acquired."""

    kind: ClassVar[str] = "section"
    math: tuple[Statement, ...]
    pack: tuple[Statement, ...]
    note: str = ""


Control = Loop | If | Routine | Let | Section
"""What says how often and under which names others run; every walk handles these itself."""

Action = (
    Reserve | Push | Wait | Pop | ReadPage | ReadRow | WritePage | ReadBarrier | WriteBarrier | AtomicBarrier | FillTile
    | Multicast | Send | Announce | Signal | Await
    | Startup | Init | Uninit | Reconfigure | Op | Pack | AccumulateInL1
)  # fmt: skip
"""What does something: `effects.effects` says what."""

Statement = Control | Action
Body = tuple[Statement, ...]


def children(statement: Statement) -> tuple[Body, ...]:
    """The bodies inside a statement, in the order that they run."""
    match statement:
        case Loop(body=body) | Routine(body=body):
            return (body,)
        case Section(math=math, pack=pack):
            return (math, pack)
        case If(then=then, otherwise=otherwise):
            return (then, otherwise)
        case Let() | Reserve() | Push() | Wait() | Pop() | ReadPage() | ReadRow() | WritePage():
            return ()
        case ReadBarrier() | WriteBarrier() | AtomicBarrier() | Multicast() | Send() | Announce() | Signal() | Await():
            return ()
        case FillTile() | Startup() | Init() | Uninit() | Reconfigure() | Op() | Pack() | AccumulateInL1():
            return ()
        case _:
            assert_never(statement)


def indices(statement: Statement) -> Iterator[Index]:
    """Every index expression of a statement itself."""
    match statement:
        case Loop(extent=index) | Let(index=index) | AccumulateInL1(index=index) | Await(at_least=index):
            yield index
        case Routine(argument=index):
            yield index
        case If(left=left, right=right):
            yield from (left, right)
        case Multicast(slot=slot, pages=pages, to=area):
            yield from (slot, pages, *_of_area(area))
        case Announce(value=value, to=area):
            yield from (value, *_of_area(area))
        case Send(slot=slot, pages=pages, to=place):
            yield from (slot, pages, place.x, place.y)
        case Signal(to=place):
            yield from (place.x, place.y)
        case Reserve(pages=index) | Push(pages=index) | Wait(pages=index) | Pop(pages=index):
            yield index
        case ReadPage(page=page, slot=slot, pages=pages):
            yield from (page, slot, pages)
        case ReadRow(page=page, slot=slot) | WritePage(page=page, slot=slot):
            yield from (page, slot)
        case Op():
            yield from (source.slot for source in statement.sources if not isinstance(source, NumberArg))
            yield statement.dst
            if statement.block is not None:
                yield from (statement.block.rows, statement.block.cols, statement.block.stride)
        case Init(op=op):
            yield from indices(op)
        case Pack(dst=dst, slot=slot):
            yield dst
            if slot is not None:
                yield slot
        case FillTile(slot=slot, valid=valid):
            yield from (slot, valid)
        case ReadBarrier() | WriteBarrier() | AtomicBarrier() | Startup() | Uninit() | Reconfigure() | Section():
            pass
        case _:
            assert_never(statement)


def _of_area(area: Area) -> tuple[Index, ...]:
    return (area.first.x, area.first.y, area.last.x, area.last.y, area.cores)


def needed(lets: Iterable[Let], used: set[str]) -> tuple[Let, ...]:
    """Those of some names that are used, or that others need which are; adds what they use themselves to `used`."""
    found: list[Let] = []
    for let in reversed(tuple(lets)):
        if let.name in used:
            used.update(names(let.index))
            found.insert(0, let)
    return tuple(found)


def names_in(body: Body) -> set[str]:
    """Every name that the index expressions of a body use."""
    return set().union(*map(_names_of, body))


@cache
def _names_of(statement: Statement) -> frozenset[str]:
    """The same of a statement and all that it has inside: bodies are built from those that were asked before."""
    own = {name for index in indices(statement) for name in names(index)}
    return frozenset(own.union(*(_names_of(item) for inner in children(statement) for item in inner)))


def walk(body: Body) -> Iterator[Statement]:
    """Every statement of a body, parents first."""
    for statement in body:
        yield statement
        for inner in children(statement):
            yield from walk(inner)
