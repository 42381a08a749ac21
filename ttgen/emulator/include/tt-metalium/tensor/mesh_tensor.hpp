// A tensor on the devices of a mesh: a buffer, and what is in it.
#pragma once

#include <memory>

#include <tt-metalium/mesh_buffer.hpp>
#include <tt-metalium/tensor/spec/tensor_spec.hpp>

namespace tt::tt_metal {

class MeshTensorImpl;

class MeshTensor {
public:
    static MeshTensor from_buffer(distributed::MeshBuffer mesh_buffer, TensorSpec spec);
    MeshTensor(MeshTensor&& other) noexcept;
    MeshTensor& operator=(MeshTensor&& other) noexcept;
    ~MeshTensor();

    const distributed::MeshBuffer& mesh_buffer() const;
    const TensorSpec& tensor_spec() const;

private:
    explicit MeshTensor(std::unique_ptr<MeshTensorImpl> impl);
    std::unique_ptr<MeshTensorImpl> impl_;
};

}  // namespace tt::tt_metal
