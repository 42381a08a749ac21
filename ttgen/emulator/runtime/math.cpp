// The matrix unit: what the math thread does with the operands that unpack delivered.
#include <cstring>

#include "operation.hpp"

namespace ttemu {

namespace {

bool has_source(const Fiber& fiber) { return fiber.core->compute->source_count > 0; }

float masked(float f, uint32_t mask) {
    const uint32_t bits = bits_of(f) & mask;
    std::memcpy(&f, &bits, 4);
    return f;
}

// The multipliers take 5 bits of SrcA's significand and 7 of SrcB's at a time; further phases add the products with the rest. Of TF32's
// 11 bits SrcA uses the upper 10. (ISA documentation, MVMUL and ELWMUL.)
constexpr uint32_t kHighA = 0xFFF80000, kAllA = 0xFFFFC000, kHighB = 0xFFFE0000, kAllB = 0xFFFFE000;

struct Slices {
    float high, low;
};

Slices slice_a(float x) {
    const float high = masked(x, kHighA);
    return {high, masked(x, kAllA) - high};
}

Slices slice_b(float x) {
    const float high = masked(x, kHighB);
    return {high, masked(x, kAllB) - high};
}

float phase_product(const Slices& a, const Slices& b, uint32_t phase) {
    return ((phase & 1) != 0 ? a.low : a.high) * ((phase & 2) != 0 ? b.low : b.high);
}

float store_dst(float x, bool dst_32bit) { return dst_32bit ? x : to_bfloat16(x); }

// dst[i] += a × b in the given number of phases, each rounded to the width of DST.
float multiply_accumulate(float dst, float a, float b, uint32_t phases, bool dst_32bit) {
    const Slices sa = slice_a(a), sb = slice_b(b);
    if (bits_of(a) << 1 >= 0xFF000000u || bits_of(b) << 1 >= 0xFF000000u) {
        return store_dst(dst + a * b, dst_32bit);  // infinities and NaNs have no slices
    }
    for (uint32_t phase = 0; phase < phases; ++phase) {
        dst = store_dst(dst + phase_product(sa, sb, phase), dst_32bit);
    }
    return dst;
}

// What the matrix unit adds together is aligned to the largest: a number keeps its multiple of 2^-11 of that one's power of two, the nearest
// one. (Seen in execution: 1 + 2^-12 is 1, and so is the sum of eight products.) Adding this number and taking it away again rounds like that;
// 0, which rounds nothing, where the sum could overflow, and for infinities and NaNs.
float aligner(float largest) {
    const uint32_t exponent = bits_of(largest) & 0x7F800000u;
    uint32_t bits = exponent < 0x79000000u ? (exponent + (12u << 23)) | 0x00400000u : 0u;  // 1.5 · 2^(e + 12): its last bit is 2^(e − 11)
    std::memcpy(&largest, &bits, 4);
    return largest;
}

float aligned_sum(float x, float y) {
    const float align = aligner(__builtin_fmaxf(__builtin_fabsf(x), __builtin_fabsf(y)));
    return ((x + align) - align) + ((y + align) - align);
}

constexpr uint32_t kTogether = 8;  // products that are added together

typedef float Vector __attribute__((vector_size(32)));
typedef uint32_t Bits __attribute__((vector_size(32)));

// out (32×32) += left × right over columns [k0, k0 + 16) of left, with the products aligned. With `all_left` and `all_right`, whose upper
// slices left and right are, what the whole operands' products have more is added as it is: later phases have it, and lose 2^-5 of that at most.
__attribute__((target_clones("avx2", "default"))) void accumulate_aligned(float* out, const float* left, const float* right,
                                                                           const float* all_left, const float* all_right, uint32_t k0) {
    const auto load = [](const float* from) {
        Vector v;
        std::memcpy(&v, from, sizeof v);
        return v;
    };
    for (uint32_t i = 0; i < kTileSide; ++i) {
        for (uint32_t j = 0; j < kTileSide; j += 8) {
            Vector sum = {};
            for (uint32_t k1 = k0; k1 < k0 + 16; k1 += kTogether) {
                Vector products[kTogether];
                Bits largest = {};
                for (uint32_t k = 0; k < kTogether; ++k) {
                    products[k] = left[i * kTileSide + k1 + k] * load(right + (k1 + k) * kTileSide + j);
                    const Bits exponent = (Bits)products[k] & 0x7F800000u;
                    largest = largest > exponent ? largest : exponent;
                }
                const Bits none = {};
                const Vector align = (Vector)(largest < 0x79000000u ? (largest + (12u << 23)) | 0x00400000u : none);
                for (uint32_t k = 0; k < kTogether; ++k) {
                    sum += (products[k] + align) - align;
                }
                for (uint32_t k = 0; all_left != nullptr && k < kTogether; ++k) {
                    const Vector whole = all_left[i * kTileSide + k1 + k] * load(all_right + (k1 + k) * kTileSide + j);
                    sum += whole - products[k];
                }
            }
            const Vector result = load(out + i * kTileSide + j) + sum;
            std::memcpy(out + i * kTileSide + j, &result, sizeof result);
        }
    }
}

// out (32×32) += left × right over columns [k0, k0 + 16) of left.
void accumulate_half(float* out, const float* left, const float* right, uint32_t k0) {
    for (uint32_t i = 0; i < kTileSide; ++i) {
        Vector sum[4] = {};
        for (uint32_t k = k0; k < k0 + 16; ++k) {
            const float l = left[i * kTileSide + k];
            const Vector factor = {l, l, l, l, l, l, l, l};
            for (uint32_t j = 0; j < 4; ++j) {
                Vector r;
                std::memcpy(&r, right + k * kTileSide + j * 8, sizeof r);
                sum[j] += factor * r;
            }
        }
        for (uint32_t j = 0; j < 4; ++j) {
            Vector o;
            std::memcpy(&o, out + i * kTileSide + j * 8, sizeof o);
            o += sum[j];
            std::memcpy(out + i * kTileSide + j * 8, &o, sizeof o);
        }
    }
}

void mask_all(float* out, const float* in, uint32_t mask) {
    for (uint32_t i = 0; i < kTileElements; ++i) {
        out[i] = masked(in[i], mask);
    }
}

void subtract_all(float* out, const float* a, const float* b) {
    for (uint32_t i = 0; i < kTileElements; ++i) {
        out[i] = a[i] - b[i];
        if (out[i] != out[i]) {
            out[i] = 0.0f;  // infinity has no low slice
        }
    }
}

// The operands of a matrix product in the slices that its fidelity needs. in0 is SrcB, in1 is SrcA.
struct Sliced {
    float all[kTileElements], high[kTileElements], low[kTileElements];
};

void slice_all(Sliced& s, const float* in, uint32_t all, uint32_t high) {
    mask_all(s.all, in, all);
    mask_all(s.high, in, high);
    subtract_all(s.low, s.all, s.high);
}

void matrix_product(float* dst, const Sliced& in0, const Sliced& in1, uint32_t phases, bool dst_32bit) {
    if (dst_32bit) {
        // Phases add up to products of whole operands; only the order of additions differs, which the hardware's isn't known to.
        for (uint32_t k0 = 0; k0 < kTileSide; k0 += 16) {
            switch (phases) {
                case 1: accumulate_aligned(dst, in0.high, in1.high, nullptr, nullptr, k0); break;
                case 2: accumulate_aligned(dst, in0.high, in1.high, in0.high, in1.all, k0); break;
                case 3:
                    accumulate_aligned(dst, in0.high, in1.high, in0.high, in1.all, k0);
                    accumulate_half(dst, in0.low, in1.high, k0);
                    break;
                default: accumulate_aligned(dst, in0.high, in1.high, in0.all, in1.all, k0); break;
            }
        }
        return;
    }
    for (uint32_t phase = 0; phase < phases; ++phase) {
        for (uint32_t k0 = 0; k0 < kTileSide; k0 += 16) {
            const float *left = (phase & 2) != 0 ? in0.low : in0.high, *right = (phase & 1) != 0 ? in1.low : in1.high;
            accumulate_aligned(dst, left, right, nullptr, nullptr, k0);
            for (uint32_t i = 0; i < kTileElements; ++i) {
                dst[i] = to_bfloat16(dst[i]);
            }
        }
    }
}

void undefine(Tile& tile) {
    if (!tile.any_undefined) {
        tile.any_undefined = true;
        tile.undefined.fill(0);
    }
}

void spread_undefined_product(Tile& out, const Tile& left, const Tile& right) {
    if (!left.any_undefined && !right.any_undefined) {
        return;
    }
    undefine(out);
    for (uint32_t i = 0; i < kTileSide; ++i) {
        for (uint32_t j = 0; j < kTileSide; ++j) {
            for (uint32_t k = 0; k < kTileSide; ++k) {
                if ((left.any_undefined && left.undefined[i * kTileSide + k] != 0) || (right.any_undefined && right.undefined[k * kTileSide + j] != 0)) {
                    out.undefined[i * kTileSide + j] = 1;
                    break;
                }
            }
        }
    }
}

// Which element of a broadcast operand meets element i.
uint32_t broadcast_index(Broadcast broadcast, uint32_t i, uint32_t row) {
    switch (broadcast) {
        case Broadcast::Row: return row * kTileSide + i % kTileSide;
        case Broadcast::Column: return i / kTileSide * kTileSide;
        case Broadcast::Scalar: return 0;
        default: return i;
    }
}

void check_accumulates(const DstSlot& slot, const FpuOp& op, Where where) {
    if (!slot.written) {
        return;
    }
    const bool same = is_matmul(op.kind) ? is_matmul(slot.by) : slot.by == op.kind;
    if (op.kind == FpuKind::Mul || (!same && slot.by != FpuKind::Copy)) {
        error(where, "dst-not-zero", describe(op) + format(" adds to DST slot %u, which already holds the result of %s", op.dst,
                                                           slot.by == FpuKind::None ? "a vector operation" : name_of(slot.by)));
    }
}

void elementwise(DstSlot& slot, SourceEntry& entry, const FpuOp& op, const FpuOp& init, const ComputeConfig& config) {
    const Tile& cb0 = entry.a[0];
    const Tile old = op.reuse != Reuse::None ? slot.tile : Tile{};
    const Tile& a = op.reuse == Reuse::DestToA ? old : cb0;
    const Tile& b = op.reuse == Reuse::DestToA ? cb0 : op.reuse == Reuse::DestToB ? old : entry.b[0];
    const uint32_t reuse_mask = config.dst_32bit ? 0xFFFFE000u : 0xFFFF0000u;  // DST moves to a source register as TF32 or bfloat16
    const bool undefined = a.any_undefined || b.any_undefined;
    if (undefined) {
        undefine(slot.tile);
    }
    for (uint32_t i = 0; i < kTileElements; ++i) {
        const uint32_t j = broadcast_index(op.broadcast, i, op.broadcast_row);
        float x = a.v[i], y = b.v[j];
        x = op.reuse == Reuse::DestToA ? masked(x, reuse_mask) : x;
        y = op.reuse == Reuse::DestToB ? masked(y, reuse_mask) : y;
        float& out = slot.tile.v[i];
        if (op.kind == FpuKind::Mul) {
            out = multiply_accumulate(op.reuse == Reuse::None ? out : 0.0f, x, y, config.fidelity, config.dst_32bit);
        } else {
            const float result = aligned_sum(x, op.kind == FpuKind::Add ? y : -y);
            out = store_dst(init.accumulate != 0 ? out + result : result, config.dst_32bit);
        }
        if (undefined) {
            const uint8_t bad = (a.any_undefined && a.undefined[i] != 0) || (b.any_undefined && b.undefined[j] != 0);
            slot.tile.undefined[i] = bad;
        }
    }
}

// dst + Σ x[k·stride]·s[k] over 32 elements, sixteen at a time and phase by phase, as the pooling and matrix instructions add: aligned, in
// eights. `swapped`: x is in SrcB.
float reduce_sum(float dst, const float* x, uint32_t stride, const float* scaler, bool swapped, const ComputeConfig& config) {
    for (uint32_t k0 = 0; k0 < kTileSide; k0 += 16) {
        for (uint32_t phase = 0; phase < config.fidelity; ++phase) {
            float sum = 0.0f;
            for (uint32_t k1 = k0; k1 < k0 + 16; k1 += kTogether) {
                float products[kTogether], largest = 0.0f;
                for (uint32_t k = 0; k < kTogether; ++k) {
                    const float value = x[(k1 + k) * stride], s = scaler[(k1 + k) % 16];
                    products[k] = swapped ? phase_product(slice_a(s), slice_b(value), phase) : phase_product(slice_a(value), slice_b(s), phase);
                    largest = __builtin_fmaxf(largest, __builtin_fabsf(products[k]));
                }
                const float align = aligner(largest);
                for (const float product : products) {
                    sum += (product + align) - align;
                }
            }
            dst = store_dst(dst + sum, config.dst_32bit);
        }
    }
    return dst;
}

float reduce_max(float dst, const float* x, uint32_t stride) {
    for (uint32_t k = 0; k < kTileSide; ++k) {
        dst = x[k * stride] > dst ? x[k * stride] : dst;
    }
    return dst;
}

void reduce(DstSlot& slot, const SourceEntry& entry, const FpuOp& op, const ComputeConfig& config) {
    const Tile& data = entry.a[0];
    const float* scaler = entry.b[0].v;  // the first row of a face is what is read
    const bool swapped = reduce_swaps(op), maximum = op.pool == Pool::Max;
    const float start = maximum ? -__builtin_inff() : 0.0f;  // what untouched DST reads as
    Tile& out = slot.tile;
    float results[kTileSide];
    uint8_t bad[kTileSide];
    bool bad_scaler = false;
    for (uint32_t k = 0; k < 16; ++k) {
        bad_scaler = bad_scaler || (entry.b[0].any_undefined && entry.b[0].undefined[k] != 0);
    }
    for (uint32_t i = 0; i < kTileSide; ++i) {
        const uint32_t at = op.dim == Dim::Row ? i * kTileSide : i;
        const float* x = data.v + at;
        const uint32_t stride = op.dim == Dim::Row ? 1 : kTileSide;
        const float old = slot.written && op.dim != Dim::Scalar ? out.v[at] : start;
        results[i] = maximum ? reduce_max(old, x, stride) : reduce_sum(old, x, stride, scaler, swapped, config);
        bad[i] = bad_scaler || (slot.written && out.any_undefined && out.undefined[at] != 0);
        for (uint32_t k = 0; data.any_undefined && k < kTileSide; ++k) {
            bad[i] |= data.undefined[at + k * stride];
        }
    }
    uint32_t count = kTileSide;
    if (op.dim == Dim::Scalar) {
        // Columns first; their results go back through a source register, which holds 19 bits.
        for (float& value : results) {
            value = masked(value, config.dst_32bit ? 0xFFFFE000u : 0xFFFF0000u);
        }
        const float old = slot.written ? out.v[0] : start;
        results[0] = maximum ? reduce_max(old, results, 1) : reduce_sum(old, results, 1, scaler, true, config);
        for (uint32_t i = 1; i < kTileSide; ++i) {
            bad[0] |= bad[i];
        }
        count = 1;
    }
    // What the other elements hold is nobody's business: the packer's mask must clear them.
    out.any_undefined = true;
    out.undefined.fill(1);
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t at = op.dim == Dim::Row ? i * kTileSide : i;
        out.v[at] = results[i];
        out.undefined[at] = bad[i];
    }
    slot.dim = op.dim;
}

}  // namespace

