"""Whether a run can be judged, and what is judged of an output as a whole, beside each of its elements.

The bound of an element is a worst case. After a long sum in 16 bits it is wider than the values, and whatever a program
computes would be within it. Most of it are roundings that are independent of each other: as a whole they come to much
less, and that shows a page of another column where no single element does.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DEVIATION: Final = 2.0
"""How many times the typical error an output's may be, as root of the mean square.

Typical errors take each rounding at its largest, which is 1.7 times its root mean square or more.
"""

RELATIVE: Final = 0.01
"""Of an attention's output, how far its errors may be as a part of it, both as roots of the mean square.

The bounds of scores make those of weights wide, and those of an output that is their mean over thousands of keys wider
than itself; what right kernels lose is 0.2 to 0.4 %.
"""

_ROUNDINGS: Final = 4
_FEW: Final = 16


def rms(values: Array) -> float:
    """Root of the mean square; 0 of none."""
    if not values.size:
        return 0.0
    # Scaled first: squares of large numbers would overflow.
    scale = float(np.max(np.abs(values)))
    return scale * float(np.sqrt(np.mean(np.square(values / scale)))) if 0 < scale < np.inf else scale


def spread(values: Array) -> float:
    """The standard deviation; of a few values, which may be near each other by chance, the root of the mean square."""
    return rms(values - np.mean(values)) if values.size >= _FEW else rms(values)


def is_too_wide(values: Array, error: Array, rounding: Array) -> bool:
    """Whether bounds are wider than the values that they are of, so that another value would be within them too.

    They are where their root mean square exceeds the spread of the values, unless the format in which the output is
    stored makes the values alike: bounds of a few of its roundings are as narrow as bounds can be.

    Args:
        values: what is right.
        error: how far from it a value may be.
        rounding: the part of it that storing the values makes.
    """
    return rms(error) > max(spread(values), _ROUNDINGS * rms(rounding))


def deviation(error: Array, typical: Array) -> float:
    """Errors as multiples of what is typical, as root of the mean square."""
    return rms(parts_of(error, typical, np.ones(error.shape, dtype=bool)))


def parts_of(error: Array, bound: Array, where: NDArray[np.bool_]) -> Array:
    """Errors as parts of what they may be; of what may have none, such as copies, 0 or all there is."""
    return np.divide(error, bound, out=np.where(error > 0, np.inf, 0.0), where=where & (bound > 0))


def least_correlation(values: Array, typical: Array) -> float:
    """Pearson's correlation with the right values that is left by errors of the deviation that is allowed.

    The angle between values and values with errors has at most the sine of the errors' part. -1 where errors may be as
    large as the values' spread.
    """
    wide, narrow = DEVIATION * rms(typical), rms(values - np.mean(values)) if values.size else 0.0
    if wide >= narrow:
        return -1.0
    # Less what float64 makes of the sums.
    return float(np.sqrt(1 - (wide / narrow) ** 2)) - 2.0**-30


def correlation(actual: Array, expected: Array) -> float:
    """Pearson's correlation; 1 where both are constant and equal, 0 where one is not finite or only one varies."""
    if not actual.size or not np.all(np.isfinite(actual)):
        return 0.0
    # Scaled first: squares of large numbers would overflow.
    scale = max(float(np.max(np.abs(expected))), float(np.max(np.abs(actual))), 2.0**-126)
    a, b = actual / scale, expected / scale
    a, b = a - np.mean(a), b - np.mean(b)
    length = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    if length == 0.0:
        return 1.0 if np.allclose(actual, expected, rtol=2.0**-6) else 0.0
    return float(np.sum(a * b) / length)
