// GELU, and its tanh form.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <bool fast_and_approx = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT_MODE(gelu_tile_init, Gelu, fast_and_approx)
template <bool fast_and_approx = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY_MODE(gelu_tile, Gelu, Gelu, fast_and_approx, 0)
template <bool fast_and_approx = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_PACK_INIT(gelu_tile_init_pack, Gelu, fast_and_approx)
template <bool fast_and_approx = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_PACK_UNARY(gelu_tile_pack, Gelu, Gelu, fast_and_approx)
template <bool fast = false>
TTEMU_SFPU_INIT_MODE(gelu_tanh_tile_init, GeluTanh, fast)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE, bool fast = false>
TTEMU_SFPU_UNARY_MODE(gelu_tanh_tile, GeluTanh, GeluTanh, fast, 0)

}  // namespace ckernel
