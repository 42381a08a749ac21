// The shape of a tile. The emulator's kernels know 32×32 only.
#pragma once

#include <array>
#include <cstdint>

namespace tt::tt_metal {

struct Tile {
    Tile(std::array<uint32_t, 2> tile_shape = {32, 32}, bool transpose_tile = false);
    std::array<uint32_t, 2> get_tile_shape() const { return tile_shape; }
    std::array<uint32_t, 2> get_face_shape() const { return face_shape; }
    uint32_t get_height() const { return tile_shape[0]; }
    uint32_t get_width() const { return tile_shape[1]; }

    std::array<uint32_t, 2> tile_shape = {32, 32};
    std::array<uint32_t, 2> face_shape = {16, 16};
};

}  // namespace tt::tt_metal
