// The first statement of a compute kernel: configures the formats of both source registers and of the packer, and the DST hand-over.
#pragma once

#include "api/compute/common_globals.h"
#include "api/compute/src_order.h"

namespace ckernel {

template <SrcOrder src_order = SrcOrder::Regular>
ALWI void compute_kernel_hw_startup(uint32_t icb0, uint32_t icb1, uint32_t ocb, TTEMU_WHERE) {
    constexpr bool reverse = src_order == SrcOrder::Reverse;
    ttemu_startup(reverse ? icb1 : icb0, reverse ? icb0 : icb1, ocb, TTEMU_HERE);
}
ALWI void compute_kernel_hw_startup(uint32_t icb0, uint32_t ocb, TTEMU_WHERE) { ttemu_startup(icb0, icb0, ocb, TTEMU_HERE); }

}  // namespace ckernel
