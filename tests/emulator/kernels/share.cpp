// The cores of a rectangle take turns to read a block and multicast it to all. With `ahead`, each reads its next block into a buffer of its
// own while others send, and multicasts from there into everybody's ring, its own included.
#include <cstdint>

#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    constexpr uint32_t cb_ring = get_named_compile_time_arg_val("cb_ring");
    constexpr uint32_t cb_ahead = get_named_compile_time_arg_val("cb_ahead");
    constexpr uint32_t ahead = get_named_compile_time_arg_val("ahead");
    constexpr uint32_t cores = get_named_compile_time_arg_val("cores");
    constexpr uint32_t rounds = get_named_compile_time_arg_val("rounds");
    constexpr uint32_t tiles = get_named_compile_time_arg_val("tiles");
    constexpr uint32_t bytes = tiles * get_tile_size(cb_ring);
    constexpr auto args = TensorAccessorArgs<0>();
    const auto tensor = TensorAccessor(args, get_common_arg_val<uint32_t>(0));
    const uint32_t rank = get_arg_val<uint32_t>(0);
    const uint32_t ready_address = get_semaphore(get_named_compile_time_arg_val("ready"));
    const uint32_t arrived_address = get_semaphore(get_named_compile_time_arg_val("arrived"));
    auto* const ready = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(ready_address);
    auto* const arrived = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(arrived_address);
    const auto everybody = [&](uint32_t address) {
        return get_noc_multicast_addr(
            get_arg_val<uint32_t>(1), get_arg_val<uint32_t>(2), get_arg_val<uint32_t>(3), get_arg_val<uint32_t>(4), address);
    };
    const auto read = [&](uint32_t cb, uint32_t round) {
        for (uint32_t tile = 0; tile < tiles; ++tile) {
            noc_async_read_page(round * tiles + tile, tensor, get_write_ptr(cb) + tile * get_tile_size(cb));
        }
    };
    const auto read_ahead = [&](uint32_t round) {
        if (ahead != 0 && round < rounds) {
            cb_reserve_back(cb_ahead, tiles);
            read(cb_ahead, round);
        }
    };

    read_ahead(rank);
    for (uint32_t round = 0; round < rounds; ++round) {
        const uint32_t sender = round % cores;
        const uint64_t place = get_noc_addr(get_arg_val<uint32_t>(5 + 2 * sender), get_arg_val<uint32_t>(6 + 2 * sender), ready_address);
        cb_reserve_back(cb_ring, tiles);
        if (sender == rank) {
            if (ahead != 0) {
                noc_async_read_barrier();
                cb_push_back(cb_ahead, tiles);
                cb_wait_front(cb_ahead, tiles);
            } else {
                read(cb_ring, round);
                noc_async_read_barrier();
            }
            noc_semaphore_wait_min(ready, (round / cores + 1) * (cores - 1));
            if (ahead != 0) {
                noc_async_write_multicast_loopback_src(get_read_ptr(cb_ahead), everybody(get_write_ptr(cb_ring)), bytes, cores);
            } else {
                noc_async_write_multicast(get_write_ptr(cb_ring), everybody(get_write_ptr(cb_ring)), bytes, cores - 1);
            }
            noc_async_writes_flushed();
            noc_semaphore_set(arrived, round + 1);
            noc_semaphore_wait_min(arrived, round + 1);
            noc_semaphore_set_multicast(arrived_address, everybody(arrived_address), cores - 1);
            noc_async_writes_flushed();
            if (ahead != 0) {
                noc_async_write_barrier();
                cb_pop_front(cb_ahead, tiles);
                read_ahead(round + cores);
            }
        } else {
            noc_semaphore_inc(place, 1);
            noc_semaphore_wait_min(arrived, round + 1);
        }
        cb_push_back(cb_ring, tiles);
    }
    noc_async_write_barrier();
    noc_async_atomic_barrier();
}
