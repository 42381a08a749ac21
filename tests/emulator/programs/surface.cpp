// Uses what the other programs don't of the host API, so that its declarations are checked against the real library.
#include "common.hpp"

#include <tt-metalium/buffer_distribution_spec.hpp>
#include <tt-metalium/constants.hpp>
#include <tt-metalium/hal.hpp>
#include <tt-metalium/work_split.hpp>

int main() {
    std::shared_ptr<dist::MeshDevice> device = dist::MeshDevice::create_unit_mesh(0);
    dist::MeshCommandQueue& cq = device->mesh_command_queue();
    const auto [count, all, group_1, group_2, units_1, units_2] = ttm::split_work_to_cores(device->compute_with_storage_grid_size(), 70);
    if (count != 64 || all.num_cores() != 64 || group_1.num_cores() != 6 || group_2.num_cores() != 58 || units_1 != 2 || units_2 != 1) {
        return 1;
    }
    if (ttm::hal::get_arch() != device->arch() || ttm::hal::get_l1_alignment() != 16 || ttm::hal::get_arch_name().empty()) {
        return 2;
    }
    const auto spec = ttm::BufferDistributionSpec::from_shard_spec(
        ttm::Shape({256, 64}), ttm::Shape({64, 64}), ttm::Shape2D(32, 32), ttm::CoreRangeSet(ttm::CoreRange({0, 0}, {3, 0})), ttm::ShardOrientation::ROW_MAJOR);
    auto buffer = dist::MeshBuffer::create(
        dist::ReplicatedBufferConfig{.size = 16 * 2048},
        dist::DeviceLocalBufferConfig{.page_size = 2048, .buffer_type = ttm::BufferType::L1, .sharding_args = ttm::BufferShardingArgs(spec)}, device.get());
    std::vector<bfloat16> data(16 * 1024, bfloat16(1.5)), back;
    const dist::MeshCoordinate zero = dist::MeshCoordinate::zero_coordinate(2);
    dist::WriteShard(cq, buffer, data, zero);
    dist::ReadShard(cq, back, buffer, zero);
    dist::Finish(cq);
    std::vector<uint32_t> words;
    ttm::TensorAccessorArgs(buffer).append_to(words);
    ttm::TensorAccessorArgs(*buffer->get_reference_buffer()).append_to(words);
    ttm::TensorAccessorArgs::create_dram_interleaved().append_to(words);
    if (back != data || words[0] != 1 || words[1] != 2048 || words[2] != 1 || words[3] != 4 || words[4] != 16 || words[5] != 4) {
        return 3;
    }
    ttm::Program program = ttm::CreateProgram();
    const ttm::KernelHandle kernel = ttm::CreateKernel(
        program, KERNELS "/shard_reader.cpp", ttm::CoreCoord{0, 0}, ttm::WriterDataMovementConfig({}, {{"UNUSED", "1"}}, {{"name", 3}}));
    ttm::CreateCircularBuffer(
        program, ttm::CoreCoord{0, 0},
        ttm::CircularBufferConfig(2 * 2048, {{0, tt::DataFormat::Float16_b}}).set_page_size(0, 2048).set_tile_dims(0, ttm::Tile({32, 32})));
    ttm::SetRuntimeArgs(program, kernel, std::vector<ttm::CoreCoord>{{0, 0}}, std::vector<std::vector<uint32_t>>{{0}});
    ttm::GetRuntimeArgs(program, kernel, ttm::CoreCoord{0, 0})[0] = 0;
    const uint32_t semaphore = ttm::CreateSemaphore(program, ttm::CoreRange({0, 0}, {1, 0}), 0);
    if (semaphore != 0 || tt::tile_size(tt::DataFormat::Bfp4_b) != 576 || device->shape().mesh_size() != 1) {
        return 4;
    }
    dist::MeshWorkload workload;
    workload.add_program(dist::MeshCoordinateRange(device->shape()), std::move(program));
    dist::EnqueueMeshWorkload(cq, workload, false);
    dist::EnqueueMeshWorkload(cq, workload, true);  // again, with the arguments it has
    const auto packed = pack_as_bfp8_tiles<float>(std::vector<float>(1024, 0.75f), true, false);
    if (unpack_bfp8_tiles_into_float_vec(packed, true, false) != std::vector<float>(1024, 0.75f) || untilize_nfaces(tilize_nfaces(data, 512, 32), 512, 32) != data) {
        return 5;
    }
    buffer->deallocate();
    return device->close() ? 0 : 6;
}
