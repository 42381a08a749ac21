// Reciprocal.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

enum class ReciprocalDestAcc { BF16, FP32 };
enum class ReciprocalApproxMode { Default, Precise, Approximate };

template <
    ReciprocalDestAcc dest_acc = DST_ACCUM_MODE ? ReciprocalDestAcc::FP32 : ReciprocalDestAcc::BF16,
    ReciprocalApproxMode approximation = ReciprocalApproxMode::Default>
TTEMU_SFPU_INIT_MODE(recip_tile_init, Recip, static_cast<uint32_t>(dest_acc) | static_cast<uint32_t>(approximation) << 1)

template <
    ReciprocalDestAcc dest_acc = DST_ACCUM_MODE ? ReciprocalDestAcc::FP32 : ReciprocalDestAcc::BF16,
    ReciprocalApproxMode approximation = ReciprocalApproxMode::Default>
ALWI void recip_tile(uint32_t idst, VectorMode vector_mode = VectorMode::RC, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(
        ttemu::Sfpu::Recip, ttemu::Sfpu::Recip, idst, idst, idst, idst, 0, 0, static_cast<uint32_t>(vector_mode), TTEMU_HERE,
        static_cast<uint32_t>(dest_acc) | static_cast<uint32_t>(approximation) << 1));
    (void)idst, (void)vector_mode, TTEMU_UNUSED;
}

}  // namespace ckernel
