"""Circular buffers and semaphores: their indices, and the L1 that buffers take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ttgen.analysis.counts import Count
from ttgen.dtypes import DTYPES
from ttgen.errors import refuse
from ttgen.model.design import BufferDesign, BufferRole
from ttgen.model.plan import Allocation, CircularBuffer, Semaphore
from ttgen.planner.roles import Roles, cores_of
from ttgen.target import Target

FIRST_INDEX: Final[dict[BufferRole, int]] = {"input": 0, "fed": 0, "output": 16, "sent": 16, "intermediate": 24}
"""Indices are fixed by role, so that one more input moves no buffer of another; what is of no tensor follows those."""


def as_deep_as_needed(designs: Sequence[BufferDesign], most: Count) -> tuple[BufferDesign, ...]:
    """The buffers with no more blocks than a core ever hands over.

    Args:
        designs: the buffers.
        most: what the core does that does it most often.
    """
    return tuple(
        replace(design, blocks=max(1, min(design.blocks, most.get(("push", design.name), 0) // design.block)))
        for design in designs
    )


def allocations(designs: Sequence[BufferDesign], buffers: Sequence[CircularBuffer]) -> tuple[Allocation, ...]:
    """The memory of the buffers: their own, or a tensor's shards."""
    return tuple(
        Allocation(
            name=buffer.allocation,
            bytes=buffer.pages * buffer.page_bytes,
            core_ranges=buffer.core_ranges,
            tensor=design.tensor,
        )
        for design, buffer in zip(designs, buffers, strict=True)
        if design.lies_in is None
    )


def circular_buffers(designs: Sequence[BufferDesign], target: Target, roles: Roles) -> tuple[CircularBuffer, ...]:
    """The buffers of a program.

    Raises:
        SpecError: more buffers of a role than it has indices.
    """
    firsts = sorted({*FIRST_INDEX.values()})
    count: Counter[int] = Counter()
    found: list[CircularBuffer] = []
    for design in designs:
        first = FIRST_INDEX[design.role]
        limit = next((other for other in firsts if other > first), target.circular_buffers)
        index = first + count[first]
        count[first] += 1
        if index < limit:
            dtype = DTYPES[design.dtype]
            found.append(
                CircularBuffer(
                    index=index, name=design.name, allocation=design.lies_in or design.name, dtype=design.dtype,
                    page_bytes=dtype.tile_bytes, pages=design.pages, core_ranges=cores_of(design.on, roles),
                )
            )  # fmt: skip
    for first, number in count.items():
        role = next(role for role, other in FIRST_INDEX.items() if other == first)
        limit = next((other for other in firsts if other > first), target.circular_buffers)
        if number > limit - first:
            text = (
                f"{number} {role} buffers; {target.name} has {target.circular_buffers} circular buffers, "
                f"{limit - first} of them ({first} to {limit - 1}) for this role: split the formula into several specs"
            )
            raise refuse(text, "compute", at_key=True)
    return tuple(found)


def semaphores(names: Sequence[str], target: Target, roles: Roles) -> tuple[Semaphore, ...]:
    """The semaphores of a program, on all its cores: whoever raises one knows where it is by its own."""
    assert len(names) <= target.semaphores, "a pattern has a few"
    everywhere = cores_of(tuple(roles), roles)
    return tuple(
        Semaphore(index=index, name=name, initial=0, core_ranges=everywhere) for index, name in enumerate(names)
    )
