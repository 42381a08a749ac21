// Block floating point, 4 bits: sixteen neighbours in a row share an exponent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <tt-metalium/tile.hpp>

template <typename T>
std::vector<uint32_t> pack_as_bfp4_tiles(
    std::span<const T> data, bool row_major_input, bool is_exp_a, const std::optional<tt::tt_metal::Tile>& tile = std::nullopt);

std::vector<float> unpack_bfp4_tiles_into_float_vec(
    std::span<const uint32_t> bfp4_tiles, bool row_major_output, bool is_exp_a,
    const std::optional<tt::tt_metal::Tile>& tile = std::nullopt);
