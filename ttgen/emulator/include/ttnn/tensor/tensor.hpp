// What operations of ttnn take and return.
#pragma once

#include <memory>

#include <tt-metalium/tensor/mesh_tensor.hpp>

namespace ttnn {

class Tensor {
public:
    explicit Tensor(tt::tt_metal::MeshTensor mesh_tensor);
    Tensor(const Tensor&) = default;
    Tensor(Tensor&&) noexcept = default;
    ~Tensor();
    const tt::tt_metal::MeshTensor& mesh_tensor() const&;
    const tt::tt_metal::MemoryConfig& memory_config() const;

private:
    std::shared_ptr<tt::tt_metal::MeshTensor> mesh_tensor_;
};

}  // namespace ttnn
