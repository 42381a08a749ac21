// The SFPU functions that have no header of their own.
#pragma once

#include "api/compute/common.h"
#include "ttemu/sfpu.h"

namespace ckernel {

template <bool fast_and_approx = false>
TTEMU_SFPU_INIT_MODE(sigmoid_tile_init, Sigmoid, fast_and_approx)
template <VectorMode vec_mode = VectorMode::RC, bool fast_and_approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY_MODE(sigmoid_tile, Sigmoid, Sigmoid, fast_and_approx, 0)
TTEMU_SFPU_INIT(silu_tile_init, Silu)
TTEMU_SFPU_UNARY_ACC(silu_tile, Silu, Silu)
TTEMU_SFPU_PACK_INIT(silu_tile_init_pack, Silu, 0)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_PACK_UNARY(silu_tile_pack, Silu, Silu, 0)
template <bool fast_and_approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT_MODE(tanh_tile_init, Tanh, fast_and_approx)
template <bool fast_and_approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY_MODE(tanh_tile, Tanh, Tanh, fast_and_approx, 0)
TTEMU_SFPU_INIT(square_tile_init, Square)
TTEMU_SFPU_UNARY_ACC(square_tile, Square, Square)
template <bool fast_and_approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT_MODE(log_tile_init, Log, fast_and_approx)
template <bool fast_and_approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY_MODE(log_tile, Log, Log, fast_and_approx, 0)
template <bool fast_and_approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(log_with_base_tile_init, Log2Base)
template <bool fast_and_approx = false, bool base_is_two = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY1(log_with_base_tile, Log2Base, Log2Base)
TTEMU_SFPU_INIT(signbit_tile_init, SignBit)
TTEMU_SFPU_UNARY(signbit_tile, SignBit, SignBit)
TTEMU_SFPU_INIT(abs_tile_init, Abs)
TTEMU_SFPU_UNARY(abs_tile, Abs, Abs)
TTEMU_SFPU_INIT(sign_tile_init, Sign)
TTEMU_SFPU_UNARY(sign_tile, Sign, Sign)
TTEMU_SFPU_INIT(power_tile_init, Power)
TTEMU_SFPU_UNARY1_ACC(power_tile, Power, Power)
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT(exp2_tile_init, Exp2)
TTEMU_SFPU_UNARY_ACC(exp2_tile, Exp2, Exp2)
TTEMU_SFPU_INIT(heaviside_tile_init, Heaviside)
TTEMU_SFPU_UNARY1(heaviside_tile, Heaviside, Heaviside)
template <bool approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT_MODE(expm1_tile_init, Expm1, approx)
template <bool approx = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_UNARY_MODE(expm1_tile, Expm1, Expm1, approx, 0)
TTEMU_SFPU_INIT(unary_max_tile_init, UnaryMax)
TTEMU_SFPU_UNARY1(unary_max_tile, UnaryMax, UnaryMax)
TTEMU_SFPU_INIT(unary_min_tile_init, UnaryMin)
TTEMU_SFPU_UNARY1(unary_min_tile, UnaryMin, UnaryMin)

// Reductions of a slot, in place: of its rows into column 0, of its columns into row 0. Both need the same init.
namespace ttemu_detail {
template <PoolType pool_type, DataFormat format>
constexpr uint32_t reduce_mode() {
    static_assert(pool_type != PoolType::AVG, "averages of a slot aren't modelled: a sum and mul_unary_tile");
    static_assert(format == DataFormat::Float32, "only reductions of Float32 are modelled");
    return static_cast<uint32_t>(pool_type) | static_cast<uint32_t>(format) << 8;
}
}  // namespace ttemu_detail
template <PoolType pool_type, DataFormat format, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT_MODE(sfpu_reduce_init, Reduce, (ttemu_detail::reduce_mode<pool_type, format>()))
template <PoolType pool_type, DataFormat format, ReduceDim reduce_dim = ReduceDim::REDUCE_COL, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void sfpu_reduce(uint32_t idst, uint32_t ct_dim = 1, uint32_t rt_dim = 1, TTEMU_WHERE) {
    static_assert(reduce_dim != ReduceDim::REDUCE_SCALAR, "of rows or of columns");
    MATH(ttemu_detail::sfpu(ttemu::Sfpu::Reduce, ttemu::Sfpu::Reduce, idst, idst, idst, idst, static_cast<uint32_t>(reduce_dim), ct_dim, rt_dim,
                            TTEMU_HERE, (ttemu_detail::reduce_mode<pool_type, format>()), static_cast<uint32_t>(format)));
    (void)idst, (void)ct_dim, (void)rt_dim, TTEMU_UNUSED;
}

}  // namespace ckernel
