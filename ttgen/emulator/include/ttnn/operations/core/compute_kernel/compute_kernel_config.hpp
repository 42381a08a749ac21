// How operations compute. The emulator's know one way.
#pragma once

namespace ttnn {

struct ComputeKernelConfig {};
using DeviceComputeKernelConfig = ComputeKernelConfig;

}  // namespace ttnn
