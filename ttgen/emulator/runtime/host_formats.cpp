// Conversions on the host: bfloat16, tiles, block floating point.
#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "tt-metalium/bfloat16.hpp"
#include "tt-metalium/bfloat4.hpp"
#include "tt-metalium/bfloat8.hpp"
#include "tt-metalium/tilize_utils.hpp"

// ---- bfloat16

uint16_t bfloat16::from_float(float value) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    if (value != value) {
        return 0x7FC0;
    }
    return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

bfloat16 bfloat16::truncate(float value) {
    bfloat16 result;
    result.uint16_data = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    return result;
}

bfloat16& bfloat16::operator+=(bfloat16 rhs) noexcept { return *this = bfloat16(static_cast<float>(*this) + static_cast<float>(rhs)); }
bfloat16& bfloat16::operator-=(bfloat16 rhs) noexcept { return *this = bfloat16(static_cast<float>(*this) - static_cast<float>(rhs)); }
bfloat16& bfloat16::operator*=(bfloat16 rhs) noexcept { return *this = bfloat16(static_cast<float>(*this) * static_cast<float>(rhs)); }
bfloat16& bfloat16::operator/=(bfloat16 rhs) noexcept { return *this = bfloat16(static_cast<float>(*this) / static_cast<float>(rhs)); }
bfloat16 bfloat16::operator+(bfloat16 rhs) const { return bfloat16(static_cast<float>(*this) + static_cast<float>(rhs)); }
bfloat16 bfloat16::operator-(bfloat16 rhs) const { return bfloat16(static_cast<float>(*this) - static_cast<float>(rhs)); }
bfloat16 bfloat16::operator*(bfloat16 rhs) const { return bfloat16(static_cast<float>(*this) * static_cast<float>(rhs)); }
bfloat16 bfloat16::operator/(bfloat16 rhs) const { return bfloat16(static_cast<float>(*this) / static_cast<float>(rhs)); }

// ---- tiles

namespace {

// visit(index in the order of tiles and faces, index in row-major order) for an m × n matrix
template <typename Visit>
void each_tiled_element(uint32_t m, uint32_t n, Visit&& visit) {
    std::size_t tiled = 0;
    for (uint32_t tile_row = 0; tile_row < m; tile_row += 32) {
        for (uint32_t tile_column = 0; tile_column < n; tile_column += 32) {
            for (uint32_t face = 0; face < 4; ++face) {
                for (uint32_t row = 0; row < 16; ++row) {
                    const std::size_t start = std::size_t{tile_row + face / 2 * 16 + row} * n + tile_column + face % 2 * 16;
                    for (uint32_t i = 0; i < 16; ++i) {
                        visit(tiled++, start + i);
                    }
                }
            }
        }
    }
}

void check_sides(std::size_t size, uint32_t m, uint32_t n) {
    if (m % 32 != 0 || n % 32 != 0 || size != std::size_t{m} * n) {
        throw std::runtime_error("tilize: the matrix must have whole tiles and m × n elements");
    }
}

}  // namespace

template <typename T>
std::vector<T> tilize_nfaces(const std::vector<T>& input, uint32_t m, uint32_t n) {
    check_sides(input.size(), m, n);
    std::vector<T> output(input.size());
    each_tiled_element(m, n, [&](std::size_t tiled, std::size_t flat) { output[tiled] = input[flat]; });
    return output;
}

template <typename T>
std::vector<T> untilize_nfaces(const std::vector<T>& input, uint32_t m, uint32_t n) {
    check_sides(input.size(), m, n);
    std::vector<T> output(input.size());
    each_tiled_element(m, n, [&](std::size_t tiled, std::size_t flat) { output[flat] = input[tiled]; });
    return output;
}

#define TTEMU_INSTANTIATE(T)                                                                   \
    template std::vector<T> tilize_nfaces<T>(const std::vector<T>&, uint32_t, uint32_t);       \
    template std::vector<T> untilize_nfaces<T>(const std::vector<T>&, uint32_t, uint32_t);
TTEMU_INSTANTIATE(bfloat16)
TTEMU_INSTANTIATE(float)
TTEMU_INSTANTIATE(int32_t)
TTEMU_INSTANTIATE(uint32_t)
TTEMU_INSTANTIATE(uint16_t)
TTEMU_INSTANTIATE(int8_t)
TTEMU_INSTANTIATE(uint8_t)
#undef TTEMU_INSTANTIATE

// ---- block floating point

