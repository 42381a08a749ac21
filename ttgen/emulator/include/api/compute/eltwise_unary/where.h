// where(condition, a, b): the condition holds where any of its bits is set, as those of −0 are.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(where_tile_init, Where)
template <DataFormat data_format>
ALWI void where_tile(uint32_t idst0, uint32_t idst1, uint32_t idst2, uint32_t odst, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(ttemu::Sfpu::Where, ttemu::Sfpu::Where, idst0, idst1, idst2, odst, 0, 0, 0, TTEMU_HERE, 0,
                             static_cast<uint32_t>(data_format)));
    (void)idst0, (void)idst1, (void)idst2, (void)odst, TTEMU_UNUSED;
}

}  // namespace ckernel
