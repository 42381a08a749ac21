// Elementwise operations whose second operand is one row, one column or one element, and the broadcast of one operand to DST.
#pragma once

#include "api/compute/common.h"
#include "api/compute/eltwise_binary.h"

namespace ckernel {

template <BroadcastType bcast_type, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void unary_bcast_init(uint32_t icb, TTEMU_WHERE) {
    TTEMU_FPU(const auto op = ttemu_detail::binary(ttemu::FpuKind::UnaryBroadcast, bcast_type, icb, icb); ttemu_fpu_init(&op, TTEMU_HERE));
    (void)icb, (void)ttemu_file, (void)ttemu_line;
}
template <BroadcastType bcast_type, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void unary_bcast(uint32_t icb, uint32_t in_tile_index, uint32_t dst_tile_index, TTEMU_WHERE) {
    TTEMU_FPU(const auto op = ttemu_detail::binary(
                  ttemu::FpuKind::UnaryBroadcast, bcast_type, icb, icb, in_tile_index, in_tile_index, dst_tile_index);
              ttemu_fpu(&op, TTEMU_HERE));
    (void)icb, (void)in_tile_index, (void)dst_tile_index, (void)ttemu_file, (void)ttemu_line;
}
template <BroadcastType bcast_type>
ALWI void unary_bcast_uninit(uint32_t icb) {
    (void)icb;
}

template <EltwiseBinaryType tBcastOp, BroadcastType tBcastDim>
ALWI void bcast_init(
    uint32_t icb0, uint32_t icb1, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(const auto op = ttemu_detail::binary(ttemu_detail::fpu_kind(tBcastOp), tBcastDim, icb0, icb1);
              ttemu_fpu_init(&op, ttemu_file, call_line));
    (void)icb0, (void)icb1, (void)call_line, (void)ttemu_file;
}
template <EltwiseBinaryType tBcastOp, BroadcastType tBcastDim, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void any_tiles_bcast(
    uint32_t icb0, uint32_t icb1, uint32_t itile0, uint32_t itile1, uint32_t idst, uint32_t bcast_row_idx = 0, TTEMU_WHERE) {
    TTEMU_FPU(auto op = ttemu_detail::binary(ttemu_detail::fpu_kind(tBcastOp), tBcastDim, icb0, icb1, itile0, itile1, idst);
              op.broadcast_row = bcast_row_idx; ttemu_fpu(&op, TTEMU_HERE));
    (void)icb0, (void)icb1, (void)itile0, (void)itile1, (void)idst, (void)bcast_row_idx, (void)ttemu_file, (void)ttemu_line;
}

#define TTEMU_BROADCAST(name, type)                                                                                                    \
    template <BroadcastType tBcastDim, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>                                                      \
    ALWI void name##_tiles_bcast(                                                                                                      \
        uint32_t icb0, uint32_t icb1, uint32_t itile0, uint32_t itile1, uint32_t idst, uint32_t bcast_row_idx = 0, TTEMU_WHERE) {      \
        any_tiles_bcast<type, tBcastDim>(icb0, icb1, itile0, itile1, idst, bcast_row_idx, TTEMU_HERE);                                 \
    }                                                                                                                                  \
    ALWI void name##_bcast_rows_init(                                                                                                  \
        uint32_t icb0, uint32_t icb1, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {              \
        bcast_init<type, BroadcastType::ROW>(icb0, icb1, call_line, ttemu_file);                                                       \
    }                                                                                                                                  \
    ALWI void name##_bcast_cols_init(                                                                                                  \
        uint32_t icb0, uint32_t icb1, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {              \
        bcast_init<type, BroadcastType::COL>(icb0, icb1, call_line, ttemu_file);                                                       \
    }                                                                                                                                  \
    ALWI void name##_bcast_scalar_init(                                                                                                \
        uint32_t icb0, uint32_t icb1, uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {              \
        bcast_init<type, BroadcastType::SCALAR>(icb0, icb1, call_line, ttemu_file);                                                    \
    }                                                                                                                                  \
    template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>                                                                               \
    ALWI void name##_tiles_bcast_rows(                                                                                                 \
        uint32_t icb0, uint32_t icb1, uint32_t itile0, uint32_t itile1, uint32_t idst, uint32_t bcast_row_idx = 0, TTEMU_WHERE) {      \
        any_tiles_bcast<type, BroadcastType::ROW>(icb0, icb1, itile0, itile1, idst, bcast_row_idx, TTEMU_HERE);                        \
    }                                                                                                                                  \
    template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>                                                                               \
    ALWI void name##_tiles_bcast_cols(                                                                                                 \
        uint32_t icb0, uint32_t icb1, uint32_t itile0, uint32_t itile1, uint32_t idst, TTEMU_WHERE) {                                  \
        any_tiles_bcast<type, BroadcastType::COL>(icb0, icb1, itile0, itile1, idst, 0, TTEMU_HERE);                                    \
    }                                                                                                                                  \
    template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>                                                                               \
    ALWI void name##_tiles_bcast_scalar(                                                                                               \
        uint32_t icb0, uint32_t icb1, uint32_t itile0, uint32_t itile1, uint32_t idst, TTEMU_WHERE) {                                  \
        any_tiles_bcast<type, BroadcastType::SCALAR>(icb0, icb1, itile0, itile1, idst, 0, TTEMU_HERE);                                 \
    }

TTEMU_BROADCAST(add, EltwiseBinaryType::ELWADD)
TTEMU_BROADCAST(sub, EltwiseBinaryType::ELWSUB)
TTEMU_BROADCAST(mul, EltwiseBinaryType::ELWMUL)
#undef TTEMU_BROADCAST

}  // namespace ckernel
