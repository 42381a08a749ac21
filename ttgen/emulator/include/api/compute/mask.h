// 0 where the mask is 0, else the data. The mask is in the slot after that of the data, whatever the argument says.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(mask_tile_init, Mask)
ALWI void mask_tile(uint32_t idst_data, uint32_t idst2_mask, DataFormat data_format = DataFormat::Float16_b, TTEMU_WHERE) {
    if (data_format == DataFormat::Float16_b || data_format == DataFormat::Float16) {
        MATH(ttemu_detail::sfpu(ttemu::Sfpu::Mask, ttemu::Sfpu::Mask, idst_data, idst2_mask, idst2_mask, idst_data, 0, 0, 0, TTEMU_HERE));
    }  // another format: the device does nothing, or takes integers
    (void)idst_data, (void)idst2_mask, TTEMU_UNUSED;
}

}  // namespace ckernel
