// What the test programs share: options, tensors padded to whole tiles, and buffers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <tt-metalium/bfloat16.hpp>
#include <tt-metalium/hal.hpp>
#include <tt-metalium/bfloat4.hpp>
#include <tt-metalium/bfloat8.hpp>
#include <tt-metalium/circular_buffer_config.hpp>
#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/distributed.hpp>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/kernel_types.hpp>
#include <tt-metalium/mesh_buffer.hpp>
#include <tt-metalium/mesh_coord.hpp>
#include <tt-metalium/mesh_device.hpp>
#include <tt-metalium/mesh_workload.hpp>
#include <tt-metalium/tensor_accessor_args.hpp>
#include <tt-metalium/tilize_utils.hpp>

namespace ttm = tt::tt_metal;
namespace dist = tt::tt_metal::distributed;

// NAME=VALUE words of the command line; files are raw little-endian float32, row-major.
class Options {
public:
    Options(int argc, char** argv) : words_(argv + 1, argv + argc) {}
    std::string text(const std::string& name, const std::string& otherwise = "") const {
        for (const std::string& word : words_) {
            if (word.rfind(name + "=", 0) == 0) {
                return word.substr(name.size() + 1);
            }
        }
        return otherwise;
    }
    uint32_t number(const std::string& name, uint32_t otherwise) const {
        const std::string value = text(name);
        return value.empty() ? otherwise : static_cast<uint32_t>(std::strtoul(value.c_str(), nullptr, 10));
    }

private:
    std::vector<std::string> words_;
};

inline std::vector<float> read_floats(const std::string& path, std::size_t count) {
    std::vector<float> values(count);
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr || std::fread(values.data(), sizeof(float), count, file) != count) {
        throw std::runtime_error("cannot read " + path);
    }
    std::fclose(file);
    return values;
}

inline void write_floats(const std::string& path, const std::vector<float>& values) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr || std::fwrite(values.data(), sizeof(float), values.size(), file) != values.size()) {
        throw std::runtime_error("cannot write " + path);
    }
    std::fclose(file);
}

inline uint32_t tiles_of(uint32_t elements) { return (elements + 31) / 32; }

inline tt::DataFormat format_of(const std::string& name) {
    if (name == "float32") return tt::DataFormat::Float32;
    if (name == "bfloat8_b") return tt::DataFormat::Bfp8_b;
    if (name == "bfloat4_b") return tt::DataFormat::Bfp4_b;
    return tt::DataFormat::Float16_b;
}

inline std::vector<float> padded(const std::vector<float>& in, uint32_t rows, uint32_t columns, float padding = 0.0f) {
    const uint32_t m = tiles_of(rows) * 32, n = tiles_of(columns) * 32;
    std::vector<float> out(std::size_t{m} * n, padding);
    for (uint32_t i = 0; i < rows; ++i) {
        for (uint32_t j = 0; j < columns; ++j) {
            out[std::size_t{i} * n + j] = in[std::size_t{i} * columns + j];
        }
    }
    return out;
}

inline std::vector<float> cropped(const std::vector<float>& in, uint32_t rows, uint32_t columns) {
    const uint32_t n = tiles_of(columns) * 32;
    std::vector<float> out(std::size_t{rows} * columns);
    for (uint32_t i = 0; i < rows; ++i) {
        for (uint32_t j = 0; j < columns; ++j) {
            out[std::size_t{i} * columns + j] = in[std::size_t{i} * n + j];
        }
    }
    return out;
}

using MeshBufferPtr = std::shared_ptr<dist::MeshBuffer>;

inline MeshBufferPtr make_buffer(dist::MeshDevice* device, uint32_t tiles, tt::DataFormat format, ttm::BufferType type = ttm::BufferType::DRAM) {
    const uint32_t page = tt::tile_size(format);
    return dist::MeshBuffer::create(
        dist::ReplicatedBufferConfig{.size = std::size_t{tiles} * page}, dist::DeviceLocalBufferConfig{.page_size = page, .buffer_type = type}, device);
}

// A matrix of whole tiles, in the buffer's format.
inline void upload(dist::MeshCommandQueue& cq, MeshBufferPtr& buffer, const std::vector<float>& values, uint32_t m, uint32_t n, tt::DataFormat format) {
    const std::vector<float> tiles = tilize_nfaces(values, m, n);
    if (format == tt::DataFormat::Float32) {
        dist::EnqueueWriteMeshBuffer(cq, buffer, tiles, false);
    } else if (format == tt::DataFormat::Float16_b) {
        const std::vector<bfloat16> halves(tiles.begin(), tiles.end());
        dist::EnqueueWriteMeshBuffer(cq, buffer, halves, false);
    } else {
        const std::vector<uint32_t> words = format == tt::DataFormat::Bfp8_b ? pack_as_bfp8_tiles<float>(tiles, false, false)
                                                                             : pack_as_bfp4_tiles<float>(tiles, false, false);
        dist::EnqueueWriteMeshBuffer(cq, buffer, words, false);
    }
}

inline std::vector<float> download(dist::MeshCommandQueue& cq, MeshBufferPtr& buffer, uint32_t m, uint32_t n, tt::DataFormat format) {
    if (format == tt::DataFormat::Float32) {
        std::vector<float> tiles;
        dist::EnqueueReadMeshBuffer(cq, tiles, buffer, true);
        return untilize_nfaces(tiles, m, n);
    }
    if (format == tt::DataFormat::Float16_b) {
        std::vector<bfloat16> halves;
        dist::EnqueueReadMeshBuffer(cq, halves, buffer, true);
        return untilize_nfaces(std::vector<float>(halves.begin(), halves.end()), m, n);
    }
    std::vector<uint32_t> words;
    dist::EnqueueReadMeshBuffer(cq, words, buffer, true);
    return untilize_nfaces(
        format == tt::DataFormat::Bfp8_b ? unpack_bfp8_tiles_into_float_vec(words, false, false) : unpack_bfp4_tiles_into_float_vec(words, false, false),
        m, n);
}

inline void make_cb(ttm::Program& program, const ttm::CoreRangeSet& cores, uint8_t index, uint32_t pages, tt::DataFormat format) {
    const uint32_t page = tt::tile_size(format);
    ttm::CreateCircularBuffer(program, cores, ttm::CircularBufferConfig(pages * page, {{index, format}}).set_page_size(index, page));
}

inline ttm::MathFidelity fidelity_of(const std::string& name) {
    if (name == "LoFi") return ttm::MathFidelity::LoFi;
    if (name == "HiFi2") return ttm::MathFidelity::HiFi2;
    if (name == "HiFi3") return ttm::MathFidelity::HiFi3;
    return ttm::MathFidelity::HiFi4;
}

inline void run(dist::MeshDevice& device, ttm::Program program) {
    dist::MeshWorkload workload;
    workload.add_program(dist::MeshCoordinateRange(device.shape()), std::move(program));
    dist::EnqueueMeshWorkload(device.mesh_command_queue(), workload, true);
}

inline std::string kernel_path(const Options& options, const std::string& name) { return options.text("kernels", KERNELS) + "/" + name; }
