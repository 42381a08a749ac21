"""K in parts: several cores make a unit, each the sum over a part of K; one of them, the root, adds them up.

A helper's sums go to the root's L1 in the width of DST, each to a place of its own: the root says that it has room, and
counts what has arrived. The epilogue follows at the root: a bias is added once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from ttgen.model.body import Body, Loop, Pop, Push, Reserve, Wait, WriteBarrier
from ttgen.model.design import HELPERS, ROOTS, BufferDesign, Design, KernelDesign
from ttgen.model.exchange import Await, Place, Send, Signal
from ttgen.model.index import ONE, Var, add, evaluate, mul, sub
from ttgen.patterns.access import Access, Axis
from ttgen.patterns.configure import configure
from ttgen.patterns.context import Context
from ttgen.patterns.kernels import awaited, in_part, settled, unit_loop_of
from ttgen.patterns.units import CORE_ROWS, CORE_X, CORE_Y, PART, PARTS, TRIP

ROOM: Final = "k_room"
"""The counter of a helper: units for whose sums the root has room."""
ARRIVED: Final = "k_arrived"
"""The counter of a root: sums that have come."""
OTHER: Final = Var("other")


def partials_of(block: Access, cb: str) -> Access:
    """The sums that a root gets for a unit: a block of each helper."""
    return Access(tensor="", cb=cb, page=block.page, axes=(Axis(var=OTHER, tiles=sub(PARTS, ONE)), *block.axes))


def received(partials: Access) -> Body:
    """What a root does to get the sums of a unit."""
    helper = Place(x=CORE_X, y=add(CORE_Y, mul(add(OTHER, ONE), CORE_ROWS)))
    others = sub(PARTS, ONE)
    return (
        Reserve(cb=partials.cb, pages=partials.pages),
        Loop(var=OTHER.name, extent=others, body=(Signal(semaphore=ROOM, to=helper),)),
        Await(semaphore=ARRIVED, at_least=mul(add(TRIP, ONE), others)),
        Push(cb=partials.cb, pages=partials.pages),
    )


def _sent(own: Access, partials: Access) -> Body:
    """What a helper does with the sums of a unit."""
    root = Place(x=CORE_X, y=sub(CORE_Y, mul(PART, CORE_ROWS)))
    return (
        Wait(cb=own.cb, pages=own.pages),
        Await(semaphore=ROOM, at_least=add(TRIP, ONE)),
        Send(source=own.cb, cb=partials.cb, slot=mul(sub(PART, ONE), own.pages), pages=own.pages, to=root),
        WriteBarrier(),
        Signal(semaphore=ARRIVED, to=root),
        Pop(cb=own.cb, pages=own.pages),
    )


def with_helpers(
    design: Design,
    context: Context,
    *,
    partials: Access,
    own: Access,
    moved: Collection[str],
    product: Body,
    reads: Body,
    first: Body,
    summaries: tuple[str, str],
) -> Design:
    """A design whose writer and compute kernel are those of roots, with helpers beside.

    Args:
        design: the kernels of all cores and of roots.
        context: what was decided before.
        partials: what a root gets.
        own: what a helper makes.
        moved: the buffers that operands come through, on all cores.
        product: how it makes it, of one unit.
        reads: what its kernel that sends reads for that.
        first: what it does before all units.
        summaries: what its compute kernel and the one that sends do.
    """
    reader, compute, writer = design.kernels
    sends = settled(in_part(context, (*first, unit_loop_of(context, (*reads, *_sent(own, partials))))))
    kernels = (
        reader,
        replace(compute, on=(ROOTS,)),
        replace(writer, on=(ROOTS,)),
        KernelDesign(
            name="compute_partial", part="compute", summary=summaries[0],
            body=configure(in_part(context, (unit_loop_of(context, product),))), on=(HELPERS,),
        ),
        KernelDesign(
            name="reader_b_sender", part="writer", noc=writer.noc, summary=summaries[1], body=sends, on=(HELPERS,)
        ),
    )  # fmt: skip
    dtype = context.intermediate_dtype

    def intermediate(access: Access) -> BufferDesign:
        pages = evaluate(access.pages, {**design.sizes, PARTS.name: context.split})
        return BufferDesign(
            name=access.cb, role="intermediate", dtype=dtype, block=pages, unpack_to_dst=dtype == "float32"
        )

    return replace(
        design,
        kernels=kernels,
        buffers=(
            *(buffer if buffer.name in moved else replace(buffer, on=(ROOTS,)) for buffer in design.buffers),
            intermediate(partials),
            replace(intermediate(own), unpack_to_dst=False, on=(HELPERS,)),
        ),
        semaphores=awaited([kernel.body for kernel in kernels]),
    )
