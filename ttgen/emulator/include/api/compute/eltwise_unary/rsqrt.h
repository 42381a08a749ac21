// Reciprocal of the square root.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

enum class RsqrtMode { Default, Fast };

TTEMU_SFPU_INIT(rsqrt_tile_init, Rsqrt)
template <RsqrtMode mode = RsqrtMode::Default, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY(rsqrt_tile, Rsqrt, Rsqrt)

}  // namespace ckernel
