// What a tensor is, and how it lies in memory. The emulator's are interleaved, and of whole tiles.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <tt-metalium/base_types.hpp>
#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/shape.hpp>
#include <tt-metalium/tensor/tensor_types.hpp>

namespace tt::tt_metal {

enum class Layout { ROW_MAJOR = 0, TILE = 1, INVALID = 2 };

struct ShardSpec {
    CoreRangeSet grid;
    std::array<uint32_t, 2> shape;
    ShardOrientation orientation = ShardOrientation::ROW_MAJOR;
};

class Alignment {};

class PageConfig {
public:
    PageConfig(Layout layout);
    Layout get_layout() const { return layout_; }

private:
    Layout layout_;
};

class MemoryConfig final {
public:
    explicit MemoryConfig(
        TensorMemoryLayout memory_layout, BufferType buffer_type = BufferType::DRAM, std::optional<ShardSpec> shard_spec = std::nullopt);
    TensorMemoryLayout memory_layout() const { return memory_layout_; }
    BufferType buffer_type() const { return buffer_type_; }

private:
    TensorMemoryLayout memory_layout_;
    BufferType buffer_type_;
};

class TensorLayout {
public:
    TensorLayout(DataType dtype, const PageConfig& page_config, const MemoryConfig& memory_config, const Alignment& alignment = {});
    DataType get_data_type() const { return dtype_; }
    const MemoryConfig& get_memory_config() const { return memory_config_; }

private:
    DataType dtype_;
    PageConfig page_config_;
    MemoryConfig memory_config_;
};

class TensorSpec final {
public:
    TensorSpec(Shape logical_shape, TensorLayout tensor_layout);
    const Shape& logical_shape() const { return logical_shape_; }
    const TensorLayout& tensor_layout() const { return tensor_layout_; }
    DataType data_type() const { return tensor_layout_.get_data_type(); }
    const MemoryConfig& memory_config() const { return tensor_layout_.get_memory_config(); }

private:
    Shape logical_shape_;
    TensorLayout tensor_layout_;
};

}  // namespace tt::tt_metal
