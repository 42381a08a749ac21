// A set of an enumeration's values.
#pragma once

#include <type_traits>

template <typename E>
class Flags {
public:
    using Underlying = std::underlying_type_t<E>;
    constexpr Flags() noexcept = default;
    constexpr Flags(E value) noexcept : bits_(static_cast<Underlying>(value)) {}
    constexpr explicit Flags(Underlying bits) noexcept : bits_(bits) {}
    constexpr Flags operator|(E other) const noexcept { return Flags(static_cast<Underlying>(bits_ | static_cast<Underlying>(other))); }
    constexpr bool test(E single) const noexcept { return (bits_ & static_cast<Underlying>(single)) == static_cast<Underlying>(single); }
    constexpr Underlying raw() const noexcept { return bits_; }

private:
    Underlying bits_ = 0;
};
