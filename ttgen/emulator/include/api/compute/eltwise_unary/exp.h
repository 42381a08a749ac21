// Exponential.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

enum class InputClamping : uint8_t { ClampToNegative = 1, None = 0 };

template <
    bool approx = false, uint32_t scale = 0x3F800000, InputClamping input_clamping = InputClamping::ClampToNegative,
    bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
TTEMU_SFPU_INIT_MODE(exp_tile_init, Exp, approx ? 1u + static_cast<uint32_t>(input_clamping) : 0u)

// `scale` is a bfloat16: exp(scale · x) where scale_en.
template <
    bool approx = false, bool scale_en = false, InputClamping input_clamping = InputClamping::ClampToNegative, int iterations = 8,
    bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void exp_tile(uint32_t idst, VectorMode vector_mode = VectorMode::RC, uint16_t scale = 0x3F80, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(
        ttemu::Sfpu::Exp, ttemu::Sfpu::Exp, idst, idst, idst, idst, scale_en ? static_cast<uint32_t>(scale) << 16 : ttemu_detail::kFloatOne, 0,
        static_cast<uint32_t>(vector_mode), TTEMU_HERE, approx ? 1u + static_cast<uint32_t>(input_clamping) : 0u));
    (void)idst, (void)vector_mode, (void)scale, TTEMU_UNUSED;
}

}  // namespace ckernel
