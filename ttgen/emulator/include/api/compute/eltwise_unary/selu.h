// SELU: scale, alpha.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(selu_tile_init, Selu)
TTEMU_SFPU_UNARY2_ACC(selu_tile, Selu, Selu)

}  // namespace ckernel
