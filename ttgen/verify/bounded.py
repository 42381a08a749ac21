"""Values of right programs, each with how far off it may be."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.records import dataclass

Array = NDArray[np.float64]

SMALLEST: Final = 2.0**-126
"""The smallest normal number of float32 and bfloat16: what is smaller becomes zero, wherever it is computed."""
FLUSHED: Final = 2.0**-125
"""What the matrix unit may lose of a product in each fidelity phase: it flushes by the sum of the operands' exponents,
before the product is normalised, and of lower slices by so much less (seen on Tenstorrent's full-system simulator)."""
OVERFLOWS: Final = 2.0**128
"""What is as large is infinite, in every format. What rounds to it may be: that is less by one part in 128."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value of a right program.

    Attributes:
        value: without any error; infinite where it overflows DST.
        error: the largest, infinite where nothing can be said.
        typical: what it comes to where the many roundings of a sum are independent of each other; never more.
    """

    value: Array
    error: Array
    typical: Array


def exact(values: NDArray[Any]) -> Bounded:
    """Values that are as they are."""
    found = np.asarray(values, dtype=np.float64)
    return Bounded(found, (nothing := np.zeros(found.shape)), nothing)


def in_range(made: Bounded, terms: list[Bounded]) -> Bounded:
    """Infinite where DST overflows; anything where it may, or where an operand had overflowed."""
    largest = np.abs(made.value) + made.error
    if np.all(largest < OVERFLOWS / 2) and all(np.all(np.isfinite(term.value)) for term in terms):
        return made
    sure = np.all(np.broadcast_arrays(made.value == made.value, *(np.isfinite(term.value) for term in terms)), axis=0)
    over = sure & (np.abs(made.value) - made.error >= OVERFLOWS)
    known = sure & (largest < OVERFLOWS * (1 - 2.0**-7))
    error = np.where(over, 0.0, np.where(known, made.error, np.inf))
    typical = error if made.typical is made.error else np.where(known, made.typical, error)
    return Bounded(np.where(over, np.copysign(np.inf, made.value), made.value), error, typical)
