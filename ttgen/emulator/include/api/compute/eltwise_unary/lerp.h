// a + c · (b − a).
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(lerp_tile_init, Lerp)
template <DataFormat data_format, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void lerp_tile(uint32_t idst0, uint32_t idst1, uint32_t idst2, uint32_t odst, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(ttemu::Sfpu::Lerp, ttemu::Sfpu::Lerp, idst0, idst1, idst2, odst, 0, 0, 0, TTEMU_HERE));
    (void)idst0, (void)idst1, (void)idst2, (void)odst, TTEMU_UNUSED;
}

}  // namespace ckernel
