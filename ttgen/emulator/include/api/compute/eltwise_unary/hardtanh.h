// Clamping to [low, high].
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(hardtanh_tile_init, Hardtanh)
TTEMU_SFPU_UNARY2(hardtanh_tile, Hardtanh, Hardtanh)

}  // namespace ckernel
