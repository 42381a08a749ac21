// Reductions of one slot of DST by the vector unit.
#include "operation.hpp"

#include <cmath>

namespace ttemu {

namespace {

// Sums as the vector unit makes them, in float32 one after the other; maxima and minima by its order.
float folded(Pool pool, float x, float y) { return pool == Pool::Sum ? flushed(double{x} + y) : pool == Pool::Max ? larger(x, y) : smaller(x, y); }

// A line of 32 elements. Of a row: columns 2c and 2c + 1 of the left face and of the right one fold into eight numbers, those into one. Of a
// column: rows of a face four apart fold into four numbers, those of the two faces together, and they into one.
float folded_row(Pool pool, const float* x) {
    float parts[8];
    for (uint32_t c = 0; c < 8; ++c) {
        const float *left = x + 2 * c, *right = left + 16;
        const float low = pool == Pool::Sum ? folded(pool, left[1], folded(pool, right[0], right[1])) : folded(pool, folded(pool, left[1], right[1]), right[0]);
        parts[c] = folded(pool, left[0], low);
    }
    for (uint32_t step = 4; step > 0; step /= 2) {
        for (uint32_t c = 0; c < step; ++c) {
            parts[c] = folded(pool, parts[c], parts[c + step]);
        }
    }
    return parts[0];
}

float folded_column(Pool pool, const float* x) {
    float parts[4];
    for (uint32_t r = 0; r < 4; ++r) {
        float halves[2];
        for (uint32_t face = 0; face < 2; ++face) {
            const float* first = x + (face * 16 + r) * kTileSide;
            float sum = folded(pool, first[8 * kTileSide], first[12 * kTileSide]);
            sum = folded(pool, first[4 * kTileSide], sum);
            halves[face] = folded(pool, first[0], sum);
        }
        parts[r] = folded(pool, halves[0], halves[1]);
    }
    const float last = folded(pool, parts[2], parts[3]);
    return arch().blackhole ? folded(pool, parts[0], folded(pool, parts[1], last)) : folded(pool, folded(pool, parts[0], parts[1]), last);
}

// Whether the stores of a reduction reach an element: the even columns of the left faces, or the first four rows of the upper ones, of
// the lower ones too for extremes on Blackhole. What is there beside the results is nobody's business, though of a row it is the result
// again, which rotating makes in all lanes; all else stays.
bool reached(Pool pool, Dim dim, uint32_t row, uint32_t column) {
    if (dim == Dim::Row) {
        return column < 16 && column % 2 == 0;
    }
    return row < 4 || (row >= 16 && row < 20 && pool != Pool::Sum && arch().blackhole);
}

// The slot's rows into column 0, or its columns into row 0.
void reduce_slot(Tile& tile, Pool pool, Dim dim) {
    const bool rows = dim == Dim::Row;
    float results[kTileSide];
    uint8_t bad[kTileSide] = {};
    for (uint32_t i = 0; i < kTileSide; ++i) {
        const uint32_t first = rows ? i * kTileSide : i, stride = rows ? 1 : kTileSide;
        results[i] = rows ? folded_row(pool, tile.v + first) : folded_column(pool, tile.v + first);
        for (uint32_t k = 0; tile.any_undefined && k < kTileSide; ++k) {
            bad[i] |= tile.undefined[first + k * stride];
        }
    }
    if (!tile.any_undefined) {
        tile.any_undefined = true;
        tile.undefined.fill(0);
    }
    for (uint32_t i = 0; i < kTileElements; ++i) {
        const uint32_t row = i / kTileSide, column = i % kTileSide, line = rows ? row : column;
        if (reached(pool, dim, row, column)) {
            const bool result = (rows ? column : row) == 0;
            tile.v[i] = result || rows ? results[line] : NAN;
            tile.undefined[i] = result || rows ? bad[line] : 1;
        }
    }
}

}  // namespace
}  // namespace ttemu
