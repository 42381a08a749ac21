// Two slots of DST into a third.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(add_binary_tile_init, AddBinary)
TTEMU_SFPU_BINARY_ROUND(add_binary_tile, AddBinary, AddBinary)
TTEMU_SFPU_INIT(sub_binary_tile_init, SubBinary)
TTEMU_SFPU_BINARY_ROUND(sub_binary_tile, SubBinary, SubBinary)
TTEMU_SFPU_INIT(rsub_binary_tile_init, RsubBinary)
TTEMU_SFPU_BINARY_ROUND(rsub_binary_tile, RsubBinary, RsubBinary)
TTEMU_SFPU_INIT(mul_binary_tile_init, MulBinary)
TTEMU_SFPU_BINARY_ACC(mul_binary_tile, MulBinary, MulBinary)
TTEMU_SFPU_INIT(div_binary_tile_init, DivBinary)
TTEMU_SFPU_BINARY_ACC(div_binary_tile, DivBinary, DivBinary)
TTEMU_SFPU_INIT(power_binary_tile_init, PowerBinary)
TTEMU_SFPU_BINARY_ACC(power_binary_tile, PowerBinary, PowerBinary)
TTEMU_SFPU_INIT(eq_binary_tile_init, EqBinary)
TTEMU_SFPU_BINARY(eq_binary_tile, EqBinary, EqBinary)
TTEMU_SFPU_INIT(ne_binary_tile_init, NeBinary)
TTEMU_SFPU_BINARY(ne_binary_tile, NeBinary, NeBinary)
TTEMU_SFPU_INIT(lt_binary_tile_init, LtBinary)
TTEMU_SFPU_BINARY(lt_binary_tile, LtBinary, LtBinary)
TTEMU_SFPU_INIT(gt_binary_tile_init, GtBinary)
TTEMU_SFPU_BINARY(gt_binary_tile, GtBinary, GtBinary)
TTEMU_SFPU_INIT(le_binary_tile_init, LeBinary)
TTEMU_SFPU_BINARY(le_binary_tile, LeBinary, LeBinary)
TTEMU_SFPU_INIT(ge_binary_tile_init, GeBinary)
TTEMU_SFPU_BINARY(ge_binary_tile, GeBinary, GeBinary)

}  // namespace ckernel
