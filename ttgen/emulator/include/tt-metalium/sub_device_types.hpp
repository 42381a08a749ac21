// Identifies a part of a device. Programs that use one device pass none.
#pragma once

#include <cstdint>

namespace ttsl {
template <typename T, typename Tag>
class StrongType {
public:
    constexpr explicit StrongType(T value = {}) : value_(value) {}
    constexpr T operator*() const { return value_; }

private:
    T value_;
};
}  // namespace ttsl

namespace tt::tt_metal {
struct SubDeviceIdTag {};
using SubDeviceId = ttsl::StrongType<uint8_t, SubDeviceIdTag>;
}  // namespace tt::tt_metal
