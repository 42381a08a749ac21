// GELU, and its tanh form.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <bool fast_and_approx = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(gelu_tile_init, Gelu)
template <bool fast_and_approx = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY(gelu_tile, Gelu, Gelu)
template <bool fast_and_approx = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_PACK_INIT(gelu_tile_init_pack, Gelu)
template <bool fast_and_approx = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_PACK_UNARY(gelu_tile_pack, Gelu, Gelu)
template <bool fast = false>
TTEMU_SFPU_INIT(gelu_tanh_tile_init, GeluTanh)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE, bool fast = false>
TTEMU_SFPU_UNARY(gelu_tanh_tile, GeluTanh, GeluTanh)

}  // namespace ckernel
