"""What all patterns share: reading tiles, computing sections, writing tiles, and the three kernels around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ttgen.formula.values import Value, spans
from ttgen.model.body import (
    Body,
    FillZeros,
    Loop,
    Pack,
    Pop,
    Push,
    ReadBarrier,
    ReadPage,
    Reserve,
    Section,
    Statement,
    Wait,
    WriteBarrier,
    WritePage,
)
from ttgen.model.design import BufferDesign, BufferRole, Design, KernelDesign
from ttgen.model.index import ONE, ZERO, Const, Index, Var, add, evaluate, mul, product
from ttgen.model.plan import Padding
from ttgen.patterns.configure import configure
from ttgen.patterns.context import Context
from ttgen.patterns.elementwise import Lowering
from ttgen.patterns.elementwise import Section as ElementwiseSection
from ttgen.patterns.operands import Leaf
from ttgen.patterns.pages import COL, ROW, SHARD_M, SHARD_N
from ttgen.patterns.units import BLOCK_M, BLOCK_N, COLS, ROWS, SHARD_COL, SHARD_ROW, X_TRIP, Y_TRIP, unit_loop
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
    is handed over at once, before or after all units.
    """

    tensor: str
    cb: str
    page: Index
    axes: tuple[Axis, ...] = ()
    padding: Padding = "any"
    on_fpu: bool = False
    resident: bool = False

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
    return (
        *reserve(accesses),
        *(
            access.over_tiles(ReadPage(tensor=access.tensor, page=access.page, cb=access.cb, slot=access.slot))
            for access in accesses
        ),
        ReadBarrier(),
        *push(accesses),
    )


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


def compute_unit(lowering: Lowering, contraction: Body, *, apart: frozenset[str], places: Mapping[str, Index]) -> Body:
    """The compute kernel's part of one tile.

    Args:
        lowering: what each hand-over of DST computes.
        contraction: the statements that accumulate a matrix product, for the section that has one.
        apart: buffers whose pages are handed over elsewhere, around all that this makes.
        places: where tiles are packed to in buffers that stay; they follow each other in the others.
    """
    body: list[Statement] = []
    apart |= {lowering.zeros}
    waited = set(apart)
    for number, section in enumerate(lowering.sections):
        later = {cb for other in lowering.sections[number + 1 :] for cb in other.reads} | apart
        waits = [Wait(cb=cb) for cb in section.reads if cb not in waited]
        waited.update(section.reads)
        math: list[Statement] = [*section.ops, *(Pop(cb=cb) for cb in section.reads if cb not in later)]
        if section.contraction is not None:
            math = [*contraction, *waits, *math]
        else:
            body.extend(waits)
        streamed = [cb for _slot, cb in section.packs if cb not in apart]
        pack: list[Statement] = [Reserve(cb=cb) for cb in streamed]
        pack += [Pack(dst=Const(slot), cb=cb, slot=places.get(cb)) for slot, cb in section.packs]
        pack += [Push(cb=cb) for cb in streamed]
        body.append(Section(math=tuple(math), pack=tuple(pack)))
    return tuple(body)


