// The compute unit of a core: source registers, DST, and what each of the three threads is configured for.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "report.hpp"
#include "ttemu/abi.h"

namespace ttemu {

inline constexpr uint32_t kTileSide = 32;
inline constexpr uint32_t kTileElements = 1024;

// A tile as numbers, row by row, with the faces already put together. `undefined` marks elements that stem from bytes never written.
struct alignas(64) Tile {
    float v[kTileElements];
    bool any_undefined = false;
    std::array<uint8_t, kTileElements> undefined;
};

// What the unpack thread hands to the math thread: the contents of one bank of SrcA and SrcB, for one operation.
struct SourceEntry {
    FpuOp op;
    std::vector<Tile> a, b;     // in0 and in1 for a matrix product (b, a by register); else operands 0 and 1
    bool to_dest = false;       // 32-bit data that bypasses the source registers
};

struct DstSlot {
    Tile tile;
    bool written = false;       // since the section began
    FpuKind by = FpuKind::None; // last writer; None: SFPU
    bool changed = false;       // by the SFPU in place, since
    Pool pool = Pool::Sum;      // of a reduction
    Dim dim = Dim::Row;
};

struct ComputeConfig {
    uint32_t fidelity = 4;      // phases
    bool dst_32bit = false;
    bool full_sync = false;
    bool bfp8_precise = false;
    bool approximate = false;
};

struct ComputeUnit {
    ComputeConfig config;

    // unpack → math: two banks
    std::array<SourceEntry, 2> sources;
    uint32_t source_head = 0, source_count = 0;

    // DST: one section with full sync, else two
    std::array<DstSlot, 16> dst;
    uint32_t committed = 0;     // sections that wait for pack
    uint32_t math_section = 0, pack_section = 0;
    bool math_in_section = false, pack_in_section = false;
    Where math_section_at = {nullptr, 0}, pack_section_at = {nullptr, 0};  // latest acquire or commit, wait or release

    // state of the threads; formats are tt::DataFormat, 0xFF before hw_startup
    struct Formats {
        uint8_t a = 0xFF, b = 0xFF;
    };
    Formats unpack_formats, math_formats;
    uint8_t pack_format = 0xFF;
    bool started[3] = {false, false, false};  // unpack, math, pack
    FpuOp unpack_init, math_init;
    struct SfpuInit {
        Sfpu op = Sfpu::None;
        uint32_t mode = 0;  // template arguments that the operation has to repeat
    };
    SfpuInit sfpu_init, pack_sfpu_init;
    bool l1_accumulate = false;
    uint32_t relu_mode = 0, relu_threshold = 0;
    int reduce_mask = -1;
    uint32_t untilize_full_ct = 0;  // 0: not set up
    std::deque<uint32_t> mail[2];   // unpack → math, unpack → pack

    uint32_t capacity() const { return config.dst_32bit ? (config.full_sync ? 8 : 4) : (config.full_sync ? 16 : 8); }
    uint32_t sections() const { return config.full_sync ? 1 : 2; }
    DstSlot& slot(uint32_t section, uint32_t index) { return dst[section * capacity() + index]; }
};

inline uint32_t bits_of(float f) {
    uint32_t bits;
    __builtin_memcpy(&bits, &f, 4);
    return bits;
}

// formats.cpp
uint32_t tile_bytes(uint8_t format);            // 0: not a format of tiles that the emulator knows
void decode_tile(uint8_t format, const uint8_t* bytes, float* out);
void encode_tile(uint8_t format, const float* in, uint8_t* bytes, bool from_32bit, bool precise);
float to_bfloat16(float x);                     // nearest, ties to even
float cut_to_bfloat16(float x);
uint32_t element_offset(uint8_t format, uint32_t row, uint32_t column, uint32_t& bytes);  // of an element inside a tile
const char* format_name(uint8_t format);

}  // namespace ttemu
