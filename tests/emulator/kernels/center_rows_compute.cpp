// out = a less the mean of its row in each tile: a sum by the matrix unit, divided in DST, through a buffer to a broadcast.
#include <cstdint>

#include "api/compute/bcast.h"
#include "api/compute/common.h"
#include "api/compute/eltwise_unary/binop_with_scalar.h"
#include "api/compute/reduce.h"

void kernel_main() {
    const uint32_t unit_count = get_arg_val<uint32_t>(0);
    constexpr uint32_t a = 0, scaler = 1, mean = 24, out = 16;
    constexpr uint32_t one_32nd = 0x3d000000;

    compute_kernel_hw_startup<SrcOrder::Reverse>(a, scaler, mean);
    for (uint32_t unit = 0; unit < unit_count; ++unit) {
        cb_wait_front(a, 1);
        cb_wait_front(scaler, 1);
        tile_regs_acquire();
        reduce_init<PoolType::SUM, ReduceDim::REDUCE_ROW>(a, scaler, mean);
        reduce_tile<PoolType::SUM, ReduceDim::REDUCE_ROW>(a, scaler, 0, 0, 0);
        reduce_uninit();
        binop_with_scalar_tile_init();
        mul_unary_tile(0, one_32nd);
        tile_regs_commit();
        cb_pop_front(scaler, 1);
        cb_reserve_back(mean, 1);
        tile_regs_wait();
        pack_tile(0, mean);
        tile_regs_release();
        cb_push_back(mean, 1);

        reconfig_data_format(a, mean);
        pack_reconfig_data_format(out);
        cb_wait_front(mean, 1);
        tile_regs_acquire();
        sub_bcast_cols_init(a, mean);
        sub_tiles_bcast_cols(a, mean, 0, 0, 0);
        tile_regs_commit();
        cb_pop_front(mean, 1);
        cb_pop_front(a, 1);
        cb_reserve_back(out, 1);
        tile_regs_wait();
        pack_tile(0, out);
        tile_regs_release();
        cb_push_back(out, 1);
        reconfig_data_format(scaler, a);
        pack_reconfig_data_format(mean);
    }
}