def compute_units(
    context: Context, lowering: Lowering, inputs: Sequence[Access], outputs: Sequence[Access], contraction: Body = ()
) -> Body:
    """The compute kernel's part of a unit, tile by tile.

    Args:
        context: whether a unit has several tiles.
        lowering: what each hand-over of DST computes of a tile, at `row` and `col` of a block.
        inputs: what its tiles are read from.
        outputs: what they are packed to.
        contraction: the statements that accumulate a matrix product, of one tile.
    """
    places = {access.cb: access.slot for access in residents(outputs)}
    kept = residents((*inputs, *outputs))
    if not context.blocked:
        return compute_unit(lowering, contraction, apart=frozenset(access.cb for access in kept), places=places)
    apart = frozenset(access.cb for access in (*inputs, *outputs))
    tile = compute_unit(lowering, contraction, apart=apart, places=places)
    over_cols = Loop(var=COL.name, extent=BLOCK_N, body=tile)
    return (
        *wait(streams(inputs)),
        *reserve(streams(outputs)),
        Loop(var=ROW.name, extent=BLOCK_M, body=(over_cols,)),
        *push(streams(outputs)),
        *pop(streams(inputs)),
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


def assemble(
    context: Context,
    lowering: Lowering,
    *,
    reads: Body,
    computes: Body,
    inputs: Sequence[Access],
    outputs: Sequence[Access],
    sizes: Mapping[str, int],
    accumulator: Access | None = None,
    summaries: tuple[str, str, str],
) -> Design:
    """The reader, compute and writer kernels around what one unit reads and computes.

    Args:
        context: what was decided before.
        lowering: the elementwise part.
        reads: the reader's statements for one unit.
        computes: the compute kernel's statements for one unit.
        inputs: every stream that the reader feeds, and every shard that it hands over.
        outputs: every stream that the writer drains, and every shard that it takes over.
        sizes: values of the names that pages and extents use.
        accumulator: a block's product on its way to the epilogue.
        summaries: what the reader, the compute and the writer kernel do.
    """
    zeros = lowering.zeros
    # A tile of zeros stays for the whole kernel, and so do shards.
    fill: Body = (Reserve(cb=zeros), FillZeros(cb=zeros), Push(cb=zeros)) if zeros else ()
    held, made = residents(inputs), residents(outputs)
    before = (*((Wait(cb=zeros),) if zeros else ()), *wait(held), *reserve(made))
    after = (*push(made), *pop(held), *((Pop(cb=zeros),) if zeros else ()))
    read, compute, store = (
        (unit_loop(body, loop=context.loop, order=context.order, batched=context.batched),) if body else ()
        for body in (reads, computes, write_blocks(outputs))
    )
    intermediate = context.intermediate_dtype
    return Design(
        kernels=(
            KernelDesign(name="reader", summary=summaries[0], body=(*fill, *reserve(held), *push(held), *read)),
            KernelDesign(name="compute", summary=summaries[1], body=configure((*before, *compute, *after))),
            KernelDesign(name="writer", summary=summaries[2], body=(*store, *wait(made), *pop(made))),
        ),
        buffers=(
            *(_buffer(context, access, "input", sizes) for access in inputs),
            *(_buffer(context, access, "output", sizes) for access in outputs),
            *(
                BufferDesign(
                    name=access.cb, role="intermediate", dtype=intermediate, block=evaluate(access.pages, sizes),
                    unpack_to_dst=intermediate == "float32",
                )
                for access in ((accumulator,) if accumulator else ())
            ),
            *(
                BufferDesign(
                    name=cb, role="intermediate", dtype=intermediate, block=1, unpack_to_dst=intermediate == "float32"
                )
                for cb in lowering.spills
            ),
            *((BufferDesign(name=zeros, role="intermediate", dtype="bfloat16", block=1),) if zeros else ()),
        ),
        sizes=sizes,
        numbers=lowering.numbers,
        padding={
            tensor: tuple(access.padding for access in inputs if access.tensor == tensor)
            for tensor in dict.fromkeys(access.tensor for access in inputs)
        },
        dst_tiles=max(
            context.subblock.h * context.subblock.w,
            1 + max(slot for section in lowering.sections for slot in _slots(section)),
        ),
        accumulator=accumulator.cb if accumulator else "",
        spills=lowering.spills,
    )  # fmt: skip


def _buffer(context: Context, access: Access, role: BufferRole, sizes: Mapping[str, int]) -> BufferDesign:
    """Two blocks of a stream, so that one moves while the other is computed, or the memory of a shard."""
    dtype = context.dtypes[access.tensor]
    return BufferDesign(
        name=access.cb,
        role=role,
        dtype=dtype,
        block=evaluate(access.pages, sizes),
        blocks=1 if access.resident else 2,
        unpack_to_dst=role == "input" and not access.on_fpu and dtype == "float32",
        tensor=access.tensor if access.resident else None,
    )


def _slots(section: ElementwiseSection) -> set[int]:
    return {slot for slot, _cb in section.packs} | {op.dst.value for op in section.ops if isinstance(op.dst, Const)}
