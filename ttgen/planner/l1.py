"""The L1 budget, and the smallest change that would fit it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ttgen.errors import SpecError, refuse
from ttgen.model.plan import CircularBuffer, L1Budget
from ttgen.spec import LoadedSpec
from ttgen.target import Target


def budget(buffers: Iterable[CircularBuffer], target: Target) -> L1Budget:
    """Bytes of L1 that the buffers take on a core."""
    return L1Budget(bytes=sum(buffer.pages * buffer.page_bytes for buffer in buffers), limit=target.l1.usable)


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
