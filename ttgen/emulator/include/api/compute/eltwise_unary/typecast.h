// Casts between floating-point formats (the only ones modelled).
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <uint32_t IN_DTYPE, uint32_t OUT_DTYPE>
TTEMU_SFPU_INIT(typecast_tile_init, Typecast)
template <uint32_t IN_DTYPE, uint32_t OUT_DTYPE, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void typecast_tile(uint32_t idst, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(ttemu::Sfpu::Typecast, ttemu::Sfpu::Typecast, idst, idst, idst, idst, IN_DTYPE, OUT_DTYPE, 0, TTEMU_HERE));
    (void)idst, TTEMU_UNUSED;
}

}  // namespace ckernel
