"""Element types: how large a 32x32 tile is, and how precise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from ttgen.records import dataclass

DTypeName = Literal["bfloat16", "float32", "bfloat8_b", "bfloat4_b"]

TILE: Final = 32
"""Rows and columns of a tile, in elements."""
EXPONENT_GROUP: Final = 16
"""Neighbours of a row that share an exponent in a block float."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DType:
    """A storage format.

    Attributes:
        tile_bytes: bytes of one 32x32 tile. A block float tile has a byte of exponent for each row of sixteen
            elements (64) before its mantissas.
        significand: bits of a number's significand, the leading one included; in a block float of the largest of the
            sixteen.
        shares_exponents: whether it is a block float.
    """

    name: DTypeName
    tile_bytes: int
    significand: int
    shares_exponents: bool = False


DTYPES: Final[Mapping[DTypeName, DType]] = {
    dtype.name: dtype
    for dtype in (
        DType(name="bfloat16", tile_bytes=TILE * TILE * 2, significand=8),
        DType(name="float32", tile_bytes=TILE * TILE * 4, significand=24),
        DType(
            name="bfloat8_b", tile_bytes=TILE * TILE + 64, significand=7, shares_exponents=True
        ),
        DType(
            name="bfloat4_b", tile_bytes=TILE * TILE // 2 + 64, significand=3,
            shares_exponents=True,
        ),
    )
}  # fmt: skip
