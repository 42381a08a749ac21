// number / x.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(rdiv_tile_init, Rdiv)
template <RoundingMode rounding_mode = RoundingMode::None, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void rdiv_tile(uint32_t dst_index, uint32_t value, VectorMode vector_mode = VectorMode::RC, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(
        ttemu::Sfpu::Rdiv, ttemu::Sfpu::Rdiv, dst_index, dst_index, dst_index, dst_index, value, static_cast<uint32_t>(rounding_mode),
        static_cast<uint32_t>(vector_mode), TTEMU_HERE));
    (void)dst_index, (void)value, (void)vector_mode, TTEMU_UNUSED;
}

}  // namespace ckernel
