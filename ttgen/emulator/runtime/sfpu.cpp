// The vector unit: operations on slots of DST.
#include "operation.hpp"

#include <cmath>
#include <cstring>

namespace ttemu {

namespace {

// Data formats that a template argument names, and that load and store DST by their own width.
void check_format(const SfpuOp& op, bool dst_32bit, Where where) {
    if (op.op != Sfpu::Where && op.op != Sfpu::CopyDest && op.op != Sfpu::Reduce) {
        return;
    }
    const uint8_t format_bits = op.variant == 0 || op.variant == 8 || op.variant == 24 ? 32 : 16;  // Float32, Int32, UInt32
    if (format_bits != (dst_32bit ? 32 : 16)) {
        error(where, "dst-format", format("%s for %s: DST has %u bits", name_of(op.op), format_name(static_cast<uint8_t>(op.variant)),
                                          dst_32bit ? 32u : 16u));
    }
}

// What broadcasting a column finds at the head of row `row`: beside it, the even columns of the left face are multiplied by 0 and added, which
// leaves nothing of them unless one isn't finite. What nobody wrote is left over from earlier data, and taken for a number.
float head_of_row(const Tile& tile, uint32_t row) {
    const float* x = tile.v + row * kTileSide;
    for (uint32_t column = 2; column < 16; column += 2) {
        if (!std::isfinite(x[column]) && !(tile.any_undefined && tile.undefined[row * kTileSide + column] != 0)) {
            return NAN;
        }
    }
    return x[0];
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
    check_format(op, dst_32bit, where);
    if (op.op == Sfpu::Mask && op.in1 != op.in0 + 1) {
        error(where, "mask-slot", format("mask_tile takes its mask from DST slot %u, the one after the data, and not from %u", op.in0 + 1, op.in1));
    }
    if (op.op == Sfpu::Reduce) {
        if (op.p1 != 1 || op.p2 != 1) {
            fatal(where, "unsupported-format", "sfpu_reduce of more than one tile isn't modelled");
        }
        DstSlot& reduced = slot(op.in0);
        reduce_slot(reduced.tile, static_cast<Pool>(op.mode & 0xFF), static_cast<Dim>(op.p0));
        reduced.by = FpuKind::None;
        ++core.counters.sfpu_tiles;
        return;
    }
    const bool two = is_binary(op.op), three = is_ternary(op.op);
    if ((is_column(op.op) || is_row(op.op)) && !dst_32bit) {
        error(where, "sfpu-broadcast-16bit", "the vector unit's broadcast operations need 32-bit DST");
    }
    const DstSlot& x = slot(op.in0);
    const DstSlot& y = two || three ? slot(op.in1) : x;
    const DstSlot& z = three ? slot(op.in2) : x;
    DstSlot& out = dst_slot(op.out, where, by_pack);
    const Parameters p = {number(op.p0), number(op.p1), number(op.p2), op.variant, dst_32bit};
    const bool moving = moves(op.op);
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
        const float a = x.tile.v[i], b = is_column(op.op) ? head_of_row(y.tile, i / kTileSide) : y.tile.v[j], c = z.tile.v[i];
        if (moving) {
            results[i] = moved(op.op, a, b, c, dst_32bit ? number(op.p0) : cut_to_bfloat16(number(op.p0)),
                               dst_32bit ? number(op.p1) : cut_to_bfloat16(number(op.p1)));
        } else {
            results[i] = stored(op.op, three ? ternary(op.op, flushed(a), flushed(b), flushed(c), p.p0)
                                       : two ? binary(op.op, flushed(a), flushed(b), p)
                                             : unary(op.op, flushed(a), p), dst_32bit);
        }
        if (undefined && has_pole(op.op) && x.tile.undefined[i] != 0 && x.tile.undefined[i / kTileSide * kTileSide] == 0) {
            // What nobody wrote beside a column of statistics may well be 0: beside sums it is.
            results[i] = INFINITY;
            bad[i] = 0;
        } else if (undefined) {
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
    const bool in_place = out.written && op.in0 == op.out && op.op != Sfpu::Fill;
    out.changed = in_place;
    out.written = true;
    if (!keeps_reduction && !in_place) {
        out.by = op.op == Sfpu::Fill ? FpuKind::Copy : x.by == FpuKind::Reduce ? FpuKind::Reduce : FpuKind::None;
        out.pool = x.pool;
        out.dim = x.dim;
    }
    ++core.counters.sfpu_tiles;
}

}  // namespace
}  // namespace ttemu

using namespace ttemu;

extern "C" {

void ttemu_sfpu_init(Sfpu op, uint32_t mode, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_started(where, "an init of the vector unit");
    ComputeUnit& c = *self().core->compute;
    (self().thread == Thread::Pack ? c.pack_sfpu_init : c.sfpu_init) = {op, mode};
}

void ttemu_sfpu(const SfpuOp* op, Sfpu init, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_started(where, "a vector operation");
    const bool by_pack = self().thread == Thread::Pack;
    const ComputeUnit& c = *self().core->compute;
    const ComputeUnit::SfpuInit in_force = by_pack ? c.pack_sfpu_init : c.sfpu_init;
    if (in_force.op != init) {
        error(where, "missing-init", format("%s needs the init of %s; the one in force is that of %s", name_of(op->op), name_of(init), name_of(in_force.op)));
    } else if (in_force.mode != op->mode) {
        error(where, "init-mode", format("%s has other template arguments than its init, which loaded the constants of another body", name_of(op->op)));
    }
    run(*op, by_pack, where);
}

}  // extern "C"
