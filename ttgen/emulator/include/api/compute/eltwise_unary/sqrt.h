// Square root.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(sqrt_tile_init, Sqrt)
template <bool FAST_APPROX = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY(sqrt_tile, Sqrt, Sqrt)

}  // namespace ckernel
