// NoC addresses as the real ones are laid out: 36 bits of local address, then 6 bits each of x and y; a rectangle has its end in those
// two fields and its start above them.
#pragma once

#include "ttemu/abi.h"

FORCE_INLINE uint64_t get_noc_addr(uint32_t noc_x, uint32_t noc_y, uint32_t addr, uint8_t noc = noc_index) {
    (void)noc;
    return (static_cast<uint64_t>(noc_y) << 42) | (static_cast<uint64_t>(noc_x) << 36) | addr;
}

FORCE_INLINE uint64_t get_noc_addr(uint32_t addr, uint8_t noc = noc_index) {
    return get_noc_addr(ttemu_core(0), ttemu_core(1), addr, noc);
}

FORCE_INLINE uint64_t get_noc_addr_helper(uint32_t noc_xy, uint32_t addr) {
    return (static_cast<uint64_t>(noc_xy) << 36) | addr;
}

FORCE_INLINE uint64_t get_noc_multicast_addr(
    uint32_t noc_x_start, uint32_t noc_y_start, uint32_t noc_x_end, uint32_t noc_y_end, uint32_t addr, uint8_t noc = noc_index) {
    (void)noc;
    return (static_cast<uint64_t>(noc_x_start) << 48) | (static_cast<uint64_t>(noc_y_start) << 54) |
           (static_cast<uint64_t>(noc_x_end) << 36) | (static_cast<uint64_t>(noc_y_end) << 42) | addr;
}
