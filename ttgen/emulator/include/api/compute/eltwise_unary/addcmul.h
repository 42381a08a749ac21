// a + value · b · c.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(addcmul_tile_init, Addcmul)
template <DataFormat data_format, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void addcmul_tile(uint32_t idst0, uint32_t idst1, uint32_t idst2, uint32_t odst, uint32_t value, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(ttemu::Sfpu::Addcmul, ttemu::Sfpu::Addcmul, idst0, idst1, idst2, odst, value, 0, 0, TTEMU_HERE));
    (void)idst0, (void)idst1, (void)idst2, (void)odst, (void)value, TTEMU_UNUSED;
}

}  // namespace ckernel
