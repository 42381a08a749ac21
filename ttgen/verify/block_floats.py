"""Block floats: what the host library stores of an array, and how far off the packer may be.

Sixteen neighbours of a row (zeros beyond its end) have one exponent, that of the largest. A number is its sign and a
multiple of a step: 2^(exponent - 6) in bfloat8_b, up to 127 of them; 2^(exponent - 2) in bfloat4_b, up to 7.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import DTYPES, EXPONENT_GROUP, DType, DTypeName

Array = NDArray[np.float64]

_EARLY: Final = DTYPES["bfloat8_b"].significand
"""Significant bits to which the packer rounds each number before it looks for the exponent, whatever the format."""


def stored(values: NDArray[Any], dtype: DTypeName) -> Array:
    """What the host's conversion makes of values: the nearest multiple of the step, ties to even, saturating."""
    groups = _groups(np.asarray(values, dtype=np.float64))
    step = _step(groups, dtype)
    steps = np.minimum(np.rint(np.abs(groups) / step), 2 ** DTYPES[dtype].significand - 1)
    return _ungrouped(np.copysign(steps * step, groups), values.shape)


def step_of(values: NDArray[Any], dtype: DTypeName) -> Array:
    """The step of the group that each value is in."""
    groups = _groups(np.asarray(values, dtype=np.float64))
    return _ungrouped(np.broadcast_to(_step(groups, dtype), groups.shape), values.shape)


def packing_error(largest: Array, dtype: DType) -> Array:
    """How far off a number may be that the packer stores; from the largest absolute values that numbers may have.

    The packer rounds twice to nearest: each number to seven significant bits, and then to the step of seven bits of the
    largest exponent after that. The largest number is a multiple of it already; any other was rounded at least twice
    as finely. bfloat4_b cuts off the lowest four of those seven bits.
    """
    groups = _groups(largest * (1 + 2.0**-_EARLY))
    shared, own = _exponents(groups), _exponent(groups)
    error = np.ldexp(1.0, shared - _EARLY) + np.ldexp(1.0, np.minimum(own, shared - 1) - _EARLY)
    if cut := _EARLY - dtype.significand:
        error = error + np.minimum(np.ldexp(2.0**cut - 1, shared - (_EARLY - 1)), groups + error)
    # Beside what may be anything, anything may be flushed.
    known = np.isfinite(np.max(groups, axis=-1, keepdims=True))
    return _ungrouped(np.where(known, error, np.inf), largest.shape)


def _step(groups: Array, dtype: DTypeName) -> Array:
    """The step of each group."""
    return np.ldexp(1.0, _exponents(groups) - (DTYPES[dtype].significand - 1))


def _groups(values: Array) -> Array:
    """Rows in groups of sixteen, zeros after their ends."""
    rows = values.reshape(-1, values.shape[-1])
    width = -(-values.shape[-1] // EXPONENT_GROUP) * EXPONENT_GROUP
    padded = np.zeros((rows.shape[0], width))
    padded[:, : values.shape[-1]] = rows
    return padded.reshape(rows.shape[0], -1, EXPONENT_GROUP)


def _ungrouped(groups: Array, shape: tuple[int, ...]) -> Array:
    return groups.reshape(groups.shape[0], -1)[:, : shape[-1]].reshape(shape)


def _exponent(values: Array) -> NDArray[np.int32]:
    """The exponent of each value, that of the smallest normal float32 for what is below."""
    _significand, exponent = np.frexp(np.maximum(np.abs(values), 2.0**-126))
    return np.asarray(exponent - 1)


def _exponents(groups: Array) -> NDArray[np.int32]:
    """The exponent of the largest of each group."""
    return np.asarray(np.max(_exponent(groups), axis=-1, keepdims=True))
