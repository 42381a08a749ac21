// Receives the row's blocks of A from its sender; reads the block of B of its own.
#include <cstdint>

#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    constexpr uint32_t cb_a = get_named_compile_time_arg_val("cb_a");
    constexpr uint32_t cb_b = get_named_compile_time_arg_val("cb_b");
    constexpr uint32_t k_tiles = get_named_compile_time_arg_val("k_tiles");
    constexpr uint32_t n_tiles = get_named_compile_time_arg_val("n_tiles");
    constexpr auto b_args = TensorAccessorArgs<0>();
    const auto b = TensorAccessor(b_args, get_common_arg_val<uint32_t>(0));
    const uint32_t column = get_arg_val<uint32_t>(0);
    const uint32_t sender_x = get_arg_val<uint32_t>(1);
    const uint32_t sender_y = get_arg_val<uint32_t>(2);
    const uint32_t ready = get_semaphore(get_named_compile_time_arg_val("ready"));
    const uint32_t valid = get_semaphore(get_named_compile_time_arg_val("valid"));
    volatile tt_l1_ptr uint32_t* valid_word = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(valid);
    const uint64_t sender_ready = get_noc_addr(sender_x, sender_y, ready);

    for (uint32_t k = 0; k < k_tiles; ++k) {
        cb_reserve_back(cb_a, 1);
        noc_semaphore_set(valid_word, INVALID);
        noc_semaphore_inc(sender_ready, 1);
        noc_semaphore_wait(valid_word, VALID);
        cb_push_back(cb_a, 1);

        cb_reserve_back(cb_b, 1);
        noc_async_read_page(k * n_tiles + column, b, get_write_ptr(cb_b));
        noc_async_read_barrier();
        cb_push_back(cb_b, 1);
    }
    noc_async_atomic_barrier();
}
