// The queue of a mesh.
#pragma once

#include <memory>
#include <vector>

namespace tt::tt_metal::distributed {

class MeshBuffer;
class MeshCoordinate;
class MeshWorkload;

class MeshCommandQueue {
public:
    MeshCommandQueue() = default;
    MeshCommandQueue(const MeshCommandQueue&) = delete;
    MeshCommandQueue& operator=(const MeshCommandQueue&) = delete;
    virtual ~MeshCommandQueue() = default;
    virtual void enqueue_write_mesh_buffer(const std::shared_ptr<MeshBuffer>& buffer, const void* host_data, bool blocking) = 0;
    virtual void enqueue_read_mesh_buffer(void* host_data, const std::shared_ptr<MeshBuffer>& buffer, bool blocking) = 0;
    virtual void enqueue_write_shard(
        const std::shared_ptr<MeshBuffer>& buffer, const void* host_data, const MeshCoordinate& coordinate, bool blocking) = 0;
    virtual void enqueue_read_shard(
        void* host_data, const std::shared_ptr<MeshBuffer>& buffer, const MeshCoordinate& coordinate, bool blocking) = 0;
    virtual void enqueue_mesh_workload(MeshWorkload& mesh_workload, bool blocking) = 0;
};

}  // namespace tt::tt_metal::distributed
