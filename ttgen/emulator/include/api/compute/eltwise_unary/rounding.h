// Rounding.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(rounding_op_tile_init, Rounding)
TTEMU_SFPU_UNARY(ceil_tile, Ceil, Rounding)
TTEMU_SFPU_UNARY(floor_tile, Floor, Rounding)
TTEMU_SFPU_UNARY(trunc_tile, Trunc, Rounding)
TTEMU_SFPU_UNARY(frac_tile, Frac, Rounding)

}  // namespace ckernel
