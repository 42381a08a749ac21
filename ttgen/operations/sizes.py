"""Bytes of code that an operation's function takes on the math thread, once a kernel.

Measured on the bodies of release 0.81.1 (`hw/ckernels/wormhole_b0/metal/llk_api/llk_sfpu/`), with 32-bit DST and a word
an instruction of the vector unit, and scaled so that a kernel with all functions takes the 56,764 bytes that a build of
it was seen to take. Functions that are unrolled eight times (log, sqrt, rsqrt, sigmoid, silu) are the large ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ttgen.operations.accuracy import COMPARISONS

FUNCTION_BYTES: Final[Mapping[str, int]] = {
    "abs": 420,
    "abs_of_condition": 420,
    "add_dst": 640,
    "add_dst_cols": 3870,
    "add_dst_rows": 3250,
    "add_number": 1030,
    "clip": 700,
    "copy_dst": 450,
    "div_dst": 860,
    "erf": 490,
    "exp": 390,
    "fill": 400,
    "fold_max": 840,
    "fold_min": 840,
    "fold_sum": 640,
    "gelu": 790,
    "leaky_relu": 2550,
    "log": 10070,
    "max_dst": 840,
    "max_number": 330,
    "min_dst": 840,
    "min_number": 330,
    "mul_dst": 530,
    "mul_dst_cols": 3870,
    "mul_dst_rows": 3250,
    "mul_number": 550,
    "neg": 320,
    "rdiv_number": 3900,
    "reciprocal": 3710,
    "relu": 280,
    "rsqrt": 7380,
    "rsub_number": 440,
    "sigmoid": 6660,
    "sign": 220,
    "silu": 6770,
    "softplus": 890,
    "sqrt": 8350,
    "square": 200,
    "sub_dst": 750,
    "sub_dst_cols": 3980,
    "sub_dst_rows": 3250,
    "tanh": 930,
    "max_within_col": 900,
    "max_within_row": 3100,
    "min_within_col": 950,
    "min_within_row": 3200,
    "sum_within_col": 1900,
    "sum_within_row": 3100,
    **{f"{name}_dst": 2100 for name in COMPARISONS},
    **{f"{name}_{operand}": 700 for name in COMPARISONS for operand in ("number", "zero")},
    "where": 100,
    "zero": 400,
}
