// Clamping to [low, high].
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(clamp_tile_init, Clamp)
TTEMU_SFPU_UNARY2(clamp_tile, Clamp, Clamp)

}  // namespace ckernel
