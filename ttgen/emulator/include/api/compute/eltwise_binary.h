// Elementwise add, sub and mul of the matrix unit: operands from two circular buffers, or from one and DST.
#pragma once

#include "api/compute/common.h"

namespace ckernel {

namespace ttemu_detail {

constexpr ttemu::FpuKind fpu_kind(EltwiseBinaryType type) {
    return type == EltwiseBinaryType::ELWADD ? ttemu::FpuKind::Add : type == EltwiseBinaryType::ELWSUB ? ttemu::FpuKind::Sub : ttemu::FpuKind::Mul;
}

ALWI ttemu::FpuOp binary(
    ttemu::FpuKind kind, BroadcastType broadcast, uint32_t cb0, uint32_t cb1, uint32_t tile0 = 0, uint32_t tile1 = 0, uint32_t dst = 0,
    uint32_t accumulate = 0) {
    ttemu::FpuOp op;
    op.kind = kind;
    op.broadcast = static_cast<ttemu::Broadcast>(broadcast);
    op.cb0 = cb0;
    op.cb1 = cb1;
    op.tile0 = tile0;
    op.tile1 = tile1;
    op.dst = dst;
    op.accumulate = accumulate;
    return op;
}

ALWI ttemu::FpuOp binary_reuse(ttemu::FpuKind kind, EltwiseBinaryReuseDestType reuse, uint32_t cb, uint32_t tile = 0, uint32_t dst = 0) {
    ttemu::FpuOp op = binary(kind, BroadcastType::NONE, cb, cb, tile, tile, dst);
    op.reuse = static_cast<ttemu::Reuse>(reuse);
    return op;
}

}  // namespace ttemu_detail

#define TTEMU_BINARY(name, kind, accumulate_default)                                                                                   \
    ALWI void name##_init(                                                                                                             \
        std::uint32_t icb0, std::uint32_t icb1, bool acc_to_dest = accumulate_default, std::uint32_t call_line = __builtin_LINE(),     \
        const char* ttemu_file = __builtin_FILE()) {                                                                                   \
        TTEMU_FPU(const auto op = ttemu_detail::binary(kind, BroadcastType::NONE, icb0, icb1, 0, 0, 0, acc_to_dest);                   \
                  ttemu_fpu_init(&op, ttemu_file, call_line));                                                                         \
        (void)icb0, (void)icb1, (void)acc_to_dest, (void)call_line, (void)ttemu_file;                                                  \
    }                                                                                                                                  \
    template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>                                                                               \
    ALWI void name##_tiles(                                                                                                            \
        std::uint32_t icb0, std::uint32_t icb1, std::uint32_t itile0, std::uint32_t itile1, std::uint32_t idst, TTEMU_WHERE) {         \
        TTEMU_FPU(const auto op = ttemu_detail::binary(kind, BroadcastType::NONE, icb0, icb1, itile0, itile1, idst);                   \
                  ttemu_fpu(&op, TTEMU_HERE));                                                                                         \
        (void)icb0, (void)icb1, (void)itile0, (void)itile1, (void)idst, (void)ttemu_file, (void)ttemu_line;                            \
    }                                                                                                                                  \
    template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>                                                                               \
    ALWI void name##_block(                                                                                                            \
        std::uint32_t icb0, std::uint32_t icb1, std::uint32_t start_itile0, std::uint32_t start_itile1, std::uint32_t start_idst,      \
        std::uint32_t ntiles, TTEMU_WHERE) {                                                                                           \
        for (std::uint32_t i = 0; i < ntiles; ++i)                                                                                     \
            name##_tiles<is_fp32_dest_acc_en>(icb0, icb1, start_itile0 + i, start_itile1 + i, start_idst + i, TTEMU_HERE);             \
    }                                                                                                                                  \
    template <EltwiseBinaryReuseDestType reuse_dest>                                                                                   \
    ALWI void name##_reuse_dest_init(                                                                                                  \
        std::uint32_t icb, std::uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {                    \
        static_assert(reuse_dest != EltwiseBinaryReuseDestType::NONE, "reuse_dest must be DEST_TO_SRCA or DEST_TO_SRCB");              \
        TTEMU_FPU(const auto op = ttemu_detail::binary_reuse(kind, reuse_dest, icb); ttemu_fpu_init(&op, ttemu_file, call_line));      \
        (void)icb, (void)call_line, (void)ttemu_file;                                                                                  \
    }                                                                                                                                  \
    template <EltwiseBinaryReuseDestType reuse_dest, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>                                        \
    ALWI void name##_reuse_dest_tiles(                                                                                                 \
        std::uint32_t in_cb_id, std::uint32_t in_tile_index, std::uint32_t dst_tile_index, TTEMU_WHERE) {                              \
        TTEMU_FPU(const auto op = ttemu_detail::binary_reuse(kind, reuse_dest, in_cb_id, in_tile_index, dst_tile_index);               \
                  ttemu_fpu(&op, TTEMU_HERE));                                                                                         \
        (void)in_cb_id, (void)in_tile_index, (void)dst_tile_index, (void)ttemu_file, (void)ttemu_line;                                 \
    }

TTEMU_BINARY(add, ttemu::FpuKind::Add, false)
TTEMU_BINARY(sub, ttemu::FpuKind::Sub, false)
TTEMU_BINARY(mul, ttemu::FpuKind::Mul, true)
#undef TTEMU_BINARY

template <bool full_init, EltwiseBinaryType eltwise_binary_type>
ALWI void binary_tiles_init(
    std::uint32_t icb0, std::uint32_t icb1, bool acc_to_dest = false, std::uint32_t call_line = __builtin_LINE(),
    const char* ttemu_file = __builtin_FILE()) {
    TTEMU_FPU(const auto op = ttemu_detail::binary(
                  ttemu_detail::fpu_kind(eltwise_binary_type), BroadcastType::NONE, icb0, icb1, 0, 0, 0, acc_to_dest);
              ttemu_fpu_init(&op, ttemu_file, call_line));
    (void)icb0, (void)icb1, (void)acc_to_dest, (void)call_line, (void)ttemu_file;
}

}  // namespace ckernel
