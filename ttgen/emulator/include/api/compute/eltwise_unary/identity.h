// Identity.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(identity_tile_init, Identity)
TTEMU_SFPU_UNARY(identity_tile, Identity, Identity)

}  // namespace ckernel
