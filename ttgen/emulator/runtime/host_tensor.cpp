// Tensors of ttnn: buffers with a shape and a dtype, interleaved, of whole tiles.
#include <stdexcept>
#include <utility>

#include "ttnn/types.hpp"

namespace tt::tt_metal {

PageConfig::PageConfig(Layout layout) : layout_(layout) {
    if (layout != Layout::TILE) {
        throw std::runtime_error("the emulator's tensors are of tiles");
    }
}

MemoryConfig::MemoryConfig(TensorMemoryLayout memory_layout, BufferType buffer_type, std::optional<ShardSpec>) :
    memory_layout_(memory_layout), buffer_type_(buffer_type) {
    if (memory_layout != TensorMemoryLayout::INTERLEAVED) {
        throw std::runtime_error("the emulator's tensors are interleaved");
    }
}

TensorLayout::TensorLayout(DataType dtype, const PageConfig& page_config, const MemoryConfig& memory_config, const Alignment&) :
    dtype_(dtype), page_config_(page_config), memory_config_(memory_config) {}

TensorSpec::TensorSpec(Shape logical_shape, TensorLayout tensor_layout) :
    logical_shape_(std::move(logical_shape)), tensor_layout_(std::move(tensor_layout)) {
    if (logical_shape_.rank() < 2) {
        throw std::runtime_error("the emulator's tensors have two dimensions or more");
    }
}

namespace {

uint32_t page_bytes(DataType dtype) {
    switch (dtype) {
        case DataType::BFLOAT16: return tt::tile_size(tt::DataFormat::Float16_b);
        case DataType::FLOAT32: return tt::tile_size(tt::DataFormat::Float32);
        case DataType::BFLOAT8_B: return tt::tile_size(tt::DataFormat::Bfp8_b);
        case DataType::BFLOAT4_B: return tt::tile_size(tt::DataFormat::Bfp4_b);
        default: throw std::runtime_error("a dtype that the emulator's tensors don't have");
    }
}

uint64_t pages_of(const Shape& shape) {
    uint64_t pages = 1;
    const int32_t rank = static_cast<int32_t>(shape.rank());
    for (int32_t i = 0; i < rank; ++i) {
        pages *= i < rank - 2 ? shape[i] : (shape[i] + 31) / 32;
    }
    return pages;
}

}  // namespace

class MeshTensorImpl {
public:
    distributed::MeshBuffer buffer;
    TensorSpec spec;
};

MeshTensor::MeshTensor(std::unique_ptr<MeshTensorImpl> impl) : impl_(std::move(impl)) {}
MeshTensor::MeshTensor(MeshTensor&& other) noexcept = default;
MeshTensor& MeshTensor::operator=(MeshTensor&& other) noexcept = default;
MeshTensor::~MeshTensor() = default;
MeshTensor MeshTensor::from_buffer(distributed::MeshBuffer mesh_buffer, TensorSpec spec) {
    if (mesh_buffer.page_size() != page_bytes(spec.data_type()) || mesh_buffer.num_pages() != pages_of(spec.logical_shape()) ||
        mesh_buffer.device_local_config().buffer_type != spec.memory_config().buffer_type()) {
        throw std::runtime_error("The buffer isn't what the tensor's spec says");
    }
    return MeshTensor(std::unique_ptr<MeshTensorImpl>(new MeshTensorImpl{std::move(mesh_buffer), std::move(spec)}));
}
const distributed::MeshBuffer& MeshTensor::mesh_buffer() const { return impl_->buffer; }
const TensorSpec& MeshTensor::tensor_spec() const { return impl_->spec; }

}  // namespace tt::tt_metal

namespace ttnn {

Tensor::Tensor(tt::tt_metal::MeshTensor mesh_tensor) : mesh_tensor_(std::make_shared<tt::tt_metal::MeshTensor>(std::move(mesh_tensor))) {}
Tensor::~Tensor() = default;
const tt::tt_metal::MeshTensor& Tensor::mesh_tensor() const& { return *mesh_tensor_; }
const tt::tt_metal::MemoryConfig& Tensor::memory_config() const { return mesh_tensor_->tensor_spec().memory_config(); }

}  // namespace ttnn
