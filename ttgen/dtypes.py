"""Element types: how large a 32x32 tile is and what the API calls the format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

DTypeName = Literal["bfloat16", "float32", "bfloat8_b", "bfloat4_b"]

TILE: Final = 32
"""Rows and columns of a tile, in elements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DType:
    """A storage format.

    Attributes:
        tile_bytes: bytes of one 32x32 tile. A block float tile has a byte of exponent for each row of sixteen
            elements (64) before its mantissas.
        data_format: the enumerator of `tt::DataFormat`.
    """

    name: DTypeName
    tile_bytes: int
    data_format: str


DTYPES: Final[Mapping[DTypeName, DType]] = {
    "bfloat16": DType(name="bfloat16", tile_bytes=TILE * TILE * 2, data_format="Float16_b"),
    "float32": DType(name="float32", tile_bytes=TILE * TILE * 4, data_format="Float32"),
    "bfloat8_b": DType(name="bfloat8_b", tile_bytes=TILE * TILE + 64, data_format="Bfp8_b"),
    "bfloat4_b": DType(name="bfloat4_b", tile_bytes=TILE * TILE // 2 + 64, data_format="Bfp4_b"),
}
