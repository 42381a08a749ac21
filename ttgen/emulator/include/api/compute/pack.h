// The packer: DST to a circular buffer, and its sticky state.
#pragma once

#include "api/compute/common_globals.h"

namespace ckernel {

ALWI void pack_init(std::uint32_t ocb, std::uint32_t call_line = __builtin_LINE(), const char* ttemu_file = __builtin_FILE()) {
    PACK(ttemu_pack_init(ocb, ttemu_file, call_line));
    (void)ocb, (void)call_line, (void)ttemu_file;
}
template <bool out_of_order_output = false, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void pack_tile(std::uint32_t ifrom_dst, std::uint32_t icb, std::uint32_t output_tile_index = 0, TTEMU_WHERE) {
    PACK(ttemu_pack(ifrom_dst, icb, output_tile_index, out_of_order_output, TTEMU_HERE));
    (void)ifrom_dst, (void)icb, (void)output_tile_index, (void)ttemu_file, (void)ttemu_line;
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void pack_block(std::uint32_t ifrom_dst, std::uint32_t icb, std::uint32_t ntiles, TTEMU_WHERE) {
    PACK(for (std::uint32_t i = 0; i < ntiles; ++i) ttemu_pack(ifrom_dst + i, icb, 0, 0, TTEMU_HERE));
    (void)ifrom_dst, (void)icb, (void)ntiles, (void)ttemu_file, (void)ttemu_line;
}
ALWI void pack_reconfig_l1_acc(const std::uint32_t l1_acc_en, TTEMU_WHERE) {
    PACK(ttemu_pack_l1_accumulate(l1_acc_en, TTEMU_HERE));
    (void)l1_acc_en, (void)ttemu_file, (void)ttemu_line;
}
ALWI void pack_relu_config(const ReluConfig& config, TTEMU_WHERE) {
    PACK(ttemu_pack_relu(static_cast<uint32_t>(config.get_mode()), config.get_threshold(), TTEMU_HERE));
    (void)config, (void)ttemu_file, (void)ttemu_line;
}

}  // namespace ckernel
