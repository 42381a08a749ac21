// A slot and a number.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(binop_with_scalar_tile_init, BinopScalar)
TTEMU_SFPU_UNARY1_ACC(add_unary_tile, AddScalar, BinopScalar)
TTEMU_SFPU_UNARY1_ACC(sub_unary_tile, SubScalar, BinopScalar)
TTEMU_SFPU_UNARY1_ACC(mul_unary_tile, MulScalar, BinopScalar)
TTEMU_SFPU_UNARY1_ACC(div_unary_tile, DivScalar, BinopScalar)
TTEMU_SFPU_UNARY1_ACC(rsub_unary_tile, RsubScalar, BinopScalar)

}  // namespace ckernel
