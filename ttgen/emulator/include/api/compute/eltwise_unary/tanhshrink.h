// x − tanh x.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(tanhshrink_tile_init, Tanhshrink)
TTEMU_SFPU_UNARY_ACC(tanhshrink_tile, Tanhshrink, Tanhshrink)

}  // namespace ckernel
