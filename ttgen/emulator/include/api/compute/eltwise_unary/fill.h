// Filling a slot with one value.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(fill_tile_init, Fill)
TTEMU_SFPU_UNARY1(fill_tile_bitcast, Fill, Fill)
ALWI void fill_tile(uint32_t idst, float param0, TTEMU_WHERE) {
    uint32_t bits;
    __builtin_memcpy(&bits, &param0, 4);
    fill_tile_bitcast(idst, bits, TTEMU_HERE);
}

}  // namespace ckernel
