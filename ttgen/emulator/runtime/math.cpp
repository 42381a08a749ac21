// The matrix unit: what the math thread does with the operands that unpack delivered. Its arithmetic is in products.cpp.
#include <algorithm>
#include <cstring>

#include "operation.hpp"

namespace ttemu {

namespace {

bool has_source(const Fiber& fiber) { return fiber.core->compute->source_count > 0; }

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

// Whether an operation may add to what the slot holds: a sum of its own kind that goes on, or one that was copied back.
bool continues(const DstSlot& slot, const FpuOp& op) {
    switch (op.kind) {
        case FpuKind::Mul: return (slot.by == FpuKind::Mul || is_matmul(slot.by)) && !slot.changed;
        case FpuKind::Reduce:
            if (slot.by == FpuKind::Copy) {
                // The maxima of rows stand in a row until the last tile is in: a copied column doesn't go on.
                return !slot.changed && (op.pool != Pool::Max || op.dim == Dim::Column);
            }
            return slot.by == FpuKind::Reduce && slot.pool == op.pool && slot.dim == op.dim;
        default: return slot.by == FpuKind::Copy || (is_matmul(slot.by) && !slot.changed);  // a copy may have been rescaled
    }
}

void check_accumulates(const DstSlot& slot, const FpuOp& op, Where where) {
    if (slot.written && !continues(slot, op)) {
        error(where, "dst-not-zero", describe(op) + format(" adds to DST slot %u, which already holds the result of %s", op.dst,
                                                           slot.by == FpuKind::None ? "a vector operation"
                                                           : slot.changed           ? "a vector operation on a sum"
                                                                                    : name_of(slot.by)));
    }
}

void elementwise(DstSlot& slot, SourceEntry& entry, const FpuOp& op, const FpuOp& init, const ComputeConfig& config) {
    const Tile& cb0 = entry.a[0];
    const Tile old = op.reuse != Reuse::None ? slot.tile : Tile{};
    const Tile& a = op.reuse == Reuse::DestToA ? old : cb0;
    const Tile& b = op.reuse == Reuse::DestToA ? cb0 : op.reuse == Reuse::DestToB ? old : entry.b[0];
    const uint32_t reuse_mask = config.dst_32bit ? 0xFFFFE000u : 0xFFFF0000u;  // DST moves to a source register as TF32 or bfloat16
    const bool undefined = a.any_undefined || b.any_undefined;
    const bool adds = op.reuse == Reuse::None && (op.kind == FpuKind::Mul || init.accumulate != 0);
    if (!adds) {
        slot.tile.any_undefined = false;
    }
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
            slot.tile.undefined[i] |= (a.any_undefined && a.undefined[i] != 0) || (b.any_undefined && b.undefined[j] != 0);
        }
    }
}

// The scalers that element k of the line of data at `line` is multiplied by: the first row of each face of the scaler tile holds sixteen.
// Rows are summed with those of faces 0 and 1, whatever the row; columns with those of the face that the element is in.
struct Scalers {
    float v[kTileSide];
    uint8_t undefined[kTileSide];
};

Scalers scalers_of(const Tile& tile, Dim dim, uint32_t line) {
    Scalers out;
    for (uint32_t k = 0; k < kTileSide; ++k) {
        const uint32_t at = dim == Dim::Row ? k : k / 16 * 16 * kTileSide + line / 16 * 16 + k % 16;
        out.v[k] = tile.v[at];
        out.undefined[k] = tile.any_undefined ? tile.undefined[at] : 0;
    }
    return out;
}

// One of the sixteen products of an instruction. A factor of 0 makes 0 of infinity and NaN, too: padding is ignored under a scaler of 0.
float scaled(float x, float s, bool swapped, uint32_t phase) {
    if (s == 0.0f) {
        return 0.0f;
    }
    if (bits_of(x) << 1 >= 0xFF000000u || bits_of(s) << 1 >= 0xFF000000u) {
        return phase == 0 ? x * s : 0.0f;  // infinities and NaNs have no slices
    }
    return swapped ? phase_product(slice_a(s), slice_b(x), phase) : phase_product(slice_a(x), slice_b(s), phase);
}

