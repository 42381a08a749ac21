// PReLU.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(prelu_tile_init, Prelu)
TTEMU_SFPU_UNARY1(prelu_tile, Prelu, Prelu)

}  // namespace ckernel
