// Gets a page a round of each helper: reserves them, says so, and counts what has come.
#include <cstdint>

#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    constexpr uint32_t cb_ring = get_named_compile_time_arg_val("cb_ring");
    constexpr uint32_t helpers = get_named_compile_time_arg_val("helpers");
    constexpr uint32_t rounds = get_named_compile_time_arg_val("rounds");
    const uint32_t room = get_semaphore(get_named_compile_time_arg_val("ready"));
    auto* const arrived = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(get_semaphore(get_named_compile_time_arg_val("arrived")));

    for (uint32_t round = 0; round < rounds; ++round) {
        cb_reserve_back(cb_ring, helpers);
        for (uint32_t helper = 0; helper < helpers; ++helper) {
            noc_semaphore_inc(get_noc_addr(get_arg_val<uint32_t>(2 * helper), get_arg_val<uint32_t>(2 * helper + 1), room), 1);
        }
        noc_semaphore_wait_min(arrived, (round + 1) * helpers);
        cb_push_back(cb_ring, helpers);
    }
    noc_async_atomic_barrier();
}
