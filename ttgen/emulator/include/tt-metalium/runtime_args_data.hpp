// Runtime arguments in place: what GetRuntimeArgs gives to change them between launches.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tt::tt_metal {

struct RuntimeArgsData {
    uint32_t* rt_args_data = nullptr;
    std::size_t rt_args_count = 0;
    uint32_t& operator[](std::size_t index) { return rt_args_data[index]; }
    const uint32_t& operator[](std::size_t index) const { return rt_args_data[index]; }
    uint32_t& at(std::size_t index) { return rt_args_data[index]; }
    std::size_t size() const noexcept { return rt_args_count; }
    uint32_t* data() noexcept { return rt_args_data; }
};

}  // namespace tt::tt_metal
