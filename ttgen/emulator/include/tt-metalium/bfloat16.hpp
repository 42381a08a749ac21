// bfloat16, rounded to nearest even from any arithmetic type.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <type_traits>
#include <vector>

class bfloat16 {
public:
    constexpr bfloat16() = default;
    template <class T>
        requires std::is_arithmetic_v<T>
    bfloat16(T v) noexcept : uint16_data(from_float(static_cast<float>(v))) {}
    static bfloat16 truncate(float float_num);
    constexpr operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(uint16_data) << 16); }
    constexpr bool operator==(bfloat16 rhs) const { return static_cast<float>(*this) == static_cast<float>(rhs); }
    constexpr std::partial_ordering operator<=>(bfloat16 rhs) const noexcept { return static_cast<float>(*this) <=> static_cast<float>(rhs); }
    bfloat16& operator+=(bfloat16 rhs) noexcept;
    bfloat16& operator-=(bfloat16 rhs) noexcept;
    bfloat16& operator*=(bfloat16 rhs) noexcept;
    bfloat16& operator/=(bfloat16 rhs) noexcept;
    bfloat16 operator+(bfloat16 rhs) const;
    bfloat16 operator-(bfloat16 rhs) const;
    bfloat16 operator*(bfloat16 rhs) const;
    bfloat16 operator/(bfloat16 rhs) const;

private:
    uint16_t from_float(float val);
    uint16_t uint16_data;
};
