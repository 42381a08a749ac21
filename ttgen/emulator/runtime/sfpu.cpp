// The vector unit: operations on slots of DST. Computed in double precision and rounded once, to the width of DST.
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

// The same with the arguments that the operation takes: p0, p1, p2 as numbers.
struct Parameters {
    double p0, p1, p2;
};

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
        case Sfpu::Recip: return 1.0 / x;
        case Sfpu::Square: return x * x;
        case Sfpu::Abs: return std::fabs(x);
        case Sfpu::Sign: return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0;
        case Sfpu::SignBit: return std::signbit(x) ? 1.0 : 0.0;
        case Sfpu::Relu: return x > 0 ? x : 0.0;
        case Sfpu::ReluMax: return x > p.p0 ? p.p0 : x > 0 ? x : 0.0;
        case Sfpu::ReluMin: return x > p.p0 ? x : 0.0;
        case Sfpu::LeakyRelu:
        case Sfpu::Prelu: return x >= 0 ? x : p.p0 * x;
        case Sfpu::Gelu: return 0.5 * x * std::erfc(-x * 0.70710678118654752440);
        case Sfpu::GeluTanh: return 0.5 * x * (1.0 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
        case Sfpu::Silu: return x / (1.0 + std::exp(-x));
        case Sfpu::Sigmoid: return 1.0 / (1.0 + std::exp(-x));
        case Sfpu::Tanh: return std::tanh(x);
        case Sfpu::Softplus: return p.p0 * x > p.p2 ? x : p.p1 * std::log1p(std::exp(p.p0 * x));
        case Sfpu::Erf: return std::erf(x);
        case Sfpu::Erfc: return std::erfc(x);
        case Sfpu::Negative: return -x;
        case Sfpu::Power: return std::pow(x, p.p0);
        case Sfpu::Rpow: return std::pow(p.p0, x);
        case Sfpu::Elu: return x >= 0 ? x : p.p0 * std::expm1(x);
        case Sfpu::Selu: return p.p0 * (x >= 0 ? x : p.p1 * std::expm1(x));
        case Sfpu::Celu: return x >= 0 ? x : p.p0 * std::expm1(x * p.p1);
        case Sfpu::Hardtanh:
        case Sfpu::Clamp: return x < p.p0 ? p.p0 : x > p.p1 ? p.p1 : x;
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
        case Sfpu::Identity:
        case Sfpu::Typecast:
        case Sfpu::CopyDest: return x;
        case Sfpu::Fill: return p.p0;
        case Sfpu::AddScalar: return x + p.p0;
        case Sfpu::SubScalar: return x - p.p0;
        case Sfpu::MulScalar: return x * p.p0;
        case Sfpu::DivScalar: return x * p.p0;  // the host passes the reciprocal, as ttnn does
        case Sfpu::RsubScalar:
        case Sfpu::Rsub: return p.p0 - x;
        case Sfpu::Rdiv: return p.p0 / x;
        case Sfpu::UnaryMax: return x > p.p0 ? x : p.p0;
        case Sfpu::UnaryMin: return x < p.p0 ? x : p.p0;
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
        case Sfpu::LogicalNot:
        case Sfpu::Eqz: return x == 0 ? 1.0 : 0.0;
        case Sfpu::Nez: return x != 0 ? 1.0 : 0.0;
        case Sfpu::Gtz: return x > 0 ? 1.0 : 0.0;
        case Sfpu::Gez: return x >= 0 ? 1.0 : 0.0;
        case Sfpu::Ltz: return x < 0 ? 1.0 : 0.0;
        case Sfpu::Lez: return x <= 0 ? 1.0 : 0.0;
        case Sfpu::UnaryEq: return x == p.p0 ? 1.0 : 0.0;
        case Sfpu::UnaryNe: return x != p.p0 ? 1.0 : 0.0;
        case Sfpu::UnaryGt: return x > p.p0 ? 1.0 : 0.0;
        case Sfpu::UnaryGe: return x >= p.p0 ? 1.0 : 0.0;
        case Sfpu::UnaryLt: return x < p.p0 ? 1.0 : 0.0;
        case Sfpu::UnaryLe: return x <= p.p0 ? 1.0 : 0.0;
        case Sfpu::Softcap: return p.p0 * std::tanh(x * p.p1);
        default: return x;
    }
}

