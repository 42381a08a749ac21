// Types of TT-Metalium, as ttnn calls them.
#pragma once

#include <ttnn/tensor/tensor.hpp>

namespace ttnn {

using tt::tt_metal::DataType;
using tt::tt_metal::MemoryConfig;

}  // namespace ttnn
