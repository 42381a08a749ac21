// Negation.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(negative_tile_init, Negative)
TTEMU_SFPU_UNARY(negative_tile, Negative, Negative)

}  // namespace ckernel
