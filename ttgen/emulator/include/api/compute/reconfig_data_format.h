// Changing the data formats that unpacker, math and packer are configured for. The forms with an old operand do nothing when old and new
// have one format, whatever is really configured.
#pragma once

#include "api/compute/common_globals.h"

namespace ckernel {

namespace ttemu_detail {
constexpr uint32_t any = ~0u;
ALWI void reconfigure(uint32_t operand, uint32_t old_cb, uint32_t new_cb, TTEMU_AT) {
    TTEMU_FPU(ttemu_reconfigure(operand, old_cb, new_cb, file, line));
    (void)operand, (void)old_cb, (void)new_cb, (void)file, (void)line;
}
}  // namespace ttemu_detail

#define TTEMU_RECONFIGURE(name)                                                                                                       \
    template <SrcOrder src_order = SrcOrder::Regular>                                                                                 \
    ALWI void name(const uint32_t icb0_new_operand, const uint32_t icb1_new_operand, TTEMU_WHERE) {                                   \
        constexpr uint32_t first = src_order == SrcOrder::Reverse ? 1 : 0;                                                            \
        ttemu_detail::reconfigure(first, ttemu_detail::any, icb0_new_operand, TTEMU_HERE);                                            \
        ttemu_detail::reconfigure(1 - first, ttemu_detail::any, icb1_new_operand, TTEMU_HERE);                                        \
    }                                                                                                                                 \
    template <SrcOrder src_order = SrcOrder::Regular>                                                                                 \
    ALWI void name(const uint32_t icb0_old_operand, const uint32_t icb0_new_operand, const uint32_t icb1_old_operand,                 \
                   const uint32_t icb1_new_operand, TTEMU_WHERE) {                                                                    \
        constexpr uint32_t first = src_order == SrcOrder::Reverse ? 1 : 0;                                                            \
        ttemu_detail::reconfigure(first, icb0_old_operand, icb0_new_operand, TTEMU_HERE);                                             \
        ttemu_detail::reconfigure(1 - first, icb1_old_operand, icb1_new_operand, TTEMU_HERE);                                         \
    }                                                                                                                                 \
    ALWI void name##_srca(const uint32_t srca_new_operand, TTEMU_WHERE) {                                                             \
        ttemu_detail::reconfigure(0, ttemu_detail::any, srca_new_operand, TTEMU_HERE);                                                \
    }                                                                                                                                 \
    ALWI void name##_srca(const uint32_t srca_old_operand, const uint32_t srca_new_operand, TTEMU_WHERE) {                            \
        ttemu_detail::reconfigure(0, srca_old_operand, srca_new_operand, TTEMU_HERE);                                                 \
    }                                                                                                                                 \
    ALWI void name##_srcb(const uint32_t srcb_new_operand, TTEMU_WHERE) {                                                             \
        ttemu_detail::reconfigure(1, ttemu_detail::any, srcb_new_operand, TTEMU_HERE);                                                \
    }                                                                                                                                 \
    ALWI void name##_srcb(const uint32_t srcb_old_operand, const uint32_t srcb_new_operand, TTEMU_WHERE) {                            \
        ttemu_detail::reconfigure(1, srcb_old_operand, srcb_new_operand, TTEMU_HERE);                                                 \
    }

TTEMU_RECONFIGURE(reconfig_data_format)
TTEMU_RECONFIGURE(reconfig_full_operand)
#undef TTEMU_RECONFIGURE

template <bool is_tile_dim_reconfig_en = false>
ALWI void pack_reconfig_data_format(const uint32_t new_cb_id, TTEMU_WHERE) {
    PACK(ttemu_reconfigure(2, ttemu_detail::any, new_cb_id, TTEMU_HERE));
    (void)new_cb_id, (void)ttemu_file, (void)ttemu_line;
}
template <bool is_tile_dim_reconfig_en = false>
ALWI void pack_reconfig_data_format(const uint32_t old_cb_id, const uint32_t new_cb_id, TTEMU_WHERE) {
    PACK(ttemu_reconfigure(2, old_cb_id, new_cb_id, TTEMU_HERE));
    (void)old_cb_id, (void)new_cb_id, (void)ttemu_file, (void)ttemu_line;
}

}  // namespace ckernel
