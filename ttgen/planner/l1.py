"""The L1 budget, and the smallest change that would fit it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ttgen.errors import SpecError, refuse
from ttgen.model.plan import CircularBuffer, L1Budget, Tensor
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


def check_block(loaded: LoadedSpec, block: tuple[int, int, int], page_bytes: Sequence[int], target: Target) -> None:
    """Refuses a block whose buffers can't fit, whatever else the kernel needs.

    Args:
        loaded: the spec, for the place of the problem.
        block: rows, columns and depth in tiles.
        page_bytes: bytes of a tile of the left operand, the right operand and the output.
        target: the card.

    Raises:
        SpecError: with the bytes, and the smallest change of one side that would fit.
    """

    def bytes_of(m: int, n: int, k: int) -> int:
        left, right, output = page_bytes
        return 2 * (m * k * left + k * n * right + m * n * output)

    needed, limit = bytes_of(*block), target.l1.usable
    if needed <= limit:
        return
    changes = []
    for side, name in enumerate("mnk"):
        for smaller in range(block[side] - 1, 0, -1):
            changed = (*block[:side], smaller, *block[side + 1 :])
            if (after := bytes_of(changed[0], changed[1], changed[2])) <= limit:
                changes.append((needed - after, f"block.{name} {block[side]} -> {smaller} saves {needed - after:,}"))
                break
    fix = f"; {min(changes)[1]}" if changes else "; make all of m, n and k smaller"
    text = f"L1: {needed:,} of {limit:,} bytes{fix}"
    raise SpecError(refuse(text, "schedule", "block", at_key=True).problems, loaded.source)
