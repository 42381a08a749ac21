// softplus(x) = log(1 + exp(beta·x)) / beta, x above the threshold.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(softplus_tile_init, Softplus)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY3_VARIANT(softplus_tile, Softplus, Softplus, ttemu_detail::kFloatInput)

}  // namespace ckernel
