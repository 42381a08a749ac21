"""The tile program: what a kernel is before it is text.

A body is a small frozen tree of statements. Patterns build it; templates print it, one macro a statement; costs,
proofs and the interpreter are walks over it. Buffers and tensors are referred to by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from ttgen.model.index import Index

Port = Literal["srca", "srcb", "pack"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile in the front of a circular buffer."""

    cb: str
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Dst:
    """A tile in the destination registers."""

    slot: int


@dataclass(frozen=True, slots=True)
class NumberArg:
    """A float32 number that arrives as the bits of a named compile-time argument."""

    name: str


Source = Tile | Dst | NumberArg


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Runs `body` for `var` = 0 … extent - 1; the extent is at least 1."""

    kind: ClassVar[str] = "loop"
    var: str
    extent: Index
    body: tuple[Statement, ...]
    note: str = ""


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
    pages: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Hands pages to the buffer's consumer."""

    kind: ClassVar[str] = "push"
    cb: str
    pages: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Waits until the buffer holds pages, as its consumer; cumulative until they are popped."""

    kind: ClassVar[str] = "wait"
    cb: str
    pages: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop:
    """Frees pages for the buffer's producer."""

    kind: ClassVar[str] = "pop"
    cb: str
    pages: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    """Begins to read a page of a tensor into the first reserved page of a buffer."""

    kind: ClassVar[str] = "read_page"
    tensor: str
    page: Index
    cb: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePage:
    """Begins to write the front page of a buffer to a page of a tensor."""

    kind: ClassVar[str] = "write_page"
    tensor: str
    page: Index
    cb: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBarrier:
    """Waits until every read has landed."""

    kind: ClassVar[str] = "read_barrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBarrier:
    """Waits until every write has been acknowledged."""

    kind: ClassVar[str] = "write_barrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillZeros:
    """Fills the first reserved page of a buffer with zeros, without touching DRAM."""

    kind: ClassVar[str] = "fill_zeros"
    cb: str


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
class Reconfigure:
    """Changes the data format of a port from one buffer's to another's; `old` is None where it isn't known."""

    kind: ClassVar[str] = "reconfigure"
    port: Port
    old: str | None
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One tile operation: a row of `operations.OPERATIONS`, its sources, and the DST slot of its result."""

    kind: ClassVar[str] = "op"
    name: str
    sources: tuple[Source, ...]
    dst: int

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The sources that are in circular buffers."""
        return tuple(source for source in self.sources if isinstance(source, Tile))

    @property
    def numbers(self) -> tuple[NumberArg, ...]:
        """The sources that are numbers."""
        return tuple(source for source in self.sources if isinstance(source, NumberArg))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Packs a DST slot into the next reserved page of a buffer."""

    kind: ClassVar[str] = "pack"
    dst: int
    cb: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A hand-over of DST: acquire, `math`, commit; wait, `pack`, release. DST is zero when it is acquired."""

    kind: ClassVar[str] = "section"
    math: tuple[Statement, ...]
    pack: tuple[Statement, ...]


Statement = (
    Loop | Let | Reserve | Push | Wait | Pop | ReadPage | WritePage | ReadBarrier | WriteBarrier | FillZeros
    | Startup | Init | Reconfigure | Op | Pack | Section
)  # fmt: skip

Body = tuple[Statement, ...]


def children(statement: Statement) -> tuple[Body, ...]:
    """The bodies inside a statement, in the order that they run."""
    match statement:
        case Loop(body=body):
            return (body,)
        case Section(math=math, pack=pack):
            return (math, pack)
    return ()


def walk(body: Body) -> Iterator[Statement]:
    """Every statement of a body, parents first."""
    for statement in body:
        yield statement
        for inner in children(statement):
            yield from walk(inner)
