// The unpack thread: tiles of circular buffers into the source registers (two banks), as numbers of the width that those hold.
#include <cstring>

#include "operation.hpp"

namespace ttemu {

namespace {

void load_tile(CircularBuffer& cb, uint32_t index, Tile& tile, bool exact, Where where, const FpuOp& op) {
    Core& core = *self().core;
    const CircularBuffer::Local& local = cb.local[static_cast<int>(Thread::Unpack)];
    if (index >= local.waited) {
        error(where, "cb-read-unwaited", format("reads tile %u of circular buffer %u, of which unpack has waited for %u", index, cb.index, local.waited));
    }
    const uint32_t bytes = tile_bytes(cb.format);
    if (bytes == 0 || bytes > cb.page_bytes) {
        fatal(where, "unsupported-format", format("circular buffer %u: %s in pages of %u bytes", cb.index, format_name(cb.format), cb.page_bytes));
    }
    const uint32_t offset = local.read + index * cb.page_bytes;
    if (offset + bytes > cb.bytes) {
        fatal(where, "cb-wrap", format("tile %u of circular buffer %u lies past its end: the pages at its front must not wrap", index, cb.index));
    }
    check_not_packed_over(cb, offset, where);
    const uint32_t address = cb.address + offset;
    const uint8_t* data = core.l1 + address;
    decode_tile(cb.format, data, tile.v);
    if (!exact) {
        // Source registers hold 19 bits: float32 loses what TF32 has not; into 16-bit DST it goes as bfloat16. Denormals are zero.
        const uint32_t mask = cb.format == 0 ? (core.compute->config.dst_32bit ? 0xFFFFE000u : 0xFFFF0000u) : 0xFFFFFFFFu;
        for (float& value : tile.v) {
            uint32_t bits;
            std::memcpy(&bits, &value, 4);
            bits &= (bits & 0x7F800000u) != 0 ? mask : 0x80000000u;
            std::memcpy(&value, &bits, 4);
        }
    }
    tile.any_undefined = false;
    if (core.shadow.all(address, bytes)) {
        return;
    }
    find_plain_stores(data, core.shadow, address, bytes);
    if (core.shadow.all(address, bytes)) {
        return;
    }
    for (uint32_t i = 0; i < kTileElements; ++i) {
        uint32_t size;
        const uint32_t at = element_offset(cb.format, i / kTileSide, i % kTileSide, size);
        bool defined = core.shadow.all(address + at, size);
        if (cb.format == 6 || cb.format == 7) {
            const uint32_t exponent = (i / kTileSide / 16 * 2 + i % kTileSide / 16) * 16 + i / kTileSide % 16;
            defined = defined && core.shadow.get(address + exponent);
        }
        tile.undefined[i] = defined ? 0 : 1;
        tile.any_undefined = tile.any_undefined || !defined;
    }
    if (op.broadcast == Broadcast::None && op.kind != FpuKind::Reduce) {
        note(where, "uninitialised-data", format("%s reads tile %u of circular buffer %u, which holds bytes nobody wrote", describe(op).c_str(), index, cb.index));
    }
}

void transpose(Tile& tile) {
    for (uint32_t i = 0; i < kTileSide; ++i) {
        for (uint32_t j = i + 1; j < kTileSide; ++j) {
            std::swap(tile.v[i * kTileSide + j], tile.v[j * kTileSide + i]);
            if (tile.any_undefined) {
                std::swap(tile.undefined[i * kTileSide + j], tile.undefined[j * kTileSide + i]);
            }
        }
    }
}

// Row-major rows, `op.ct` tiles wide, at the front of the buffer: tile op.tile1 of the row.
void load_rows(CircularBuffer& cb, Tile& tile, const FpuOp& op, Where where) {
    Core& core = *self().core;
    const CircularBuffer::Local& local = cb.local[static_cast<int>(Thread::Unpack)];
    const uint32_t element = cb.format == 0 ? 4 : 2;
    if (cb.format != 0 && cb.format != 5) {
        fatal(where, "unsupported-format", format("tilize of %s", format_name(cb.format)));
    }
    const uint32_t column = (op.tile0 + op.tile1) % op.ct * kTileSide, first_row = (op.tile0 + op.tile1) / op.ct * kTileSide;
    const uint32_t stride = op.ct * kTileSide * element;
    const uint32_t end = (first_row + kTileSide) * stride;
    if (end > local.waited * cb.page_bytes) {
        error(where, "cb-read-unwaited", format("tilize reads %u bytes of circular buffer %u, of which %u were waited for", end, cb.index,
                                                local.waited * cb.page_bytes));
    }
    tile.any_undefined = false;
    for (uint32_t row = 0; row < kTileSide; ++row) {
        const uint32_t address = cb.address + local.read + (first_row + row) * stride + column * element;
        find_plain_stores(core.l1 + address, core.shadow, address, kTileSide * element);
        for (uint32_t i = 0; i < kTileSide; ++i) {
            uint32_t bits = 0;
            if (element == 4) {
                std::memcpy(&bits, core.l1 + address + i * 4, 4);
                bits &= core.compute->config.dst_32bit ? 0xFFFFE000u : 0xFFFF0000u;
            } else {
                std::memcpy(reinterpret_cast<uint8_t*>(&bits) + 2, core.l1 + address + i * 2, 2);
            }
            std::memcpy(&tile.v[row * kTileSide + i], &bits, 4);
            const bool defined = core.shadow.all(address + i * element, element);
            tile.undefined[row * kTileSide + i] = defined ? 0 : 1;
            tile.any_undefined = tile.any_undefined || !defined;
        }
    }
}

bool has_source_room(const Fiber& fiber) { return fiber.core->compute->source_count < 2; }

}  // namespace

void unpack(const FpuOp& op, Where where) {
    Core& core = *self().core;
    ComputeUnit& c = *core.compute;
    check_init(c.unpack_init, op, where);
    check_formats(c.unpack_formats, op, where);
    block({has_source_room, 0, 0, Wait::For::SourceRoom}, where);
    SourceEntry& entry = c.sources[(c.source_head + c.source_count) % 2];
    entry.op = op;
    entry.op.transpose = c.unpack_init.transpose;
    entry.to_dest = goes_to_dest(op, where);
    if (entry.to_dest && !c.config.dst_32bit) {
        error(where, "unpack-to-dest", "unpack to DST of 32-bit data needs 32-bit DST (fp32_dest_acc_en)");
    }
    const Routes routes = routes_of(op);
    for (const int cb : {routes.a, routes.b}) {
        if (cb >= 0 && !entry.to_dest && cb_of(static_cast<uint32_t>(cb), where).unpack_to_dest && op.kind != FpuKind::Copy &&
            op.kind != FpuKind::Transpose && op.kind != FpuKind::UnaryBroadcast) {
            error(where, "unpack-to-dest", describe(op) + format(": circular buffer %d is in unpack-to-dest mode and can't feed the matrix unit", cb));
        }
    }
    if (is_matmul(op.kind)) {
        entry.a.resize(op.rt);
        entry.b.resize(op.ct);
        CircularBuffer& in0 = cb_of(op.cb0, where);
        CircularBuffer& in1 = cb_of(op.cb1, where);
        for (uint32_t r = 0; r < op.rt; ++r) {
            load_tile(in0, op.tile0 + r * op.kt, entry.a[r], false, where, op);
        }
        for (uint32_t t = 0; t < op.ct; ++t) {
            load_tile(in1, op.tile1 + t, entry.b[t], false, where, op);
            if (entry.op.transpose != 0) {
                transpose(entry.b[t]);
            }
        }
    } else {
        entry.a.resize(1);
        entry.b.resize(1);
        if (op.kind == FpuKind::Tilize) {
            load_rows(cb_of(op.cb0, where), entry.a[0], op, where);
        } else {
            // A row of a broadcast operand, or a scaler, may be all that is defined of its tile: only what is used counts.
            load_tile(cb_of(op.cb0, where), op.tile0, entry.a[0], entry.to_dest, where, op);
            if ((is_binary(op.kind) && op.reuse == Reuse::None) || op.kind == FpuKind::Reduce) {
                load_tile(cb_of(op.cb1, where), op.tile1, entry.b[0], false, where, op);
            }
            if (op.kind == FpuKind::Transpose || (op.kind == FpuKind::Copy && entry.op.transpose != 0)) {
                transpose(entry.a[0]);
            }
        }
    }
    ++c.source_count;
    wake(core);
}

}  // namespace ttemu

