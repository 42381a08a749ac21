// The packer: DST to circular buffers, with ReLU, the mask of reductions, and accumulation in L1.
#include "operation.hpp"

#include <cstring>

namespace ttemu {

namespace {

void check_pack_format(const CircularBuffer& cb, Where where) {
    const uint8_t configured = self().core->compute->pack_format;
    if (cb.format != configured) {
        error(where, "format-not-configured", format("packs to circular buffer %u, which is %s; the packer is configured for %s", cb.index,
                                                     format_name(cb.format), format_name(configured)));
    }
}

float relu(float x, uint32_t mode, uint32_t threshold) {
    float limit;
    const uint32_t bits = threshold << 16;
    std::memcpy(&limit, &bits, 4);
    switch (mode) {
        case 1: return x > 0 ? x : 0.0f;
        case 2: return x > limit ? x : 0.0f;
        case 3: return x > limit ? limit : x > 0 ? x : 0.0f;
        default: return x;
    }
}

bool masked_out(int dim, uint32_t i) {
    switch (dim) {
        case static_cast<int>(Dim::Row): return i % kTileSide != 0;
        case static_cast<int>(Dim::Column): return i / kTileSide != 0;
        case static_cast<int>(Dim::Scalar): return i != 0;
        default: return false;
    }
}

// The elements of a slot as they leave DST.
void read_slot(const DstSlot& slot, Tile& out) {
    const ComputeUnit& c = *self().core->compute;
    out.any_undefined = slot.tile.any_undefined;
    for (uint32_t i = 0; i < kTileElements; ++i) {
        const bool cleared = masked_out(c.reduce_mask, i);
        out.v[i] = cleared ? 0.0f : relu(slot.tile.v[i], c.relu_mode, c.relu_threshold);
        if (slot.tile.any_undefined) {
            out.undefined[i] = cleared ? 0 : slot.tile.undefined[i];
        }
    }
}

DstSlot& packed_slot(uint32_t index, Where where) {
    DstSlot& slot = dst_slot(index, where, true);
    if (!slot.written) {
        error(where, "dst-unwritten", format("packs DST slot %u, which nothing has written since the section began", index));
    }
    return slot;
}

// Marks what was written at `address`: elements that stem from nothing leave memory as if never written.
void mark(Core& core, const CircularBuffer& cb, uint32_t address, uint32_t bytes, const Tile& tile, bool adds, Where where) {
    core.shadow.set(address, bytes, true);
    if (tile.any_undefined) {
        bool any = false;
        for (uint32_t i = 0; i < kTileElements; ++i) {
            if (tile.undefined[i] == 0) {
                continue;
            }
            any = true;
            uint32_t size;
            const uint32_t offset = element_offset(cb.format, i / kTileSide, i % kTileSide, size);
            core.shadow.set(address + offset, size, false);
            if (size != 1) {
                poison(core.l1 + address + offset, address + offset, size);
            }
        }
        if (any) {
            note(where, "uninitialised-data", format("packs to circular buffer %u elements that stem from memory nobody wrote", cb.index));
        }
    }
    // What is added to a page is part of writing it once.
    if (cb.on_buffer != nullptr && !adds) {
        uint32_t position;
        if (Buffer* buffer = find_buffer(false, core.index, address, bytes, position)) {
            buffer->count_write(position, address - buffer->address, bytes);
        }
    }
}

void accumulate(const Core& core, uint32_t address, const CircularBuffer& cb, Tile& tile, Where where) {
    if (cb.format != 0 && cb.format != 5) {
        fatal(where, "unsupported-format", format("accumulation in L1 of %s", format_name(cb.format)));
    }
    static Tile old;
    decode_tile(cb.format, core.l1 + address, old.v);
    for (uint32_t i = 0; i < kTileElements; ++i) {
        tile.v[i] += old.v[i];
    }
    if (core.shadow.all(address, tile_bytes(cb.format))) {
        return;
    }
    if (!tile.any_undefined) {
        tile.any_undefined = true;
        tile.undefined.fill(0);
    }
    for (uint32_t i = 0; i < kTileElements; ++i) {
        uint32_t size;
        const uint32_t offset = element_offset(cb.format, i / kTileSide, i % kTileSide, size);
        if (!core.shadow.all(address + offset, size)) {
            tile.undefined[i] = 1;
        }
    }
}

}  // namespace
}  // namespace ttemu

using namespace ttemu;

