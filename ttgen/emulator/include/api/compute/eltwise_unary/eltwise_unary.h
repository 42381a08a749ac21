// Deprecated common inits, kept because the release still has them.
#pragma once

#include "api/compute/common.h"
#include "api/compute/tile_move_copy.h"

namespace ckernel {

ALWI void unary_op_init_common(uint32_t icb, uint32_t ocb, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    compute_kernel_hw_startup(icb, ocb, ttemu_file, call_line);
    copy_init(icb, 0, false, call_line, ttemu_file);
}
ALWI void init_sfpu(uint32_t icb, uint32_t ocb, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    unary_op_init_common(icb, ocb, call_line, ttemu_file);
}

}  // namespace ckernel
