"""What all patterns share: reading tiles, computing sections, writing tiles, and the three kernels around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ttgen.formula.graph import Shape
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
from ttgen.model.design import BufferDesign, Design, KernelDesign
from ttgen.model.index import ZERO, Const, Index, Var, add, evaluate, mul, product
from ttgen.model.plan import Padding
from ttgen.patterns.context import Context
from ttgen.patterns.elementwise import Lowering
from ttgen.patterns.elementwise import Section as ElementwiseSection
from ttgen.patterns.pages import COL, ROW, spans
from ttgen.patterns.section import Leaf
from ttgen.planner.configure import configure
from ttgen.planner.loop import BLOCK_M, BLOCK_N, COLS, ROWS, unit_loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a block of tiles.

    Attributes:
        var: counts the tiles along it.
        tiles: how many places the block has.
        valid: how many of them are inside the tensor; fewer at its edge.
    """

    var: Var
    tiles: Index
    valid: Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A stream of a tensor's pages through a buffer, one block a trip, and what it needs of their padding.

    A block without axes is one page. Every push and pop is a whole block, so that rings wrap exactly; places outside
    the tensor are not filled, and what is computed of them is not written.
    """

    tensor: str
    cb: str
    page: Index
    axes: tuple[Axis, ...] = ()
    padding: Padding = "any"
    on_fpu: bool = False

    @property
    def pages(self) -> Index:
        """Places of a block."""
        return product(*(axis.tiles for axis in self.axes))

    @property
    def slot(self) -> Index:
        """The place of a tile in its block, by the variables of the axes."""
        index: Index = ZERO
        for axis in self.axes:
            index = add(mul(index, axis.tiles), axis.var)
        return index

    def over_tiles(self, statement: Statement) -> Statement:
        """Loops around what is done with each valid tile of a block."""
        for axis in reversed(self.axes):
            statement = Loop(var=axis.var.name, extent=axis.valid, body=(statement,))
        return statement


def leaf(context: Context, access: Access) -> Leaf:
    """The tile of a stream as an operand of the elementwise part."""
    return Leaf(cb=access.cb, exact=context.dtypes[access.tensor] == "float32", slot=access.slot)


def block_axes(context: Context, shape: Shape) -> tuple[Axis, ...]:
    """The axes of the part of a tensor that belongs to a unit: none where it is a tile, or broadcast along both."""
    if not context.blocked:
        return ()
    tall, wide = spans(shape, context.work_shape)
    rows = (Axis(var=ROW, tiles=BLOCK_M, valid=ROWS),) if tall else ()
    cols = (Axis(var=COL, tiles=BLOCK_N, valid=COLS),) if wide else ()
    return (*rows, *cols)


def read_blocks(accesses: Sequence[Access]) -> Body:
    """Reads one block of each access; one barrier serves all."""
    if not accesses:
        return ()
    return (
        *(Reserve(cb=access.cb, pages=access.pages) for access in accesses),
        *(
            access.over_tiles(ReadPage(tensor=access.tensor, page=access.page, cb=access.cb, slot=access.slot))
            for access in accesses
        ),
        ReadBarrier(),
        *(Push(cb=access.cb, pages=access.pages) for access in accesses),
    )


def write_blocks(accesses: Sequence[Access]) -> Body:
    """Writes one block of each access; one barrier serves all."""
    return (
        *(Wait(cb=access.cb, pages=access.pages) for access in accesses),
        *(
            access.over_tiles(WritePage(tensor=access.tensor, page=access.page, cb=access.cb, slot=access.slot))
            for access in accesses
        ),
        WriteBarrier(),
        *(Pop(cb=access.cb, pages=access.pages) for access in accesses),
    )


def compute_unit(lowering: Lowering, contraction: Body, whole: Mapping[str, Index]) -> Body:
    """The compute kernel's part of one tile.

    Args:
        lowering: what each hand-over of DST computes.
        contraction: the statements that accumulate a matrix product, for the section that has one.
        whole: buffers whose blocks are waited for, reserved, popped and pushed as a whole, around the loop over tiles.
    """
    body: list[Statement] = []
    waited = {lowering.zeros, *whole}
    for number, section in enumerate(lowering.sections):
        later = {cb for other in lowering.sections[number + 1 :] for cb in other.reads} | {lowering.zeros, *whole}
        waits = [Wait(cb=cb) for cb in section.reads if cb not in waited]
        waited.update(section.reads)
        math: list[Statement] = [*section.ops, *(Pop(cb=cb) for cb in section.reads if cb not in later)]
        if section.contraction is not None:
            math = [*contraction, *waits, *math]
        else:
            body.extend(waits)
        streamed = [cb for _slot, cb in section.packs if cb not in whole]
        pack: list[Statement] = [Reserve(cb=cb) for cb in streamed]
        pack += [Pack(dst=Const(slot), cb=cb) for slot, cb in section.packs]
        pack += [Push(cb=cb) for cb in streamed]
        body.append(Section(math=tuple(math), pack=tuple(pack)))
    return tuple(body)


def compute_block(lowering: Lowering, inputs: Mapping[str, Index], outputs: Mapping[str, Index]) -> Body:
    """The compute kernel's part of a block, tile by tile.

    Args:
        lowering: what each hand-over of DST computes of a tile, at `row` and `col`.
        inputs: pages of the block of each buffer that it reads.
        outputs: pages of the block of each buffer that it packs.
    """
    tile = compute_unit(lowering, (), {**inputs, **outputs})
    over_cols = Loop(var=COL.name, extent=BLOCK_N, body=tile)
    return (
        *(Wait(cb=cb, pages=pages) for cb, pages in inputs.items()),
        *(Reserve(cb=cb, pages=pages) for cb, pages in outputs.items()),
        Loop(var=ROW.name, extent=BLOCK_M, body=(over_cols,)),
        *(Push(cb=cb, pages=pages) for cb, pages in outputs.items()),
        *(Pop(cb=cb, pages=pages) for cb, pages in inputs.items()),
    )


def assemble(
    context: Context,
    lowering: Lowering,
    *,
    reads: Body,
    computes: Body,
    inputs: Sequence[Access],
    outputs: Sequence[Access],
    sizes: Mapping[str, int],
    accumulator: tuple[str, Index] | None = None,
    summaries: tuple[str, str, str],
) -> Design:
    """The reader, compute and writer kernels around what one unit reads and computes.

    Args:
        context: what was decided before.
        lowering: the elementwise part.
        reads: the reader's statements for one unit.
        computes: the compute kernel's statements for one unit.
        inputs: every stream that the reader feeds.
        outputs: every stream that the writer drains.
        sizes: values of the names that pages and extents use.
        accumulator: the buffer of a block's product on its way to the epilogue, and its pages.
        summaries: what the reader, the compute and the writer kernel do.
    """
    zeros = lowering.zeros
    # A tile of zeros stays for the whole kernel.
    fill: Body = (Reserve(cb=zeros), FillZeros(cb=zeros), Push(cb=zeros)) if zeros else ()
    before: Body = (Wait(cb=zeros),) if zeros else ()
    after: Body = (Pop(cb=zeros),) if zeros else ()
    read, compute, store = (
        unit_loop(body, loop=context.loop, order=context.order, batched=context.batched)
        for body in (reads, computes, write_blocks(outputs))
    )
    intermediate = context.intermediate_dtype
    return Design(
        kernels=(
            KernelDesign(name="reader", summary=summaries[0], body=(*fill, read)),
            KernelDesign(name="compute", summary=summaries[1], body=configure((*before, compute, *after))),
            KernelDesign(name="writer", summary=summaries[2], body=(store,)),
        ),
        buffers=(
            *(
                BufferDesign(
                    name=access.cb, role="input", dtype=context.dtypes[access.tensor],
                    pages=2 * evaluate(access.pages, sizes),
                    unpack_to_dst=not access.on_fpu and context.dtypes[access.tensor] == "float32",
                )
                for access in inputs
            ),
            *(
                BufferDesign(
                    name=access.cb, role="output", dtype=context.dtypes[access.tensor],
                    pages=2 * evaluate(access.pages, sizes),
                )
                for access in outputs
            ),
            *(
                BufferDesign(
                    name=cb, role="intermediate", dtype=intermediate, pages=evaluate(pages, sizes),
                    unpack_to_dst=intermediate == "float32",
                )
                for cb, pages in ((accumulator,) if accumulator else ())
            ),
            *(
                BufferDesign(
                    name=cb, role="intermediate", dtype=intermediate, pages=1, unpack_to_dst=intermediate == "float32"
                )
                for cb in lowering.spills
            ),
            *((BufferDesign(name=zeros, role="intermediate", dtype="bfloat16", pages=1),) if zeros else ()),
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
        accumulator=accumulator[0] if accumulator else "",
        spills=lowering.spills,
    )  # fmt: skip


def _slots(section: ElementwiseSection) -> set[int]:
    return {slot for slot, _cb in section.packs} | {op.dst.value for op in section.ops if isinstance(op.dst, Const)}
