"""Statements by which a tile comes otherwise than as a page: made by a kernel that moves data, or read in part."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from ttgen.model.index import ZERO, Index
from ttgen.records import dataclass

Content = Literal["zeros", "row_scaler", "col_scaler", "row_mask", "col_mask", "row_bias", "causal_bias"]
"""What a tile of bfloat16 is filled with: zeros; ones in the first rows of its faces, by which reductions of a row or
a column multiply elements; ones in some first places of each row or column, which masks the others; or what masks by
addition, zeros in the first places of each row, as many in all, or one more in each than in the one above it, and
`MASKED` in the others. The first row of those has a tile's side less than `valid`."""

MASKED: Final = -1.0002555517425873e30
"""Added to a score it leaves nothing of it: a bfloat16, and less than what counts as the largest before any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillTile:
    """Fills a reserved page of a buffer without touching DRAM; ones are in `valid` places along the dimension."""

    kind: ClassVar[str] = "fill_tile"
    cb: str
    slot: Index = ZERO
    content: Content
    valid: Index = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """Begins to read the first row of a tile of a tensor, all that broadcasting it takes, into a reserved page.

    It lies in two faces, of which the first `ROW_PART_BYTES` each are read: the smallest that DRAM is read by.
    """

    kind: ClassVar[str] = "read_row"
    tensor: str
    page: Index
    cb: str
    slot: Index = ZERO


ROW_PART_BYTES: Final = 64
"""Bytes of a face that hold its first row in bfloat16 and float32, and that DRAM of both chips can be read by."""
