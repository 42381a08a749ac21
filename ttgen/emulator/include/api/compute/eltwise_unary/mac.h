// a · b + c.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <DataFormat data_format>
TTEMU_SFPU_INIT(mac_tile_init, Mac)
template <DataFormat data_format>
ALWI void mac_tile(uint32_t idst0, uint32_t idst1, uint32_t idst2, uint32_t odst, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(ttemu::Sfpu::Mac, ttemu::Sfpu::Mac, idst0, idst1, idst2, odst, 0, 0, 0, TTEMU_HERE));
    (void)idst0, (void)idst1, (void)idst2, (void)odst, TTEMU_UNUSED;
}

}  // namespace ckernel
