// x above the threshold, else the value.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(threshold_tile_init, Threshold)
TTEMU_SFPU_UNARY2(threshold_tile, Threshold, Threshold)

}  // namespace ckernel
