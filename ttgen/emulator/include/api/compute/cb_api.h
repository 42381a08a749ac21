// Circular buffers in a compute kernel: waits and pops belong to unpack, reserves and pushes to pack.
#pragma once

#include "api/compute/common_globals.h"

namespace ckernel {

ALWI void cb_wait_front(uint32_t cbid, uint32_t ntiles, TTEMU_WHERE) {
    UNPACK(ttemu_cb_wait(cbid, ntiles, TTEMU_HERE));
    (void)cbid, (void)ntiles, (void)ttemu_file, (void)ttemu_line;
}
ALWI void cb_pop_front(uint32_t cbid, uint32_t ntiles, TTEMU_WHERE) {
    UNPACK(ttemu_cb_pop(cbid, ntiles, TTEMU_HERE));
    (void)cbid, (void)ntiles, (void)ttemu_file, (void)ttemu_line;
}
ALWI void cb_reserve_back(uint32_t cbid, uint32_t ntiles, TTEMU_WHERE) {
    PACK(ttemu_cb_reserve(cbid, ntiles, TTEMU_HERE));
    (void)cbid, (void)ntiles, (void)ttemu_file, (void)ttemu_line;
}
ALWI void cb_push_back(uint32_t cbid, uint32_t ntiles, TTEMU_WHERE) {
    PACK(ttemu_cb_push(cbid, ntiles, TTEMU_HERE));
    (void)cbid, (void)ntiles, (void)ttemu_file, (void)ttemu_line;
}
// All three threads get the value: unpack reads it and sends it to the others by mailbox.
ALWI uint32_t get_tile_address(uint32_t cb_id, uint32_t tile_index, TTEMU_WHERE) {
    return ttemu_cb_read_tile(cb_id, tile_index, 0, 1, TTEMU_HERE);
}
ALWI uint32_t read_tile_value(uint32_t cb_id, uint32_t tile_index, uint32_t element_offset, TTEMU_WHERE) {
    return ttemu_cb_read_tile(cb_id, tile_index, element_offset, 0, TTEMU_HERE);
}

}  // namespace ckernel
