// Error function.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

template <bool fast_and_approx = true>
TTEMU_SFPU_INIT_MODE(erf_tile_init, Erf, fast_and_approx)
template <bool fast_and_approx = true>
TTEMU_SFPU_UNARY_MODE(erf_tile, Erf, Erf, fast_and_approx, ttemu_detail::kFloatInput)
TTEMU_SFPU_INIT(erfc_tile_init, Erfc)
TTEMU_SFPU_UNARY(erfc_tile, Erfc, Erfc)

}  // namespace ckernel