using namespace ttemu;

extern "C" {

// Unpack reads, and sends the value to the other two threads by mailbox.
uint32_t ttemu_cb_read_tile(uint32_t index, uint32_t tile, uint32_t word, int address, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    Core& core = *self().core;
    ComputeUnit& c = *core.compute;
    if (self().thread != Thread::Unpack) {
        const uint32_t box = self().thread == Thread::Math ? 0 : 1;
        block({[](const Fiber& f) { return !f.core->compute->mail[f.wait.a].empty(); }, box, 0, Wait::For::Mail}, where);
        const uint32_t value = c.mail[box].front();
        c.mail[box].pop_front();
        return value;
    }
    CircularBuffer& cb = cb_of(index, where);
    const CircularBuffer::Local& local = cb.local[static_cast<int>(Thread::Unpack)];
    if (tile >= local.waited) {
        error(where, "cb-read-unwaited", format("reads tile %u of circular buffer %u, of which unpack has waited for %u", tile, index, local.waited));
    }
    uint32_t value = cb.address + local.read + tile * cb.page_bytes;
    if (address == 0) {
        const uint32_t at_byte = value + word * 4;
        find_plain_stores(core.l1 + at_byte, core.shadow, at_byte, 4);
        if (!core.shadow.all(at_byte, 4)) {
            error(where, "uninitialised-data", format("reads a word of circular buffer %u that nobody wrote", index));
        }
        std::memcpy(&value, core.l1 + at_byte, 4);
    }
    c.mail[0].push_back(value);
    c.mail[1].push_back(value);
    wake(core);
    return value;
}

}  // extern "C"
