// Matrix multiplication: DST += in0 @ in1. in0 goes through SrcB and in1 through SrcA.
#pragma once

#include "api/compute/common.h"

namespace ckernel {

namespace ttemu_detail {
ALWI ttemu::FpuOp matmul(
    ttemu::FpuKind kind, uint32_t in0, uint32_t in1, uint32_t tile0, uint32_t tile1, uint32_t dst, uint32_t transpose, uint32_t ct, uint32_t rt,
    uint32_t kt) {
    ttemu::FpuOp op;
    op.kind = kind;
    op.cb0 = in0;
    op.cb1 = in1;
    op.tile0 = tile0;
    op.tile1 = tile1;
    op.dst = dst;
    op.transpose = transpose;
    op.ct = ct;
    op.rt = rt;
    op.kt = kt;
    return op;
}
}  // namespace ttemu_detail

ALWI void matmul_init(
    std::uint32_t in0_cb_id, std::uint32_t in1_cb_id, const std::uint32_t transpose = 0, std::uint32_t call_line = __builtin_LINE(),
    const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(const auto op = ttemu_detail::matmul(ttemu::FpuKind::Matmul, in0_cb_id, in1_cb_id, 0, 0, 0, transpose, 1, 1, 1);
              ttemu_fpu_init(&op, ttemu_file, call_line));
    (void)in0_cb_id, (void)in1_cb_id, (void)transpose, (void)call_line, (void)ttemu_file;
}
ALWI void matmul_tiles(
    std::uint32_t in0_cb_id, std::uint32_t in1_cb_id, std::uint32_t in0_tile_index, std::uint32_t in1_tile_index, std::uint32_t idst,
    TTEMU_WHERE) {
    TTEMU_FPU(const auto op = ttemu_detail::matmul(
                  ttemu::FpuKind::Matmul, in0_cb_id, in1_cb_id, in0_tile_index, in1_tile_index, idst, 0, 1, 1, 1);
              ttemu_fpu(&op, TTEMU_HERE));
    (void)in0_cb_id, (void)in1_cb_id, (void)in0_tile_index, (void)in1_tile_index, (void)idst, (void)ttemu_file, (void)ttemu_line;
}
ALWI void matmul_block_init(
    std::uint32_t in0_cb_id, std::uint32_t in1_cb_id, const std::uint32_t transpose = 0, std::uint32_t ct_dim = 1, std::uint32_t rt_dim = 1,
    std::uint32_t kt_dim = 1, std::uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(const auto op = ttemu_detail::matmul(
                  ttemu::FpuKind::MatmulBlock, in0_cb_id, in1_cb_id, 0, 0, 0, transpose, ct_dim, rt_dim, kt_dim);
              ttemu_fpu_init(&op, ttemu_file, call_line));
    (void)in0_cb_id, (void)in1_cb_id, (void)transpose, (void)ct_dim, (void)rt_dim, (void)kt_dim, (void)call_line, (void)ttemu_file;
}
ALWI void matmul_block(
    std::uint32_t in0_cb_id, std::uint32_t in1_cb_id, std::uint32_t in0_tile_index, std::uint32_t in1_tile_index, std::uint32_t idst,
    const std::uint32_t transpose, std::uint32_t ct_dim, std::uint32_t rt_dim, std::uint32_t kt_dim,
    std::uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(const auto op = ttemu_detail::matmul(
                  ttemu::FpuKind::MatmulBlock, in0_cb_id, in1_cb_id, in0_tile_index, in1_tile_index, idst, transpose, ct_dim, rt_dim, kt_dim);
              ttemu_fpu(&op, ttemu_file, call_line));
    (void)in0_cb_id, (void)in1_cb_id, (void)in0_tile_index, (void)in1_tile_index, (void)idst, (void)transpose, (void)ct_dim, (void)rt_dim,
        (void)kt_dim, (void)call_line, (void)ttemu_file;
}

}  // namespace ckernel
