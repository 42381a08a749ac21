// Classification: 1 where it holds, else 0.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(isinf_tile_init, IsInf)
TTEMU_SFPU_UNARY(isinf_tile, IsInf, IsInf)
TTEMU_SFPU_INIT(isposinf_tile_init, IsPosInf)
TTEMU_SFPU_UNARY(isposinf_tile, IsPosInf, IsPosInf)
TTEMU_SFPU_INIT(isneginf_tile_init, IsNegInf)
TTEMU_SFPU_UNARY(isneginf_tile, IsNegInf, IsNegInf)
TTEMU_SFPU_INIT(isnan_tile_init, IsNan)
TTEMU_SFPU_UNARY(isnan_tile, IsNan, IsNan)
TTEMU_SFPU_INIT(isfinite_tile_init, IsFinite)
TTEMU_SFPU_UNARY(isfinite_tile, IsFinite, IsFinite)

}  // namespace ckernel
