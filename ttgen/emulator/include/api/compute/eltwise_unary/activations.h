// Further activations.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(hardsigmoid_tile_init, Hardsigmoid)
TTEMU_SFPU_UNARY(hardsigmoid_tile, Hardsigmoid, Hardsigmoid)
TTEMU_SFPU_INIT(softsign_tile_init, Softsign)
TTEMU_SFPU_UNARY(softsign_tile, Softsign, Softsign)
TTEMU_SFPU_INIT(celu_tile_init, Celu)
TTEMU_SFPU_UNARY2_ACC(celu_tile, Celu, Celu)
TTEMU_SFPU_INIT(softshrink_tile_init, Softshrink)
TTEMU_SFPU_UNARY1(softshrink_tile, Softshrink, Softshrink)
TTEMU_SFPU_INIT(hardshrink_tile_init, Hardshrink)
TTEMU_SFPU_UNARY1(hardshrink_tile, Hardshrink, Hardshrink)

}  // namespace ckernel
