// Copying tiles from a circular buffer to DST (through SrcA, or straight to DST for buffers in unpack-to-dest mode).
#pragma once

#include "api/compute/common_globals.h"
#include "api/compute/reconfig_data_format.h"

namespace ckernel {

template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void copy_init(
    std::uint32_t cbid, std::uint32_t transpose = 0, std::uint32_t transpose_within_16x16_face = false,
    std::uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(ttemu::FpuOp op; op.kind = ttemu::FpuKind::Copy; op.cb0 = cbid; op.transpose = transpose | transpose_within_16x16_face << 1;
              ttemu_fpu_init(&op, ttemu_file, call_line));
    (void)cbid, (void)transpose, (void)transpose_within_16x16_face, (void)call_line, (void)ttemu_file;
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void copy_tile(std::uint32_t in_cb_id, std::uint32_t in_tile_index, std::uint32_t dst_tile_index, TTEMU_WHERE) {
    TTEMU_FPU(ttemu::FpuOp op; op.kind = ttemu::FpuKind::Copy; op.cb0 = in_cb_id; op.tile0 = in_tile_index; op.dst = dst_tile_index;
              ttemu_fpu(&op, TTEMU_HERE));
    (void)in_cb_id, (void)in_tile_index, (void)dst_tile_index, (void)ttemu_file, (void)ttemu_line;
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void copy_block(
    std::uint32_t in_cb_id, std::uint32_t start_in_tile_index, std::uint32_t start_dst_tile_index, std::uint32_t ntiles, TTEMU_WHERE) {
    for (std::uint32_t i = 0; i < ntiles; ++i) {
        copy_tile(in_cb_id, start_in_tile_index + i, start_dst_tile_index + i, TTEMU_HERE);
    }
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
[[deprecated("Renamed to copy_init()")]]
ALWI void copy_tile_init(std::uint32_t cbid, std::uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    copy_init<is_fp32_dest_acc_en>(cbid, 0, false, call_line, ttemu_file);
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
[[deprecated("Renamed to copy_init()")]]
ALWI void copy_tile_to_dst_init_short(
    std::uint32_t cbid, std::uint32_t transpose = 0, std::uint32_t transpose_within_16x16_face = false,
    std::uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    copy_init<is_fp32_dest_acc_en>(cbid, transpose, transpose_within_16x16_face, call_line, ttemu_file);
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
[[deprecated("Call reconfig_data_format_srca(old, new) then copy_init(new, transpose)")]]
ALWI void copy_tile_to_dst_init_short_with_dt(std::uint32_t old_cbid, std::uint32_t new_cbid, std::uint32_t transpose = 0, TTEMU_WHERE) {
    reconfig_data_format_srca(old_cbid, new_cbid, TTEMU_HERE);
    copy_init<is_fp32_dest_acc_en>(new_cbid, transpose, false, ttemu_line, ttemu_file);
}

}  // namespace ckernel
