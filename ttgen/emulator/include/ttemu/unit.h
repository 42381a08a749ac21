// What every kernel unit sees before the kernel's own text: the words of the device headers, the compile-time arguments, and the tables
// of circular buffers that the real build generates (here the unit's first lines define them as TTEMU_CB_… lists).
#pragma once

// Nothing more of the standard library: it would be most of what the compiler reads for a kernel.
#include <cstddef>
#include <cstdint>

#include "ttemu/abi.h"

#define tt_l1_ptr
#define tt_reg_ptr
#define FORCE_INLINE inline __attribute__((always_inline))
#define ALWI inline __attribute__((always_inline))
#define KERNEL_BUILD 1

using uint = unsigned int;

#include "hostdevcommon/common_values.hpp"
#include "hostdevcommon/kernel_structs.h"
#include "ttemu/types.h"

constexpr uint8_t noc_index = NOC_INDEX;
constexpr uint8_t noc_mode = 0;
#define my_x (ttemu::CoreX{})
#define my_y (ttemu::CoreY{})

namespace ttemu {
struct CoreX { uint8_t operator[](uint32_t) const { return static_cast<uint8_t>(ttemu_core(0)); } };
struct CoreY { uint8_t operator[](uint32_t) const { return static_cast<uint8_t>(ttemu_core(1)); } };
}  // namespace ttemu

constexpr uint8_t unpack_src_format[] = {TTEMU_CB_FORMATS};
constexpr uint8_t unpack_dst_format[] = {TTEMU_CB_UNPACKED_FORMATS};
constexpr uint32_t unpack_tile_size[] = {TTEMU_CB_TILE_BYTES};
constexpr uint32_t pack_tile_size[] = {TTEMU_CB_TILE_BYTES};

#include "api/compile_time_args.h"

using namespace ckernel;
