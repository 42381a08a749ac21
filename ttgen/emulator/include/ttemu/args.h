// Runtime arguments and the core's place: the same for data-movement and compute kernels.
#pragma once

#include "ttemu/abi.h"

inline uintptr_t get_arg_addr(int arg_idx, TTEMU_WHERE) { return ttemu_runtime_arg_address(arg_idx, 0, TTEMU_HERE); }
inline uintptr_t get_common_arg_addr(int arg_idx, TTEMU_WHERE) { return ttemu_runtime_arg_address(arg_idx, 1, TTEMU_HERE); }

template <typename T>
FORCE_INLINE T get_arg_val(int arg_idx, TTEMU_WHERE) {
    static_assert(sizeof(T) == 4, "only 4B args are supported");
    uint32_t bits = ttemu_runtime_arg(arg_idx, 0, TTEMU_HERE);
    T value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
}

template <typename T>
FORCE_INLINE T get_common_arg_val(int arg_idx, TTEMU_WHERE) {
    static_assert(sizeof(T) == 4, "only 4B args are supported");
    uint32_t bits = ttemu_runtime_arg(arg_idx, 1, TTEMU_HERE);
    T value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
}

inline uint8_t get_absolute_logical_x() { return static_cast<uint8_t>(ttemu_core(2)); }
inline uint8_t get_absolute_logical_y() { return static_cast<uint8_t>(ttemu_core(3)); }
inline uint8_t get_relative_logical_x() { return static_cast<uint8_t>(ttemu_core(4)); }
inline uint8_t get_relative_logical_y() { return static_cast<uint8_t>(ttemu_core(5)); }
