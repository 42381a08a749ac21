// Reads the block of A that a row of cores shares, and multicasts it to the row; reads the block of B of its own.
#include <cstdint>

#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    constexpr uint32_t cb_a = get_named_compile_time_arg_val("cb_a");
    constexpr uint32_t cb_b = get_named_compile_time_arg_val("cb_b");
    constexpr uint32_t k_tiles = get_named_compile_time_arg_val("k_tiles");
    constexpr uint32_t n_tiles = get_named_compile_time_arg_val("n_tiles");
    constexpr uint32_t receivers = get_named_compile_time_arg_val("receivers");
    constexpr auto a_args = TensorAccessorArgs<0>();
    constexpr auto b_args = TensorAccessorArgs<a_args.next_compile_time_args_offset()>();
    const auto a = TensorAccessor(a_args, get_common_arg_val<uint32_t>(0));
    const auto b = TensorAccessor(b_args, get_common_arg_val<uint32_t>(1));
    const uint32_t row = get_arg_val<uint32_t>(0);
    const uint32_t column = get_arg_val<uint32_t>(1);
    const uint32_t x_start = get_arg_val<uint32_t>(2);
    const uint32_t y_start = get_arg_val<uint32_t>(3);
    const uint32_t x_end = get_arg_val<uint32_t>(4);
    const uint32_t y_end = get_arg_val<uint32_t>(5);
    const uint32_t ready = get_semaphore(get_named_compile_time_arg_val("ready"));
    const uint32_t valid = get_semaphore(get_named_compile_time_arg_val("valid"));
    volatile tt_l1_ptr uint32_t* ready_word = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(ready);
    volatile tt_l1_ptr uint32_t* valid_word = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(valid);
    constexpr uint32_t tile_bytes = get_tile_size(cb_a);

    noc_semaphore_set(valid_word, VALID);
    noc_semaphore_wait(valid_word, VALID);  // reads the store back, or the NoC might send an older value
    for (uint32_t k = 0; k < k_tiles; ++k) {
        cb_reserve_back(cb_a, 1);
        const uint32_t address = get_write_ptr(cb_a);
        noc_async_read_page(row * k_tiles + k, a, address);
        noc_async_read_barrier();
        noc_semaphore_wait(ready_word, receivers);
        noc_semaphore_set(ready_word, 0);
        noc_async_write_multicast(address, get_noc_multicast_addr(x_start, y_start, x_end, y_end, address), tile_bytes, receivers, true);
#ifdef FLUSH_BEFORE_FLAG
        noc_async_writes_flushed();
#endif
        noc_semaphore_set_multicast(valid, get_noc_multicast_addr(x_start, y_start, x_end, y_end, valid), receivers);
        noc_async_writes_flushed();
        cb_push_back(cb_a, 1);

        cb_reserve_back(cb_b, 1);
        noc_async_read_page(k * n_tiles + column, b, get_write_ptr(cb_b));
        noc_async_read_barrier();
        cb_push_back(cb_b, 1);
    }
    noc_async_write_barrier();
}
