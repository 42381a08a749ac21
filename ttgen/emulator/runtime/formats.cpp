// Tiles in memory ↔ numbers. A tile is four faces of 16×16, row by row; block formats put 64 shared exponents before the mantissas.
#include "compute.hpp"

#include <cmath>
#include <cstring>

namespace ttemu {

namespace {

enum : uint8_t { kFloat32 = 0, kFloat16b = 5, kBfp8b = 6, kBfp4b = 7 };  // tt::DataFormat

float from_bits(uint32_t bits) {
    float f;
    std::memcpy(&f, &bits, 4);
    return f;
}

// The packer's rounding: nearest, ties away from zero; denormals become zero (ISA documentation, Packers/FormatConversion).
uint32_t round_away(uint32_t bits, unsigned dropped) {
    if ((bits & 0x7F800000) == 0) {
        return 0;
    }
    if ((bits & 0x7F800000) == 0x7F800000) {
        return bits & 0x7FFFFFFF ? (bits & 0xFF800000) | ((bits & 0x7FFFFF) != 0 ? 0x400000 : 0) : bits;
    }
    bits += 1u << (dropped - 1);
    return bits & ~((1u << dropped) - 1);
}

// Index of element (row, column) in the order of memory.
constexpr uint32_t face_index(uint32_t row, uint32_t column) { return (row / 16 * 2 + column / 16) * 256 + row % 16 * 16 + column % 16; }

template <typename T>
inline void each_face_row(T&& visit) {  // visit(first element in memory order, first element in row order)
    for (uint32_t face = 0; face < 4; ++face) {
        for (uint32_t row = 0; row < 16; ++row) {
            visit(face * 256 + row * 16, (face / 2 * 16 + row) * kTileSide + face % 2 * 16);
        }
    }
}

// What one step of magnitude is worth in a block format of `width` magnitude bits. Exponent 0 holds zeros only.
float block_step(uint32_t exponent, unsigned width) {
    return exponent == 0 ? 0.0f : std::ldexp(1.0f, static_cast<int>(exponent) - 127 - static_cast<int>(width - 1));
}

uint32_t block_magnitude(uint32_t bits, uint32_t shared, unsigned width) {  // nearest, ties away, saturating
    const uint32_t exponent = bits >> 23 & 0xFF;
    if (exponent == 0) {
        return 0;
    }
    const uint32_t mantissa = (bits & 0x7FFFFF) | 0x800000;
    const uint32_t shift = 24 - width + (shared - exponent);
    if (shift > 24) {
        return 0;
    }
    const uint32_t magnitude = (mantissa + (1u << (shift - 1))) >> shift;
    const uint32_t largest = (1u << width) - 1;
    return magnitude < largest ? magnitude : largest;
}

}  // namespace

uint32_t tile_bytes(uint8_t format) {
    switch (format) {
        case kFloat32: return 4096;
        case kFloat16b: return 2048;
        case kBfp8b: return 1088;
        case kBfp4b: return 576;
        default: return 0;
    }
}

const char* format_name(uint8_t format) {
    switch (format) {
        case kFloat32: return "Float32";
        case kFloat16b: return "Float16_b";
        case kBfp8b: return "Bfp8_b";
        case kBfp4b: return "Bfp4_b";
        case 0xFF: return "nothing";
        default: return "a format that isn't modelled";
    }
}

uint32_t element_offset(uint8_t format, uint32_t row, uint32_t column, uint32_t& bytes) {
    const uint32_t i = face_index(row, column);
    bytes = format == kFloat32 ? 4 : format == kFloat16b ? 2 : 1;
    switch (format) {
        case kFloat32: return i * 4;
        case kFloat16b: return i * 2;
        case kBfp8b: return 64 + i;
        default: return 64 + i / 2;
    }
}

float to_bfloat16(float x) {
    const uint32_t bits = bits_of(x);
    if ((bits & 0x7F800000) == 0x7F800000) {
        return from_bits(bits & 0xFFFF0000);
    }
    return from_bits((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
}

float cut_to_bfloat16(float x) { return from_bits(bits_of(x) & 0xFFFF0000); }

void decode_tile(uint8_t format, const uint8_t* bytes, float* out) {
    switch (format) {
        case kFloat32:
            each_face_row([&](uint32_t memory, uint32_t element) { std::memcpy(out + element, bytes + memory * 4, 64); });
            break;
        case kFloat16b:
            each_face_row([&](uint32_t memory, uint32_t element) {
                uint16_t halves[16];
                uint32_t words[16];
                std::memcpy(halves, bytes + memory * 2, 32);
                for (int i = 0; i < 16; ++i) {
                    words[i] = static_cast<uint32_t>(halves[i]) << 16;
                }
                std::memcpy(out + element, words, 64);
            });
            break;
        case kBfp8b:
            each_face_row([&](uint32_t memory, uint32_t element) {
                const float step = block_step(bytes[memory / 16], 7);
                for (uint32_t i = 0; i < 16; ++i) {
                    const uint32_t datum = bytes[64 + memory + i];
                    const float value = static_cast<float>(datum & 0x7F) * step;
                    out[element + i] = (datum & 0x80) != 0 ? -value : value;
                }
            });
            break;
        case kBfp4b:
            each_face_row([&](uint32_t memory, uint32_t element) {
                const float step = block_step(bytes[memory / 16], 3);
                for (uint32_t i = 0; i < 16; ++i) {
                    const uint32_t datum = bytes[64 + (memory + i) / 2] >> (i % 2 * 4) & 0xF;
                    const float value = static_cast<float>(datum & 7) * step;
                    out[element + i] = (datum & 8) != 0 ? -value : value;
                }
            });
            break;
        default: break;
    }
}

void encode_tile(uint8_t format, const float* in, uint8_t* bytes, bool from_32bit, bool precise) {
    switch (format) {
        case kFloat32:
            each_face_row([&](uint32_t memory, uint32_t element) { std::memcpy(bytes + memory * 4, in + element, 64); });
            break;
        case kFloat16b:
            each_face_row([&](uint32_t memory, uint32_t element) {
                uint16_t halves[16];
                for (int i = 0; i < 16; ++i) {
                    const uint32_t bits = bits_of(in[element + static_cast<uint32_t>(i)]);
                    halves[i] = static_cast<uint16_t>((from_32bit ? round_away(bits, 16) : bits) >> 16);
                }
                std::memcpy(bytes + memory * 2, halves, 32);
            });
            break;
        case kBfp8b:
        case kBfp4b:
            // Early conversion: to 6 explicit mantissa bits, unless packing is asked to be precise; then to bfloat16 by truncation, then to
            // BFP8 by rounding; BFP4 is BFP8 cut off (same source).
            each_face_row([&](uint32_t memory, uint32_t element) {
                uint32_t rounded[16];
                uint32_t shared = 0;
                for (uint32_t i = 0; i < 16; ++i) {
                    const uint32_t bits = bits_of(in[element + i]);
                    rounded[i] = precise ? bits & 0xFFFF0000 : round_away(bits, 17);
                    const uint32_t exponent = rounded[i] >> 23 & 0xFF;
                    shared = exponent > shared ? exponent : shared;
                }
                bytes[memory / 16] = static_cast<uint8_t>(shared);
                for (uint32_t i = 0; i < 16; ++i) {
                    const uint32_t sign = rounded[i] >> 31;
                    const uint32_t magnitude = block_magnitude(rounded[i], shared, 7);
                    if (format == kBfp8b) {
                        bytes[64 + memory + i] = static_cast<uint8_t>((magnitude != 0 ? sign << 7 : 0) | magnitude);
                    } else {
                        const uint32_t cut = magnitude >> 4;
                        const uint32_t datum = (cut != 0 ? sign << 3 : 0) | cut;
                        uint8_t& byte = bytes[64 + (memory + i) / 2];
                        byte = static_cast<uint8_t>(i % 2 == 0 ? datum : (byte & 0x0F) | datum << 4);
                    }
                }
            });
            break;
        default: break;
    }
}

}  // namespace ttemu
