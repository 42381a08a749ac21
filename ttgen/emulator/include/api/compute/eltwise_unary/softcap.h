// beta · tanh(x / beta).
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(softcap_tile_init, Softcap)
TTEMU_SFPU_UNARY2(softcap_tile, Softcap, Softcap)

}  // namespace ckernel
