// Row-major rows to tiles. The block functions hand DST over themselves.
#pragma once

#include "api/compute/common.h"

namespace ckernel {

template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void tilize_init(
    uint32_t icb, uint32_t block, uint32_t ocb, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(ttemu::FpuOp op; op.kind = ttemu::FpuKind::Tilize; op.cb0 = icb; op.ct = block; ttemu_fpu_init(&op, ttemu_file, call_line));
    PACK(ttemu_pack_init(ocb, ttemu_file, call_line));
    (void)icb, (void)block, (void)ocb, (void)call_line, (void)ttemu_file;
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void tilize_block(
    uint32_t icb, uint32_t block, uint32_t ocb, uint32_t input_tile_index = 0, uint32_t output_tile_index = 0, TTEMU_WHERE) {
    for (uint32_t t = 0; t < block; ++t) {
        MATH(ttemu_tile_regs(0, TTEMU_HERE));
        PACK(ttemu_tile_regs(2, TTEMU_HERE));
        TTEMU_FPU(ttemu::FpuOp op; op.kind = ttemu::FpuKind::Tilize; op.cb0 = icb; op.tile0 = input_tile_index; op.tile1 = t; op.ct = block;
                  ttemu_fpu(&op, TTEMU_HERE));
        PACK(ttemu_pack(0, ocb, t + output_tile_index, 1, TTEMU_HERE));
        MATH(ttemu_tile_regs(1, TTEMU_HERE));
        PACK(ttemu_tile_regs(3, TTEMU_HERE));
    }
    (void)icb, (void)ocb, (void)input_tile_index, (void)output_tile_index, (void)ttemu_file, (void)ttemu_line;
}
ALWI void tilize_uninit(uint32_t icb, uint32_t ocb) { (void)icb, (void)ocb; }

template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void fast_tilize_init(
    uint32_t icb, uint32_t full_dim, uint32_t ocb, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    tilize_init<is_fp32_dest_acc_en>(icb, full_dim, ocb, call_line, ttemu_file);
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void fast_tilize_block(
    uint32_t icb, uint32_t block, uint32_t ocb, uint32_t input_tile_index = 0, uint32_t output_tile_index = 0, TTEMU_WHERE) {
    tilize_block<is_fp32_dest_acc_en>(icb, block, ocb, input_tile_index, output_tile_index, TTEMU_HERE);
}
ALWI void fast_tilize_uninit(uint32_t icb, uint32_t ocb, uint32_t full_dim) { (void)icb, (void)ocb, (void)full_dim; }

}  // namespace ckernel
