// Stands in for SFPI's header, which comes with its compiler and not with the wheel: the vector types, functions and
// constants that the wheel's SFPU functions are written with. It type-checks them on any compiler and executes them
// on the host, 32 lanes at a time, as the public ISA documentation says that the vector unit does. What may differ in
// last bits: a product that a sum uses is fused with it here wherever it comes from; stochastic rounding is rounding to
// nearest.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define sfpi_inline inline

namespace sfpi {

// ---------------------------------------------------------------------------------------------------------------
// Constants: modes of the instructions, registers

constexpr unsigned SFP_LREG_COUNT = 8, SFP_DESTREG_STRIDE = 2;

constexpr unsigned SFPLOAD_MOD0_FMT_SRCB = 0, SFPLOAD_MOD0_FMT_FP16A = 1, SFPLOAD_MOD0_FMT_FP16B = 2,
                   SFPLOAD_MOD0_FMT_FP32 = 3, SFPLOAD_MOD0_FMT_INT32 = 4, SFPLOAD_MOD0_FMT_INT8 = 5,
                   SFPLOAD_MOD0_FMT_UINT16 = 6, SFPLOAD_MOD0_FMT_HI16 = 7, SFPLOAD_MOD0_FMT_INT16 = 8,
                   SFPLOAD_MOD0_FMT_LO16 = 9, SFPLOAD_MOD0_FMT_SM32 = 12;
constexpr unsigned SFPSTORE_MOD0_FMT_SRCB = 0, SFPSTORE_MOD0_FMT_FP16A = 1, SFPSTORE_MOD0_FMT_FP16B = 2,
                   SFPSTORE_MOD0_FMT_FP32 = 3, SFPSTORE_MOD0_FMT_INT32 = 4, SFPSTORE_MOD0_FMT_INT8 = 5,
                   SFPSTORE_MOD0_FMT_UINT16 = 6, SFPSTORE_MOD0_FMT_HI16 = 7, SFPSTORE_MOD0_FMT_INT16 = 8,
                   SFPSTORE_MOD0_FMT_LO16 = 9, SFPSTORE_MOD0_FMT_SM32 = 12, SFPSTORE_MOD0_FMT_LO16_ONLY = 14,
                   SFPSTORE_MOD0_FMT_HI16_ONLY = 15;
constexpr unsigned SFPLOADI_MOD0_FLOATB = 0, SFPLOADI_MOD0_FLOATA = 1, SFPLOADI_MOD0_USHORT = 2,
                   SFPLOADI_MOD0_SHORT = 4, SFPLOADI_MOD0_UPPER = 8, SFPLOADI_MOD0_LOWER = 10;
constexpr unsigned SFPMOV_MOD1_COMPSIGN = 1, SFPMAD_MOD1_OFFSET_NONE = 0, SFPABS_MOD1_INT = 0, SFPABS_MOD1_FLOAT = 1;
constexpr unsigned SFPEXMAN_MOD1_PAD8 = 0, SFPEXMAN_MOD1_PAD9 = 1;
constexpr unsigned SFPEXEXP_MOD1_DEBIAS = 0, SFPEXEXP_MOD1_NODEBIAS = 1, SFPEXEXP_MOD1_SET_CC_SGN_EXP = 2,
                   SFPEXEXP_MOD1_SET_CC_COMP_EXP = 8, SFPEXEXP_MOD1_SET_CC_SGN_COMP_EXP = 10;
constexpr unsigned SFPARECIP_MOD1_RECIP = 0, SFPARECIP_MOD1_COND_RECIP = 1, SFPARECIP_MOD1_EXP = 2;
constexpr unsigned SFPMUL24_MOD1_LOWER = 0, SFPMUL24_MOD1_UPPER = 1;
constexpr unsigned SFPIADD_MOD1_ARG_LREG_DST = 0, SFPIADD_MOD1_ARG_IMM = 1, SFPIADD_MOD1_ARG_2SCOMP_LREG_DST = 2,
                   SFPIADD_MOD1_CC_LT0 = 0, SFPIADD_MOD1_CC_NONE = 4, SFPIADD_MOD1_CC_GTE0 = 8;
constexpr unsigned SFPSETCC_MOD1_LREG_LT0 = 0, SFPSETCC_MOD1_IMM_BIT0 = 1, SFPSETCC_MOD1_LREG_NE0 = 2,
                   SFPSETCC_MOD1_LREG_GTE0 = 4, SFPSETCC_MOD1_LREG_EQ0 = 6, SFPSETCC_MOD1_COMP = 8;
constexpr unsigned SFPENCC_IMM12_NEITHER = 0, SFPENCC_IMM12_BOTH = 3, SFPENCC_MOD1_EU_R1 = 0, SFPENCC_MOD1_EC_R1 = 1,
                   SFPENCC_MOD1_EI_R1 = 2, SFPENCC_MOD1_EU_RI = 8, SFPENCC_MOD1_EC_RI = 9, SFPENCC_MOD1_EI_RI = 10;
constexpr unsigned SFPCAST_MOD1_SM32_TO_FP32_RNE = 0, SFPCAST_MOD1_INT32_TO_FP32_RNE = 0,
                   SFPCAST_MOD1_SM32_TO_FP32_RNS = 1, SFPCAST_MOD1_INT32_TO_FP32_RNS = 1;
constexpr unsigned SFPSTOCHRND_RND_EVEN = 0, SFPSTOCHRND_RND_STOCH = 1, SFPSTOCHRND_RND_ZERO = 2,
                   SFPSTOCHRND_MOD1_FP32_TO_FP16A = 0, SFPSTOCHRND_MOD1_FP32_TO_FP16B = 1,
                   SFPSTOCHRND_MOD1_FP32_TO_UINT8 = 2, SFPSTOCHRND_MOD1_FP32_TO_INT8 = 3,
                   SFPSTOCHRND_MOD1_INT32_TO_UINT8 = 4, SFPSTOCHRND_MOD1_INT32_TO_INT8 = 5,
                   SFPSTOCHRND_MOD1_FP32_TO_UINT16 = 6, SFPSTOCHRND_MOD1_FP32_TO_INT16 = 7,
                   SFPSTOCHRND_MOD1_IMM8 = 8;
constexpr unsigned SFPSHFT2_MOD1_COPY4 = 0, SFPSHFT2_MOD1_SUBVEC_CHAINED_COPY4 = 1,
                   SFPSHFT2_MOD1_SUBVEC_SHFLROR1_AND_COPY4 = 2, SFPSHFT2_MOD1_SUBVEC_SHFLROR1 = 3,
                   SFPSHFT2_MOD1_SUBVEC_SHFLSHR1 = 4, SFPSHFT2_MOD1_SHFT_LREG = 5, SFPSHFT2_MOD1_SHFT_IMM = 6;
constexpr unsigned SFPSWAP_MOD1_SWAP = 0, SFPSWAP_MOD1_VEC_MIN_MAX = 1;

enum class LRegs : std::uint8_t { LReg0, LReg1, LReg2, LReg3, LReg4, LReg5, LReg6, LReg7, LRegCount };

enum class DataLayout { Default, FSrcB, F32, F16a, F16b, I32, U32, U16, SM32, SM16, M32, LO16, HI16 };
enum class RoundMode { NearestAway, Nearest = NearestAway, NearestEven = NearestAway, NearestStochastic, Zero };
enum class ExponentMode { Unbiased, Biased };
enum class MantissaMode { FractionOnly, WithUnitBit, ImplicitOne = WithUnitBit };
enum class ShiftMode { Logical, Arithmetic };
enum class LZMode { All, IgnoreSign };
enum class LutSign { Update, Retain };
enum class RecipMode { All, IfNegative };
enum class FractionalHalf { Low, High };

struct lreg_pressure {
    ~lreg_pressure() {}
};

namespace impl_ {

// ---------------------------------------------------------------------------------------------------------------
// The unit's state

constexpr int LANES = 32;

struct Lanes {
    std::uint32_t lane[LANES];
    unsigned ready = 0;  // the cycle from which it can be read
};

using sfpu_t = Lanes;

struct Unit {
    Lanes registers[16] = {};
    Lanes dst[512] = {};
    Lanes enabled = {};
    Lanes outer[16] = {};
    int depth = 0;
    unsigned base = 0, row = 0, carriage = 0, steps[8] = {}, first_step = 0;
    bool dst_32_bit = true, swaps_reversed = false, halted = false;
    unsigned clock = 0;  // cycles issued: one an instruction, and the waits for what isn't ready

