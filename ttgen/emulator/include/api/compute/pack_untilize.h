// Tiles to row-major rows, by the packer.
#pragma once

#include "api/compute/common.h"

namespace ckernel {

constexpr std::uint32_t TTEMU_TILE_WIDTH = 32;

template <
    uint32_t block_ct_dim = 8, uint32_t full_ct_dim = block_ct_dim, bool narrow_row = false, std::uint32_t row_num_datums = TTEMU_TILE_WIDTH,
    bool dense = false, bool configure_remap = true, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void pack_untilize_dest_init(uint32_t ocb, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    PACK(ttemu_reconfigure(2, ~0u, ocb, ttemu_file, call_line); ttemu_pack_untilize_init(ocb, block_ct_dim, full_ct_dim, ttemu_file, call_line));
    (void)ocb, (void)call_line, (void)ttemu_file;
}
template <uint32_t block_ct_dim = 8, uint32_t full_ct_dim = block_ct_dim, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void pack_untilize_init(uint32_t icb, uint32_t ocb, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(ttemu::FpuOp op; op.kind = ttemu::FpuKind::Copy; op.cb0 = icb; ttemu_fpu_init(&op, ttemu_file, call_line));
    pack_untilize_dest_init<block_ct_dim, full_ct_dim>(ocb, call_line, ttemu_file);
    (void)icb;
}
template <uint32_t block_ct_dim = 8, uint32_t full_ct_dim = block_ct_dim, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void pack_untilize_block(uint32_t icb, uint32_t block_rt_dim, uint32_t ocb, uint32_t block_c_index = 0, TTEMU_WHERE) {
    // The row of tiles read is always the front one of the buffer, as in the device header.
    for (uint32_t r = 0; r < block_rt_dim; ++r) {
        MATH(ttemu_tile_regs(0, TTEMU_HERE));
        for (uint32_t c = 0; c < block_ct_dim; ++c) {
            TTEMU_FPU(ttemu::FpuOp op; op.kind = ttemu::FpuKind::Copy; op.cb0 = icb; op.tile0 = c; op.dst = c; ttemu_fpu(&op, TTEMU_HERE));
        }
        MATH(ttemu_tile_regs(1, TTEMU_HERE));
        PACK(ttemu_tile_regs(2, TTEMU_HERE));
        PACK(ttemu_pack_untilize(ocb, 0, block_ct_dim, full_ct_dim, 1, block_c_index, TTEMU_HERE));
        PACK(ttemu_tile_regs(3, TTEMU_HERE));
    }
    (void)icb, (void)ocb, (void)block_c_index, (void)ttemu_file, (void)ttemu_line;
}
template <
    uint32_t block_ct_dim = 8, uint32_t full_ct_dim = block_ct_dim, bool diagonal = false, bool narrow_row = false,
    std::uint32_t row_num_datums = TTEMU_TILE_WIDTH, uint32_t tile_dst_ct_offset = 0, bool dense = false>
ALWI void pack_untilize_dest(
    uint32_t ocb, uint32_t block_rt_dim = 1, uint32_t block_c_index = 0, uint32_t tile_dst_rt_offset = 0, TTEMU_WHERE) {
    static_assert(!diagonal && !narrow_row && !dense && row_num_datums == TTEMU_TILE_WIDTH, "not modelled by the emulator");
    PACK(ttemu_pack_untilize(
        ocb, tile_dst_rt_offset * block_ct_dim + tile_dst_ct_offset, block_ct_dim, full_ct_dim, block_rt_dim, block_c_index, TTEMU_HERE));
    (void)ocb, (void)block_rt_dim, (void)block_c_index, (void)tile_dst_rt_offset, (void)ttemu_file, (void)ttemu_line;
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void pack_untilize_uninit(uint32_t ocb, TTEMU_WHERE) {
    PACK(ttemu_pack_untilize_uninit(ocb, TTEMU_HERE));
    (void)ocb, (void)ttemu_file, (void)ttemu_line;
}

}  // namespace ckernel
