"""The L1 budget, and the changes that would fit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ttgen.dtypes import DTYPES
from ttgen.errors import SpecError, refuse
from ttgen.model.design import BufferDesign
from ttgen.model.plan import BlockSize, L1Budget, Tensor
from ttgen.spec import LoadedSpec
from ttgen.target import Target


def share(tensor: Tensor, target: Target) -> int:
    """Bytes that a tensor takes of the L1 of every core: allocation is in lockstep, so the fullest core counts."""
    if tensor.in_dram:
        return 0
    pages = -(-tensor.pages // target.grid.cores)
    if tensor.shards is not None:
        pages = tensor.shards.tiles[0] * tensor.shards.tiles[1]
    return pages * -(-tensor.page_bytes // target.alignment.l1) * target.alignment.l1


def budget(
    loaded: LoadedSpec,
    buffers: Sequence[BufferDesign],
    tensors: Sequence[Tensor],
    block: BlockSize,
    buffers_of: Callable[[BlockSize], Sequence[BufferDesign]],
    target: Target,
) -> L1Budget:
    """Bytes of L1 that circular buffers and tensors take on a core.

    Args:
        loaded: the spec, for the place of a problem.
        buffers: the circular buffers.
        tensors: which of them are in L1.
        block: the unit of work.
        buffers_of: the buffers with another block, or a refusal.
        target: the card.

    Raises:
        SpecError: they don't fit; with the bytes, and for each side of the block the largest smaller one that fits:
            first that of K, which costs no traffic, then those that cost least.
    """
    shares = {tensor.name: bytes_ for tensor in tensors if (bytes_ := share(tensor, target))}
    rings, limit = _rings(buffers), target.l1.usable
    total = rings + sum(shares.values())
    if total <= limit:
        return L1Budget(bytes=total, limit=limit)
    fixes = list(_smaller_blocks(block, rings, limit - sum(shares.values()), buffers_of))
    text = f"L1: {total:,} of {limit:,} bytes"
    if not shares:
        text += f"; {', or '.join(fixes) or 'make all of m, n and k smaller'}"
        raise SpecError(refuse(text, "schedule", "block", at_key=True).problems, loaded.source)
    largest = max(shares, key=shares.__getitem__)
    parts = ", ".join(f"{name} {bytes_:,}" for name, bytes_ in shares.items())
    fixes.append(f"dram_interleaved for {largest} saves {shares[largest]:,}")
    text += f" on every core: circular buffers {rings:,}, {parts}; {', or '.join(fixes)}"
    raise SpecError(refuse(text, "tensors", largest, "layout").problems, loaded.source)


def _rings(buffers: Sequence[BufferDesign]) -> int:
    """Bytes of the circular buffers that don't lie on shards."""
    return sum(buffer.pages * DTYPES[buffer.dtype].tile_bytes for buffer in buffers if buffer.tensor is None)


def _smaller_blocks(
    block: BlockSize, rings: int, limit: int, buffers_of: Callable[[BlockSize], Sequence[BufferDesign]]
) -> Iterator[str]:
    """For each side of the block the largest smaller one with which the buffers fit."""
    changes: list[tuple[float, str]] = []
    for side in ("k", "n", "m"):
        given: int = getattr(block, side)
        for smaller in range(given - 1, 0, -1):
            try:
                after = _rings(buffers_of(replace(block, **{side: smaller})))
            except SpecError:
                # Units of that size would cross the end of a shard.
                continue
            if after <= limit:
                text = f"block.{side} {given} -> {smaller} saves {rings - after:,}"
                changes.append((0.0 if side == "k" else given / smaller, text))
                break
    yield from (text for _growth, text in sorted(changes, key=lambda change: change[0]))