    Unit() {
        for (auto& flag : enabled.lane) flag = 1;
        set(9, 0.0f), set(10, 1.0f), set(11, -1.0f), set(8, 0.8373f);
        for (std::uint32_t lane = 0; lane < LANES; ++lane) registers[15].lane[lane] = 2 * lane;
    }
    void wait(const Lanes& operand) { clock = operand.ready > clock ? operand.ready : clock; }
    void issue() { ++clock; }
    // An instruction whose result can be read `latency` cycles later.
    template <typename... Operands>
    Lanes issue(Lanes result, unsigned latency, const Operands&... operands) {
        (wait(operands), ...);
        result.ready = clock + latency;
        ++clock;
        return result;
    }
    void step(unsigned address_mode) { row += steps[first_step + address_mode]; }
    void set(int index, float value) {
        for (auto& bits : registers[index].lane) std::memcpy(&bits, &value, 4);
    }
};

inline Unit unit;

constexpr unsigned SLOW = 2;  // cycles of products, sums, exchanges and shifts of lanes

inline float to_float(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}
inline std::uint32_t to_bits(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}

template <typename Function>
inline Lanes map(Function function) {
    Lanes result;
    for (int lane = 0; lane < LANES; ++lane) result.lane[lane] = function(lane);
    return result;
}
inline Lanes splat(std::uint32_t bits) {
    return map([=](int) { return bits; });
}

// Writes to registers and variables change the enabled lanes only.
inline void assign(Lanes& to, const Lanes& from) {
    for (int lane = 0; lane < LANES; ++lane) to.lane[lane] = unit.enabled.lane[lane] ? from.lane[lane] : to.lane[lane];
    to.ready = from.ready;
}

// SFPMAD. Subnormal operands count as 0. The product keeps 27 or 28 bits, the last one set where others were dropped;
// below 2^-126 it is 0, from 2^128 on infinity. Subnormal results and -0 become +0 on Wormhole, where a NaN has its
// lowest bit set and others may be; on Blackhole they become 0 of their sign, and a NaN is the canonical one.
inline std::uint32_t operand(std::uint32_t bits) { return bits & 0x7f800000u ? bits : bits & 0x80000000u; }
inline double product_of(std::uint32_t a, std::uint32_t b) {
    double product = double(to_float(a)) * double(to_float(b));
    std::uint64_t bits;
    std::memcpy(&bits, &product, 8);
    const int exponent = int(bits >> 52 & 0x7ff);
    if (exponent == 0x7ff) return product;
    if (exponent < 1023 - 126) return bits >> 63 ? -0.0 : 0.0;
    if (exponent > 1023 + 127) return bits >> 63 ? -__builtin_inf() : __builtin_inf();
    const int carried = exponent - 1023 - (int(a >> 23 & 0xff) - 127) - (int(b >> 23 & 0xff) - 127);
    const std::uint64_t unit = std::uint64_t(1) << (26 - carried), dropped = bits & (unit - 1);
    bits = (bits - dropped) | (dropped ? unit : 0);
    std::memcpy(&product, &bits, 8);
    return product;
}
inline std::uint32_t mad(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    const std::uint32_t bits = to_bits(float(product_of(operand(a), operand(b)) + double(to_float(operand(c)))));
    const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
#ifdef ARCH_BLACKHOLE
    return nan ? 0x7fc00000u : operand(bits);
#else
    return nan ? 0x7fc00001u : (bits & 0x7f800000u) ? bits : 0u;
#endif
}
inline Lanes mad(const Lanes& a, const Lanes& b, const Lanes& c) {
    return unit.issue(map([&](int lane) { return mad(a.lane[lane], b.lane[lane], c.lane[lane]); }), SLOW, a, b, c);
}

// SFPSTOCHRND, rounding to nearest with ties away from zero: subnormals and -0 become +0, NaN becomes infinity.
inline std::uint32_t round_float(std::uint32_t bits, int dropped, bool to_zero) {
    const std::uint32_t exponent = bits >> 23 & 0xff, low = (1u << dropped) - 1;
    if (exponent == 0) return 0;
    if (exponent == 255) return bits & 0xff800000u;
    return ((bits & low) >= (1u << (dropped - 1)) && !to_zero ? bits + low + 1 : bits) & ~low;
}
inline std::uint32_t round_integer(std::uint32_t bits, bool sign, std::uint32_t most, bool to_zero) {
    const int exponent = int(bits >> 23 & 0xff) - 127;
    if (exponent < -1) return 0;
    std::uint64_t magnitude = most;
    if (exponent < 16) {
        magnitude = 0x800000u | (bits & 0x7fffffu);
        magnitude = exponent >= 0 ? magnitude << exponent : magnitude >> -exponent;
        magnitude = (magnitude >> 23) + ((magnitude & 0x7fffff) >= 0x400000 && !to_zero);
        if (magnitude > most) magnitude = most;
    }
    return (sign && magnitude ? bits & 0x80000000u : 0u) + std::uint32_t(magnitude);
}
inline std::uint32_t stochastic_round(std::uint32_t bits, unsigned mode, bool to_zero) {
    switch (mode & 7) {
        case SFPSTOCHRND_MOD1_FP32_TO_FP16A: return round_float(bits, 13, to_zero);
        case SFPSTOCHRND_MOD1_FP32_TO_FP16B: return round_float(bits, 16, to_zero);
        case SFPSTOCHRND_MOD1_FP32_TO_UINT8: return round_integer(bits, false, 255, to_zero);
        case SFPSTOCHRND_MOD1_FP32_TO_INT8: return round_integer(bits, true, 127, to_zero);
        case SFPSTOCHRND_MOD1_FP32_TO_UINT16: return round_integer(bits, false, 65535, to_zero);
        default: return round_integer(bits, true, 32767, to_zero);
    }
}

// SFPCAST: sign and magnitude to float, to nearest with ties to even.
inline std::uint32_t cast(std::uint32_t bits) {
    return to_bits(float(bits & 0x7fffffffu)) | (bits & 0x80000000u);
}

inline std::uint32_t twos_complement(std::uint32_t bits) {
    return bits & 0x80000000u ? 0u - (bits & 0x7fffffffu) : bits;
}
inline std::uint32_t sign_magnitude(std::uint32_t bits) {
    return bits & 0x80000000u ? 0x80000000u | ((0u - bits) & 0x7fffffffu) : bits;
}

inline std::uint32_t shift(std::uint32_t bits, std::int32_t amount, bool arithmetic = false) {
    if (amount >= 0) return bits << (amount & 31);
    return arithmetic ? std::uint32_t(std::int32_t(bits) >> (-amount & 31)) : bits >> (-amount & 31);
}

// The order of SFPSWAP: sign and magnitude, -NaN least and +NaN greatest.
inline bool smaller(std::uint32_t a, std::uint32_t b) {
    const auto key = [](std::uint32_t bits) {
        return std::int32_t(bits ^ std::uint32_t(std::int32_t(bits) >> 31) >> 1);
    };
    return key(a) < key(b);
}

// DST holds 32 bits a place; in 16-bit mode the upper half counts, and a store truncates and flushes subnormals.
inline Lanes load(unsigned row, unsigned format) {
    const Lanes& from = unit.dst[row & 511];
    const Lanes loaded = map([&](int lane) {
        const std::uint32_t bits = from.lane[lane], upper = bits >> 16;
        switch (format) {
            case SFPLOAD_MOD0_FMT_FP16B:
            case SFPLOAD_MOD0_FMT_HI16: return upper << 16;
            case SFPLOAD_MOD0_FMT_UINT16:
            case SFPLOAD_MOD0_FMT_LO16: return upper;
            case SFPLOAD_MOD0_FMT_INT16: return (upper & 0x8000) << 16 | (upper & 0x7fff);
            case SFPLOAD_MOD0_FMT_SM32: return twos_complement(bits);
            case SFPLOAD_MOD0_FMT_SRCB: return unit.dst_32_bit ? bits : upper << 16;
            default: return bits;
        }
    });
    return unit.issue(loaded, 1);
}
inline void store(unsigned row, unsigned format, const Lanes& from) {
    unit.wait(from), unit.issue();
    assign(unit.dst[row & 511], map([&](int lane) {
        const std::uint32_t bits = from.lane[lane];
        const std::uint32_t truncated = (bits & 0x7f800000u ? bits : bits & 0x80000000u) & 0xffff0000u;
        switch (format) {
            case SFPSTORE_MOD0_FMT_FP16B: return truncated;
            case SFPSTORE_MOD0_FMT_UINT16:
            case SFPSTORE_MOD0_FMT_LO16: return bits << 16;
            case SFPSTORE_MOD0_FMT_INT16: return (bits & 0x80000000u) | (bits & 0x7fff) << 16;
            case SFPSTORE_MOD0_FMT_SM32: return sign_magnitude(bits);
            case SFPSTORE_MOD0_FMT_SRCB: return unit.dst_32_bit ? bits : truncated;
            default: return bits;
        }
    }));
}

// Blackhole's SFPARECIP: the upper seven bits of the mantissa, by the middle of the interval that they stand for.
inline std::uint32_t approximate_reciprocal(std::uint32_t bits) {
    const std::uint32_t sign = bits & 0x80000000u, magnitude = bits & 0x7fffffffu;
    if (magnitude < 0x00800000u) return sign | 0x7f800000u;
    if (magnitude >= 0x7e800000u) return sign;
    const std::uint32_t middle = 257 + 2 * (magnitude >> 16 & 0x7f);
    return sign | (253 - (magnitude >> 23)) << 23 | ((65536 + middle / 2) / middle - 128) << 16;
}

// ---------------------------------------------------------------------------------------------------------------
// Values

class vVal {
public:
    vVal() : value{} {}
    vVal(const vVal&) = default;
    vVal(const sfpu_t& from) : value(from) {}
    vVal& operator=(const vVal& from) {
        assign(value, from.value);
        return *this;
    }
    const sfpu_t& get() const { return value; }

private:
    sfpu_t value;
};

template <typename Type>
constexpr bool is_vector = std::is_base_of_v<vVal, Type>;
template <typename Type, typename Result = void>
using if_integer = std::enable_if_t<std::is_integral_v<Type>, Result>;

// A comparison is a subtraction and a test of its bits; with the scalar 0 it is a test of the value itself, where -0 is
// negative and unequal to 0.
struct Test {
    bool less, zero;
};
inline Test test(std::uint32_t bits) { return {bool(bits >> 31), bits == 0}; }
inline Test compared(std::uint32_t a, std::uint32_t b) { return test(mad(b, 0xbf800000u, a)); }

}  // namespace impl_

class sFloat16a {
public:
    template <typename Integer, typename = impl_::if_integer<Integer>>
    constexpr explicit sFloat16a(Integer bits) : bits(std::uint16_t(bits)) {}
    constexpr std::uint32_t get() const { return bits; }

private:
    std::uint16_t bits;
};

class sFloat16b {
public:
    template <typename Integer, typename = impl_::if_integer<Integer>>
    constexpr explicit sFloat16b(Integer bits) : bits(std::uint16_t(bits)) {}
    explicit sFloat16b(float value) : bits(std::uint16_t(impl_::to_bits(value) >> 16)) {}
    explicit sFloat16b(double value) : sFloat16b(float(value)) {}
    constexpr std::uint32_t get() const { return bits; }

private:
    std::uint16_t bits;
};

// A product remembers its factors: a sum with it is one SFPMAD, rounded once.
class vFloat : public impl_::vVal {
public:
    vFloat() = default;
    vFloat(const vFloat&) = default;
    vFloat(const impl_::sfpu_t& from) : vVal(from) {}
    vFloat(sFloat16a half)
        : vVal(impl_::splat((half.get() & 0x8000) << 16 | ((half.get() & 0x7fff) + (112u << 10)) << 13)) {}
    vFloat(sFloat16b half) : vVal(impl_::splat(half.get() << 16)) {}
    vFloat(float value) : vVal(impl_::splat(impl_::to_bits(value))) {}
    vFloat(const vFloat& a, const vFloat& b)
        : vVal(impl_::mad(a.get(), b.get(), impl_::splat(0))), left(a.get()), right(b.get()), product(true) {}
    // Its own instruction isn't there where a sum takes the factors.
    impl_::sfpu_t fused(const impl_::sfpu_t& addend) const {
        --impl_::unit.clock;
        return impl_::mad(left, right, addend);
    }
    vFloat& operator=(const vFloat& from) {
        vVal::operator=(from);
        bool everywhere = from.product;
        for (auto flag : impl_::unit.enabled.lane) everywhere = everywhere && flag;
        product = everywhere;
        if (everywhere) left = from.left, right = from.right;
        return *this;
    }
    vFloat& operator+=(const vFloat& other);
    vFloat& operator-=(const vFloat& other);
    vFloat& operator*=(const vFloat& other);

