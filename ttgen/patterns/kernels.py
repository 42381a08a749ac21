"""What all patterns share: reading tiles, computing sections, writing tiles, and the three kernels around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ttgen.model.body import (
    Body,
    Let,
    Loop,
    Pack,
    Pop,
    Push,
    Reserve,
    Section,
    Statement,
    Wait,
    WriteBarrier,
    WritePage,
    names_in,
    needed,
    walk,
)
from ttgen.model.design import BufferDesign, BufferRole, Design, KernelDesign
from ttgen.model.exchange import Announce, AtomicBarrier, Await, Multicast, Send, Signal
from ttgen.model.index import (
    ONE,
    Const,
    Index,
    Var,
    add,
    evaluate,
    floor_div,
    mul,
    sub,
)
from ttgen.model.plan import Padding
from ttgen.model.tiles import FillTile
from ttgen.patterns.access import Access, pop, push, reserve, residents, streams, wait, write_blocks
from ttgen.patterns.configure import configure
from ttgen.patterns.context import Context
from ttgen.patterns.elementwise import Lowering
from ttgen.patterns.elementwise import Section as ElementwiseSection
from ttgen.patterns.pages import COL, ROW
from ttgen.patterns.spreading import columns_put_out, padding_of_columns, spread_axes, spreads_columns
from ttgen.patterns.units import (
    BLOCK_M,
    BLOCK_N,
    CORE_ROWS,
    CORE_Y,
    PART,
    PARTS,
    STEP_COUNT,
    STEP_START,
    unit_loop,
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
    context: Context,
    lowering: Lowering,
    inputs: Sequence[Access],
    outputs: Sequence[Access],
    contraction: Body = (),
    *,
    reserved: Sequence[Access] = (),
) -> Body:
    """The compute kernel's part of a unit, tile by tile.

    Args:
        context: whether a unit has several tiles.
        lowering: what each hand-over of DST computes of a tile, at `row` and `col` of a block.
        inputs: what its tiles are read from.
        outputs: what they are packed to.
        contraction: the statements that accumulate a matrix product, of one tile.
        reserved: outputs for which there is room already.
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
        *reserve([access for access in streams(outputs) if access not in reserved]),
        Loop(var=ROW.name, extent=BLOCK_M, body=(over_cols,)),
        *push(streams(outputs)),
        *pop(streams(inputs)),
    )


def assemble(
    context: Context,
    lowering: Lowering,
    *,
    reads: Body,
    computes: Body,
    writes: Body = (),
    first: tuple[Body, Body] = ((), ()),
    ahead: Sequence[Access] = (),
    inputs: Sequence[Access],
    outputs: Sequence[Access],
    sizes: Mapping[str, int],
    accumulator: Access | None = None,
    host: Access | None = None,
    names: tuple[str, str] = ("reader", "writer"),
    summaries: tuple[str, str, str],
) -> Design:
    """The reader, compute and writer kernels around what one unit reads and computes.

    Args:
        context: what was decided before.
        lowering: the elementwise part.
        reads: the reader's statements for one unit.
        computes: the compute kernel's statements for one unit.
        writes: the writer's statements for one unit before it writes that: what it reads.
        first: what the reader and the writer do before all units.
        ahead: what they read ahead.
        inputs: every stream that the reader feeds, and every shard that it hands over.
        outputs: every stream that the writer drains, and every shard that it takes over.
        sizes: values of the names that pages and extents use.
        accumulator: a block's product on its way to the epilogue.
        host: the output in whose buffer that lies.
        names: of the reader and the writer.
        summaries: what the reader, the compute and the writer kernel do.
    """
    zeros = lowering.zeros
    columns: Mapping[str, Padding] = {}
    axes = spread_axes(context.graph.work)
    spread = spreads_columns(op for section in lowering.sections for op in section.ops)
    if spread or (context.dst_bits == 32 and columns_put_out(context.graph, axes)):
        columns = padding_of_columns(context.graph, axes, context.made)
    # A tile of zeros stays for the whole kernel, and so do shards.
    fill: Body = (Reserve(cb=zeros), FillTile(cb=zeros, content="zeros"), Push(cb=zeros)) if zeros else ()
    held, made = residents(inputs), residents(outputs)
    before = (*((Wait(cb=zeros),) if zeros else ()), *wait(held), *reserve(made))
    after = (*push(made), *pop(held), *((Pop(cb=zeros),) if zeros else ()))
    read, compute, store = (
        (unit_loop_of(context, body),) if body else () for body in (reads, computes, (*writes, *write_blocks(outputs)))
    )
    intermediate = context.intermediate_dtype
    # A kernel that reads the next unit's operands has written this one's tiles before.
    written = 1 if writes else context.buffers
    # Of cores that make parts of a unit, all have one reader, and one of them an epilogue.
    at_first, late = ((), fill) if context.split > 1 else (fill, ())
    root = replace(context, at_root=True)
    moving = (
        settled(in_part(context, (*at_first, *reserve(held), *push(held), *first[0], *read))),
        settled(in_part(root, (*late, *first[1], *store, *wait(made), *pop(made)))),
    )
    return Design(
        kernels=(
            KernelDesign(
                name=names[0], part="reader", noc="read" if context.heavier == "a" else "write",
                summary=summaries[0], body=moving[0],
            ),
            KernelDesign(
                name="compute", part="compute", summary=summaries[1],
                body=configure(in_part(root, (*before, *compute, *after))),
            ),
            KernelDesign(
                name=names[1], part="writer", noc="write" if context.heavier == "a" else "read",
                summary=summaries[2], body=moving[1],
            ),
        ),
        semaphores=awaited(moving),
        buffers=(
            *(_buffer(context, access, "input", sizes, blocks=context.buffers) for access in inputs),
            *(_buffer(context, access, "output", sizes, blocks=written) for access in outputs),
            *(
                BufferDesign(
                    name=access.cb, role="intermediate", dtype=intermediate, block=evaluate(access.pages, sizes),
                    blocks=written if host else 1, unpack_to_dst=intermediate == "float32",
                    lies_in=host.cb if host else None,
                )
                for access in ((accumulator,) if accumulator else ())
            ),
            *(
                BufferDesign(
                    name=cb, role="intermediate", dtype=intermediate, block=1, unpack_to_dst=intermediate == "float32"
                )
                for cb in lowering.spills
            ),
            *(_buffer(context, access, "intermediate", sizes, blocks=1) for access in ahead),
            *((BufferDesign(name=zeros, role="intermediate", dtype="bfloat16", block=1),) if zeros else ()),
        ),
        sizes=sizes,
        numbers=lowering.numbers,
        padding={
            tensor: tuple(
                columns.get(tensor, access.padding) if access.padding == "any" else access.padding
                for access in inputs
                if access.tensor == tensor
            )
            for tensor in dict.fromkeys(access.tensor for access in inputs)
        },
        dst_tiles=max(
            context.subblock.h * context.subblock.w,
            1 + max(slot for section in lowering.sections for slot in _slots(section)),
        ),
        accumulator=accumulator.cb if accumulator else "",
        spills=lowering.spills,
    )  # fmt: skip


