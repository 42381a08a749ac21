// A buffer on every device of a mesh.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include <tt-metalium/buffer.hpp>
#include <tt-metalium/mesh_coord.hpp>
#include <tt-metalium/mesh_device.hpp>
#include <tt-metalium/shape2d.hpp>

namespace tt::tt_metal::distributed {

struct DeviceLocalBufferConfig {
    DeviceAddr page_size = 0;
    BufferType buffer_type = BufferType::DRAM;
    BufferShardingArgs sharding_args;
    std::optional<bool> bottom_up;
    std::optional<SubDeviceId> sub_device_id = std::nullopt;
};

struct ReplicatedBufferConfig {
    DeviceAddr size = 0;
};

struct ShardedBufferConfig {
    DeviceAddr global_size = 0;
    Shape2D global_buffer_shape = {0, 0};
    Shape2D shard_shape = {0, 0};
    ShardOrientation shard_orientation = ShardOrientation::ROW_MAJOR;
};

using MeshBufferConfig = std::variant<ReplicatedBufferConfig, ShardedBufferConfig>;

class MeshBuffer {
public:
    static std::shared_ptr<MeshBuffer> create(
        const MeshBufferConfig& mesh_buffer_config, const DeviceLocalBufferConfig& device_local_config, MeshDevice* mesh_device,
        std::optional<DeviceAddr> address = std::nullopt);
    MeshBuffer(const MeshBuffer&) = delete;
    MeshBuffer& operator=(const MeshBuffer&) = delete;
    MeshBuffer(MeshBuffer&& other) noexcept;
    ~MeshBuffer();

    bool is_allocated() const;
    void deallocate();
    MeshDevice* device() const;
    DeviceAddr size() const;
    DeviceAddr device_local_size() const { return size_; }
    DeviceAddr address() const { return address_; }
    Buffer* get_device_buffer(const MeshCoordinate& device_coord) const;
    Buffer* get_reference_buffer() const;
    Buffer* get_backing_buffer() const;
    uint32_t page_size() const { return static_cast<uint32_t>(local_.page_size); }
    uint32_t num_pages() const { return page_size() == 0 ? 0 : static_cast<uint32_t>(size_ / page_size()); }
    const MeshBufferConfig& global_config() const { return config_; }
    const DeviceLocalBufferConfig& device_local_config() const { return local_; }

private:
    MeshBuffer() = default;
    std::unique_ptr<Buffer> buffer_;
    MeshDevice* device_ = nullptr;
    DeviceAddr address_ = 0, size_ = 0;
    MeshBufferConfig config_;
    DeviceLocalBufferConfig local_;
    bool owns_ = true;  // its memory; one that was created at an address doesn't
};

}  // namespace tt::tt_metal::distributed
