// Error function.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <bool fast_and_approx = true>
TTEMU_SFPU_INIT(erf_tile_init, Erf)
template <bool fast_and_approx = true>
TTEMU_SFPU_UNARY(erf_tile, Erf, Erf)
TTEMU_SFPU_INIT(erfc_tile_init, Erfc)
TTEMU_SFPU_UNARY(erfc_tile, Erfc, Erfc)

}  // namespace ckernel