namespace {

// Index, inside a tile in row-major order, of the k-th element in the order of faces.
std::size_t row_major_of(std::size_t k) {
    const std::size_t face = k / 256, row = k / 16 % 16, column = k % 16;
    return (face / 2 * 16 + row) * 32 + face % 2 * 16 + column;
}

// The host rounds to nearest, ties to even, and saturates; an exponent is the largest of its sixteen.
uint32_t datum_of(uint32_t bits, uint32_t shared, unsigned width) {
    if ((bits & 0x7FFFFFFF) == 0) {
        return 0;
    }
    const uint32_t exponent = bits >> 23 & 0xFF;
    uint32_t mantissa = (bits & 0x7FFFFF) | 0x800000;
    const uint32_t difference = shared - exponent;
    mantissa = difference > 31 ? 0 : mantissa >> difference;
    const uint32_t shift = 24 - width, dropped = mantissa & ((1u << shift) - 1), tie = 1u << (shift - 1);
    mantissa >>= shift;
    if (dropped > tie || (dropped == tie && (mantissa & 1) != 0)) {
        ++mantissa;
    }
    mantissa = std::min(mantissa, (1u << width) - 1);
    return mantissa == 0 ? 0 : (bits >> 31) << width | mantissa;
}

template <typename T>
std::vector<uint32_t> pack_blocks(std::span<const T> data, bool row_major, unsigned width) {
    if (data.size() % 1024 != 0) {
        throw std::runtime_error("block formats: the data must be whole tiles");
    }
    const unsigned datum_bits = width + 1;
    const std::size_t tile_words = 16 + 1024 * datum_bits / 32;
    std::vector<uint32_t> out(data.size() / 1024 * tile_words, 0);
    for (std::size_t tile = 0; tile < data.size() / 1024; ++tile) {
        uint32_t* words = out.data() + tile * tile_words;
        for (std::size_t row = 0; row < 64; ++row) {
            uint32_t bits[16];
            uint32_t shared = 0;
            for (std::size_t i = 0; i < 16; ++i) {
                const std::size_t k = row * 16 + i;
                bits[i] = std::bit_cast<uint32_t>(static_cast<float>(data[tile * 1024 + (row_major ? row_major_of(k) : k)]));
                shared = std::max(shared, bits[i] >> 23 & 0xFF);
            }
            words[row / 4] |= shared << (row % 4 * 8);
            for (std::size_t i = 0; i < 16; ++i) {
                const std::size_t at = (row * 16 + i) * datum_bits;
                words[16 + at / 32] |= datum_of(bits[i], shared, width) << (at % 32);
            }
        }
    }
    return out;
}

std::vector<float> unpack_blocks(std::span<const uint32_t> words, bool row_major, unsigned width) {
    const unsigned datum_bits = width + 1;
    const std::size_t tile_words = 16 + 1024 * datum_bits / 32;
    if (words.size() % tile_words != 0) {
        throw std::runtime_error("block formats: the data must be whole tiles");
    }
    std::vector<float> out(words.size() / tile_words * 1024);
    for (std::size_t tile = 0; tile < words.size() / tile_words; ++tile) {
        const uint32_t* w = words.data() + tile * tile_words;
        for (std::size_t k = 0; k < 1024; ++k) {
            const uint32_t exponent = w[k / 16 / 4] >> (k / 16 % 4 * 8) & 0xFF;
            const std::size_t at = k * datum_bits;
            const uint32_t datum = w[16 + at / 32] >> (at % 32) & ((1u << datum_bits) - 1);
            const uint32_t magnitude = datum & ((1u << width) - 1);
            const float value = std::ldexp(static_cast<float>(magnitude), static_cast<int>(exponent) - 127 - static_cast<int>(width - 1));
            out[tile * 1024 + (row_major ? row_major_of(k) : k)] = (datum >> width) != 0 ? -value : value;
        }
    }
    return out;
}

void refuse_exponent_a(bool is_exp_a) {
    if (is_exp_a) {
        throw std::runtime_error("block formats with 5-bit exponents aren't modelled");
    }
}

}  // namespace

template <typename T>
std::vector<uint32_t> pack_as_bfp8_tiles(std::span<const T> data, bool row_major, bool is_exp_a, const std::optional<tt::tt_metal::Tile>&) {
    refuse_exponent_a(is_exp_a);
    return pack_blocks(data, row_major, 7);
}

template <typename T>
std::vector<uint32_t> pack_as_bfp4_tiles(std::span<const T> data, bool row_major, bool is_exp_a, const std::optional<tt::tt_metal::Tile>&) {
    refuse_exponent_a(is_exp_a);
    return pack_blocks(data, row_major, 3);
}

std::vector<float> unpack_bfp8_tiles_into_float_vec(
    std::span<const uint32_t> tiles, bool row_major, bool is_exp_a, const std::optional<tt::tt_metal::Tile>&) {
    refuse_exponent_a(is_exp_a);
    return unpack_blocks(tiles, row_major, 7);
}

std::vector<float> unpack_bfp4_tiles_into_float_vec(
    std::span<const uint32_t> tiles, bool row_major, bool is_exp_a, const std::optional<tt::tt_metal::Tile>&) {
    refuse_exponent_a(is_exp_a);
    return unpack_blocks(tiles, row_major, 3);
}

#define TTEMU_INSTANTIATE(T)                                                                                                                 \
    template std::vector<uint32_t> pack_as_bfp8_tiles<T>(std::span<const T>, bool, bool, const std::optional<tt::tt_metal::Tile>&);          \
    template std::vector<uint32_t> pack_as_bfp4_tiles<T>(std::span<const T>, bool, bool, const std::optional<tt::tt_metal::Tile>&);
TTEMU_INSTANTIATE(float)
TTEMU_INSTANTIATE(bfloat16)
#undef TTEMU_INSTANTIATE
