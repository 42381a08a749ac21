// Trigonometric and hyperbolic functions.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(sin_tile_init, Sin)
TTEMU_SFPU_UNARY_ACC(sin_tile, Sin, Sin)
TTEMU_SFPU_INIT(cos_tile_init, Cos)
TTEMU_SFPU_UNARY_ACC(cos_tile, Cos, Cos)
TTEMU_SFPU_INIT(tan_tile_init, Tan)
TTEMU_SFPU_UNARY_ACC(tan_tile, Tan, Tan)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(asin_tile_init, Asin)
TTEMU_SFPU_UNARY_ACC(asin_tile, Asin, Asin)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(acos_tile_init, Acos)
TTEMU_SFPU_UNARY_ACC(acos_tile, Acos, Acos)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(atan_tile_init, Atan)
TTEMU_SFPU_UNARY_ACC(atan_tile, Atan, Atan)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(sinh_tile_init, Sinh)
TTEMU_SFPU_UNARY_ACC(sinh_tile, Sinh, Sinh)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(cosh_tile_init, Cosh)
TTEMU_SFPU_UNARY_ACC(cosh_tile, Cosh, Cosh)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(asinh_tile_init, Asinh)
TTEMU_SFPU_UNARY_ACC(asinh_tile, Asinh, Asinh)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(acosh_tile_init, Acosh)
TTEMU_SFPU_UNARY_ACC(acosh_tile, Acosh, Acosh)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(atanh_tile_init, Atanh)
TTEMU_SFPU_UNARY_ACC(atanh_tile, Atanh, Atanh)

}  // namespace ckernel
