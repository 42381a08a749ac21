"""A tensor's pages through a buffer, a block a trip or the shard on the core: read, written and handed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ttgen.formula.values import Value, spans
from ttgen.model.body import (
    Body,
    Loop,
    Pop,
    Push,
    ReadBarrier,
    ReadPage,
    Reserve,
    Statement,
    Wait,
    WriteBarrier,
    WritePage,
)
from ttgen.model.index import (
    ONE,
    ZERO,
    Index,
    Var,
    add,
    folded,
    mul,
    product,
    substituted,
)
from ttgen.model.plan import Padding
from ttgen.patterns.context import Context
from ttgen.patterns.operands import Leaf
from ttgen.patterns.pages import COL, ROW, SHARD_M, SHARD_N
from ttgen.patterns.units import (
    BLOCK_M,
    BLOCK_N,
    COLS,
    ROWS,
    SHARD_COL,
    SHARD_ROW,
    X_TRIP,
    Y_TRIP,
)
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a block of tiles in a buffer.

    Attributes:
        var: counts the tiles along it; 0 where the block has one.
        tiles: how many places the buffer has along it.
        valid: how many of the block are inside the tensor; fewer at its edge.
        first: the place where the block begins; 0 in a buffer that holds nothing else.
    """

    var: Index
    tiles: Index
    valid: Index = ONE
    first: Index = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A tensor's pages through a buffer, and what they need of their padding: a block a trip, or the shard on the core.

    A block without axes is one page. Every push and pop is a whole block, so that rings wrap exactly; places outside
    the tensor are not filled, and what is computed of them is not written. A shard stays in its place, and all of it
    is handed over at once, before or after all units. Where it is read `in_runs`, the tiles along its last axis follow
    each other in memory.
    """

    tensor: str
    cb: str
    page: Index
    axes: tuple[Axis, ...] = ()
    padding: Padding = "any"
    on_fpu: bool = False
    resident: bool = False
    in_runs: bool = False

    @property
    def pages(self) -> Index:
        """Pages that are handed over at once."""
        return product(*(axis.tiles for axis in self.axes))

    @property
    def slot(self) -> Index:
        """The place of a tile, by the variables of the axes."""
        return self.place(*(axis.var for axis in self.axes))

    def place(self, *along: Index) -> Index:
        """The place of the tile that is so far along each axis from where the block begins."""
        index: Index = ZERO
        for axis, steps in zip(self.axes, along, strict=True):
            index = add(mul(index, axis.tiles), add(axis.first, steps))
        return index

    def renamed(self, names: Mapping[str, Index]) -> Access:
        """The same block of another unit or step, under the names that its place has there."""
        axes = tuple(replace(axis, valid=substituted(axis.valid, names)) for axis in self.axes)
        return replace(self, page=substituted(self.page, names), axes=axes)

    def over_tiles(self, statement: Statement) -> Statement:
        """Loops around what is done with each valid tile of a block."""
        for axis in reversed(self.axes):
            assert isinstance(axis.var, Var), "blocks have variables along their axes"
            statement = Loop(var=axis.var.name, extent=axis.valid, body=(statement,))
        return statement


def streams(accesses: Sequence[Access]) -> tuple[Access, ...]:
    """Those that move a block a trip."""
    return tuple(access for access in accesses if not access.resident)


def residents(accesses: Sequence[Access]) -> tuple[Access, ...]:
    """Those that stay on their core."""
    return tuple(access for access in accesses if access.resident)


def leaf(context: Context, access: Access) -> Leaf:
    """The tile of a stream or a shard as an operand of the elementwise part."""
    return Leaf(cb=access.cb, exact=context.dtypes[access.tensor] == "float32", slot=access.slot)


def unit_axes(context: Context, value: Value, *, resident: bool) -> tuple[Axis, ...]:
    """The axes of the part of a tensor that belongs to a unit.

    There are none of a stream whose part is a tile, or broadcast along both.
    """
    axes: list[Axis] = []
    if context.blocked or resident:
        tall, wide = spans(value, context.graph.work)
        axes += (row_axis(context, resident=resident),) if tall else ()
        axes += (col_axis(context, resident=resident),) if wide else ()
    return tuple(axes)


def row_axis(context: Context, *, resident: bool) -> Axis:
    """The rows of a unit, in a block of its own or in a shard."""
    var, valid = (ROW, ROWS) if context.blocked else (ZERO, ONE)
    if resident:
        return Axis(var=var, tiles=SHARD_M, valid=valid, first=SHARD_ROW if context.blocked else Y_TRIP)
    return Axis(var=var, tiles=BLOCK_M, valid=valid)


def col_axis(context: Context, *, resident: bool) -> Axis:
    """The columns of a unit, in a block of its own or in a shard."""
    var, valid = (COL, COLS) if context.blocked else (ZERO, ONE)
    if resident:
        return Axis(var=var, tiles=SHARD_N, valid=valid, first=SHARD_COL if context.blocked else X_TRIP)
    return Axis(var=var, tiles=BLOCK_N, valid=valid)


def read_blocks(accesses: Sequence[Access]) -> Body:
    """Reads one block of each stream; one barrier serves all."""
    accesses = streams(accesses)
    if not accesses:
        return ()
    return (*reserve(accesses), *read_pages(accesses), ReadBarrier(), *push(accesses))


def read_pages(accesses: Sequence[Access]) -> Body:
    """Begins to read the valid tiles of a block of each."""
    return tuple(_read_runs(access) if access.in_runs else _read_tiles(access) for access in accesses)


def _read_tiles(access: Access) -> Statement:
    """One page after another."""
    return access.over_tiles(ReadPage(tensor=access.tensor, page=access.page, cb=access.cb, slot=access.slot))


def _read_runs(access: Access) -> Statement:
    """All tiles along the last axis at once."""
    *others, last = access.axes
    assert isinstance(last.var, Var), "blocks have variables along their axes"
    first = {last.var.name: ZERO}
    read = ReadPage(
        tensor=access.tensor,
        page=folded(substituted(access.page, first)),
        cb=access.cb,
        slot=folded(substituted(access.slot, first)),
        pages=last.valid,
    )
    return replace(access, axes=tuple(others)).over_tiles(read)


def write_blocks(accesses: Sequence[Access]) -> Body:
    """Writes one block of each stream; one barrier serves all."""
    accesses = streams(accesses)
    if not accesses:
        return ()
    return (
        *wait(accesses),
        *(
            access.over_tiles(WritePage(tensor=access.tensor, page=access.page, cb=access.cb, slot=access.slot))
            for access in accesses
        ),
        WriteBarrier(),
        *pop(accesses),
    )


def wait(accesses: Sequence[Access]) -> Body:
    """Waits, as the consumer, for all that is handed over at once."""
    return tuple(Wait(cb=access.cb, pages=access.pages) for access in accesses)


def pop(accesses: Sequence[Access]) -> Body:
    """Frees all that was handed over at once."""
    return tuple(Pop(cb=access.cb, pages=access.pages) for access in accesses)


def reserve(accesses: Sequence[Access]) -> Body:
    """Waits, as the producer, for room for all that is handed over at once."""
    return tuple(Reserve(cb=access.cb, pages=access.pages) for access in accesses)


def push(accesses: Sequence[Access]) -> Body:
    """Hands all of it over."""
    return tuple(Push(cb=access.cb, pages=access.pages) for access in accesses)
