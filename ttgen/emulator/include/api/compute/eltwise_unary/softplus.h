// softplus(x) = log(1 + exp(beta·x)) / beta, x above the threshold.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(softplus_tile_init, Softplus)
TTEMU_SFPU_UNARY3_ACC(softplus_tile, Softplus, Softplus)

}  // namespace ckernel
