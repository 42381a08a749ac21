// Mish.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <bool APPROXIMATION_MODE>
TTEMU_SFPU_INIT(mish_tile_init, Mish)
template <bool APPROXIMATION_MODE, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY(mish_tile, Mish, Mish)

}  // namespace ckernel
