"""How far off a matrix product may be: cut operands, aligned products, and a sum that is rounded on its way.

The matrix unit multiplies slices of its operands, 5 bits of SrcA by 7 of SrcB in each fidelity phase. It adds products
in eights, aligned to the largest of them, and each sum of sixteen to DST. Where DST has 16 bits, that rounds the sum so
far once for every half of a tile and every phase: what it has come to is known from the inputs, since K is gone through
from its beginning, so the bound has the sums themselves and not those of absolute values.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import DTYPES, TILE, DTypeName
from ttgen.records import dataclass
from ttgen.verify.bounded import FLUSHED

Array = NDArray[np.float64]

FLOAT32_UNIT: Final = 2.0**-24
"""The largest relative error of rounding to float32, to nearest."""
BFLOAT16_UNIT: Final = 2.0**-8
_TF32_UNIT: Final = 2.0**-11
"""The matrix unit rounds to TF32 before it rounds to 16 bits (tt-metal#46101)."""

# Bits of significand after the first that a source register gives to one phase, and to all of them.
_SRCA_BITS: Final = (4, 9)
_SRCB_BITS: Final = (6, 10)

_TOGETHER: Final = 8
_ALIGNED: Final = 2.0**-12
"""What of a product is below this part of the largest of the eight that are added together is lost."""
_LOST_BY_ALIGNING: Final = (_TOGETHER - 1) * _ALIGNED * (1 + 2.0**-4 + 2.0**-6 + 2.0**-10)
_HALF: Final = TILE // 2
_ROWS: Final = 64
_GROWS: Final = 1 / 2
_DRIFTS: Final = 16
"""As long as roundings of halves of tiles, all in one direction, come to less than the first part of a sum, it goes on
growing whatever its addends; beyond the second, the drift by ties that are rounded away is more than what is random."""

_EXACT_ENOUGH: Final = 2.0**-9
"""Cut operands that lose less than this aren't worth a matrix product of squares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """How a program uses the matrix unit.

    Attributes:
        phases: fidelity phases of a product.
        wide: whether DST has 32 bits.
        depth: tiles of K that are added up in DST where the packer adds up the steps.
    """

    phases: int
    wide: bool
    depth: int

    @property
    def unit(self) -> float:
        """The relative error of rounding a result of the matrix unit to the width of DST."""
        return FLOAT32_UNIT if self.wide else BFLOAT16_UNIT + _TF32_UNIT


def product_errors(
    left: Array, right: Array, formats: tuple[DTypeName, ...], engine: Engine, *, in_steps: bool
) -> tuple[Array, Array, Array]:
    """A product, its largest error, and what the error comes to where roundings are independent.

    Args:
        left: [..., rows, K], as it is stored; it goes to SrcB.
        right: [..., K, columns]; it goes to SrcA.
        formats: how their buffers hold them.
        engine: how they are multiplied.
        in_steps: whether the packer adds up the steps of K in L1.
    """
    value = np.asarray(np.matmul(left, right))
    magnitude = np.matmul(np.abs(left), np.abs(right))
    cut = cut_of_product(engine.phases, formats)
    # Sixteen products and what is in DST are added in float32, in an order that isn't known; so does the packer in L1.
    steps = -(-left.shape[-1] // TILE)
    additions = 18 + 2 * steps * (engine.phases + in_steps)
    flushed = left.shape[-1] * engine.phases * FLUSHED
    fixed = magnitude * (additions * FLOAT32_UNIT) + _alignment(left, right, magnitude) + flushed
    cut_error = cut * magnitude
    cut_typical = cut_error
    if cut > _EXACT_ENOUGH:
        cut_typical = cut * np.minimum(np.hypot(value, np.sqrt(np.matmul(left * left, right * right))), magnitude)
    if engine.wide:
        return value, fixed + cut_error, fixed + cut_typical
    rounded, independent = _rounded_sums(left, right, engine, cut_of_product(1, formats), in_steps=in_steps)
    error = fixed + cut_error + rounded
    typical = np.minimum(fixed + np.hypot(cut_typical, independent), error)
    # A long sum of one sign stops growing when what is added is less than half a step: no independent rounding.
    stops = 4 * np.abs(value) > magnitude
    together = left.shape[-1] / _HALF * engine.unit
    if together > _DRIFTS:
        return value, error, error
    return value, error, np.where(stops, error, typical) if together > _GROWS else typical


def relative_error(depth: int, formats: tuple[DTypeName, ...], engine: Engine, *, in_steps: bool) -> float:
    """The largest part of a sum of absolute products that a product may be off by, whatever its operands are."""
    steps = -(-depth // TILE)
    fixed = (18 + 2 * steps * (engine.phases + in_steps)) * FLOAT32_UNIT + _LOST_BY_ALIGNING
    rounded = 0.0 if engine.wide else 2 * (engine.phases + 1) * steps * engine.unit
    return cut_of_product(engine.phases, formats) + fixed + rounded


def _alignment(left: Array, right: Array, magnitude: Array) -> Array:
    """What aligning loses: of eight products the largest keeps all, and each other one less than a part of that.

    The largest of eight products is at most the product of the largest operands, and at most their sum. Later phases
    have products of a sixteenth at most.
    """
    short = -left.shape[-1] % _TOGETHER
    if short:
        still = [(0, 0)] * (left.ndim - 1), [(0, 0)] * (right.ndim - 2)
        left, right = np.pad(left, (*still[0], (0, short))), np.pad(right, (*still[1], (0, short), (0, 0)))
    rows = np.abs(left).reshape(*left.shape[:-1], -1, _TOGETHER).max(axis=-1)
    cols = np.abs(right).reshape(*right.shape[:-2], -1, _TOGETHER, right.shape[-1]).max(axis=-2)
    return np.asarray(_LOST_BY_ALIGNING * np.minimum(np.matmul(rows, cols), magnitude))


def _rounded_sums(left: Array, right: Array, engine: Engine, lost: float, *, in_steps: bool) -> tuple[Array, Array]:
    """The error of rounding a sum to 16 bits for every half of a tile and phase: at worst, and if independent.

    `lost` is the part of a product that its first phase leaves to the others.
    """
    rows, cols = left.shape[-2], right.shape[-1]
    parts = [
        _rounded_rows(left[..., first : first + _ROWS, :], right, engine, lost, in_steps=in_steps)
        for first in range(0, rows, _ROWS)
    ]
    error, typical = (np.concatenate(part, axis=-2) for part in zip(*parts, strict=True))
    assert error.shape[-2:] == (rows, cols)
    return error, typical


def _rounded_rows(left: Array, right: Array, engine: Engine, lost: float, *, in_steps: bool) -> tuple[Array, Array]:
    """The same of few rows, which stay in the processor's cache."""
    depth = left.shape[-1]
    step = engine.depth * TILE if in_steps else depth
    roundings, unit = 2 * engine.phases, engine.unit
    growth = (1 + unit) ** roundings
    sizes = np.abs(left), np.abs(right)
    shape = np.matmul(left[..., :1], right[..., :1, :]).shape
    total, error, squares = (np.zeros(shape) for _array in range(3))
    for begin in range(0, depth, step):
        held, held_error = np.zeros(shape), np.zeros(shape)
        end = min(begin + step, depth)
        for first in range(begin, end, TILE):
            middle, last = min(first + _HALF, end), min(first + TILE, end)
            held += np.matmul(left[..., first:middle], right[..., first:middle, :])
            largest = np.abs(held)
            held += np.matmul(left[..., middle:last], right[..., middle:last, :])
            np.maximum(largest, np.abs(held), out=largest)
            if lost:
                largest += lost * np.matmul(sizes[0][..., first:last], sizes[1][..., first:last, :])
            largest *= unit
            held_error += roundings * largest
            held_error *= growth
            np.square(largest, out=largest)
            squares += roundings * largest
        total += held
        error += held_error
        if in_steps:
            # Packed, and added in L1 to what is there.
            packed, added = unit * np.abs(held), unit * np.abs(total)
            error = (error + packed + added) * (1 + unit) ** 2
            squares += packed * packed + added * added
    return error, np.sqrt(squares)


def cut_of_product(phases: int, formats: tuple[DTypeName, ...]) -> float:
    """The relative error of a product whose operands are cut to slices.

    Args:
        phases: that are made of it.
        formats: of what goes to SrcB, and of what goes to SrcA.
    """
    in_b, in_a = (DTYPES[name].significand - 1 for name in formats)
    b_high, b_all = (_lost(in_b, bits) for bits in _SRCB_BITS)
    a_high, a_all = (_lost(in_a, bits) for bits in _SRCA_BITS)
    match phases:
        case 1:
            return b_high + a_high
        case 2:
            return b_high + a_all
        case 3:
            return b_high * a_high + a_all + b_all
        case _:
            return a_all + b_all


def _lost(bits: int, kept: int) -> float:
    """The largest relative error of cutting a significand of so many explicit bits."""
    return 2.0**-kept - 2.0**-bits if bits > kept else 0.0
