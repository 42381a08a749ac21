// ELU.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(elu_tile_init, Elu)
TTEMU_SFPU_UNARY1_ACC(elu_tile, Elu, Elu)

}  // namespace ckernel