// dst + Σ x[k·stride]·scaler[k] over 32 elements, sixteen at a time and phase by phase, as the pooling and matrix instructions add: aligned,
// in eights. `swapped`: x is in SrcB.
float reduce_sum(float dst, const float* x, uint32_t stride, const float* scaler, bool swapped, const ComputeConfig& config) {
    for (uint32_t k0 = 0; k0 < kTileSide; k0 += 16) {
        for (uint32_t phase = 0; phase < config.fidelity; ++phase) {
            float sum = 0.0f;
            for (uint32_t k1 = k0; k1 < k0 + 16; k1 += kTogether) {
                float products[kTogether], largest = 0.0f;
                int32_t highest = kNoExponent;
                for (uint32_t k = 0; k < kTogether; ++k) {
                    products[k] = scaled(x[(k1 + k) * stride], scaler[k1 + k], swapped, phase);
                    largest = __builtin_fmaxf(largest, __builtin_fabsf(products[k]));
                    highest = std::max(highest, exponent_of(x[(k1 + k) * stride]) + exponent_of(scaler[k1 + k]));
                }
                const float align = aligner(largest);
                for (uint32_t k = 0; k < kTogether && highest > kFlushed[phase]; ++k) {
                    sum += (products[k] + align) - align;
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

// Maxima are scaled by the exponents of their scalers only, and 0 is no way to leave something out: nothing but 1 is defined.
void check_maximum(const Tile& scaler, const FpuOp& op, Where where) {
    for (uint32_t i = 0; i < kTileElements; ++i) {
        const bool used = i / kTileSide % 16 == 0 && !(scaler.any_undefined && scaler.undefined[i] != 0);
        if (used && scaler.v[i] != 1.0f) {
            error(where, "reduce-scaler", format("a maximum with the scaler %g in tile %u of circular buffer %u: it must be 1 in the first row of each face",
                                                 static_cast<double>(scaler.v[i]), op.tile1, op.cb1));
            return;
        }
    }
}

// Whether a row sum leaves 0 beside its column: the other columns are products with the other rows of the scaler tile's upper faces.
bool leaves_zeros(const Tile& scaler) {
    const auto is_zero = [&](uint32_t i) { return scaler.v[i] == 0.0f && !(scaler.any_undefined && scaler.undefined[i] != 0); };
    for (uint32_t i = kTileSide; i < 16 * kTileSide; ++i) {
        if (!is_zero(i)) {
            return false;
        }
    }
    return true;
}

void reduce(DstSlot& slot, const SourceEntry& entry, const FpuOp& op, const ComputeConfig& config, Where where) {
    const Tile& data = entry.a[0];
    const bool swapped = reduce_swaps(op), maximum = op.pool == Pool::Max;
    if (maximum) {
        check_maximum(entry.b[0], op, where);
    }
    const float start = maximum ? -__builtin_inff() : 0.0f;  // what untouched DST reads as
    Tile& out = slot.tile;
    float results[kTileSide];
    uint8_t bad[kTileSide];
    for (uint32_t i = 0; i < kTileSide; ++i) {
        const uint32_t at = op.dim == Dim::Row ? i * kTileSide : i;
        const float* x = data.v + at;
        const uint32_t stride = op.dim == Dim::Row ? 1 : kTileSide;
        const Scalers scalers = scalers_of(entry.b[0], op.dim, i);
        const float old = slot.written && op.dim != Dim::Scalar ? out.v[at] : start;
        results[i] = maximum ? reduce_max(old, x, stride) : reduce_sum(old, x, stride, scalers.v, swapped, config);
        bad[i] = slot.written && out.any_undefined && out.undefined[at] != 0;
        for (uint32_t k = 0; k < kTileSide; ++k) {
            const bool ignored = !maximum && scalers.undefined[k] == 0 && scalers.v[k] == 0.0f;
            bad[i] |= scalers.undefined[k] | (data.any_undefined && !ignored ? data.undefined[at + k * stride] : 0);
        }
    }
    uint32_t count = kTileSide;
    if (op.dim == Dim::Scalar) {
        // Columns first; their results go back through a source register, which holds 19 bits. The scalers are still those of the last face.
        float last[kTileSide];
        for (uint32_t k = 0; k < kTileSide; ++k) {
            results[k] = masked(results[k], config.dst_32bit ? 0xFFFFE000u : 0xFFFF0000u);
            last[k] = entry.b[0].v[16 * kTileSide + 16 + k % 16];
        }
        const float old = slot.written ? out.v[0] : start;
        results[0] = maximum ? reduce_max(old, results, 1) : reduce_sum(old, results, 1, last, true, config);
        for (uint32_t i = 1; i < kTileSide; ++i) {
            bad[0] |= bad[i];
        }
        count = 1;
    }
    if (!swapped || !leaves_zeros(entry.b[0])) {
        // What the other elements hold is left over from earlier operations: the packer's mask must clear them.
        out.any_undefined = true;
        out.undefined.fill(1);
    } else if (!slot.written) {
        std::memset(out.v, 0, sizeof out.v);
        out.any_undefined = false;
    }
    if (!out.any_undefined && std::any_of(bad, bad + count, [](uint8_t b) { return b != 0; })) {
        out.any_undefined = true;
        out.undefined.fill(0);
    }
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t at = op.dim == Dim::Row ? i * kTileSide : i;
        out.v[at] = results[i];
        if (out.any_undefined) {
            out.undefined[at] = bad[i];
        }
    }
    slot.pool = op.pool;
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
    block({has_source, 0, 0, Wait::For::Operands}, where);
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
                slot.changed = false;
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
            reduce(slot, entry, op, config, where);
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
        slot.changed = false;
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
