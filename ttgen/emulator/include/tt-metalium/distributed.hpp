// Moving data to and from devices, and running workloads.
#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include <tt-metalium/mesh_buffer.hpp>
#include <tt-metalium/mesh_command_queue.hpp>
#include <tt-metalium/mesh_device.hpp>
#include <tt-metalium/mesh_workload.hpp>
#include <tt-metalium/sub_device_types.hpp>

namespace tt::tt_metal::distributed {

void EnqueueMeshWorkload(MeshCommandQueue& mesh_cq, MeshWorkload& mesh_workload, bool blocking);
void Finish(MeshCommandQueue& mesh_cq, std::span<const SubDeviceId> sub_device_ids = {});

template <typename DType>
void EnqueueWriteMeshBuffer(
    MeshCommandQueue& mesh_cq, std::shared_ptr<MeshBuffer>& mesh_buffer, const std::vector<DType>& src, bool blocking = false) {
    if (src.size() * sizeof(DType) < mesh_buffer->size()) {
        throw std::runtime_error("EnqueueWriteMeshBuffer: the data is shorter than the buffer");
    }
    mesh_cq.enqueue_write_mesh_buffer(mesh_buffer, src.data(), blocking);
}

template <typename DType>
void EnqueueReadMeshBuffer(
    MeshCommandQueue& mesh_cq, std::vector<DType>& dst, std::shared_ptr<MeshBuffer>& mesh_buffer, bool blocking = true) {
    if (!blocking) {
        throw std::runtime_error("EnqueueReadMeshBuffer: non-blocking reads are not supported");
    }
    if (mesh_buffer->device()->num_devices() != 1) {
        throw std::runtime_error("Can only read a Sharded MeshBuffer from a MeshDevice.");
    }
    dst.resize(mesh_buffer->size() / sizeof(DType));
    mesh_cq.enqueue_read_mesh_buffer(dst.data(), mesh_buffer, blocking);
}

template <typename DType>
void WriteShard(
    MeshCommandQueue& mesh_cq, const std::shared_ptr<MeshBuffer>& mesh_buffer, std::vector<DType>& src, const MeshCoordinate& coord,
    bool blocking = false) {
    if (src.size() * sizeof(DType) < mesh_buffer->size()) {
        throw std::runtime_error("WriteShard: the data is shorter than the buffer");
    }
    mesh_cq.enqueue_write_shard(mesh_buffer, src.data(), coord, blocking);
}

template <typename DType>
void ReadShard(
    MeshCommandQueue& mesh_cq, std::vector<DType>& dst, const std::shared_ptr<MeshBuffer>& mesh_buffer, const MeshCoordinate& coord,
    bool blocking = true) {
    dst.resize(mesh_buffer->size() / sizeof(DType));
    mesh_cq.enqueue_read_shard(dst.data(), mesh_buffer, coord, blocking);
}

}  // namespace tt::tt_metal::distributed
