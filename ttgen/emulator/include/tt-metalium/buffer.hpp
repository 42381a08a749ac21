// A buffer on one device, and how it is sharded.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include <tt-metalium/base_types.hpp>
#include <tt-metalium/buffer_distribution_spec.hpp>
#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/sub_device_types.hpp>

namespace ttemu {
struct Buffer;
}

namespace tt::tt_metal {

class ShardSpecBuffer;

class BufferShardingArgs {
public:
    BufferShardingArgs();
    BufferShardingArgs(std::nullopt_t);
    BufferShardingArgs(BufferDistributionSpec buffer_distribution_spec);
    BufferShardingArgs(std::optional<BufferDistributionSpec> buffer_distribution_spec);
    BufferShardingArgs(const BufferShardingArgs&);
    BufferShardingArgs(BufferShardingArgs&&);
    BufferShardingArgs& operator=(const BufferShardingArgs&);
    BufferShardingArgs& operator=(BufferShardingArgs&&);
    ~BufferShardingArgs();

    const std::optional<BufferDistributionSpec>& buffer_distribution_spec() const;

private:
    std::optional<BufferDistributionSpec> buffer_distribution_spec_;
};

class Buffer {
public:
    explicit Buffer(std::shared_ptr<ttemu::Buffer> state);
    ~Buffer();
    uint32_t address() const;
    DeviceAddr size() const;
    DeviceAddr page_size() const;
    uint32_t num_pages() const;
    BufferType buffer_type() const;
    bool is_l1() const;
    bool is_dram() const;
    DeviceAddr aligned_page_size() const;

    const std::shared_ptr<ttemu::Buffer>& state() const { return state_; }

private:
    std::shared_ptr<ttemu::Buffer> state_;
};

}  // namespace tt::tt_metal
