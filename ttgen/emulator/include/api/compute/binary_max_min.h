// Larger or smaller of two slots.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(binary_max_tile_init, MaxBinary)
TTEMU_SFPU_INIT(binary_min_tile_init, MinBinary)
ALWI void binary_max_tile(uint32_t idst0, uint32_t idst1, uint32_t odst, VectorMode vector_mode = VectorMode::RC, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(
        ttemu::Sfpu::MaxBinary, ttemu::Sfpu::MaxBinary, idst0, idst1, idst1, odst, 0, 0, static_cast<uint32_t>(vector_mode), TTEMU_HERE));
    (void)idst0, (void)idst1, (void)odst, (void)vector_mode, TTEMU_UNUSED;
}
ALWI void binary_min_tile(uint32_t idst0, uint32_t idst1, uint32_t odst, VectorMode vector_mode = VectorMode::RC, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(
        ttemu::Sfpu::MinBinary, ttemu::Sfpu::MinBinary, idst0, idst1, idst1, odst, 0, 0, static_cast<uint32_t>(vector_mode), TTEMU_HERE));
    (void)idst0, (void)idst1, (void)odst, (void)vector_mode, TTEMU_UNUSED;
}

}  // namespace ckernel
