"""What all patterns share: reading tiles, computing sections, writing tiles, and the three kernels around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ttgen.model.body import (
    Body,
    FillZeros,
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
from ttgen.model.index import Index
from ttgen.model.plan import Padding
from ttgen.patterns.context import Context
from ttgen.patterns.elementwise import Lowering
from ttgen.patterns.elementwise import Section as ElementwiseSection
from ttgen.planner.configure import configure
from ttgen.planner.loop import unit_loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A stream of a tensor's pages through a buffer, one page a trip, and what it needs of their padding."""

    tensor: str
    cb: str
    page: Index
    padding: Padding = "any"
    on_fpu: bool = False


def read_tiles(accesses: Sequence[Access]) -> Body:
    """Reads one page of each access; one barrier serves all."""
    if not accesses:
        return ()
    return (
        *(Reserve(cb=access.cb) for access in accesses),
        *(ReadPage(tensor=access.tensor, page=access.page, cb=access.cb) for access in accesses),
        ReadBarrier(),
        *(Push(cb=access.cb) for access in accesses),
    )


def write_tiles(accesses: Sequence[Access]) -> Body:
    """Writes one page of each access; one barrier serves all."""
    return (
        *(Wait(cb=access.cb) for access in accesses),
        *(WritePage(tensor=access.tensor, page=access.page, cb=access.cb) for access in accesses),
        WriteBarrier(),
        *(Pop(cb=access.cb) for access in accesses),
    )


def compute_unit(lowering: Lowering, contraction: Body) -> Body:
    """The compute kernel's part of one unit.

    Args:
        lowering: what each hand-over of DST computes.
        contraction: the statements that accumulate a matrix product, for the section that has one.
    """
    body: list[Statement] = []
    waited = {lowering.zeros}
    for number, section in enumerate(lowering.sections):
        later = {cb for other in lowering.sections[number + 1 :] for cb in other.reads} | {lowering.zeros}
        waits = [Wait(cb=cb) for cb in section.reads if cb not in waited]
        waited.update(section.reads)
        math: list[Statement] = [*section.ops, *(Pop(cb=cb) for cb in section.reads if cb not in later)]
        if section.contraction is not None:
            math = [*contraction, *waits, *math]
        else:
            body.extend(waits)
        pack: list[Statement] = [Reserve(cb=cb) for _slot, cb in section.packs]
        pack += [Pack(dst=slot, cb=cb) for slot, cb in section.packs]
        pack += [Push(cb=cb) for _slot, cb in section.packs]
        body.append(Section(math=tuple(math), pack=tuple(pack)))
    return tuple(body)


def assemble(
    context: Context,
    lowering: Lowering,
    *,
    reads: Body,
    contraction: Body,
    inputs: Sequence[Access],
    outputs: Sequence[Access],
    sizes: Mapping[str, int],
    summaries: tuple[str, str, str],
) -> Design:
    """The reader, compute and writer kernels around what one unit reads and computes.

    Args:
        context: what was decided before.
        lowering: the elementwise part.
        reads: the reader's statements for one unit.
        contraction: the compute kernel's statements that accumulate a matrix product.
        inputs: every stream that the reader feeds.
        outputs: every stream that the writer drains.
        sizes: values of the names that pages and extents use.
        summaries: what the reader, the compute and the writer kernel do.
    """
    zeros = lowering.zeros
    # A tile of zeros stays for the whole kernel.
    fill: Body = (Reserve(cb=zeros), FillZeros(cb=zeros), Push(cb=zeros)) if zeros else ()
    before: Body = (Wait(cb=zeros),) if zeros else ()
    after: Body = (Pop(cb=zeros),) if zeros else ()
    read, compute, store = (
        unit_loop(body, order=context.order, batched=context.batched)
        for body in (reads, compute_unit(lowering, contraction), write_tiles(outputs))
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
                    name=access.cb, role="input", dtype=context.dtypes[access.tensor], pages=2,
                    unpack_to_dst=not access.on_fpu and context.dtypes[access.tensor] == "float32",
                )
                for access in inputs
            ),
            *(
                BufferDesign(name=access.cb, role="output", dtype=context.dtypes[access.tensor], pages=2)
                for access in outputs
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
        dst_tiles=1 + max(slot for section in lowering.sections for slot in _slots(section)),
        spills=lowering.spills,
    )  # fmt: skip


def _slots(section: ElementwiseSection) -> set[int]:
    return {slot for slot, _cb in section.packs} | {op.dst for op in section.ops}
