// ReLU and its clamped and leaky forms.
#pragma once

#include "ttemu/sfpu.h"

namespace ckernel {

TTEMU_SFPU_INIT(relu_tile_init, Relu)
TTEMU_SFPU_UNARY(relu_tile, Relu, Relu)
TTEMU_SFPU_INIT(relu_max_tile_init, ReluMax)
TTEMU_SFPU_UNARY1(relu_max_tile, ReluMax, ReluMax)
TTEMU_SFPU_INIT(relu_min_tile_init, ReluMin)
TTEMU_SFPU_UNARY1(relu_min_tile, ReluMin, ReluMin)
TTEMU_SFPU_INIT(leaky_relu_tile_init, LeakyRelu)
ALWI void leaky_relu_tile(uint32_t idst, uint32_t slope = 0, TTEMU_WHERE) {
    MATH(ttemu_detail::sfpu(ttemu::Sfpu::LeakyRelu, ttemu::Sfpu::LeakyRelu, idst, idst, idst, idst, slope, 0, 0, TTEMU_HERE));
    (void)idst, (void)slope, TTEMU_UNUSED;
}

}  // namespace ckernel
