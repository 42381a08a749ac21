// The shape of a tensor.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace tt::tt_metal {

class Shape {
public:
    Shape() = default;
    Shape(std::initializer_list<uint32_t> values) : value_(values) {}
    explicit Shape(std::span<const uint32_t> values) : value_(values.begin(), values.end()) {}
    std::size_t rank() const { return value_.size(); }
    uint32_t operator[](int32_t index) const { return value_.at(index < 0 ? value_.size() + static_cast<std::size_t>(index) : static_cast<std::size_t>(index)); }
    uint32_t& operator[](int32_t index) { return value_.at(index < 0 ? value_.size() + static_cast<std::size_t>(index) : static_cast<std::size_t>(index)); }
    uint64_t volume() const {
        uint64_t product = 1;
        for (const uint32_t v : value_) product *= v;
        return product;
    }
    bool operator==(const Shape&) const = default;

private:
    std::vector<uint32_t> value_;
};

}  // namespace tt::tt_metal
