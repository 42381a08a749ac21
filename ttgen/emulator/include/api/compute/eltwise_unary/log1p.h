// log(1 + x).
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <bool fast_and_approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(log1p_tile_init, Log1p)
template <bool fast_and_approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY(log1p_tile, Log1p, Log1p)

}  // namespace ckernel