void math(const FpuOp& op, Where where) {
    Core& core = *self().core;
    ComputeUnit& c = *core.compute;
    check_init(c.math_init, op, where);
    check_formats(c.math_formats, op, where);
    const uint32_t slots = is_matmul(op.kind) ? op.ct * op.rt : 1;
    for (uint32_t i = 0; i < slots; ++i) {
        dst_slot(op.dst + i, where, false);
    }
    block({has_source, 0, 0, "math operands"}, where);
    SourceEntry& entry = c.sources[c.source_head];
    if (entry.op.kind != op.kind || entry.op.ct != op.ct || entry.op.rt != op.rt) {
        fatal(where, "threads-disagree", "math runs " + describe(op) + " on what unpack delivered for " + describe(entry.op));
    }
    const ComputeConfig& config = c.config;
    if (is_matmul(op.kind)) {
        static Sliced in0, in1;
        for (uint32_t r = 0; r < op.rt; ++r) {
            slice_all(in0, entry.a[r].v, kAllB, kHighB);
            for (uint32_t t = 0; t < op.ct; ++t) {
                DstSlot& slot = c.slot(c.math_section, op.dst + r * op.ct + t);
                check_accumulates(slot, op, where);
                slice_all(in1, entry.b[t].v, kAllA, kHighA);
                matrix_product(slot.tile.v, in0, in1, config.fidelity, config.dst_32bit);
                spread_undefined_product(slot.tile, entry.a[r], entry.b[t]);
                slot.written = true;
                slot.by = op.kind;
                ++core.counters.tile_products;
            }
        }
    } else {
        DstSlot& slot = c.slot(c.math_section, op.dst);
        if (is_binary(op.kind)) {
            if (op.reuse != Reuse::None && !slot.written) {
                error(where, "dst-unwritten", describe(op) + format(" reads DST slot %u, which nothing has written since the section began", op.dst));
            }
            if (op.reuse == Reuse::None && op.kind == FpuKind::Mul) {
                check_accumulates(slot, op, where);
            }
            elementwise(slot, entry, op, c.math_init, config);
            ++core.counters.elementwise_tiles;
        } else if (op.kind == FpuKind::Reduce) {
            check_accumulates(slot, op, where);
            reduce(slot, entry, op, config);
            ++core.counters.elementwise_tiles;
        } else {
            const Tile& in = entry.a[0];
            if (op.kind == FpuKind::UnaryBroadcast && op.broadcast == Broadcast::Row && !arch().blackhole && config.dst_32bit && !entry.to_dest) {
                error(where, "known-erratum", "unary_bcast<ROW> of 16-bit data into 32-bit DST is corrupt on Wormhole (tt-llk#1680)");
            }
            if (op.kind == FpuKind::UnaryBroadcast && op.broadcast == Broadcast::Column && arch().blackhole) {
                error(where, "known-erratum", "unary_bcast<COL> hangs on Blackhole (tt-metal PR 44699)");
            }
            for (uint32_t i = 0; i < kTileElements; ++i) {
                slot.tile.v[i] = store_dst(in.v[broadcast_index(op.broadcast, i, 0)], config.dst_32bit);
            }
            slot.tile.any_undefined = in.any_undefined;
            if (in.any_undefined) {
                for (uint32_t i = 0; i < kTileElements; ++i) {
                    slot.tile.undefined[i] = in.undefined[broadcast_index(op.broadcast, i, 0)];
                }
            }
        }
        slot.written = true;
        slot.by = op.kind == FpuKind::Transpose || op.kind == FpuKind::UnaryBroadcast || op.kind == FpuKind::Tilize ? FpuKind::Copy : op.kind;
    }
    c.source_head = (c.source_head + 1) % 2;
    --c.source_count;
    wake(core);
}

}  // namespace ttemu

using namespace ttemu;

extern "C" {

void ttemu_fpu_init(const FpuOp* op, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_started(where, "an init");
    ComputeUnit& c = *self().core->compute;
    cb_of(op->cb0, where);
    (self().thread == Thread::Unpack ? c.unpack_init : c.math_init) = *op;
}

void ttemu_fpu(const FpuOp* op, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_started(where, "an operation");
    if (self().thread == Thread::Unpack) {
        unpack(*op, where);
    } else {
        math(*op, where);
    }
}

}  // extern "C"
