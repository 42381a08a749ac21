// The words with which a kernel's TensorAccessor finds the pages of a buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <hostdevcommon/flags.hpp>
#include <tt-metalium/buffer.hpp>
#include <tt-metalium/mesh_buffer.hpp>

namespace tensor_accessor {

enum class ArgConfig : uint8_t {
    None = 0, Sharded = 1, IsDram = 2, RuntimeRank = 4, RuntimeNumBanks = 8, RuntimeTensorShape = 16, RuntimeShardShape = 32,
    RuntimeBankCoords = 64, RuntimePageSize = 128
};
using ArgsConfig = Flags<ArgConfig>;

}  // namespace tensor_accessor

namespace tt::tt_metal {

class TensorAccessorArgs {
public:
    explicit TensorAccessorArgs(const Buffer& buffer, tensor_accessor::ArgsConfig args_config = tensor_accessor::ArgConfig::None);
    explicit TensorAccessorArgs(
        const distributed::MeshBuffer& buffer, tensor_accessor::ArgsConfig args_config = tensor_accessor::ArgConfig::None);
    explicit TensorAccessorArgs(
        const std::shared_ptr<distributed::MeshBuffer>& buffer, tensor_accessor::ArgsConfig args_config = tensor_accessor::ArgConfig::None);
    static TensorAccessorArgs create_dram_interleaved();
    static TensorAccessorArgs create_l1_interleaved();

    void append_to(std::vector<uint32_t>& compile_time_args) const;
    void append_to(std::vector<uint32_t>& compile_time_args, std::vector<uint32_t>& common_runtime_args) const;
    std::vector<uint32_t> get_compile_time_args() const;

private:
    TensorAccessorArgs() = default;
    std::vector<uint32_t> words_;
};

}  // namespace tt::tt_metal
