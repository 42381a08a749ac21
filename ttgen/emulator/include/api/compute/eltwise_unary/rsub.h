// number − x.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(rsub_tile_init, Rsub)
TTEMU_SFPU_UNARY1_ACC(rsub_tile, Rsub, Rsub)

}  // namespace ckernel
