// number to the power x.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(rpow_tile_init, Rpow)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void rpow_tile(uint32_t idst, uint32_t base_val, VectorMode vector_mode = VectorMode::RC, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(
        ttemu::Sfpu::Rpow, ttemu::Sfpu::Rpow, idst, idst, idst, idst, base_val, 0, static_cast<uint32_t>(vector_mode), TTEMU_HERE));
    (void)idst, (void)base_val, (void)vector_mode, TTEMU_UNUSED;
}

}  // namespace ckernel
