// out = where(a > 0, sqrt(exp(a) + 1), tanh(a) * 0.5): a chain of vector operations in four slots of DST.
#include <cstdint>

#include "api/compute/common.h"
#include "api/compute/compute_kernel_api.h"
#include "api/compute/copy_dest_values.h"
#include "api/compute/eltwise_unary/binop_with_scalar.h"
#include "api/compute/eltwise_unary/comp.h"
#include "api/compute/eltwise_unary/exp.h"
#include "api/compute/eltwise_unary/sqrt.h"
#include "api/compute/eltwise_unary/where.h"
#include "api/compute/tile_move_copy.h"

void kernel_main() {
    const uint32_t unit_count = get_arg_val<uint32_t>(0);
    constexpr uint32_t a = 0, out = 16;
    constexpr DataFormat format = DST_ACCUM_MODE ? DataFormat::Float32 : DataFormat::Float16_b;
    constexpr uint32_t one = 0x3f800000, half = 0x3f000000;

    compute_kernel_hw_startup(a, out);
    copy_init(a);
    for (uint32_t unit = 0; unit < unit_count; ++unit) {
        cb_wait_front(a, 1);
        tile_regs_acquire();
        copy_tile(a, 0, 0);
        copy_tile(a, 0, 1);
        copy_tile(a, 0, 2);
        gtz_tile_init();
        gtz_tile(0);
        exp_tile_init();
        exp_tile(1);
        binop_with_scalar_tile_init();
        add_unary_tile(1, one);
        sqrt_tile_init();
        sqrt_tile(1);
        tanh_tile_init();
        tanh_tile(2);
        binop_with_scalar_tile_init();
        mul_unary_tile(2, half);
        where_tile_init();
        where_tile<format>(0, 1, 2, 0);
        tile_regs_commit();
        cb_pop_front(a, 1);
        cb_reserve_back(out, 1);
        tile_regs_wait();
        pack_tile(0, out);
        tile_regs_release();
        cb_push_back(out, 1);
    }
}
