// Copies another core's input shard to DRAM, found by a sharded accessor; the output shard stays in L1.
#include <cstdint>

#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    constexpr auto in_args = TensorAccessorArgs<0>();
    constexpr auto copy_args = TensorAccessorArgs<in_args.next_compile_time_args_offset()>();
    const auto in = TensorAccessor(in_args, get_common_arg_val<uint32_t>(0));
    const auto copy = TensorAccessor(copy_args, get_common_arg_val<uint32_t>(1));
    const uint32_t page = get_arg_val<uint32_t>(0);
    const uint32_t pages = get_arg_val<uint32_t>(1);
    const uint32_t tiles = get_arg_val<uint32_t>(2);

    for (uint32_t i = page; i < page + pages; ++i) {
        cb_reserve_back(2, 1);
        noc_async_read_page(i, in, get_write_ptr(2));
        noc_async_read_barrier();
        cb_push_back(2, 1);
        cb_wait_front(2, 1);
        noc_async_write_page(i, copy, get_read_ptr(2));
        noc_async_write_barrier();
        cb_pop_front(2, 1);
    }
    cb_wait_front(16, tiles);
    cb_pop_front(16, tiles);
}
