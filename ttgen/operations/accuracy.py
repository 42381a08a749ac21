"""How far the card's functions are from their values.

Measured by executing the bodies of release 0.81.1 (`tests/conformance/measure_functions.py`): all bfloat16 numbers with
16-bit DST, half a million float32 numbers with 32-bit DST; of both chips the larger error, where neither operands nor
values are subnormal. A store to 16-bit DST cuts what a header doesn't round itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ttgen.records import dataclass


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The largest error of a function, beside what its operands' errors become.

    Attributes:
        relative: as a part of the value.
        absolute: and what may come to it.
        curved: and a part of what the value is beside max(x, 0), where a function is that line and a curve.
    """

    relative: float
    absolute: float = 0.0
    curved: float = 0.0


COMPARISONS: Final = ("ge", "gt", "le", "lt", "eq")
"""Operations whose results are 1 where they hold, and 0 elsewhere."""

EXACT: Final = Accuracy(0.0)
_CUT: Final = Accuracy(2.0**-7)
_ROUNDED: Final = Accuracy(0.0040)
_FLOAT32: Final = Accuracy(2.4e-7)

WITH_16_BITS: Final[Mapping[str, Accuracy]] = {
    "abs": EXACT,
    "abs_of_condition": EXACT,
    "add_dst": _CUT,
    "add_number": _CUT,
    **{f"{name}_{operand}": EXACT for name in COMPARISONS for operand in ("number", "zero", "dst")},
    "clip": _CUT,
    "copy_dst": EXACT,
    "div_dst": _ROUNDED,
    "erf": _CUT,
    "exp": Accuracy(0.0058),
    "fill": _CUT,
    "fold_max": EXACT,
    "fold_min": EXACT,
    "fold_sum": _CUT,
    "gelu": Accuracy(0.0060, 1e-7),
    "leaky_relu": _CUT,
    "log": Accuracy(0.0042),
    "max_dst": EXACT,
    "max_number": _CUT,
    "min_dst": EXACT,
    "min_number": _CUT,
    "mul_dst": _ROUNDED,
    "mul_number": _CUT,
    "neg": EXACT,
    # The reciprocal is rounded, and the product cut.
    "rdiv_number": Accuracy(0.0118),
    "reciprocal": _ROUNDED,
    "relu": EXACT,
    "rsqrt": _ROUNDED,
    "rsub_number": _ROUNDED,
    "sigmoid": Accuracy(0.0051),
    "sign": EXACT,
    "silu": Accuracy(0.0055, 1.1e-36),
    "softplus": Accuracy(0.0046),
    "sqrt": _ROUNDED,
    "square": _ROUNDED,
    "sub_dst": _CUT,
    "tanh": Accuracy(0.0047),
    "where": EXACT,
    "zero": EXACT,
}
"""By the operation of the vector unit, the store to DST included."""

WITH_32_BITS: Final[Mapping[str, Accuracy]] = {
    **{name: EXACT if found == EXACT else _FLOAT32 for name, found in WITH_16_BITS.items()},
    "erf": Accuracy(4e-7),
    "clip": EXACT,
    "fill": EXACT,
    # erf is near -1 in the left tail, and 1 + erf keeps few of its bits.
    "gelu": Accuracy(3e-7, 1e-6),
    "max_number": EXACT,
    "min_number": EXACT,
    "silu": Accuracy(2.4e-7, 1.1e-36),
    # The line is added to a polynomial of degree 8 up to 5, where that is furthest off.
    "softplus": Accuracy(2.4e-7, curved=5.8e-4),
    **{f"{kind}_within_{dim}": EXACT for kind in ("max", "min") for dim in ("row", "col")},
    # Relative to the sum of absolute values: a tree of five additions.
    **{f"sum_within_{dim}": Accuracy(6e-7) for dim in ("row", "col")},
    **{f"{kind}_dst_{dim}": _FLOAT32 for kind in ("add", "sub", "mul") for dim in ("rows", "cols")},
}
"""The same with 32-bit DST, where the broadcasts of the vector unit work too."""
