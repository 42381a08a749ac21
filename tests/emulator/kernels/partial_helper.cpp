// Sends a page a round to its place in the ring of the root, which says when it has room.
#include <cstdint>

#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    constexpr uint32_t cb_ring = get_named_compile_time_arg_val("cb_ring");
    constexpr uint32_t cb_own = get_named_compile_time_arg_val("cb_ahead");
    constexpr uint32_t helpers = get_named_compile_time_arg_val("helpers");
    constexpr uint32_t rounds = get_named_compile_time_arg_val("rounds");
    constexpr auto args = TensorAccessorArgs<0>();
    const auto tensor = TensorAccessor(args, get_common_arg_val<uint32_t>(0));
    const uint32_t rank = get_arg_val<uint32_t>(0), root_x = get_arg_val<uint32_t>(1), root_y = get_arg_val<uint32_t>(2);
    auto* const room = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(get_semaphore(get_named_compile_time_arg_val("ready")));
    const uint64_t arrived = get_noc_addr(root_x, root_y, get_semaphore(get_named_compile_time_arg_val("arrived")));

    for (uint32_t round = 0; round < rounds; ++round) {
        cb_reserve_back(cb_own, 1);
        noc_async_read_page(round * helpers + rank, tensor, get_write_ptr(cb_own));
        noc_async_read_barrier();
        cb_push_back(cb_own, 1);
        cb_wait_front(cb_own, 1);
        noc_semaphore_wait_min(room, round + 1);
        const uint32_t page = round % 2 * helpers + rank;  // the ring holds two rounds, and is at the same address on all cores
        noc_async_write(get_read_ptr(cb_own), get_noc_addr(root_x, root_y, get_write_ptr(cb_ring) + page * get_tile_size(cb_ring)), get_tile_size(cb_ring));
        noc_async_write_barrier();
        noc_semaphore_inc(arrived, 1);
        cb_pop_front(cb_own, 1);
    }
    noc_async_atomic_barrier();
}
