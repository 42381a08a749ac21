"""Release 0.81. Headers and restrictions were read in its wheel, 0.81.1 (`tt_metal/hw/inc/api/compute/`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ttgen.apis.api import Api

_COMPUTE: Final = "api/compute/"
_UNARY: Final = f"{_COMPUTE}eltwise_unary/"
_DECLARED: Final[Mapping[str, str]] = {
    f"{_COMPUTE}binary_max_min.h": "max_dst min_dst fold_max fold_min",
    f"{_COMPUTE}bcast.h": "add_rows add_cols add_scalar sub_rows sub_cols sub_scalar mul_rows mul_cols mul_scalar",
    f"{_COMPUTE}compute_kernel_api.h": (
        "abs abs_of_condition log max_number min_number sigmoid sign silu square tanh "
        "sum_within_row sum_within_col max_within_row max_within_col min_within_row min_within_col"
    ),
    f"{_COMPUTE}copy_dest_values.h": "copy_dst",
    f"{_COMPUTE}eltwise_binary.h": "add sub mul mul_accumulate",
    f"{_COMPUTE}eltwise_binary_sfpu.h": ("add_dst sub_dst mul_dst div_dst fold_sum ge_dst gt_dst le_dst lt_dst eq_dst"),
    # rdiv.h uses a converter that it doesn't include: this one brings it.
    f"{_UNARY}binop_with_scalar.h": "add_number mul_number rsub_number rdiv_number",
    f"{_UNARY}clamp.h": "clip",
    f"{_UNARY}comp.h": ("ge_number gt_number le_number lt_number eq_number ge_zero gt_zero le_zero lt_zero eq_zero"),
    f"{_UNARY}erf_erfc.h": "erf",
    f"{_UNARY}exp.h": "exp",
    f"{_UNARY}fill.h": "fill zero",
    f"{_UNARY}gelu.h": "gelu",
    f"{_UNARY}negative.h": "neg",
    f"{_UNARY}rdiv.h": "rdiv_number",
    f"{_UNARY}recip.h": "reciprocal",
    f"{_UNARY}relu.h": "leaky_relu relu",
    f"{_UNARY}rsqrt.h": "rsqrt",
    f"{_UNARY}softplus.h": "softplus",
    f"{_UNARY}sqrt.h": "sqrt",
    f"{_UNARY}where.h": "where",
    f"{_COMPUTE}matmul.h": "matmul matmul_transposed matmul_block matmul_transposed_block",
    f"{_COMPUTE}reduce.h": "reduce_sum_row reduce_sum_col reduce_max_row reduce_max_col",
    f"{_COMPUTE}sfpu_binary_bcast.h": ("add_dst_rows add_dst_cols sub_dst_rows sub_dst_cols mul_dst_rows mul_dst_cols"),
    f"{_COMPUTE}tile_move_copy.h": "copy",
}
"""The operations that each header declares, or is needed for."""

_FULL_FIT: Final = ("INP_FLOAT32",)
"""Without it, the headers of erf (ckernel_sfpu_erf.h) and softplus (ckernel_sfpu_softplus.h) take a shorter fit: erf is
off by up to 3.2e-3 and softplus is 0 below -5. It is meant for float32 inputs, and as right where DST has 16 bits."""


def _by_operation() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for header, operations in _DECLARED.items():
        for name in operations.split():
            found[name] = (*found.get(name, ()), header)
    return found


API: Final = Api(
    version="0.81",
    templates="metalium_0_81",
    compute_headers=(f"{_COMPUTE}common.h", f"{_COMPUTE}compute_kernel_hw_startup.h"),
    headers=_by_operation(),
    defines={"erf": _FULL_FIT, "softplus": _FULL_FIT},
    program_files=("host/program.hpp", "host/program.cpp", "host/main.cpp", "CMakeLists.txt"),
    exchange_files=("host/collectives.hpp", "host/collectives.cpp"),
    python_file="kernel.py",
    folder_files=(
        "host/ttnn_parts.py", "host/numpy_parts.py", "host/program_parts.hpp", "host/program_parts.cpp",
        "host/mesh_parts.hpp", "host/tensor_io.hpp", "host/tensor_io.cpp",
    ),
    data_formats={"bfloat16": "Float16_b", "float32": "Float32", "bfloat8_b": "Bfp8_b", "bfloat4_b": "Bfp4_b"},
)  # fmt: skip
