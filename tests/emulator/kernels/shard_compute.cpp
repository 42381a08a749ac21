// out shard = input shard doubled.
#include <cstdint>

#include "api/compute/common.h"
#include "api/compute/eltwise_binary.h"

void kernel_main() {
    const uint32_t tiles = get_arg_val<uint32_t>(0);
    compute_kernel_hw_startup(0, 0, 16);
    add_init(0, 0);
    cb_wait_front(0, tiles);
    cb_reserve_back(16, tiles);
    for (uint32_t tile = 0; tile < tiles; ++tile) {
        tile_regs_acquire();
        add_tiles(0, 0, tile, tile, 0);
        tile_regs_commit();
        tile_regs_wait();
        pack_tile<true>(0, 16, tile);
        tile_regs_release();
    }
    cb_push_back(16, tiles);
    cb_pop_front(0, tiles);
}
