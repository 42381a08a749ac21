// What the vector unit computes of the elements of its operands. Values are computed in double precision and stored once. What the device's own
// functions do otherwise where it shows is here: tails, special values, and which of them round and which cut what goes to 16-bit DST. The
// facts come from running the bodies of the device's headers on all bfloat16 numbers and many of float32.
#include "operation.hpp"

#include <cmath>
#include <cstring>

namespace ttemu {

namespace {

constexpr const char* kNames[] = {
#define X(name) #name,
    TTEMU_SFPU_OPS(X)
#undef X
};

const char* name_of(Sfpu op) { return kNames[static_cast<uint32_t>(op)]; }

float number(uint32_t bits) {
    float f;
    std::memcpy(&f, &bits, 4);
    return f;
}

// What an operation takes beside DST: p0, p1, p2 as numbers, and what chooses its body.
struct Parameters {
    double p0, p1, p2;
    uint32_t variant;
    bool dst_32bit;
};

constexpr float kSmallest = 0x1p-126f;  // the smallest normal number

// Arithmetic takes subnormal numbers for 0, and makes none.
float flushed(double x) {
    const float f = static_cast<float>(x);
    return std::fabs(f) < kSmallest ? std::copysign(0.0f, f) : f;
}

// The order in which the vector unit compares: by sign and magnitude of the bits, so that NaN is beyond infinity and −0 below 0.
int32_t order(float x) {
    const uint32_t bits = bits_of(x);
    return static_cast<int32_t>((bits & 0x80000000u) != 0 ? ~(bits & 0x7FFFFFFFu) : bits);
}

float larger(float x, float y) { return order(x) > order(y) ? x : y; }

float smaller(float x, float y) { return order(x) < order(y) ? x : y; }

// Operations that cut what goes to 16-bit DST; the others round to nearest.
bool cuts(Sfpu op) {
    return op == Sfpu::AddBinary || op == Sfpu::SubBinary || op == Sfpu::AddScalar || op == Sfpu::SubScalar || op == Sfpu::MulScalar ||
           op == Sfpu::DivScalar || op == Sfpu::Rdiv || op == Sfpu::Erf || op == Sfpu::LeakyRelu;
}

// Functions whose way of rounding to bfloat16 makes infinity of NaN.
bool loses_nan(Sfpu op) {
    return op == Sfpu::Exp || op == Sfpu::Log || op == Sfpu::Sqrt || op == Sfpu::Rsqrt || op == Sfpu::Silu || op == Sfpu::Gelu;
}

// Operations of which a result of 0 has no sign. Wormhole's sums are among them.
bool unsigned_zero(Sfpu op) {
    return op == Sfpu::MulBinary || op == Sfpu::MulScalar || op == Sfpu::DivScalar || op == Sfpu::DivBinary || op == Sfpu::Rdiv || op == Sfpu::Erf ||
           ((op == Sfpu::AddBinary || op == Sfpu::SubBinary) && !arch().blackhole);
}

// A value as it stands in DST.
float stored(Sfpu op, double value, bool dst_32bit) {
    float f = flushed(value);
    f = f == 0.0f && unsigned_zero(op) ? 0.0f : f;
    if (dst_32bit) {
        return f;
    }
    if (std::isnan(f) && loses_nan(op)) {
        return INFINITY;
    }
    return cuts(op) ? cut_to_bfloat16(f) : to_bfloat16(f);
}

double gelu(double x, const Parameters& p) {
    // 1 + erf(x) in float32 is what its left tail loses: 0 below −5.54.
    const float at = static_cast<float>(x), half = 0.5f + 0.5f * std::erf(at * 0.70710678f);
    return half == 0.0f && !p.dst_32bit ? 0.0 : at * half;
}

double erf_of(double x, const Parameters& p) {
    if (std::isnan(x)) {
        return 1.0;
    }
    const double value = std::erf(x);
    // The fit for bfloat16 is off by up to 3.2e-3, towards ±1, and by a quarter of that around ±1.
    return p.variant != 0 ? value : std::copysign(std::fmin(1.0, std::fabs(value) * (1.0 + 0.0032 * std::pow(value, 8.0))), value);
}

double softplus(double x, const Parameters& p) {
    const double t = p.p0 * x;
    if (t > p.p2) {
        return x;
    }
    // The other one's exponential rounds to an integer by adding 1.5 · 2^23: what is beyond its bits goes into the exponent. (Seen on the
    // full-system simulator.)
    if (p.variant != 0 && t < -12582912 * std::log(2.0)) {
        return std::nan("");
    }
    // The fit for bfloat16 adds something to max(t, 0) within ±5 only.
    return p.p1 * (p.variant == 0 && std::fabs(t) > 5.0 ? std::fmax(t, 0.0) : std::fmax(t, 0.0) + std::log1p(std::exp(-std::fabs(t))));
}

double sigmoid(double x) { return std::isnan(x) ? 0.0 : flushed(1.0 / (1.0 + std::exp(-x))); }

double reciprocal(double x, const Parameters& p) {
    if (std::isnan(x)) {
        return 0.0;
    }
    // Blackhole refines an estimate of 7 bits with the help of a number that is subnormal for large arguments.
    const bool coarse = arch().blackhole && p.dst_32bit && std::fabs(x) > 0x1p103;
    return 1.0 / x * (coarse ? 1.0 + std::fmin(std::fabs(x) * 0x1p-126, 0.0055) : 1.0);
}

// Comparisons with a number test the bits of the difference: NaN, also of equal infinities, is a positive number; −0 less 0 is 0 on Wormhole,
// and −0 on Blackhole, where that is negative and not 0.
bool compared(Sfpu op, double x, double number) {
    const float difference = flushed(x - number);
    const bool zero = difference == 0.0f && !(std::signbit(difference) && arch().blackhole);
    const bool less = !std::isnan(difference) && !zero && std::signbit(difference);
    switch (op) {
        case Sfpu::UnaryEq: return zero;
        case Sfpu::UnaryNe: return !zero;
        case Sfpu::UnaryGt: return !less && !zero;
        case Sfpu::UnaryGe: return !less;
        case Sfpu::UnaryLt: return less;
        default: return less || zero;
    }
}

double unary(Sfpu op, double x, const Parameters& p) {
    switch (op) {
        case Sfpu::Exp: return std::exp(p.p0 * x);
        case Sfpu::Exp2: return std::exp2(x);
        case Sfpu::Expm1: return std::expm1(x);
        case Sfpu::Log: return std::log(x);
        case Sfpu::Log2Base: return std::log(x) * p.p0;
        case Sfpu::Log1p: return std::log1p(x);
        case Sfpu::Sqrt: return std::sqrt(x);
        case Sfpu::Rsqrt: return 1.0 / std::sqrt(x);
        case Sfpu::Recip: return reciprocal(x, p);
        case Sfpu::Square: return x * x;
        case Sfpu::ReluMax: return x > p.p0 ? p.p0 : x > 0 ? x : 0.0;
        case Sfpu::ReluMin: return x > p.p0 ? x : 0.0;
        case Sfpu::LeakyRelu:
        case Sfpu::Prelu: return x >= 0 ? x : p.p0 * x;
        case Sfpu::Gelu: return gelu(x, p);
        case Sfpu::GeluTanh: return 0.5 * x * (1.0 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
        case Sfpu::Silu: return std::isnan(x) ? x : x * sigmoid(x);
        case Sfpu::Sigmoid: return sigmoid(x);
        case Sfpu::Tanh: return std::isnan(x) && !p.dst_32bit ? 1.0 : std::tanh(x);
        case Sfpu::Softplus: return softplus(x, p);
        case Sfpu::Erf: return erf_of(x, p);
        case Sfpu::Erfc: return std::erfc(x);
        case Sfpu::Power: return std::pow(x, p.p0);
        case Sfpu::Rpow: return std::pow(p.p0, x);
        case Sfpu::Elu: return x >= 0 ? x : p.p0 * std::expm1(x);
        case Sfpu::Selu: return p.p0 * (x >= 0 ? x : p.p1 * std::expm1(x));
        case Sfpu::Celu: return x >= 0 ? x : p.p0 * std::expm1(x * p.p1);
        case Sfpu::Hardtanh: return x < p.p0 ? p.p0 : x > p.p1 ? p.p1 : x;
        case Sfpu::Hardsigmoid: return std::fmin(std::fmax(x / 6.0 + 0.5, 0.0), 1.0);
        case Sfpu::Softsign: return x / (1.0 + std::fabs(x));
        case Sfpu::Mish: return x * std::tanh(std::log1p(std::exp(x)));
        case Sfpu::Tanhshrink: return x - std::tanh(x);
        case Sfpu::Sin: return std::sin(x);
        case Sfpu::Cos: return std::cos(x);
        case Sfpu::Tan: return std::tan(x);
        case Sfpu::Asin: return std::asin(x);
        case Sfpu::Acos: return std::acos(x);
        case Sfpu::Atan: return std::atan(x);
        case Sfpu::Sinh: return std::sinh(x);
        case Sfpu::Cosh: return std::cosh(x);
        case Sfpu::Asinh: return std::asinh(x);
        case Sfpu::Acosh: return std::acosh(x);
        case Sfpu::Atanh: return std::atanh(x);
        case Sfpu::Cbrt: return std::cbrt(x);
        case Sfpu::Heaviside: return x < 0 ? 0.0 : x > 0 ? 1.0 : p.p0;
        case Sfpu::Fill: return p.p0;
        case Sfpu::AddScalar: return x + p.p0;
        case Sfpu::SubScalar: return x - p.p0;
        case Sfpu::MulScalar: return x * p.p0;
        case Sfpu::DivScalar: return x * p.p0;  // the host passes the reciprocal, as ttnn does
        case Sfpu::RsubScalar:
        case Sfpu::Rsub: return p.p0 - x;
        case Sfpu::Rdiv: return p.p0 * stored(Sfpu::Recip, reciprocal(std::fabs(x) < 0x1p126 ? x : INFINITY, p), p.dst_32bit);
        case Sfpu::Threshold: return x > p.p0 ? x : p.p1;
        case Sfpu::Softshrink: return x > p.p0 ? x - p.p0 : x < -p.p0 ? x + p.p0 : 0.0;
        case Sfpu::Hardshrink: return std::fabs(x) > p.p0 ? x : 0.0;
        case Sfpu::Ceil: return std::ceil(x);
        case Sfpu::Floor: return std::floor(x);
        case Sfpu::Trunc: return std::trunc(x);
        case Sfpu::Frac: return x - std::trunc(x);
        case Sfpu::IsInf: return std::isinf(x) ? 1.0 : 0.0;
        case Sfpu::IsPosInf: return std::isinf(x) && x > 0 ? 1.0 : 0.0;
        case Sfpu::IsNegInf: return std::isinf(x) && x < 0 ? 1.0 : 0.0;
        case Sfpu::IsNan: return std::isnan(x) ? 1.0 : 0.0;
        case Sfpu::IsFinite: return std::isfinite(x) ? 1.0 : 0.0;
        case Sfpu::LogicalNot: return x == 0 ? 1.0 : 0.0;
        case Sfpu::UnaryEq:
        case Sfpu::UnaryNe:
        case Sfpu::UnaryGt:
        case Sfpu::UnaryGe:
        case Sfpu::UnaryLt:
        case Sfpu::UnaryLe: return compared(op, x, p.p0) ? 1.0 : 0.0;
        case Sfpu::Softcap: return p.p0 * std::tanh(x * p.p1);
        default: return x;
    }
}

bool is_binary(Sfpu op) {
    return op == Sfpu::AddBinary || op == Sfpu::SubBinary || op == Sfpu::MulBinary || op == Sfpu::DivBinary || op == Sfpu::RsubBinary ||
           op == Sfpu::PowerBinary || op == Sfpu::EqBinary || op == Sfpu::NeBinary || op == Sfpu::LtBinary || op == Sfpu::GtBinary ||
           op == Sfpu::LeBinary || op == Sfpu::GeBinary || op == Sfpu::MaxBinary || op == Sfpu::MinBinary || op == Sfpu::AddColumn ||
           op == Sfpu::SubColumn || op == Sfpu::MulColumn || op == Sfpu::AddRow || op == Sfpu::SubRow || op == Sfpu::MulRow ||
           op == Sfpu::Mask;
}

bool is_ternary(Sfpu op) {
    return op == Sfpu::Where || op == Sfpu::Addcmul || op == Sfpu::Addcdiv || op == Sfpu::Lerp || op == Sfpu::Mac;
}

// Functions that are infinite at 0.
bool has_pole(Sfpu op) { return op == Sfpu::Recip || op == Sfpu::Rsqrt || op == Sfpu::Log || op == Sfpu::Log2Base; }

bool is_column(Sfpu op) { return op == Sfpu::AddColumn || op == Sfpu::SubColumn || op == Sfpu::MulColumn; }

bool is_row(Sfpu op) { return op == Sfpu::AddRow || op == Sfpu::SubRow || op == Sfpu::MulRow; }

double binary(Sfpu op, double x, double y, const Parameters& p) {
    switch (op) {
        case Sfpu::AddBinary:
        case Sfpu::AddColumn:
        case Sfpu::AddRow: return x + y;
        case Sfpu::SubBinary:
        case Sfpu::SubColumn:
        case Sfpu::SubRow: return x - y;
        case Sfpu::MulBinary: return !p.dst_32bit && (x == 0 || y == 0) ? 0.0 : x * y;
        case Sfpu::MulColumn:
        case Sfpu::MulRow: return x * y;
        case Sfpu::DivBinary: return !p.dst_32bit && !(std::fabs(y) < 0x1p126) ? 0.0 : x / y;  // by the reciprocal, in 16 bits
        case Sfpu::RsubBinary: return y - x;
        case Sfpu::PowerBinary: return std::pow(x, y);
        case Sfpu::EqBinary: return x == y ? 1.0 : 0.0;
        case Sfpu::NeBinary: return x != y ? 1.0 : 0.0;
        case Sfpu::LtBinary: return x < y ? 1.0 : 0.0;
        case Sfpu::GtBinary: return x > y ? 1.0 : 0.0;
        case Sfpu::LeBinary: return x <= y ? 1.0 : 0.0;
        default: return x >= y ? 1.0 : 0.0;
    }
}

double ternary(Sfpu op, double x, double y, double z, double value) {
    switch (op) {
        case Sfpu::Addcmul: return x + value * y * z;
        case Sfpu::Addcdiv: return x + value * y / z;
        case Sfpu::Lerp: return x + z * (y - x);
        default: return x * y + z;
    }
}

// Operations that move, compare or test bits: nothing is flushed and nothing rounded.
bool moves(Sfpu op) {
    switch (op) {
        case Sfpu::Abs:
        case Sfpu::Negative:
        case Sfpu::Sign:
        case Sfpu::SignBit:
        case Sfpu::Relu:
        case Sfpu::UnaryMax:
        case Sfpu::UnaryMin:
        case Sfpu::MaxBinary:
        case Sfpu::MinBinary:
        case Sfpu::Where:
        case Sfpu::Mask:
        case Sfpu::Clamp:
        case Sfpu::Eqz:
        case Sfpu::Nez:
        case Sfpu::Gtz:
        case Sfpu::Gez:
        case Sfpu::Ltz:
        case Sfpu::Lez:
        case Sfpu::Identity:
        case Sfpu::CopyDest: return true;
        default: return false;
    }
}

float moved(Sfpu op, float x, float y, float z, float first, float second) {
    switch (op) {
        case Sfpu::Abs: return std::fabs(x);
        case Sfpu::Negative: return -x;
        case Sfpu::Sign: return (bits_of(x) & 0x7FFFFFFFu) != 0 ? std::copysign(1.0f, x) : 0.0f;
        case Sfpu::SignBit: return std::signbit(x) ? 1.0f : 0.0f;
        case Sfpu::Relu: return order(x) > 0 ? x : 0.0f;
        case Sfpu::UnaryMax: return larger(x, first);
        case Sfpu::UnaryMin: return smaller(x, first);
        case Sfpu::Clamp: return smaller(larger(x, first), second);
        case Sfpu::MaxBinary: return larger(x, y);
        case Sfpu::MinBinary: return smaller(x, y);
        case Sfpu::Mask: return y == 0.0f ? 0.0f : x;
        case Sfpu::Eqz: return x == 0 ? 1.0f : 0.0f;
        case Sfpu::Nez: return x != 0 ? 1.0f : 0.0f;
        case Sfpu::Gtz: return x > 0 ? 1.0f : 0.0f;
        case Sfpu::Gez: return x >= 0 ? 1.0f : 0.0f;
        case Sfpu::Ltz: return x < 0 ? 1.0f : 0.0f;
        case Sfpu::Lez: return x <= 0 ? 1.0f : 0.0f;
        case Sfpu::Where: return bits_of(x) != 0 ? y : z;
        default: return x;
    }
}

}  // namespace
}  // namespace ttemu
