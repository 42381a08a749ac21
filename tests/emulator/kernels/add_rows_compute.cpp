// out = a + b, b one row broadcast down the rows of a.
#include <cstdint>

#include "api/compute/bcast.h"
#include "api/compute/common.h"

void kernel_main() {
    const uint32_t unit_count = get_arg_val<uint32_t>(0);
    constexpr uint32_t a = 0, b = 1, out = 16;

    compute_kernel_hw_startup(a, b, out);
    add_bcast_rows_init(a, b);
    for (uint32_t unit = 0; unit < unit_count; ++unit) {
        cb_wait_front(a, 1);
        cb_wait_front(b, 1);
        tile_regs_acquire();
        add_tiles_bcast_rows(a, b, 0, 0, 0);
        tile_regs_commit();
        cb_pop_front(a, 1);
        cb_pop_front(b, 1);
        cb_reserve_back(out, 1);
        tile_regs_wait();
        pack_tile(0, out);
        tile_regs_release();
        cb_push_back(out, 1);
    }
}
