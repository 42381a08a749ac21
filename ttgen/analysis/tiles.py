"""Tiles in NumPy: what kernels fill them with, and how they are reduced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import TILE
from ttgen.formula.reference import REDUCTIONS
from ttgen.model.tiles import MASKED, Content

Array = NDArray[np.float64]

DIMS: Final[tuple[Literal["row", "col"], ...]] = ("row", "col")


def content_of(content: Content, valid: int) -> Array:
    """What a data-movement kernel fills a tile with."""
    tile = np.zeros((TILE, TILE))
    match content:
        case "row_scaler":
            tile[0::16, :valid] = 1
        case "col_scaler":
            # The first row of a face has what the rows of that face are multiplied by.
            for row in range(valid):
                tile[row // 16 * 16, row % 16 :: 16] = 1
        case "row_mask":
            tile[:, :valid] = 1
        case "col_mask":
            tile[:valid, :] = 1
        case "row_bias":
            tile[:, valid:] = MASKED
        case "causal_bias":
            tile[np.arange(TILE) + TILE > np.arange(TILE)[:, np.newaxis] + valid] = MASKED
        case "zeros":
            pass
    return tile


def _scaled(tile: Array, scaler: Array, dim: Literal["row", "col"]) -> Array:
    """A tile times its scaler, which takes no notice of what it multiplies by 0."""
    factors = scaler[0::16, :].repeat(16, axis=0)
    if dim == "col":
        faces = [scaler[row // 16 * 16, row % 16 :: 16] for row in range(TILE)]
        factors = np.stack([np.repeat(face, 16) for face in faces])
    return np.where(factors == 0, 0.0, tile * factors)


def _reduced(reduce: Callable[..., Any], dim: Literal["row", "col"], tile: Array) -> Array:
    """One column or one row; nothing is known of the others."""
    found = np.full((TILE, TILE), np.nan)
    if dim == "row":
        found[:, 0] = reduce(tile, axis=1)
    else:
        found[0, :] = reduce(tile, axis=0)
    return found


def reduction(function: str, dim: Literal["row", "col"]) -> Callable[..., Array]:
    """A reduction of a tile by the matrix unit; a maximum takes ones only."""

    def reduced(tile: Array, scaler: Array) -> Array:
        if function == "max":
            assert np.all(_scaled(np.ones((TILE, TILE)), scaler, dim) == 1), "maxima have whole scalers"
        return _reduced(REDUCTIONS[function], dim, _scaled(tile, scaler, dim))

    return reduced


def within(function: str, dim: Literal["row", "col"]) -> Callable[..., Array]:
    """A reduction of what is in a slot."""
    return lambda tile: _reduced(REDUCTIONS[function], dim, np.broadcast_to(tile, (TILE, TILE)))
