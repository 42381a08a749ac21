// Comparisons with a number and with zero: 1 where it holds, else 0.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(unary_ne_tile_init, UnaryNe)
TTEMU_SFPU_UNARY1(unary_ne_tile, UnaryNe, UnaryNe)
TTEMU_SFPU_INIT(unary_eq_tile_init, UnaryEq)
TTEMU_SFPU_UNARY1(unary_eq_tile, UnaryEq, UnaryEq)
TTEMU_SFPU_INIT(unary_gt_tile_init, UnaryGt)
TTEMU_SFPU_UNARY1(unary_gt_tile, UnaryGt, UnaryGt)
TTEMU_SFPU_INIT(unary_ge_tile_init, UnaryGe)
TTEMU_SFPU_UNARY1(unary_ge_tile, UnaryGe, UnaryGe)
TTEMU_SFPU_INIT(unary_lt_tile_init, UnaryLt)
TTEMU_SFPU_UNARY1(unary_lt_tile, UnaryLt, UnaryLt)
TTEMU_SFPU_INIT(unary_le_tile_init, UnaryLe)
TTEMU_SFPU_UNARY1(unary_le_tile, UnaryLe, UnaryLe)
TTEMU_SFPU_INIT(gtz_tile_init, Gtz)
TTEMU_SFPU_UNARY(gtz_tile, Gtz, Gtz)
TTEMU_SFPU_INIT(nez_tile_init, Nez)
TTEMU_SFPU_UNARY(nez_tile, Nez, Nez)
TTEMU_SFPU_INIT(gez_tile_init, Gez)
TTEMU_SFPU_UNARY(gez_tile, Gez, Gez)
TTEMU_SFPU_INIT(ltz_tile_init, Ltz)
TTEMU_SFPU_UNARY(ltz_tile, Ltz, Ltz)
TTEMU_SFPU_INIT(eqz_tile_init, Eqz)
TTEMU_SFPU_UNARY(eqz_tile, Eqz, Eqz)
TTEMU_SFPU_INIT(lez_tile_init, Lez)
TTEMU_SFPU_UNARY(lez_tile, Lez, Lez)

}  // namespace ckernel
