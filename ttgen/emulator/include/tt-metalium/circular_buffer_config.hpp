// A circular buffer: bytes, and the format and page size of each index that uses them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include <tt-metalium/base_types.hpp>
#include <tt-metalium/buffer.hpp>
#include <tt-metalium/tile.hpp>

namespace tt::tt_metal {

class CircularBufferConfig {
public:
    CircularBufferConfig(uint32_t total_size, const std::map<uint8_t, tt::DataFormat>& data_format_spec);
    CircularBufferConfig& set_page_size(uint8_t buffer_index, uint32_t page_size);
    CircularBufferConfig& set_tile_dims(uint8_t buffer_index, const Tile& tile);
    CircularBufferConfig& set_globally_allocated_address(const Buffer& buffer);

    struct Index {
        tt::DataFormat format;
        uint32_t page_size = 0;
    };
    uint32_t total_size_;
    std::map<uint8_t, Index> indices_;
    std::shared_ptr<ttemu::Buffer> on_buffer_;
};

}  // namespace tt::tt_metal
