// Copying one slot of DST to another.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(copy_dest_values_init, CopyDest)
template <DataFormat DATA_FORMAT>
ALWI void copy_dest_values(uint32_t idst_in, uint32_t idst_out, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(ttemu::Sfpu::CopyDest, ttemu::Sfpu::CopyDest, idst_in, idst_in, idst_in, idst_out, 0, 0, 0, TTEMU_HERE, 0,
                             static_cast<uint32_t>(DATA_FORMAT)));
    (void)idst_in, (void)idst_out, TTEMU_UNUSED;
}
[[deprecated("Use copy_dest_values<DataFormat> instead")]]
ALWI void copy_dest_values(uint32_t idst_in, uint32_t idst_out, TTEMU_WHERE) {
    copy_dest_values<DST_ACCUM_MODE ? DataFormat::Float32 : DataFormat::Float16_b>(idst_in, idst_out, TTEMU_HERE);
    (void)idst_in, (void)idst_out, TTEMU_UNUSED;
}

}  // namespace ckernel
