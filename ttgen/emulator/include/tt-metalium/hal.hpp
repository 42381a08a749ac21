// What the chip is like.
#pragma once

#include <cstdint>
#include <string>

#include <tt-metalium/base_types.hpp>

namespace tt::tt_metal::hal {

tt::ARCH get_arch();
std::string get_arch_name();
uint32_t get_l1_alignment();
uint32_t get_dram_alignment();
uint32_t get_arch_num_circular_buffers();
uint32_t get_max_worker_l1_unreserved_size();

}  // namespace tt::tt_metal::hal
