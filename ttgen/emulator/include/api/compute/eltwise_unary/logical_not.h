// 1 where x is zero, else 0.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(logical_not_tile_init, LogicalNot)
template <DataFormat DATA_FORMAT>
TTEMU_SFPU_UNARY(logical_not_tile, LogicalNot, LogicalNot)

}  // namespace ckernel