def unit_loop_of(context: Context, body: Body) -> Loop:
    """The loop over a core's units around what is done for each."""
    return unit_loop(body, loop=context.loop, order=context.order, batched=context.batched, beyond=bool(context.groups))


def in_part(context: Context, body: Body) -> Body:
    """A kernel that knows which part of K its core makes: parts are bands of rows of cores, in even runs of steps."""
    if context.split == 1:
        return body
    if context.at_root:
        return (*needed((Let(name=STEP_COUNT.name, index=floor_div(Var("k_blocks"), PARTS)),), names_in(body)), *body)
    until = floor_div(mul(add(PART, ONE), Var("k_blocks")), PARTS)
    lets = (
        Let(name=PART.name, index=floor_div(CORE_Y, CORE_ROWS)),
        Let(name=STEP_START.name, index=floor_div(mul(PART, Var("k_blocks")), PARTS)),
        Let(name=STEP_COUNT.name, index=sub(until, STEP_START)),
    )
    used = names_in(body)
    return (*needed(lets, used), *body)


def settled(body: Body) -> Body:
    """A kernel that ends when all that it sent to other cores is there."""
    kinds = [type(item) for item in walk(body)]
    # What comes last in a unit comes last in the kernel: a barrier there is enough.
    sends = [kind for kind in kinds if kind in (Multicast, Send, Announce, WritePage, WriteBarrier)]
    writes = (WriteBarrier(),) if sends and sends[-1] is not WriteBarrier else ()
    return (*body, *writes, *((AtomicBarrier(),) if Signal in kinds else ()))


def awaited(bodies: Sequence[Body]) -> tuple[str, ...]:
    """The semaphores of a program: somebody waits for each."""
    return tuple(dict.fromkeys(item.semaphore for body in bodies for item in walk(body) if isinstance(item, Await)))


def _buffer(
    context: Context, access: Access, role: BufferRole, sizes: Mapping[str, int], *, blocks: int
) -> BufferDesign:
    """Some blocks of a stream, of which one moves while another is computed, or the memory of a shard."""
    dtype = context.dtypes[access.tensor]
    return BufferDesign(
        name=access.cb,
        role=role,
        dtype=dtype,
        block=evaluate(access.pages, sizes),
        blocks=1 if access.resident else blocks,
        unpack_to_dst=role == "input" and not access.on_fpu and dtype == "float32",
        tensor=access.tensor if access.resident else None,
    )


def _slots(section: ElementwiseSection) -> set[int]:
    return {slot for slot, _cb in section.packs} | {op.dst.value for op in section.ops if isinstance(op.dst, Const)}
