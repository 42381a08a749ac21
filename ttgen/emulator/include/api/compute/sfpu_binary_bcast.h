// A slot of DST and the first column, or first row, of another: the result replaces the former. For 32-bit DST only.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

#define TTEMU_SFPU_BROADCAST(name, op, key)                                                                                          \
    template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>                                                                             \
    ALWI void name(uint32_t dst_data_idx, uint32_t dst_vec_idx, TTEMU_WHERE) {                                                       \
        MATH(ttemu_detail::sfpu(                                                                                                     \
            ttemu::Sfpu::op, ttemu::Sfpu::key, dst_data_idx, dst_vec_idx, dst_vec_idx, dst_data_idx, 0, 0, 0, TTEMU_HERE));          \
        (void)dst_data_idx, (void)dst_vec_idx, TTEMU_UNUSED;                                                                         \
    }

TTEMU_SFPU_INIT(sfpu_bcast_col_init, BroadcastColumn)
TTEMU_SFPU_INIT(sfpu_add_bcast_col_init, BroadcastColumn)
TTEMU_SFPU_INIT(sfpu_sub_bcast_col_init, BroadcastColumn)
TTEMU_SFPU_INIT(sfpu_mul_bcast_col_init, BroadcastColumn)
TTEMU_SFPU_BROADCAST(sfpu_add_bcast_col, AddColumn, BroadcastColumn)
TTEMU_SFPU_BROADCAST(sfpu_sub_bcast_col, SubColumn, BroadcastColumn)
TTEMU_SFPU_BROADCAST(sfpu_mul_bcast_col, MulColumn, BroadcastColumn)
TTEMU_SFPU_INIT(sfpu_bcast_row_init, BroadcastRow)
TTEMU_SFPU_INIT(sfpu_add_bcast_row_init, BroadcastRow)
TTEMU_SFPU_INIT(sfpu_sub_bcast_row_init, BroadcastRow)
TTEMU_SFPU_INIT(sfpu_mul_bcast_row_init, BroadcastRow)
TTEMU_SFPU_BROADCAST(sfpu_add_bcast_row, AddRow, BroadcastRow)
TTEMU_SFPU_BROADCAST(sfpu_sub_bcast_row, SubRow, BroadcastRow)
TTEMU_SFPU_BROADCAST(sfpu_mul_bcast_row, MulRow, BroadcastRow)
#undef TTEMU_SFPU_BROADCAST

template <BroadcastType Dim>
ALWI void sfpu_bcast_init(TTEMU_WHERE) {
    static_assert(Dim == BroadcastType::COL || Dim == BroadcastType::ROW, "only COL and ROW are supported");
    if constexpr (Dim == BroadcastType::COL) {
        sfpu_bcast_col_init(TTEMU_HERE);
    } else {
        sfpu_bcast_row_init(TTEMU_HERE);
    }
}

template <BroadcastType Dim, EltwiseBinaryType Op, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void sfpu_bcast(uint32_t dst_data_idx, uint32_t dst_bcast_idx, TTEMU_WHERE) {
    static_assert(Dim == BroadcastType::COL || Dim == BroadcastType::ROW, "only COL and ROW are supported");
    static_assert(
        Op == EltwiseBinaryType::ELWADD || Op == EltwiseBinaryType::ELWSUB || Op == EltwiseBinaryType::ELWMUL,
        "only add, sub and mul are supported");
    constexpr bool col = Dim == BroadcastType::COL;
    if constexpr (Op == EltwiseBinaryType::ELWADD) {
        col ? sfpu_add_bcast_col(dst_data_idx, dst_bcast_idx, TTEMU_HERE) : sfpu_add_bcast_row(dst_data_idx, dst_bcast_idx, TTEMU_HERE);
    } else if constexpr (Op == EltwiseBinaryType::ELWSUB) {
        col ? sfpu_sub_bcast_col(dst_data_idx, dst_bcast_idx, TTEMU_HERE) : sfpu_sub_bcast_row(dst_data_idx, dst_bcast_idx, TTEMU_HERE);
    } else {
        col ? sfpu_mul_bcast_col(dst_data_idx, dst_bcast_idx, TTEMU_HERE) : sfpu_mul_bcast_row(dst_data_idx, dst_bcast_idx, TTEMU_HERE);
    }
}

}  // namespace ckernel
