// Output shards are twice the input shards, in place in L1; the input is also copied to DRAM through a sharded accessor, by other cores than own it.
#include "common.hpp"

#include <tt-metalium/buffer_distribution_spec.hpp>

int main(int argc, char** argv) {
    const Options options(argc, argv);
    const uint32_t rows = options.number("rows", 8), columns = options.number("columns", 2), shards = options.number("shards", 4);
    const tt::DataFormat format = tt::DataFormat::Float16_b;
    const uint32_t page = tt::tile_size(format), shard_rows = rows / shards, shard_tiles = shard_rows * columns;
    std::shared_ptr<dist::MeshDevice> device = dist::MeshDevice::create_unit_mesh(0);
    dist::MeshCommandQueue& cq = device->mesh_command_queue();
    const ttm::CoreRangeSet cores{ttm::CoreRange(ttm::CoreCoord{0, 0}, ttm::CoreCoord{shards - 1, 0})};
    const ttm::BufferDistributionSpec spec(
        ttm::Shape({rows, columns}), ttm::Shape({shard_rows, columns}), cores, ttm::ShardOrientation::ROW_MAJOR,
        ttm::ShardDistributionStrategy::ROUND_ROBIN_1D);
    const auto sharded = [&] {
        return dist::MeshBuffer::create(
            dist::ReplicatedBufferConfig{.size = std::size_t{rows} * columns * page},
            dist::DeviceLocalBufferConfig{.page_size = page, .buffer_type = ttm::BufferType::L1, .sharding_args = ttm::BufferShardingArgs(spec)},
            device.get());
    };
    auto in = sharded(), out = sharded();
    auto copy = make_buffer(device.get(), rows * columns, format);
    upload(cq, in, read_floats(options.text("IN"), std::size_t{rows} * columns * 1024), rows * 32, columns * 32, format);

    ttm::Program program = ttm::CreateProgram();
    ttm::CreateCircularBuffer(
        program, cores,
        ttm::CircularBufferConfig(shard_tiles * page, {{0, format}}).set_page_size(0, page).set_globally_allocated_address(*in->get_reference_buffer()));
    ttm::CreateCircularBuffer(
        program, cores,
        ttm::CircularBufferConfig(shard_tiles * page, {{16, format}}).set_page_size(16, page).set_globally_allocated_address(*out->get_reference_buffer()));
    make_cb(program, cores, 2, 2, format);
    std::vector<uint32_t> words;
    ttm::TensorAccessorArgs(*in).append_to(words);
    ttm::TensorAccessorArgs(*copy).append_to(words);
    const ttm::KernelHandle reader = ttm::CreateKernel(
        program, kernel_path(options, "shard_reader.cpp"), cores,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_1, .noc = ttm::NOC::NOC_0});
    const ttm::KernelHandle compute = ttm::CreateKernel(program, kernel_path(options, "shard_compute.cpp"), cores, ttm::ComputeConfig{});
    const ttm::KernelHandle writer = ttm::CreateKernel(
        program, kernel_path(options, "shard_writer.cpp"), cores,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_0, .noc = ttm::NOC::NOC_1, .compile_args = words});
    ttm::SetCommonRuntimeArgs(program, writer, {static_cast<uint32_t>(in->address()), static_cast<uint32_t>(copy->address())});
    for (uint32_t x = 0; x < shards; ++x) {
        const ttm::CoreCoord core{x, 0};
        ttm::SetRuntimeArgs(program, reader, core, {shard_tiles});
        ttm::SetRuntimeArgs(program, compute, core, {shard_tiles});
        ttm::SetRuntimeArgs(program, writer, core, {(x + 1) % shards * shard_tiles, shard_tiles, shard_tiles});
    }
    run(*device, std::move(program));
    write_floats(options.text("OUT"), download(cq, out, rows * 32, columns * 32, format));
    write_floats(options.text("COPY"), download(cq, copy, rows * 32, columns * 32, format));
    device->close();
    return 0;
}