bool is_binary(Sfpu op) {
    return op == Sfpu::AddBinary || op == Sfpu::SubBinary || op == Sfpu::MulBinary || op == Sfpu::DivBinary || op == Sfpu::RsubBinary ||
           op == Sfpu::PowerBinary || op == Sfpu::EqBinary || op == Sfpu::NeBinary || op == Sfpu::LtBinary || op == Sfpu::GtBinary ||
           op == Sfpu::LeBinary || op == Sfpu::GeBinary || op == Sfpu::MaxBinary || op == Sfpu::MinBinary || op == Sfpu::AddColumn ||
           op == Sfpu::SubColumn || op == Sfpu::MulColumn || op == Sfpu::AddRow || op == Sfpu::SubRow || op == Sfpu::MulRow;
}

bool is_ternary(Sfpu op) {
    return op == Sfpu::Where || op == Sfpu::Addcmul || op == Sfpu::Addcdiv || op == Sfpu::Lerp || op == Sfpu::Mac;
}

bool is_column(Sfpu op) { return op == Sfpu::AddColumn || op == Sfpu::SubColumn || op == Sfpu::MulColumn; }

bool is_row(Sfpu op) { return op == Sfpu::AddRow || op == Sfpu::SubRow || op == Sfpu::MulRow; }

double binary(Sfpu op, double x, double y) {
    switch (op) {
        case Sfpu::AddBinary:
        case Sfpu::AddColumn:
        case Sfpu::AddRow: return x + y;
        case Sfpu::SubBinary:
        case Sfpu::SubColumn:
        case Sfpu::SubRow: return x - y;
        case Sfpu::MulBinary:
        case Sfpu::MulColumn:
        case Sfpu::MulRow: return x * y;
        case Sfpu::DivBinary: return x / y;
        case Sfpu::RsubBinary: return y - x;
        case Sfpu::PowerBinary: return std::pow(x, y);
        case Sfpu::EqBinary: return x == y ? 1.0 : 0.0;
        case Sfpu::NeBinary: return x != y ? 1.0 : 0.0;
        case Sfpu::LtBinary: return x < y ? 1.0 : 0.0;
        case Sfpu::GtBinary: return x > y ? 1.0 : 0.0;
        case Sfpu::LeBinary: return x <= y ? 1.0 : 0.0;
        case Sfpu::GeBinary: return x >= y ? 1.0 : 0.0;
        case Sfpu::MaxBinary: return x > y ? x : y;
        default: return x < y ? x : y;
    }
}

double ternary(Sfpu op, double x, double y, double z, double value) {
    switch (op) {
        case Sfpu::Where: return x != 0 ? y : z;
        case Sfpu::Addcmul: return x + value * y * z;
        case Sfpu::Addcdiv: return x + value * y / z;
        case Sfpu::Lerp: return x + z * (y - x);
        default: return x * y + z;
    }
}

float stored(double value, bool dst_32bit) {
    float f = static_cast<float>(value);
    if (std::fpclassify(f) == FP_SUBNORMAL) {
        f = std::copysign(0.0f, f);  // the vector unit flushes denormals
    }
    return dst_32bit ? f : to_bfloat16(f);
}

