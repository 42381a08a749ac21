// Reduction of a tile along its rows, its columns or both: DST (op)= reduce(tile) × scaler.
#pragma once

#include "api/compute/common.h"

namespace ckernel {

namespace ttemu_detail {
ALWI ttemu::FpuOp reduce(PoolType pool, ReduceDim dim, uint32_t cb, uint32_t scaler, uint32_t tile, uint32_t scaler_tile, uint32_t dst) {
    ttemu::FpuOp op;
    op.kind = ttemu::FpuKind::Reduce;
    op.pool = static_cast<ttemu::Pool>(pool);
    op.dim = static_cast<ttemu::Dim>(dim);
    op.cb0 = cb;
    op.cb1 = scaler;
    op.tile0 = tile;
    op.tile1 = scaler_tile;
    op.dst = dst;
    return op;
}
}  // namespace ttemu_detail

template <PoolType reduce_type, ReduceDim reduce_dim, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void reduce_init(
    std::uint32_t icb, std::uint32_t icb_scaler, std::uint32_t ocb, std::uint32_t call_line = __builtin_LINE(),
    const char* ttemu_file = __builtin_FILE()) {
    static_assert(reduce_type != PoolType::MIN, "the matrix unit has no minimum: sfpu_reduce has");
    TTEMU_FPU(const auto op = ttemu_detail::reduce(reduce_type, reduce_dim, icb, icb_scaler, 0, 0, 0);
              ttemu_fpu_init(&op, ttemu_file, call_line));
    PACK(ttemu_pack_reduce_mask(static_cast<int>(reduce_dim), ttemu_file, call_line));
    (void)icb, (void)icb_scaler, (void)ocb, (void)call_line, (void)ttemu_file;
}
ALWI void reduce_uninit(std::uint32_t icb = 0, TTEMU_WHERE) {
    PACK(ttemu_pack_reduce_mask(-1, TTEMU_HERE));
    (void)icb, (void)ttemu_file, (void)ttemu_line;
}
template <PoolType reduce_type, ReduceDim reduce_dim, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void reduce_tile(
    std::uint32_t icb, std::uint32_t icb_scaler, std::uint32_t itile, std::uint32_t itile_scaler, std::uint32_t idst, TTEMU_WHERE) {
    TTEMU_FPU(const auto op = ttemu_detail::reduce(reduce_type, reduce_dim, icb, icb_scaler, itile, itile_scaler, idst);
              ttemu_fpu(&op, TTEMU_HERE));
    (void)icb, (void)icb_scaler, (void)itile, (void)itile_scaler, (void)idst, (void)ttemu_file, (void)ttemu_line;
}
template <PoolType reduce_type, ReduceDim reduce_dim, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void reduce_block(
    std::uint32_t icb, std::uint32_t icb_scaler, std::uint32_t start_itile, std::uint32_t itile_scaler, std::uint32_t start_idst,
    std::uint32_t ntiles, TTEMU_WHERE) {
    for (std::uint32_t i = 0; i < ntiles; ++i) {
        reduce_tile<reduce_type, reduce_dim, is_fp32_dest_acc_en>(
            icb, icb_scaler, start_itile + i, itile_scaler, start_idst + i, TTEMU_HERE);
    }
}

}  // namespace ckernel
