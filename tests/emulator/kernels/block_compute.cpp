// C = A @ B block by block of K: partial sums accumulate in L1, by the packer, in float32; the last step copies them to the output.
#include <cstdint>

#include "api/compute/common.h"
#include "api/compute/matmul.h"
#include "api/compute/tile_move_copy.h"

void kernel_main() {
    constexpr uint32_t cb_a = get_named_compile_time_arg_val("cb_a");
    constexpr uint32_t cb_b = get_named_compile_time_arg_val("cb_b");
    constexpr uint32_t cb_partials = get_named_compile_time_arg_val("cb_partials");
    constexpr uint32_t cb_out = get_named_compile_time_arg_val("cb_out");
    constexpr uint32_t m_tiles = get_named_compile_time_arg_val("m_tiles");
    constexpr uint32_t n_tiles = get_named_compile_time_arg_val("n_tiles");
    constexpr uint32_t k_blocks = get_named_compile_time_arg_val("k_blocks");
    constexpr uint32_t k_block = get_named_compile_time_arg_val("k_block");
    constexpr uint32_t out_tiles = m_tiles * n_tiles;

    compute_kernel_hw_startup<SrcOrder::Reverse>(cb_a, cb_b, cb_partials);
    matmul_block_init(cb_a, cb_b, 0, n_tiles, 1, k_block);
    for (uint32_t block = 0; block < k_blocks; ++block) {
        cb_wait_front(cb_a, m_tiles * k_block);
        cb_wait_front(cb_b, k_block * n_tiles);
        pack_reconfig_l1_acc(block == 0 ? 0 : 1);
        cb_reserve_back(cb_partials, out_tiles);
        for (uint32_t row = 0; row < m_tiles; ++row) {
            tile_regs_acquire();
            for (uint32_t k = 0; k < k_block; ++k) {
                matmul_block(cb_a, cb_b, row * k_block + k, k * n_tiles, 0, 0, n_tiles, 1, k_block);
            }
            tile_regs_commit();
            tile_regs_wait();
            pack_block(0, cb_partials, n_tiles);
            tile_regs_release();
        }
        cb_push_back(cb_partials, out_tiles);
        cb_pop_front(cb_a, m_tiles * k_block);
        cb_pop_front(cb_b, k_block * n_tiles);
        if (block + 1 < k_blocks) {
            cb_wait_front(cb_partials, out_tiles);
            cb_pop_front(cb_partials, out_tiles);
        }
    }

    pack_reconfig_l1_acc(0);
    reconfig_data_format_srca(cb_b, cb_partials);
    pack_reconfig_data_format(cb_partials, cb_out);
    copy_init(cb_partials);
    cb_wait_front(cb_partials, out_tiles);
    for (uint32_t tile = 0; tile < out_tiles; ++tile) {
        tile_regs_acquire();
        copy_tile(cb_partials, tile, 0);
        tile_regs_commit();
        cb_reserve_back(cb_out, 1);
        tile_regs_wait();
        pack_tile(0, cb_out);
        tile_regs_release();
        cb_push_back(cb_out, 1);
    }
    cb_pop_front(cb_partials, out_tiles);
}
