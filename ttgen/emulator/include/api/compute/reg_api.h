// The hand-over of DST between math and pack.
#pragma once

#include "api/compute/common_globals.h"

namespace ckernel {

ALWI void tile_regs_acquire(TTEMU_WHERE) { MATH(ttemu_tile_regs(0, TTEMU_HERE)); (void)ttemu_file, (void)ttemu_line; }
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void tile_regs_commit(TTEMU_WHERE) { MATH(ttemu_tile_regs(1, TTEMU_HERE)); (void)ttemu_file, (void)ttemu_line; }
ALWI void tile_regs_wait(TTEMU_WHERE) { PACK(ttemu_tile_regs(2, TTEMU_HERE)); (void)ttemu_file, (void)ttemu_line; }
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
ALWI void tile_regs_release(TTEMU_WHERE) { PACK(ttemu_tile_regs(3, TTEMU_HERE)); (void)ttemu_file, (void)ttemu_line; }

[[deprecated("Use tile_regs_acquire() instead")]]
ALWI void acquire_dst(TTEMU_WHERE) {
    MATH(ttemu_tile_regs(0, TTEMU_HERE));
    PACK(ttemu_tile_regs(2, TTEMU_HERE));
    (void)ttemu_file, (void)ttemu_line;
}
template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE>
[[deprecated("Use tile_regs_release() instead")]]
ALWI void release_dst(TTEMU_WHERE) {
    MATH(ttemu_tile_regs(1, TTEMU_HERE));
    PACK(ttemu_tile_regs(3, TTEMU_HERE));
    (void)ttemu_file, (void)ttemu_line;
}

}  // namespace ckernel
