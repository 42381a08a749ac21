// out = a less the largest element of its row in each tile: a reduction by the vector unit in a slot, and its broadcast from there.
#include <cstdint>

#include "api/compute/common.h"
#include "api/compute/compute_kernel_api.h"
#include "api/compute/sfpu_binary_bcast.h"
#include "api/compute/tile_move_copy.h"

void kernel_main() {
    const uint32_t unit_count = get_arg_val<uint32_t>(0);
    constexpr uint32_t a = 0, out = 16;

    compute_kernel_hw_startup(a, out);
    copy_init(a);
    for (uint32_t unit = 0; unit < unit_count; ++unit) {
        cb_wait_front(a, 1);
        tile_regs_acquire();
        copy_tile(a, 0, 0);
        copy_tile(a, 0, 1);
        sfpu_reduce_init<PoolType::MAX, DataFormat::Float32>();
        sfpu_reduce<PoolType::MAX, DataFormat::Float32, ReduceDim::REDUCE_ROW>(1);
        sfpu_sub_bcast_col_init();
        sfpu_sub_bcast_col(0, 1);
        tile_regs_commit();
        cb_pop_front(a, 1);
        cb_reserve_back(out, 1);
        tile_regs_wait();
        pack_tile(0, out);
        tile_regs_release();
        cb_push_back(out, 1);
    }
}
