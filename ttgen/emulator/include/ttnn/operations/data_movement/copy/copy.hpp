// From one tensor to another.
#pragma once

#include <ttnn/tensor/tensor.hpp>

namespace ttnn {

Tensor copy(const Tensor& input_tensor, const Tensor& output_tensor);

}  // namespace ttnn
