"""What a kernel says of its schedule, in ttgen's words: swizzles, and the annotations of tilelang-tt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ttgen.importing.form import Buffer, Hints

_POLICIES: Final = {
    "contiguous": "contiguous",
    "strided": "strided",
    "rect": "rectangular",
    "rectangular": "rectangular",
}
_ORDERS: Final = {"row_major": "row_major", "column_major": "column_major", "block_linear": "row_major"}


def panel_of(hints: Hints, given: dict[str, Any]) -> tuple[Hints, str]:
    """Panels of `T.use_swizzle`, and what of them isn't kept."""
    width = given.get("panel_size", 10)
    if given.get("enable", True) in (False, None) or not isinstance(width, int) or width < 1:
        return hints, ""
    if given.get("order", "row") == "column":
        return replace(
            hints, panel=width
        ), "T.use_swizzle: its odd panels run backwards, those of block_linear forwards"
    return hints, "T.use_swizzle: blocks by rows of panels: block_linear goes by columns, and an order changes no value"


def schedule_of(hints: Hints, given: dict[str, Any]) -> Hints:
    """`T.annotate_tt_schedule`.

    Raises:
        ValueError: what it asks for has no counterpart.
    """
    policy, order, chunk = given.get("policy"), given.get("order"), given.get("chunk_k_tiles")
    if policy is not None:
        if policy not in _POLICIES:
            raise ValueError(f"policy '{policy}' has no counterpart: contiguous, strided and rect have")
        hints = replace(hints, policy=_POLICIES[policy])
    if order is not None:
        if order not in _ORDERS:
            raise ValueError(f"order '{order}' has no counterpart: row_major, column_major and block_linear have")
        hints = replace(hints, order=_ORDERS[order])
        if order == "block_linear":
            stride = given.get("stride")
            if not isinstance(stride, int) or stride < 1:
                raise ValueError("order 'block_linear' needs a stride: the columns of a panel")
            hints = replace(hints, panel=stride)
    if chunk is not None:
        if not isinstance(chunk, int) or chunk < 1:
            raise ValueError("chunk_k_tiles is a number of tiles")
        hints = replace(hints, chunk=chunk)
    return hints


def sharding_of(hints: Hints, given: dict[str, Any]) -> Hints:
    """`T.annotate_tt_sharding`.

    Raises:
        ValueError: what it asks for has no counterpart.
    """
    layouts = dict(hints.layouts)
    for buffer, shard in given.get("sharding") or ():
        placement, axis = getattr(shard, "placement", None), getattr(shard, "axis", None)
        if not isinstance(buffer, Buffer) or placement is None:
            raise ValueError("tensors and T.TTShard(axis, tiles, placement) are expected here")
        if getattr(shard, "halo", None):
            raise ValueError(f"the halo of '{buffer.name}' has no counterpart: blocks don't overlap")
        if placement != "DRAM":
            raise ValueError(f"placement '{placement}' has no counterpart here: say l1_sharded in the spec")
        by_columns = axis in (len(buffer.shape) - 1, -1)
        layouts[buffer.name] = "dram_sharded" if by_columns else "dram_interleaved"
    return replace(hints, layouts=tuple(layouts.items()))