void run(const SfpuOp& op, bool by_pack, Where where) {
    Core& core = *self().core;
    ComputeUnit& c = *core.compute;
    const bool dst_32bit = c.config.dst_32bit;
    const auto slot = [&](uint32_t index) -> DstSlot& {
        DstSlot& s = dst_slot(index, where, by_pack);
        if (!s.written && op.op != Sfpu::Fill) {
            error(where, "dst-unwritten", format("%s reads DST slot %u, which nothing has written since the section began", name_of(op.op), index));
        }
        return s;
    };
    const bool two = is_binary(op.op), three = is_ternary(op.op);
    if ((is_column(op.op) || is_row(op.op)) && !dst_32bit) {
        error(where, "sfpu-broadcast-16bit", "the vector unit's broadcast operations need 32-bit DST");
    }
    const DstSlot& x = slot(op.in0);
    const DstSlot& y = two || three ? slot(op.in1) : x;
    const DstSlot& z = three ? slot(op.in2) : x;
    DstSlot& out = dst_slot(op.out, where, by_pack);
    const Parameters p = {number(op.p0), number(op.p1), number(op.p2)};
    const uint32_t vector_mode = op.op == Sfpu::Exp || op.op == Sfpu::Recip || op.op == Sfpu::Rdiv || op.op == Sfpu::Rpow ||
                                         op.op == Sfpu::MaxBinary || op.op == Sfpu::MinBinary
                                     ? op.p2
                                     : 4;
    const bool undefined = op.op != Sfpu::Fill && (x.tile.any_undefined || y.tile.any_undefined || z.tile.any_undefined);
    static uint8_t bad[kTileElements];
    static float results[kTileElements];
    for (uint32_t i = 0; i < kTileElements; ++i) {
        // VectorMode R does the two upper faces, C the two left ones.
        if ((vector_mode == 1 && i / kTileSide >= 16) || (vector_mode == 2 && i % kTileSide >= 16)) {
            results[i] = out.tile.v[i];
            bad[i] = out.tile.any_undefined ? out.tile.undefined[i] : 0;
            continue;
        }
        const uint32_t j = is_column(op.op) ? i / kTileSide * kTileSide : is_row(op.op) ? i % kTileSide : i;
        const double value = three ? ternary(op.op, x.tile.v[i], y.tile.v[i], z.tile.v[i], p.p0)
                             : two ? binary(op.op, x.tile.v[i], y.tile.v[j])
                                   : unary(op.op, x.tile.v[i], p);
        results[i] = stored(value, dst_32bit);
        if (undefined) {
            bad[i] = (x.tile.any_undefined && x.tile.undefined[i] != 0) || ((two || three) && y.tile.any_undefined && y.tile.undefined[j] != 0) ||
                     (three && z.tile.any_undefined && z.tile.undefined[i] != 0);
        }
    }
    std::memcpy(out.tile.v, results, sizeof results);
    out.tile.any_undefined = undefined;
    if (undefined) {
        std::memcpy(out.tile.undefined.data(), bad, sizeof bad);
    }
    const FpuKind by = out.by;
    const bool keeps_reduction = out.written && by == FpuKind::Reduce && op.op != Sfpu::Fill;
    out.written = true;
    if (!keeps_reduction) {
        out.by = op.op == Sfpu::Fill ? FpuKind::Copy : op.in0 != op.out && x.by == FpuKind::Reduce ? FpuKind::Reduce : FpuKind::None;
    }
    ++core.counters.sfpu_tiles;
}

}  // namespace
}  // namespace ttemu

using namespace ttemu;

extern "C" {

void ttemu_sfpu_init(Sfpu op, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_started(where, "an init of the vector unit");
    ComputeUnit& c = *self().core->compute;
    (self().thread == Thread::Pack ? c.pack_sfpu_init : c.sfpu_init) = op;
}

void ttemu_sfpu(const SfpuOp* op, Sfpu init, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_started(where, "a vector operation");
    const bool by_pack = self().thread == Thread::Pack;
    const ComputeUnit& c = *self().core->compute;
    const Sfpu in_force = by_pack ? c.pack_sfpu_init : c.sfpu_init;
    if (in_force != init) {
        error(where, "missing-init", format("%s needs the init of %s; the one in force is that of %s", name_of(op->op), name_of(init), name_of(in_force)));
    }
    run(*op, by_pack, where);
}

}  // extern "C"
