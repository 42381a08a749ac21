// Reads, for each block of K, the block of A (m_tiles × k_block) and of B (k_block × n_tiles).
#include <cstdint>

#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    constexpr uint32_t cb_a = get_named_compile_time_arg_val("cb_a");
    constexpr uint32_t cb_b = get_named_compile_time_arg_val("cb_b");
    constexpr uint32_t m_tiles = get_named_compile_time_arg_val("m_tiles");
    constexpr uint32_t n_tiles = get_named_compile_time_arg_val("n_tiles");
    constexpr uint32_t k_tiles = get_named_compile_time_arg_val("k_tiles");
    constexpr uint32_t k_block = get_named_compile_time_arg_val("k_block");
    constexpr auto a_args = TensorAccessorArgs<0>();
    constexpr auto b_args = TensorAccessorArgs<a_args.next_compile_time_args_offset()>();
    const auto a = TensorAccessor(a_args, get_common_arg_val<uint32_t>(0));
    const auto b = TensorAccessor(b_args, get_common_arg_val<uint32_t>(1));
    constexpr uint32_t a_bytes = get_tile_size(cb_a);
    constexpr uint32_t b_bytes = get_tile_size(cb_b);
    constexpr uint32_t a_tiles = m_tiles * k_block;
    constexpr uint32_t b_tiles = k_block * n_tiles;

    for (uint32_t k = 0; k < k_tiles; k += k_block) {
        cb_reserve_back(cb_a, a_tiles);
        uint32_t address = get_write_ptr(cb_a);
        for (uint32_t i = 0; i < m_tiles; ++i) {
            for (uint32_t j = k; j < k + k_block; ++j) {
                if (j < k_tiles) {
                    noc_async_read_page(i * k_tiles + j, a, address);
                } else {
                    volatile tt_l1_ptr uint32_t* words = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(address);
                    for (uint32_t w = 0; w < a_bytes / 4; ++w) {
                        words[w] = 0;
                    }
                    while (words[a_bytes / 4 - 1] != 0) {
                    }
                }
                address += a_bytes;
            }
        }
        cb_reserve_back(cb_b, b_tiles);
        address = get_write_ptr(cb_b);
        for (uint32_t i = k; i < k + k_block; ++i) {
            for (uint32_t j = 0; j < n_tiles; ++j) {
                if (i < k_tiles) {
                    noc_async_read_page(i * n_tiles + j, b, address);
                } else {
                    volatile tt_l1_ptr uint32_t* words = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(address);
                    for (uint32_t w = 0; w < b_bytes / 4; ++w) {
                        words[w] = 0;
                    }
                    while (words[b_bytes / 4 - 1] != 0) {
                    }
                }
                address += b_bytes;
            }
        }
        noc_async_read_barrier();
        cb_push_back(cb_a, a_tiles);
        cb_push_back(cb_b, b_tiles);
    }
}
