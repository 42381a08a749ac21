// Devices of a mesh of 2 × 2: what each has of its own, and what they exchange. Values tell of device and place.
#include "common.hpp"

#include <functional>

#include <tt-metalium/experimental/fabric/fabric.hpp>
#include <tt-metalium/tensor/mesh_tensor.hpp>
#include <ttnn/operations/ccl/all_gather/all_gather.hpp>
#include <ttnn/operations/ccl/all_reduce/all_reduce.hpp>
#include <ttnn/operations/ccl/reduce_scatter/reduce_scatter.hpp>
#include <ttnn/operations/data_movement/copy/copy.hpp>
#include <ttnn/tensor/tensor.hpp>

namespace {

constexpr uint32_t rows = 2, cols = 2;

// Of the device in a row and a column of the mesh.
using Value = std::function<float(uint32_t row, uint32_t col, uint32_t i, uint32_t j)>;

MeshBufferPtr make(dist::MeshDevice& device, uint32_t m, uint32_t n, const Value& value, ttm::BufferType type = ttm::BufferType::DRAM) {
    MeshBufferPtr buffer = make_buffer(&device, m / 32 * (n / 32), tt::DataFormat::Float32, type);
    for (uint32_t row = 0; row < rows; ++row) {
        for (uint32_t col = 0; col < cols; ++col) {
            std::vector<float> values(std::size_t{m} * n);
            for (uint32_t at = 0; at < values.size(); ++at) {
                values[at] = value(row, col, at / n, at % n);
            }
            std::vector<float> tiles = tilize_nfaces(values, m, n);
            dist::WriteShard(device.mesh_command_queue(), buffer, tiles, dist::MeshCoordinate(row, col), true);
        }
    }
    return buffer;
}

void check(const char* what, const MeshBufferPtr& buffer, uint32_t m, uint32_t n, const Value& value) {
    for (uint32_t row = 0; row < rows; ++row) {
        for (uint32_t col = 0; col < cols; ++col) {
            std::vector<float> tiles;
            dist::ReadShard(buffer->device()->mesh_command_queue(), tiles, buffer, dist::MeshCoordinate(row, col));
            const std::vector<float> values = untilize_nfaces(tiles, m, n);
            for (uint32_t at = 0; at < values.size(); ++at) {
                if (values[at] != value(row, col, at / n, at % n)) {
                    throw std::runtime_error(std::string(what) + ": device " + std::to_string(row) + ", " + std::to_string(col));
                }
            }
        }
    }
}

ttnn::Tensor tensor_in(const MeshBufferPtr& buffer, uint32_t m, uint32_t n) {
    const ttm::MemoryConfig memory(ttm::TensorMemoryLayout::INTERLEAVED, buffer->device_local_config().buffer_type);
    const ttm::TensorLayout layout(ttm::DataType::FLOAT32, ttm::PageConfig(ttm::Layout::TILE), memory);
    auto view = dist::MeshBuffer::create(buffer->global_config(), buffer->device_local_config(), buffer->device(), buffer->address());
    return ttnn::Tensor(ttm::MeshTensor::from_buffer(std::move(*view), ttm::TensorSpec(ttm::Shape({m, n}), layout)));
}

}  // namespace

int main(int argc, char** argv) try {
    if (Options(argc, argv).number("fabric", 1) != 0) {
        tt::tt_fabric::SetFabricConfig(tt::tt_fabric::FabricConfig::FABRIC_1D);
    }
    const auto device = dist::MeshDevice::create(dist::MeshDeviceConfig(dist::MeshShape(rows, cols)));
    const Value own = [](uint32_t row, uint32_t col, uint32_t i, uint32_t j) { return 1000.0f * (2 * row + col + 1) + i + j / 128.0f; };
    const Value none = [](uint32_t, uint32_t, uint32_t, uint32_t) { return 0.0f; };
    if (device->num_devices() != 4) {
        return 1;
    }
    const MeshBufferPtr in_l1 = make(*device, 32, 64, own, ttm::BufferType::L1), part = make(*device, 64, 32, own);
    check("contents in L1", in_l1, 32, 64, own);
    check("contents in DRAM", part, 64, 32, own);

    // Over the devices of each row, columns one after the other; over those of each column, rows.
    const MeshBufferPtr wide = make(*device, 64, 64, none), high = make(*device, 64, 64, none);
    ttnn::all_gather(tensor_in(part, 64, 32), 1, 1, std::nullopt, tensor_in(wide, 64, 64));
    check("gathered columns", wide, 64, 64, [&](uint32_t row, uint32_t, uint32_t i, uint32_t j) { return own(row, j / 32, i, j % 32); });
    ttnn::all_gather(tensor_in(in_l1, 32, 64), -2, 0, std::nullopt, tensor_in(high, 64, 64));
    check("gathered rows", high, 64, 64, [&](uint32_t, uint32_t col, uint32_t i, uint32_t j) { return own(i / 32, col, i % 32, j); });

    const Value sum = [&](uint32_t, uint32_t col, uint32_t i, uint32_t j) { return own(0, col, i, j) + own(1, col, i, j); };
    const MeshBufferPtr sums = make(*device, 64, 32, none), sum_part = make(*device, 32, 32, none);
    ttnn::copy(ttnn::all_reduce(tensor_in(part, 64, 32), 0), tensor_in(sums, 64, 32));
    check("sums", sums, 64, 32, sum);
    ttnn::reduce_scatter(tensor_in(part, 64, 32), 0, 0, std::nullopt, std::nullopt, std::nullopt, tensor_in(sum_part, 32, 32));
    check("parts of sums", sum_part, 32, 32, [&](uint32_t row, uint32_t col, uint32_t i, uint32_t j) { return sum(row, col, 32 * row + i, j); });
    check("what was added up", part, 64, 32, own);
    device->close();
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
