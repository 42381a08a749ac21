"""What a TileLang kernel says, as data: tensors, a grid, allocations, and statements with the places where they stand.

The reader makes it from Python's syntax. Names of buffers and variables are unique in a kernel. Sizes are numbers: what
depends on a block or a loop is an expression over their variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ttgen.records import dataclass

At = tuple[int, int, int]
"""Line and column, from 0, and length in characters."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the grid, of a loop, or of lanes; or a value that a statement names."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation: arithmetic (`add`, `floordiv`), a comparison (`ge`), `and`, `or`, `not`, `where`, or a function."""

    op: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """An element of a buffer."""

    buffer: str
    indices: tuple[Expression, ...]


Expression = Constant | Variable | Apply | Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """A tensor in device memory, or what a block allocates.

    Attributes:
        name: unique in the kernel.
        shape: sizes in elements.
        dims: the name of each size, or the number where it has none.
        dtype: as TileLang calls it.
        is_tensor: in device memory.
        at: where it is declared.
    """

    name: str
    shape: tuple[int, ...]
    dims: tuple[int | str, ...]
    dtype: str
    is_tensor: bool
    at: At


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a buffer: where it begins in each dimension, and how far it goes."""

    buffer: str
    starts: tuple[Expression, ...]
    extents: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocate:
    """A buffer of a block begins here, and holds nothing yet."""

    buffer: str
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """All of a region to another of as many elements; dimensions of size 1 may be left out on either side."""

    source: Region
    target: Region
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One number to all of a region."""

    target: Region
    value: Expression
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemm:
    """`target += left @ right`, either of them transposed; `target = …` where it is cleared first."""

    left: Region
    right: Region
    target: Region
    transposed: tuple[bool, bool]
    clears: bool
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """What a buffer reduces to along a dimension; joined with what the target holds unless that is cleared."""

    kind: Literal["sum", "max", "min"]
    of_absolutes: bool
    source: Region
    target: Region
    dim: int
    clears: bool
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A value to an element of a buffer; `adds` adds up what all lanes give."""

    buffer: str
    indices: tuple[Expression, ...]
    value: Expression
    adds: bool = False
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Let:
    """A name for a value as it is here."""

    variable: str
    value: Expression
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A loop from 0, one trip after another."""

    variable: str
    extent: Expression
    body: tuple[Statement, ...]
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """Statements for all combinations of some variables at once: lanes that don't depend on each other."""

    variables: tuple[str, ...]
    extents: tuple[int, ...]
    body: tuple[Statement, ...]
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """Statements under a condition on variables."""

    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    at: At


Statement = Allocate | Copy | Fill | Gemm | Reduce | Store | Let | Loop | Parallel | If


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that the source says and a spec doesn't: what it is, and why it is left out."""

    text: str
    at: At


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the source says of the schedule.

    Attributes:
        panel: unit columns of a panel of blocks, where blocks go by columns of panels.
        policy: how blocks are dealt to cores, in ttgen's words.
        order: how they are numbered, in ttgen's words.
        chunk: tiles of K of a step.
        layouts: where tensors lie, in ttgen's words.
    """

    panel: int | None = None
    policy: str | None = None
    order: str | None = None
    chunk: int | None = None
    layouts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A whole kernel under given sizes.

    Attributes:
        name: of the function that makes it.
        buffers: tensors and allocations by name, in order of declaration.
        grid: variables of blocks and how many there are of each; the first changes fastest.
        body: what a block does.
        sizes: the numbers behind the names of sizes.
        settable: those of them that the caller chooses.
        fills: what is read outside of tensors where it isn't 0.
        hints: what it says of the schedule.
        notes: what it says that a spec doesn't.
        at: where its function begins.
    """

    name: str
    buffers: Mapping[str, Buffer]
    grid: tuple[tuple[str, int], ...]
    body: tuple[Statement, ...]
    sizes: Mapping[str, int]
    settable: frozenset[str]
    fills: Mapping[str, float]
    hints: Hints
    notes: tuple[Note, ...]
    at: At

    @property
    def tensors(self) -> tuple[Buffer, ...]:
        """The tensors in device memory."""
        return tuple(buffer for buffer in self.buffers.values() if buffer.is_tensor)
