"""The L1 budget, and the changes that would fit it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ttgen.dtypes import DTYPES
from ttgen.errors import SpecError, refuse
from ttgen.model.design import Design
from ttgen.model.plan import CircularBuffer, L1Budget, Subblock, Tensor
from ttgen.patterns.context import Context
from ttgen.spec import LoadedSpec
from ttgen.target import Target


def share(tensor: Tensor, target: Target) -> int:
    """Bytes that a tensor takes of the L1 of every core: allocation is in lockstep, so the fullest core counts."""
    if tensor.layout != "l1_interleaved":
        return 0
    page_bytes = -(-tensor.page_bytes // target.alignment.l1) * target.alignment.l1
    return -(-tensor.pages // target.grid.cores) * page_bytes


def budget(
    loaded: LoadedSpec, buffers: Iterable[CircularBuffer], tensors: Iterable[Tensor], target: Target
) -> L1Budget:
    """Bytes of L1 that buffers and tensors take on a core.

    Raises:
        SpecError: they don't fit, because of the tensors.
    """
    shares = {tensor.name: bytes_ for tensor in tensors if (bytes_ := share(tensor, target))}
    rings = sum(buffer.pages * buffer.page_bytes for buffer in buffers)
    total, limit = rings + sum(shares.values()), target.l1.usable
    if shares and total > limit:
        largest = max(shares, key=shares.__getitem__)
        parts = ", ".join(f"{name} {bytes_:,}" for name, bytes_ in shares.items())
        text = (
            f"L1: {total:,} of {limit:,} bytes on every core: circular buffers {rings:,}, {parts}; "
            f"dram_interleaved for {largest} saves {shares[largest]:,}"
        )
        raise SpecError(refuse(text, "tensors", largest, "layout").problems, loaded.source)
    return L1Budget(bytes=total, limit=limit)


def check(
    loaded: LoadedSpec, context: Context, design: Design, redesign: Callable[[Context], Design], target: Target
) -> None:
    """Refuses buffers that don't fit.

    Args:
        loaded: the spec, for the place of the problem.
        context: what was decided, with the block.
        design: with the buffers.
        redesign: designs the same with another block, where it has to be smaller.
        target: the card.

    Raises:
        SpecError: with the bytes, and for each side of the block the largest smaller one that fits: first that of K,
            which costs no traffic, then those that cost least.
    """

    def bytes_of(designed: Design) -> int:
        return sum(buffer.pages * DTYPES[buffer.dtype].tile_bytes for buffer in designed.buffers)

    needed, limit = bytes_of(design), target.l1.usable
    if needed <= limit:
        return
    changes = []
    for side in ("k", "n", "m"):
        given: int = getattr(context.block, side)
        for smaller in range(given - 1, 0, -1):
            block = replace(context.block, **{side: smaller})
            if (after := bytes_of(redesign(replace(context, block=block, subblock=Subblock(h=1, w=1))))) <= limit:
                text = f"block.{side} {given} -> {smaller} saves {needed - after:,}"
                changes.append((0.0 if side == "k" else given / smaller, text))
                break
    ranked = [text for _growth, text in sorted(changes, key=lambda change: change[0])]
    fix = f"; {', or '.join(ranked)}" if ranked else "; make all of m, n and k smaller"
    text = f"L1: {needed:,} of {limit:,} bytes{fix}"
    raise SpecError(refuse(text, "schedule", "block", at_key=True).problems, loaded.source)
