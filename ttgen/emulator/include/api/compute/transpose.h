// Transposing tiles from a circular buffer to DST.
#pragma once

#include "api/compute/common.h"

namespace ckernel {

template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void transpose_init(uint32_t icb, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(ttemu::FpuOp op; op.kind = ttemu::FpuKind::Transpose; op.cb0 = icb; ttemu_fpu_init(&op, ttemu_file, call_line));
    (void)icb, (void)call_line, (void)ttemu_file;
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void transpose_tile(uint32_t icb, uint32_t itile, uint32_t idst, TTEMU_WHERE) {
    TTEMU_FPU(ttemu::FpuOp op; op.kind = ttemu::FpuKind::Transpose; op.cb0 = icb; op.tile0 = itile; op.dst = idst;
              ttemu_fpu(&op, TTEMU_HERE));
    (void)icb, (void)itile, (void)idst, (void)ttemu_file, (void)ttemu_line;
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void transpose_block(uint32_t icb, uint32_t start_itile, uint32_t start_idst, uint32_t ntiles, TTEMU_WHERE) {
    for (uint32_t i = 0; i < ntiles; ++i) transpose_tile<is_fp32_dest_acc_en>(icb, start_itile + i, start_idst + i, TTEMU_HERE);
}

}  // namespace ckernel
