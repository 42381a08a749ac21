// What the elements of a tensor are.
#pragma once

namespace tt::tt_metal {

enum class DataType { BFLOAT16 = 0, FLOAT32 = 1, UINT32 = 2, BFLOAT8_B = 3, BFLOAT4_B = 4, UINT8 = 5, UINT16 = 6, INT32 = 7, INVALID = 10 };

}  // namespace tt::tt_metal