    impl_::sfpu_t left, right;
    bool product = false;
};

inline vFloat operator+(const vFloat& a) { return a; }
inline vFloat operator-(const vFloat& a) {
    const auto negate = [](const impl_::sfpu_t& from) {
        return impl_::map([&](int lane) { return from.lane[lane] ^ 0x80000000u; });
    };
    vFloat result(negate(a.get()));
    result = impl_::unit.issue(result.get(), 1, a.get());
    if (a.product) result.left = negate(a.left), result.right = a.right, result.product = true;
    return result;
}
inline vFloat operator*(const vFloat& a, const vFloat& b) { return vFloat(a, b); }
inline vFloat operator+(const vFloat& a, const vFloat& b) {
    if (a.product) return a.fused(b.get());
    if (b.product) return b.fused(a.get());
    return impl_::mad(a.get(), impl_::splat(0x3f800000u), b.get());
}
inline vFloat operator-(const vFloat& a, const vFloat& b) {
    const vFloat negated = -b;
    --impl_::unit.clock;  // the sum does it
    return a + negated;
}
inline vFloat& vFloat::operator+=(const vFloat& other) { return *this = *this + other; }
inline vFloat& vFloat::operator-=(const vFloat& other) { return *this = *this - other; }
inline vFloat& vFloat::operator*=(const vFloat& other) { return *this = *this * other; }

class vUInt;
class vSMag;

class vInt : public impl_::vVal {
public:
    vInt() = default;
    vInt(const impl_::sfpu_t& from) : vVal(from) {}
    template <typename Integer, typename = impl_::if_integer<Integer>>
    vInt(Integer value) : vVal(impl_::splat(std::uint32_t(value))) {}
    vInt(const vUInt& from);
    vInt& operator+=(const vInt& other);
    vInt& operator-=(const vInt& other);
    vInt& operator&=(const vInt& other);
    vInt& operator|=(const vInt& other);
    vInt& operator^=(const vInt& other);
    vInt& operator<<=(unsigned amount);
    vInt& operator>>=(unsigned amount);
    void operator++(int) { *this += 1; }
    void operator--(int) { *this -= 1; }
    vInt& operator++() { return *this += 1; }
    vInt& operator--() { return *this -= 1; }
};

class vUInt : public impl_::vVal {
public:
    vUInt() = default;
    vUInt(const impl_::sfpu_t& from) : vVal(from) {}
    template <typename Integer, typename = impl_::if_integer<Integer>>
    vUInt(Integer value) : vVal(impl_::splat(std::uint32_t(value))) {}
    explicit vUInt(const vInt& from) : vVal(from.get()) {}
    vUInt& operator+=(const vUInt& other);
    vUInt& operator-=(const vUInt& other);
    vUInt& operator&=(const vUInt& other);
    vUInt& operator|=(const vUInt& other);
    vUInt& operator^=(const vUInt& other);
    vUInt& operator<<=(unsigned amount);
    vUInt& operator>>=(unsigned amount);
};

class vSMag : public impl_::vVal {
public:
    vSMag() = default;
    vSMag(const impl_::sfpu_t& from) : vVal(from) {}
    template <typename Integer, typename = impl_::if_integer<Integer>>
    vSMag(Integer value) : vVal(impl_::splat(std::uint32_t(value))) {}
};

inline vInt::vInt(const vUInt& from) : vVal(from.get()) {}

namespace impl_ {

// A type of the same bits with fewer of them: made by conversions only, or from a scalar.
template <typename Wide, int Tag>
class vNarrow : public Wide {
public:
    vNarrow() = default;
    explicit vNarrow(const sfpu_t& from) : Wide(from) {}
    template <typename Scalar, typename = std::enable_if_t<!is_vector<Scalar> && std::is_constructible_v<Wide, Scalar>>>
    explicit vNarrow(Scalar value) : Wide(value) {}
};

}  // namespace impl_

using vFloat16a = impl_::vNarrow<vFloat, 0>;
using vFloat16b = impl_::vNarrow<vFloat, 1>;
using vMag = impl_::vNarrow<vUInt, 0>;
using vUInt16 = impl_::vNarrow<vMag, 1>;
using vUInt8 = impl_::vNarrow<vUInt16, 2>;
using vSMag16 = impl_::vNarrow<vSMag, 0>;
using vSMag8 = impl_::vNarrow<vSMag16, 1>;

template <typename Type, typename = std::enable_if_t<impl_::is_vector<Type>>>
inline Type as(const impl_::vVal& value) {
    return Type(value.get());
}
template <typename Type, typename = std::enable_if_t<impl_::is_vector<Type>>>
inline Type reinterpret(const impl_::vVal& value) {
    return Type(value.get());
}

// ---------------------------------------------------------------------------------------------------------------
// Conditions

class vBool {
public:
    explicit vBool(const impl_::Lanes& flags) : flags(flags) {}
    vBool(const vInt& value) : flags(impl_::map([&](int lane) { return value.get().lane[lane] != 0; })) {}
    const impl_::Lanes& get() const { return flags; }
    operator vInt() const { return vInt(flags); }

private:
    impl_::Lanes flags;
};

inline vBool operator&&(const vBool& a, const vBool& b) {
    return vBool(impl_::map([&](int lane) { return a.get().lane[lane] & b.get().lane[lane]; }));
}
inline vBool operator||(const vBool& a, const vBool& b) {
    return vBool(impl_::map([&](int lane) { return a.get().lane[lane] | b.get().lane[lane]; }));
}
inline vBool operator!(const vBool& a) {
    return vBool(impl_::map([&](int lane) { return a.get().lane[lane] ^ 1u; }));
}
inline vBool nearby(const vBool& condition) { return condition; }

#define STAND_IN_FLOAT_COMPARISON(OPERATOR, RESULT)                                                   \
    inline vBool operator OPERATOR(const vFloat& a, const vFloat& b) {                                \
        const auto difference = impl_::unit.issue(impl_::Lanes{}, impl_::SLOW, a.get(), b.get());     \
        impl_::unit.wait(difference), impl_::unit.issue();                                            \
        return vBool(impl_::map([&](int lane) -> std::uint32_t {                                      \
            const auto found = impl_::compared(a.get().lane[lane], b.get().lane[lane]);               \
            return RESULT;                                                                            \
        }));                                                                                          \
    }                                                                                                 \
    inline vBool operator OPERATOR(const vFloat& a, float b) {                                        \
        if (b != 0) return a OPERATOR vFloat(b);                                                      \
        impl_::unit.wait(a.get()), impl_::unit.issue();                                               \
        return vBool(impl_::map([&](int lane) -> std::uint32_t {                                      \
            const auto found = impl_::test(a.get().lane[lane]);                                       \
            return RESULT;                                                                            \
        }));                                                                                          \
    }
STAND_IN_FLOAT_COMPARISON(<, found.less)
STAND_IN_FLOAT_COMPARISON(>=, !found.less)
STAND_IN_FLOAT_COMPARISON(==, found.zero)
STAND_IN_FLOAT_COMPARISON(!=, !found.zero)
STAND_IN_FLOAT_COMPARISON(>, !found.less && !found.zero)
STAND_IN_FLOAT_COMPARISON(<=, found.less || found.zero)
#undef STAND_IN_FLOAT_COMPARISON

#define STAND_IN_COMPARISON(TYPE, AS, OPERATOR)                                                       \
    inline vBool operator OPERATOR(const TYPE& a, const TYPE& b) {                                    \
        impl_::unit.wait(a.get()), impl_::unit.wait(b.get()), impl_::unit.issue();                    \
        return vBool(impl_::map([&](int lane) -> std::uint32_t {                                      \
            return AS(a.get().lane[lane]) OPERATOR AS(b.get().lane[lane]);                            \
        }));                                                                                          \
    }                                                                                                 \
    template <typename Integer, typename = impl_::if_integer<Integer>>                                \
    inline vBool operator OPERATOR(const TYPE& a, Integer b) {                                        \
        return a OPERATOR TYPE(b);                                                                    \
    }
STAND_IN_COMPARISON(vInt, std::int32_t, <)
STAND_IN_COMPARISON(vInt, std::int32_t, >=)
STAND_IN_COMPARISON(vInt, std::int32_t, ==)
STAND_IN_COMPARISON(vInt, std::int32_t, !=)
STAND_IN_COMPARISON(vInt, std::int32_t, >)
STAND_IN_COMPARISON(vInt, std::int32_t, <=)
STAND_IN_COMPARISON(vUInt, std::uint32_t, <)
STAND_IN_COMPARISON(vUInt, std::uint32_t, >=)
STAND_IN_COMPARISON(vUInt, std::uint32_t, ==)
STAND_IN_COMPARISON(vUInt, std::uint32_t, !=)
STAND_IN_COMPARISON(vUInt, std::uint32_t, >)
STAND_IN_COMPARISON(vUInt, std::uint32_t, <=)
STAND_IN_COMPARISON(vSMag, std::uint32_t, ==)
STAND_IN_COMPARISON(vSMag, std::uint32_t, !=)
#undef STAND_IN_COMPARISON

#define STAND_IN_OPERATOR(TYPE, OPERATOR)                                                             \
    inline TYPE operator OPERATOR(const TYPE& a, const TYPE& b) {                                     \
        const auto result = impl_::map([&](int lane) { return a.get().lane[lane] OPERATOR b.get().lane[lane]; }); \
        return TYPE(impl_::unit.issue(result, 1, a.get(), b.get()));                                  \
    }                                                                                                 \
    template <typename Integer, typename = impl_::if_integer<Integer>>                                \
    inline TYPE operator OPERATOR(const TYPE& a, Integer b) {                                         \
        return a OPERATOR TYPE(b);                                                                    \
    }                                                                                                 \
    template <typename Integer, typename = impl_::if_integer<Integer>>                                \
    inline TYPE operator OPERATOR(Integer a, const TYPE& b) {                                         \
        return TYPE(a) OPERATOR b;                                                                    \
    }                                                                                                 \
    inline TYPE& TYPE::operator OPERATOR##=(const TYPE& other) { return *this = *this OPERATOR other; }
STAND_IN_OPERATOR(vInt, +)
STAND_IN_OPERATOR(vInt, -)
STAND_IN_OPERATOR(vInt, &)
STAND_IN_OPERATOR(vInt, |)
STAND_IN_OPERATOR(vInt, ^)
STAND_IN_OPERATOR(vUInt, +)
STAND_IN_OPERATOR(vUInt, -)
STAND_IN_OPERATOR(vUInt, &)
STAND_IN_OPERATOR(vUInt, |)
STAND_IN_OPERATOR(vUInt, ^)
#undef STAND_IN_OPERATOR

#define STAND_IN_MIXED(OPERATOR)                                                                      \
    inline vUInt operator OPERATOR(const vInt& a, const vUInt& b) { return vUInt(a) OPERATOR b; }     \
    inline vUInt operator OPERATOR(const vUInt& a, const vInt& b) { return a OPERATOR vUInt(b); }
STAND_IN_MIXED(+)
STAND_IN_MIXED(-)
STAND_IN_MIXED(&)
STAND_IN_MIXED(|)
STAND_IN_MIXED(^)
#undef STAND_IN_MIXED

inline vUInt operator&(const vSMag& a, unsigned b) { return vUInt(a.get()) & b; }
inline vInt operator-(const vInt& a) { return vInt(0) - a; }
inline vUInt operator-(const vUInt& a) { return vUInt(0) - a; }
inline vInt operator~(const vInt& a) { return a ^ -1; }
inline vUInt operator~(const vUInt& a) { return a ^ ~0u; }

template <typename Type>
inline Type shifted(const Type& a, const impl_::vVal& amount, int sign, bool arithmetic) {
    const auto result = impl_::map([&](int lane) {
        return impl_::shift(a.get().lane[lane], sign * std::int32_t(amount.get().lane[lane]), arithmetic);
    });
    return Type(impl_::unit.issue(result, 1, a.get(), amount.get()));
}
inline vInt operator<<(const vInt& a, const vUInt& amount) { return shifted(a, amount, 1, false); }
inline vInt operator>>(const vInt& a, const vUInt& amount) { return shifted(a, amount, -1, true); }
inline vUInt operator<<(const vUInt& a, const vUInt& amount) { return shifted(a, amount, 1, false); }
inline vUInt operator>>(const vUInt& a, const vUInt& amount) { return shifted(a, amount, -1, false); }
inline vMag operator>>(const vMag& a, const vUInt& amount) { return shifted(a, amount, -1, false); }
inline vInt& vInt::operator<<=(unsigned amount) { return *this = *this << vUInt(amount); }
inline vInt& vInt::operator>>=(unsigned amount) { return *this = *this >> vUInt(amount); }
inline vUInt& vUInt::operator<<=(unsigned amount) { return *this = *this << vUInt(amount); }
inline vUInt& vUInt::operator>>=(unsigned amount) { return *this = *this >> vUInt(amount); }

namespace impl_ {

// One v_if: the lanes enabled outside it come back where it ends.
class Condition {
public:
    Condition() { push(); }
    Condition(const Condition&) = delete;
    ~Condition() {
        unit.issue();
        unit.depth -= pushed;
        unit.enabled = unit.outer[unit.depth];
    }
    void push() {
        if (unit.depth++ > 0) unit.issue();  // the outermost one needs none
        unit.outer[unit.depth - 1] = unit.enabled;
        ++pushed;
    }
    void narrow(const vBool& flags) {
        for (int lane = 0; lane < LANES; ++lane) unit.enabled.lane[lane] &= flags.get().lane[lane];
    }
    void invert() {
        unit.issue();
        for (int lane = 0; lane < LANES; ++lane)
            unit.enabled.lane[lane] = unit.outer[unit.depth - 1].lane[lane] & ~unit.enabled.lane[lane];
    }

private:
    int pushed = 0;
};

}  // namespace impl_

#define v_if(...)                      \
    {                                  \
        ::sfpi::impl_::Condition cc_;  \
        cc_.narrow(__VA_ARGS__);       \
        {
#define v_elseif(...)                  \
        }                              \
        cc_.invert();                  \
        cc_.push();                    \
        cc_.narrow(__VA_ARGS__);       \
        {
#define v_else                         \
        }                              \
        cc_.invert();                  \
        {
#define v_endif                        \
        }                              \
    }
#define v_block                        \
    {                                  \
        ::sfpi::impl_::Condition cc_;
#define v_and(...) cc_.narrow(__VA_ARGS__)
#define v_endblock }

// ---------------------------------------------------------------------------------------------------------------
// Registers

namespace impl_ {

template <DataLayout Layout>
class DstPlace {
public:
    constexpr explicit DstPlace(int index, int address_mode = -1) : index(index), address_mode(address_mode) {}
    template <DataLayout Other = DataLayout::Default>
    constexpr auto mode(int other = -1) const {
        return DstPlace<Other == DataLayout::Default ? Layout : Other>(index, other >= 0 ? other : address_mode);
    }
    DstPlace(const DstPlace&) = default;
    DstPlace& operator=(const DstPlace&) = delete;

    void operator=(const vFloat& value) const { write(format(SFPSTORE_MOD0_FMT_SRCB), value.get()); }
    void operator=(const vFloat16a& value) const { write(format(SFPSTORE_MOD0_FMT_FP16A), value.get()); }
    void operator=(const vFloat16b& value) const { write(format(SFPSTORE_MOD0_FMT_FP16B), value.get()); }
    void operator=(const vInt& value) const { write(format(INTEGER), value.get()); }
    void operator=(const vUInt& value) const { write(format(SFPSTORE_MOD0_FMT_INT32), value.get()); }
    void operator=(const vMag& value) const { write(format(SFPSTORE_MOD0_FMT_INT32), value.get()); }
    void operator=(const vUInt16& value) const { write(format(SFPSTORE_MOD0_FMT_UINT16), value.get()); }
    void operator=(const vSMag& value) const { write(format(SFPSTORE_MOD0_FMT_INT32), value.get()); }
    void operator=(const vSMag16& value) const { write(format(SFPSTORE_MOD0_FMT_INT16), value.get()); }
    void operator=(float value) const { *this = vFloat(value); }

    operator vFloat() const { return vFloat(read(format(SFPLOAD_MOD0_FMT_SRCB))); }
    operator vFloat16a() const { return vFloat16a(read(format(SFPLOAD_MOD0_FMT_FP16A))); }
    operator vFloat16b() const { return vFloat16b(read(format(SFPLOAD_MOD0_FMT_FP16B))); }
    operator vInt() const { return vInt(read(format(INTEGER))); }
    operator vUInt() const { return vUInt(read(format(SFPLOAD_MOD0_FMT_INT32))); }
    operator vMag() const { return vMag(read(format(SFPLOAD_MOD0_FMT_INT32))); }
    operator vUInt16() const { return vUInt16(read(format(SFPLOAD_MOD0_FMT_UINT16))); }
    operator vSMag() const { return vSMag(read(format(SFPLOAD_MOD0_FMT_INT32))); }
    operator vSMag16() const { return vSMag16(read(format(SFPLOAD_MOD0_FMT_INT16))); }

private:
#ifdef ARCH_BLACKHOLE
    static constexpr unsigned INTEGER = SFPLOAD_MOD0_FMT_INT32;
#else
    static constexpr unsigned INTEGER = SFPLOAD_MOD0_FMT_SM32;
#endif
    void write(unsigned format, const Lanes& value) const {
        store(unit.base + unit.row + unsigned(index), format, value);
        if (address_mode >= 0) unit.step(unsigned(address_mode));
    }
    Lanes read(unsigned format) const {
        const Lanes value = load(unit.base + unit.row + unsigned(index), format);
        if (address_mode >= 0) unit.step(unsigned(address_mode));
        return value;
    }
    static constexpr unsigned format(unsigned of_type) {
        switch (Layout) {
            case DataLayout::FSrcB: return SFPLOAD_MOD0_FMT_SRCB;
            case DataLayout::F32: return SFPLOAD_MOD0_FMT_FP32;
            case DataLayout::F16a: return SFPLOAD_MOD0_FMT_FP16A;
            case DataLayout::F16b: return SFPLOAD_MOD0_FMT_FP16B;
            case DataLayout::U16: return SFPLOAD_MOD0_FMT_UINT16;
            case DataLayout::LO16: return SFPLOAD_MOD0_FMT_LO16;
            case DataLayout::HI16: return SFPLOAD_MOD0_FMT_HI16;
            case DataLayout::SM16: return SFPLOAD_MOD0_FMT_INT16;
            case DataLayout::I32:
            case DataLayout::U32:
            case DataLayout::M32: return SFPLOAD_MOD0_FMT_INT32;
            case DataLayout::SM32: return of_type == INTEGER ? SFPLOAD_MOD0_FMT_SM32 : SFPLOAD_MOD0_FMT_INT32;
            default: return of_type;
        }
    }
    int index, address_mode;
};

struct DstRegisters {
    constexpr auto operator[](int index) const { return DstPlace<DataLayout::Default>(index); }
    void operator++() const { *this += 1; }
    void operator++(int) const { *this += 1; }
    void operator+=(int rows) const { unit.row += unsigned(rows), unit.issue(); }
};

class Register {
public:
    constexpr explicit Register(int index) : index(index) {}
    Register(const Register&) = default;
    const Register& operator=(const Register& from) const {
        assign(unit.registers[index], unit.registers[from.index]);
        return *this;
    }
    void operator=(const vVal& value) const { assign(unit.registers[index], value.get()); }
    operator sfpu_t() const { return unit.registers[index]; }
    template <typename Type, typename = std::enable_if_t<is_vector<Type>>>
    operator Type() const {
        return Type(unit.registers[index]);
    }
    void in_use() const {}

private:
    int index;
};

struct Registers {
    constexpr Register operator[](LRegs index) const { return Register(int(index)); }
};

template <typename Type, int Index>
struct Constant {
    operator Type() const { return Type(unit.registers[Index]); }
    void operator=(const Type& value) const { unit.registers[Index] = value.get(); }
};

}  // namespace impl_

constexpr impl_::DstRegisters dst_reg{};
constexpr impl_::Registers l_reg{};
constexpr impl_::Constant<vFloat, 9> vConst0{};
constexpr impl_::Constant<vFloat, 10> vConst1{};
constexpr impl_::Constant<vFloat, 11> vConstNeg1{};
constexpr impl_::Constant<vFloat, 8> vConst0p8373{};
constexpr impl_::Constant<vFloat, 12> vConstFloatPrgm0{};
constexpr impl_::Constant<vFloat, 13> vConstFloatPrgm1{};
constexpr impl_::Constant<vFloat, 14> vConstFloatPrgm2{};
constexpr impl_::Constant<vInt, 12> vConstIntPrgm0{};
constexpr impl_::Constant<vInt, 13> vConstIntPrgm1{};
constexpr impl_::Constant<vInt, 14> vConstIntPrgm2{};
constexpr impl_::Constant<vInt, 15> vConstTileId{};

// ---------------------------------------------------------------------------------------------------------------
// Functions

namespace impl_ {

template <typename Result, typename Function>
inline Result unary(const vVal& value, Function function) {
    return Result(unit.issue(map([&](int lane) { return function(value.get().lane[lane]); }), 1, value.get()));
}
template <typename Result, typename Function>
inline Result binary(const vVal& a, const vVal& b, Function function) {
    const auto result = map([&](int lane) { return function(a.get().lane[lane], b.get().lane[lane]); });
    return Result(unit.issue(result, 1, a.get(), b.get()));
}

}  // namespace impl_

inline vInt exexp(const vFloat& value, ExponentMode mode = ExponentMode::Unbiased) {
    return impl_::unary<vInt>(value, [=](std::uint32_t bits) {
        return (bits >> 23 & 0xff) - (mode == ExponentMode::Unbiased ? 127u : 0u);
    });
}
inline vMag exman(const vFloat& value, MantissaMode mode = MantissaMode::FractionOnly) {
    return impl_::unary<vMag>(value, [=](std::uint32_t bits) {
        return (bits & 0x7fffffu) | (mode == MantissaMode::WithUnitBit ? 0x800000u : 0u);
    });
}
inline vInt exexp_nodebias(const vFloat& value) { return exexp(value, ExponentMode::Biased); }
inline vInt exman8(const vFloat& value) { return exman(value, MantissaMode::WithUnitBit); }
inline vInt exman9(const vFloat& value) { return exman(value); }
inline vUInt exsgn(const impl_::vVal& value) { return as<vUInt>(value) >> vUInt(31); }

inline vFloat setexp(const vFloat& value, const vInt& exponent) {
    return impl_::binary<vFloat>(value, exponent, [](std::uint32_t bits, std::uint32_t other) {
        return (bits & 0x807fffffu) | (other & 0xff) << 23;
    });
}
inline vFloat copyexp(const vFloat& value, const vFloat& other) { return setexp(value, exexp_nodebias(other)); }
inline vFloat addexp(const vFloat& value, int exponent) {
    return impl_::unary<vFloat>(value, [=](std::uint32_t bits) {
        const std::uint32_t old = bits >> 23 & 0xff;
        return old == 255 ? bits : (bits & 0x807fffffu) | ((old + std::uint32_t(exponent)) & 0xff) << 23;
    });
}
inline vFloat copyman(const vFloat& value, const impl_::vVal& other) {
    return impl_::binary<vFloat>(value, other, [](std::uint32_t bits, std::uint32_t mantissa) {
        return (bits & 0xff800000u) | (mantissa & 0x7fffffu);
    });
}
inline vFloat setman(const vFloat& value, const impl_::vVal& mantissa) { return copyman(value, mantissa); }
template <typename Integer, typename = impl_::if_integer<Integer>>
inline vFloat setman(const vFloat& value, Integer mantissa) {
    return copyman(value, vUInt(mantissa));
}

template <typename Type, typename = std::enable_if_t<impl_::is_vector<Type>>>
inline Type setsgn(const Type& value, int sign) {
    return impl_::unary<Type>(value, [=](std::uint32_t bits) {
        return (bits & 0x7fffffffu) | (std::uint32_t(sign) & 1) << 31;
    });
}
template <typename Type, typename = std::enable_if_t<impl_::is_vector<Type>>>
inline Type copysgn(const Type& value, const impl_::vVal& sign) {
    return impl_::binary<Type>(value, sign, [](std::uint32_t bits, std::uint32_t other) {
        return (bits & 0x7fffffffu) | (other & 0x80000000u);
    });
}
template <typename Type, typename = std::enable_if_t<impl_::is_vector<Type>>>
inline Type setsgn(const Type& value, const impl_::vVal& sign) {
    return copysgn(value, sign);
}
template <typename Type, typename = std::enable_if_t<impl_::is_vector<Type>>>
inline Type setsgn2(const Type& value, const impl_::vVal& sign) {
    return copysgn(value, as<vUInt>(sign) << vUInt(31));
}

inline vFloat abs(const vFloat& value) {
    return impl_::unary<vFloat>(value, [](std::uint32_t bits) {
        return bits > 0xff800000u ? bits : bits & 0x7fffffffu;
    });
}
inline vMag abs(const vInt& value) {
    return impl_::unary<vMag>(value, [](std::uint32_t bits) { return bits >> 31 ? 0u - bits : bits; });
}
inline vMag abs(const vSMag& value) {
    return impl_::unary<vMag>(value, [](std::uint32_t bits) { return bits & 0x7fffffffu; });
}

inline vMag lz(const impl_::vVal& value, LZMode mode = LZMode::All) {
    return impl_::unary<vMag>(value, [=](std::uint32_t bits) {
        const std::uint32_t seen = mode == LZMode::IgnoreSign ? bits & 0x7fffffffu : bits;
        return seen ? std::uint32_t(__builtin_clzl(seen) - int(8 * sizeof(long) - 32)) : 32u;
    });
}
inline vMag lz_nosgn(const impl_::vVal& value) { return lz(value, LZMode::IgnoreSign); }

inline vUInt shft(const vUInt& value, const vInt& amount, ShiftMode mode = ShiftMode::Logical) {
    return shifted(value, amount, 1, mode == ShiftMode::Arithmetic);
}
#ifdef ARCH_BLACKHOLE
inline vInt shft(const vInt& value, const vInt& amount, ShiftMode mode = ShiftMode::Arithmetic) {
#else
inline vInt shft(const vInt& value, const vInt& amount, ShiftMode mode) {
#endif
    return shifted(value, amount, 1, mode == ShiftMode::Arithmetic);
}

inline vBool is_nan(const vFloat& value) { return exexp(value, ExponentMode::Biased) == 255 && exman(value) != 0; }
inline vBool is_inf(const vFloat& value) { return exexp(value, ExponentMode::Biased) == 255 && exman(value) == 0; }
inline vBool is_finite(const vFloat& value) { return exexp(value, ExponentMode::Biased) < 255; }
inline vBool is_neg(const vFloat& value) { return as<vInt>(value) < 0; }
inline vBool is_pos(const vFloat& value) { return as<vInt>(value) >= 0; }

inline vMag fractional_mul(const impl_::vVal& a, const impl_::vVal& b, FractionalHalf half = FractionalHalf::Low) {
    return impl_::binary<vMag>(a, b, [=](std::uint32_t x, std::uint32_t y) {
        const std::uint64_t product = std::uint64_t(x & 0xffffffu) * (y & 0xffffffu);
        return std::uint32_t(half == FractionalHalf::Low ? product & 0x7fffffu : product >> 23 & 0x7fffffu);
    });
}

namespace impl_ {
template <typename Type>
constexpr bool is_ordered = std::is_base_of_v<vFloat, Type> || std::is_base_of_v<vSMag, Type>;
template <typename Type>
inline Type least(const Type& a, const Type& b) {
    return binary<Type>(a, b, [](std::uint32_t x, std::uint32_t y) { return smaller(y, x) ? y : x; });
}
template <typename Type>
inline Type greatest(const Type& a, const Type& b) {
    return binary<Type>(a, b, [](std::uint32_t x, std::uint32_t y) { return smaller(y, x) ? x : y; });
}
}  // namespace impl_

template <typename Type, typename = std::enable_if_t<impl_::is_ordered<Type>>>
inline Type min(const Type& a, const Type& b) {
    return impl_::least(a, b);
}
template <typename Type, typename = std::enable_if_t<impl_::is_ordered<Type>>>
inline Type max(const Type& a, const Type& b) {
    return impl_::greatest(a, b);
}
inline vFloat min(const vFloat& a, float b) { return impl_::least(a, vFloat(b)); }
inline vFloat max(const vFloat& a, float b) { return impl_::greatest(a, vFloat(b)); }
inline vUInt min(const vUInt& a, unsigned b) {
    return impl_::unary<vUInt>(a, [=](std::uint32_t bits) { return bits < b ? bits : std::uint32_t(b); });
}
inline vUInt max(const vUInt& a, unsigned b) {
    return impl_::unary<vUInt>(a, [=](std::uint32_t bits) { return bits > b ? bits : std::uint32_t(b); });
}
template <typename Type, typename = std::enable_if_t<impl_::is_ordered<Type>>>
inline std::pair<Type, Type> min_max(const Type& a, const Type& b) {
    return {impl_::least(a, b), impl_::greatest(a, b)};
}
inline void vec_min_max(vFloat& a, vFloat& b) {
    const auto ordered = min_max(a, b);
    a = ordered.first, b = ordered.second;
}
inline void vec_min_max(vInt& a, vInt& b) {
    const auto ordered = min_max(as<vSMag>(a), as<vSMag>(b));
    a = as<vInt>(ordered.first), b = as<vInt>(ordered.second);
}
inline vFloat clamp(const vFloat& value, const vFloat& lower, const vFloat& upper) {
    return min(max(value, lower), upper);
}
inline vSMag clamp(const vSMag& value, const vSMag& lower, const vSMag& upper) { return min(max(value, lower), upper); }
inline vUInt clamp(const vUInt& value, unsigned lower, unsigned upper) { return min(max(value, lower), upper); }
inline vFloat symmetric_clamp(const vFloat& value, float bound) { return copysgn(min(abs(value), bound), value); }

template <typename Type, typename = std::enable_if_t<impl_::is_vector<Type>>>
inline void swap(Type& a, Type& b) {
    const Type first = a;
    a = b, b = first;
}
template <typename Type, typename = std::enable_if_t<impl_::is_vector<Type>>>
inline void vec_swap(Type& a, Type& b) {
    swap(a, b);
}

// Float to float, float to integers of 16 and 8 bits, integers to float and to each other.
template <typename To, typename From, typename = std::enable_if_t<impl_::is_vector<To> && impl_::is_vector<From>>>
inline To convert(const From& value, RoundMode round = RoundMode::NearestStochastic) {
    constexpr bool from_float = std::is_base_of_v<vFloat, From>, to_float = std::is_base_of_v<vFloat, To>;
    const bool to_zero = round == RoundMode::Zero;
    if constexpr (std::is_same_v<To, From>) {
        return value;
    } else if constexpr (from_float && to_float) {
        constexpr unsigned mode =
            std::is_same_v<To, vFloat16b> ? SFPSTOCHRND_MOD1_FP32_TO_FP16B : SFPSTOCHRND_MOD1_FP32_TO_FP16A;
        if constexpr (std::is_same_v<To, vFloat>) return value;
        return impl_::unary<To>(value, [=](auto bits) { return impl_::stochastic_round(bits, mode, to_zero); });
    } else if constexpr (from_float) {
        constexpr bool small = std::is_same_v<To, vUInt8> || std::is_same_v<To, vSMag8>;
        constexpr bool sign = std::is_base_of_v<vSMag, To>;
        static_assert(small || std::is_same_v<To, vUInt16> || std::is_same_v<To, vSMag16>);
        constexpr unsigned mode = small ? (sign ? SFPSTOCHRND_MOD1_FP32_TO_INT8 : SFPSTOCHRND_MOD1_FP32_TO_UINT8)
                                        : (sign ? SFPSTOCHRND_MOD1_FP32_TO_INT16 : SFPSTOCHRND_MOD1_FP32_TO_UINT16);
        return impl_::unary<To>(value, [=](auto bits) { return impl_::stochastic_round(bits, mode, to_zero); });
    } else if constexpr (std::is_base_of_v<vInt, From>) {
        const vSMag magnitude = impl_::unary<vSMag>(value, impl_::sign_magnitude);
        return convert<To>(magnitude, round);
    } else if constexpr (to_float) {
        return convert<To>(impl_::unary<vFloat>(value, impl_::cast), round);
    } else if constexpr (std::is_same_v<To, vInt>) {
        return impl_::unary<vInt>(value, impl_::twos_complement);
    } else {
        return To(value.get());
    }
}

inline vFloat int32_to_float(const impl_::vVal& value, RoundMode = RoundMode::Nearest) {
    return impl_::unary<vFloat>(value, impl_::cast);
}
inline vFloat float_to_fp16a(const vFloat& value, RoundMode round = RoundMode::Nearest) {
    return convert<vFloat16a>(value, round);
}
inline vFloat float_to_fp16b(const vFloat& value, RoundMode round = RoundMode::Nearest) {
    return convert<vFloat16b>(value, round);
}
inline vUInt float_to_uint16(const vFloat& value, RoundMode round = RoundMode::Nearest) {
    return convert<vUInt16>(value, round);
}
inline vUInt float_to_uint8(const vFloat& value, RoundMode round = RoundMode::Nearest) {
    return convert<vUInt8>(value, round);
}
inline vInt float_to_int16(const vFloat& value, RoundMode round = RoundMode::Nearest) {
    return as<vInt>(convert<vSMag16>(value, round));
}

#ifdef ARCH_BLACKHOLE
inline vFloat approx_recip(const vFloat& value, RecipMode mode = RecipMode::All) {
    return impl_::unary<vFloat>(value, [=](std::uint32_t bits) {
        if (mode == RecipMode::All) return impl_::approximate_reciprocal(bits);
        return bits >> 31 ? impl_::approximate_reciprocal(bits & 0x7fffffffu) : bits;
    });
}
#endif

// Piecewise linear tables: slope times magnitude plus intercept, of six pieces or of three.
namespace impl_ {
inline std::uint32_t half_bits(float value) {
    const std::uint32_t bits = (to_bits(value) + 0x1000u), exponent = bits >> 23 & 0xff;
    return value == 0 ? 0x7c00u : bits >> 31 << 15 | ((exponent - 112u) & 0x1f) << 10 | (bits >> 13 & 0x3ff);
}
inline std::uint32_t from_half(std::uint32_t bits) {
    const std::uint32_t exponent = bits >> 10 & 0x1f;
    return (bits & 0x8000u) << 16 | (exponent == 31 ? 0u : 112 + exponent) << 23 | (bits & 0x3ff) << 13;
}
template <int Tag>
class Table : public vVal {
public:
    Table() = default;
    explicit Table(const sfpu_t& from) : vVal(from) {}
    Table(float first, float second) : vVal(splat(half_bits(first) | half_bits(second) << 16)) {}
};
}  // namespace impl_

using vLut16ss = impl_::Table<0>;
using vLut16ii = impl_::Table<1>;
using vLut8si = impl_::Table<2>;

inline vFloat lut(const vFloat& value, const vLut16ss& s01, const vLut16ii& i01, const vLut16ss& s23,
                  const vLut16ii& i23, const vLut16ss& s45, const vLut16ii& i45, LutSign sign = LutSign::Retain) {
    impl_::unit.wait(value.get()), impl_::unit.issue(), impl_::unit.issue();
    return vFloat(impl_::map([&](int lane) {
        const std::uint32_t bits = value.get().lane[lane];
        const float magnitude = impl_::to_float(bits & 0x7fffffffu);
        const auto& slopes = magnitude < 1 ? s01 : magnitude < 2 ? s23 : s45;
        const auto& intercepts = magnitude < 1 ? i01 : magnitude < 2 ? i23 : i45;
        const bool second = magnitude < 1 ? magnitude >= 0.5f : magnitude < 2 ? magnitude >= 1.5f : magnitude >= 3;
        const auto half = [&](const impl_::vVal& table) {
            return impl_::from_half(table.get().lane[lane] >> (second ? 16 : 0) & 0xffff);
        };
        const std::uint32_t result = impl_::mad(half(slopes), bits & 0x7fffffffu, half(intercepts));
        return sign == LutSign::Retain ? (result & 0x7fffffffu) | (bits & 0x80000000u) : result;
    }));
}
inline vFloat lut(const vFloat& value, const vLut8si& first, const vLut8si& second, const vLut8si& third,
                  LutSign sign = LutSign::Retain) {
    impl_::unit.wait(value.get()), impl_::unit.issue(), impl_::unit.issue();
    return vFloat(impl_::map([&](int lane) {
        const std::uint32_t bits = value.get().lane[lane];
        const float magnitude = impl_::to_float(bits & 0x7fffffffu);
        const std::uint32_t table = (magnitude < 1 ? first : magnitude < 2 ? second : third).get().lane[lane];
        const std::uint32_t slope = impl_::from_half(table & 0xffff), intercept = impl_::from_half(table >> 16);
        const std::uint32_t result = impl_::mad(slope, bits & 0x7fffffffu, intercept);
        return sign == LutSign::Retain ? (result & 0x7fffffffu) | (bits & 0x80000000u) : result;
    }));
}

// Movement between lanes: four rows of eight.
inline void subvec_transp(impl_::vVal& a, impl_::vVal& b, impl_::vVal& c, impl_::vVal& d) {
    const impl_::Lanes from[4] = {a.get(), b.get(), c.get(), d.get()};
    impl_::vVal* const to[4] = {&a, &b, &c, &d};
    for (int row = 0; row < 4; ++row)
        *to[row] = impl_::vVal(impl_::map([&](int lane) { return from[lane / 8].lane[8 * row + lane % 8]; }));
}
inline impl_::sfpu_t subvec_shflror1(const impl_::vVal& value) {
    return impl_::map([&](int lane) { return value.get().lane[lane % 8 ? lane - 1 : lane + 7]; });
}
inline impl_::sfpu_t subvec_shflshr1(const impl_::vVal& value) {
    return impl_::map([&](int lane) { return lane % 8 ? value.get().lane[lane - 1] : 0u; });
}

}  // namespace sfpi

// The compiler's own functions that the wheel calls by name.
inline sfpi::impl_::sfpu_t __builtin_rvtt_sfpmad(
    const sfpi::impl_::sfpu_t& a, const sfpi::impl_::sfpu_t& b, const sfpi::impl_::sfpu_t& c, unsigned /*mode*/) {
    return sfpi::impl_::mad(a, b, c);
}
inline sfpi::impl_::sfpu_t __builtin_rvtt_sfpgt(
    const sfpi::impl_::sfpu_t& a, const sfpi::impl_::sfpu_t& b, unsigned /*mode*/) {
    return sfpi::impl_::map([&](int lane) { return sfpi::impl_::smaller(b.lane[lane], a.lane[lane]) ? ~0u : 0u; });
}
