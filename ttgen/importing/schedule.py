"""The schedule that a kernel says, in a spec's words: blocks in tiles, order, policy; and notes on what isn't kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil
from typing import Final

from ttgen.dtypes import TILE
from ttgen.importing.nodes import Along, Fold, Node, walk
from ttgen.importing.understanding import Understood

_ATTENTION: Final = re.compile(r"softmax\(.* @ .*\) @ \w+$")

Entries = dict[str, str]
"""The keys of `schedule`, each with its text."""


def schedule_of(understood: Understood) -> tuple[Entries, list[str]]:
    """What the kernel says of its schedule, as far as it isn't a spec's default, and notes on the rest."""
    products, reduces = _kinds(understood)
    entries: Entries = {}
    notes: list[str] = []
    is_attention = products == 2 and _ATTENTION.match(understood.formulas[0].text) is not None
    if len(understood.formulas) > 1 or ((products > 1 or (products and reduces)) and not is_attention):
        notes.append("blocks: the formulas are several programs, each with blocks of its own")
        return entries, notes
    if order := _order(understood, notes):
        entries["order"] = order
    hints = understood.kernel.hints
    if hints.policy and hints.policy != "contiguous":
        entries["policy"] = hints.policy
    block = _block(understood, notes, has_product=bool(products), reduces=reduces)
    if block:
        entries["block"] = "{" + ", ".join(f"{side}: {tiles}" for side, tiles in block.items()) + "}"
    return entries, notes


def _kinds(understood: Understood) -> tuple[int, bool]:
    """How many products there are, and whether anything is reduced otherwise."""
    text = " ".join(formula.text for formula in understood.formulas)
    nodes: list[Node] = [item for value in understood.values for item in walk(value.node)]
    reduces = any(isinstance(item, (Fold, Along)) for item in nodes)
    products = len(re.findall(r" @ ", text))
    words = re.search(r"\b(?:sum|mean|max|min|softmax|rmsnorm|layernorm)\(", text)
    return products, reduces and words is not None


def _tiles(extent: int, size: int, side: str, notes: list[str]) -> int:
    """A block's side in tiles: the nearest number, of at most what there is."""
    tiles = min(max(1, round(extent / TILE)), ceil(size / TILE))
    if extent % TILE and extent > 1 and tiles * TILE != extent and extent < size:
        notes.append(f"block.{side}: {extent} elements are no whole tiles of {TILE}; {tiles} is nearest")
    return tiles


def _block(understood: Understood, notes: list[str], *, has_product: bool, reduces: bool) -> Mapping[str, int]:
    """Sides of a block that are larger than a tile."""
    value, written = understood.values[0], understood.lifted.outputs[0]
    view = understood.views[value.tensor]
    shape = understood.kernel.buffers[value.tensor].shape
    sides: dict[str, int] = {}
    last = [*(None, None), *view][-2:]
    for side, part in zip(("m", "n"), last, strict=True):
        if part is None or part.part or part.size != shape[part.dimension]:
            continue
        extent = written.extents[part.dimension]
        if side == "n" and (reduces or (extent == part.size and not has_product)):
            continue
        sides[side] = _tiles(extent, part.size, side, notes)
        if extent == 1 and side == "m" and part.size > 1:
            notes.append("block.m: blocks of one row: a tile has 32")
    if has_product and reduces:
        # The steps of an attention go along keys, which its second product sums over.
        sides["k"] = _tiles(understood.lifted.steps[-1], max(_depths(understood)), "k", notes)
    elif has_product and understood.lifted.steps:
        depth = max((size for size in _depths(understood)), default=TILE)
        chunk = understood.kernel.hints.chunk
        sides["k"] = min(chunk, ceil(depth / TILE)) if chunk else _tiles(understood.lifted.steps[0], depth, "k", notes)
    return {side: tiles for side, tiles in sides.items() if tiles > 1}


def _depths(understood: Understood) -> list[int]:
    return [
        value.sizes[item.variable] for value in understood.values for item in walk(value.node) if isinstance(item, Fold)
    ]


def _order(understood: Understood, notes: list[str]) -> str:
    """How blocks are numbered: the grid's first direction changes fastest."""
    hints = understood.kernel.hints
    written = understood.lifted.outputs[0]
    view = understood.views[written.tensor]
    rows, cols = (
        frozenset[str]() if part is None else written.indices[part.dimension].variables
        for part in ([*(None, None), *view][-2:])
    )
    names = [name for name, extent in understood.kernel.grid if extent > 1]
    by_row = next((number for number, name in enumerate(names) if name in rows), None)
    by_col = next((number for number, name in enumerate(names) if name in cols), None)
    swapped = by_row is not None and by_col is not None and by_row < by_col
    if hints.order == "column_major" or (swapped and hints.panel is None and hints.order is None):
        return "column_major"
    if hints.panel is not None:
        if by_row is None or by_col is None:
            # One row or column of blocks has no panels.
            return ""
        if swapped:
            notes.append("T.use_swizzle: panels of rows of blocks: block_linear has panels of columns")
            return "column_major"
        return f"{{block_linear: {hints.panel}}}"
    return ""
