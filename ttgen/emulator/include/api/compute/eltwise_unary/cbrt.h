// Cube root.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(cbrt_tile_init, Cbrt)
TTEMU_SFPU_UNARY_ACC(cbrt_tile, Cbrt, Cbrt)

}  // namespace ckernel