extern "C" {

void ttemu_pack_init(uint32_t cb, TTEMU_AT) {
    at({file, line});
    check_started({file, line}, "an init of the packer");
    cb_of(cb, {file, line});
    self().core->compute->untilize_full_ct = 0;
}

void ttemu_pack(uint32_t dst, uint32_t index, uint32_t out_index, int out_of_order, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_started(where, "pack_tile");
    Core& core = *self().core;
    ComputeUnit& c = *core.compute;
    CircularBuffer& cb = cb_of(index, where);
    check_pack_format(cb, where);
    if (c.untilize_full_ct != 0) {
        error(where, "packer-state", "pack_tile while the packer is set up to untilize (pack_untilize_uninit is missing)");
    }
    DstSlot& slot = packed_slot(dst, where);
    if (c.reduce_mask >= 0 && slot.by != FpuKind::Reduce) {
        error(where, "packer-state", "pack_tile of what isn't a reduction while the packer's reduction mask is set (reduce_uninit is missing)");
    } else if (c.reduce_mask >= 0 && static_cast<Dim>(c.reduce_mask) != slot.dim) {
        error(where, "packer-state", "pack_tile of a reduction under the mask of one over another dimension");
    }
    CircularBuffer::Local& local = cb.local[static_cast<int>(Thread::Pack)];
    const uint32_t tile_index = out_of_order != 0 ? out_index : local.packed++;
    if (tile_index >= local.reserved) {
        error(where, "cb-write-unreserved", format("packs tile %u of circular buffer %u, of which pack has reserved %u", tile_index, index, local.reserved));
    }
    const uint32_t bytes = tile_bytes(cb.format);
    if (bytes == 0 || bytes > cb.page_bytes) {
        fatal(where, "unsupported-format", format("circular buffer %u: %s in pages of %u bytes", index, format_name(cb.format), cb.page_bytes));
    }
    const uint32_t offset = local.write + tile_index * cb.page_bytes;
    if (offset + bytes > cb.bytes) {
        fatal(where, "cb-wrap", format("tile %u to pack lies past the end of circular buffer %u: the pages reserved must not wrap", tile_index, index));
    }
    const uint32_t address = cb.address + offset;
    pack_over(core, cb, address, bytes, where);
    static Tile tile;
    read_slot(slot, tile);
    if (c.l1_accumulate) {
        accumulate(core, address, cb, tile, where);
    }
    encode_tile(cb.format, tile.v, core.l1 + address, c.config.dst_32bit || c.l1_accumulate, c.config.bfp8_precise);
    mark(core, cb, address, bytes, tile, c.l1_accumulate, where);
    local.filled += cb.page_bytes;
    ++core.counters.packed_tiles;
}

void ttemu_pack_l1_accumulate(uint32_t on, TTEMU_AT) {
    at({file, line});
    check_started({file, line}, "pack_reconfig_l1_acc");
    self().core->compute->l1_accumulate = on != 0;
}

void ttemu_pack_relu(uint32_t mode, uint32_t threshold, TTEMU_AT) {
    at({file, line});
    check_started({file, line}, "pack_relu_config");
    self().core->compute->relu_mode = mode;
    self().core->compute->relu_threshold = threshold;
}

void ttemu_pack_reduce_mask(int dim, TTEMU_AT) {
    at({file, line});
    check_started({file, line}, "reduce_init");
    self().core->compute->reduce_mask = dim;
}

void ttemu_pack_untilize_init(uint32_t cb, uint32_t, uint32_t full_ct, TTEMU_AT) {
    at({file, line});
    check_started({file, line}, "pack_untilize_init");
    cb_of(cb, {file, line});
    self().core->compute->untilize_full_ct = full_ct;
}

void ttemu_pack_untilize_uninit(uint32_t cb, TTEMU_AT) {
    at({file, line});
    self().core->compute->untilize_full_ct = 0;
    self().core->compute->pack_format = cb_of(cb, {file, line}).format;
}

void ttemu_pack_untilize(uint32_t index, uint32_t dst, uint32_t block_ct, uint32_t full_ct, uint32_t block_rt, uint32_t block_c, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    Core& core = *self().core;
    ComputeUnit& c = *core.compute;
    CircularBuffer& cb = cb_of(index, where);
    check_pack_format(cb, where);
    if (c.untilize_full_ct != full_ct) {
        error(where, "missing-init", format("pack_untilize for rows of %u tiles; the init in force is for %u", full_ct, c.untilize_full_ct));
    }
    if (cb.format != 0 && cb.format != 5) {
        fatal(where, "unsupported-format", format("untilize to %s", format_name(cb.format)));
    }
    const uint32_t element = cb.format == 0 ? 4 : 2;
    CircularBuffer::Local& local = cb.local[static_cast<int>(Thread::Pack)];
    const uint32_t stride = full_ct * kTileSide * element;
    if (block_rt * kTileSide * stride > local.reserved * cb.page_bytes) {
        error(where, "cb-write-unreserved", format("untilizes %u bytes into circular buffer %u, of which %u are reserved", block_rt * kTileSide * stride,
                                                   index, local.reserved * cb.page_bytes));
    }
    static Tile tile;
    for (uint32_t r = 0; r < block_rt; ++r) {
        for (uint32_t t = 0; t < block_ct; ++t) {
            read_slot(packed_slot(dst + r * block_ct + t, where), tile);
            for (uint32_t i = 0; i < kTileElements; ++i) {
                const uint32_t address = cb.address + local.write + (r * kTileSide + i / kTileSide) * stride +
                                         ((block_c * block_ct + t) * kTileSide + i % kTileSide) * element;
                if (address + element > cb.address + cb.bytes) {
                    fatal(where, "cb-wrap", format("rows to pack run past the end of circular buffer %u", index));
                }
                uint32_t bits;
                const float value = element == 4 ? tile.v[i] : to_bfloat16(tile.v[i]);
                std::memcpy(&bits, &value, 4);
                bits = element == 4 ? bits : bits >> 16;
                std::memcpy(core.l1 + address, &bits, element);
                core.shadow.set(address, element, !tile.any_undefined || tile.undefined[i] == 0);
            }
            ++core.counters.packed_tiles;
            local.filled += kTileElements * element;
        }
    }
}

}  // extern "C"
