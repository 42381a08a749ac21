// The arithmetic of the matrix unit: operands cut in slices, products and sums aligned, sums rounded to DST.
#include <cstring>

#include "operation.hpp"

namespace ttemu {

namespace {

float masked(float f, uint32_t mask) {
    const uint32_t bits = bits_of(f) & mask;
    std::memcpy(&f, &bits, 4);
    return f;
}

// The multipliers take 5 bits of SrcA's significand and 7 of SrcB's at a time; further phases add the products with the rest. Of TF32's
// 11 bits SrcA uses the upper 10. (ISA documentation, MVMUL and ELWMUL.)
constexpr uint32_t kHighA = 0xFFF80000, kAllA = 0xFFFFC000, kHighB = 0xFFFE0000, kAllB = 0xFFFFE000;

constexpr int32_t kNoExponent = -1024;  // of 0

int32_t exponent_of(float x) {
    const uint32_t biased = bits_of(x) << 1 >> 24;
    return biased != 0 ? static_cast<int32_t>(biased) : kNoExponent;
}

// A product is 0 where the exponents of its operands add up to less than the smallest one, whatever it would be once it is normalised: up
// to 2^-125. Lower slices have the exponents of their operands less as many bits as come before them. (Seen on the full-system simulator.)
constexpr int32_t kFlushed[] = {127, 127 + 5, 127 + 7, 127 + 12};

struct Slices {
    float high, low;
    int32_t exponent;
};

Slices slice_a(float x) {
    const float high = masked(x, kHighA);
    return {high, masked(x, kAllA) - high, exponent_of(x)};
}

Slices slice_b(float x) {
    const float high = masked(x, kHighB);
    return {high, masked(x, kAllB) - high, exponent_of(x)};
}

float phase_product(const Slices& a, const Slices& b, uint32_t phase) {
    return ((phase & 1) != 0 ? a.low : a.high) * ((phase & 2) != 0 ? b.low : b.high);
}

float store_dst(float x, bool dst_32bit) { return dst_32bit ? x : to_bfloat16(x); }

// dst[i] += a × b in the given number of phases, each rounded to the width of DST.
float multiply_accumulate(float dst, float a, float b, uint32_t phases, bool dst_32bit) {
    const Slices sa = slice_a(a), sb = slice_b(b);
    if (bits_of(a) << 1 >= 0xFF000000u || bits_of(b) << 1 >= 0xFF000000u) {
        return store_dst(dst + a * b, dst_32bit);  // infinities and NaNs have no slices
    }
    for (uint32_t phase = 0; phase < phases; ++phase) {
        const bool flushed = sa.exponent + sb.exponent <= kFlushed[phase];
        dst = store_dst(flushed ? dst : dst + phase_product(sa, sb, phase), dst_32bit);
    }
    return dst;
}

// What the matrix unit adds together is aligned to the largest: a number keeps its multiple of 2^-11 of that one's power of two, the nearest
// one. (Seen in execution: 1 + 2^-12 is 1, and so is the sum of eight products.) Adding this number and taking it away again rounds like that;
// 0, which rounds nothing, where the sum could overflow, and for infinities and NaNs.
float aligner(float largest) {
    const uint32_t exponent = bits_of(largest) & 0x7F800000u;
    uint32_t bits = exponent < 0x79000000u ? (exponent + (12u << 23)) | 0x00400000u : 0u;  // 1.5 · 2^(e + 12): its last bit is 2^(e − 11)
    std::memcpy(&largest, &bits, 4);
    return largest;
}

float aligned_sum(float x, float y) {
    const float align = aligner(__builtin_fmaxf(__builtin_fabsf(x), __builtin_fabsf(y)));
    return ((x + align) - align) + ((y + align) - align);
}

constexpr uint32_t kTogether = 8;  // products that are added together

typedef float Vector __attribute__((vector_size(32)));
typedef uint32_t Bits __attribute__((vector_size(32)));
typedef int32_t Exponents __attribute__((vector_size(32)));
typedef int32_t ExponentRow __attribute__((vector_size(32), aligned(4), may_alias));
typedef float Row __attribute__((vector_size(32), aligned(4), may_alias));  // eight elements of a row

// Exponents of a tile's elements, for groups of products that are flushed: those whose largest sum of exponents is no larger than `most`.
struct Flushing {
    const int32_t *left, *right;
    int32_t most;
};

// out (32×32) += left × right over columns [k0, k0 + 16) of left, with the products aligned. With `all_left` and `all_right`, whose upper
// slices left and right are, what the whole operands' products have more is added as it is: later phases have it, and lose 2^-5 of that at most.
#ifdef __x86_64__
__attribute__((target_clones("avx2", "default")))
#endif
void accumulate_aligned(
    float* out, const float* left, const float* right, const float* all_left, const float* all_right, uint32_t k0, const Flushing* flushing) {
    for (uint32_t i = 0; i < kTileSide; ++i) {
        for (uint32_t j = 0; j < kTileSide; j += 8) {
            Vector sum = {};
            for (uint32_t k1 = k0; k1 < k0 + 16; k1 += kTogether) {
                Vector products[kTogether], group = {};
                Bits largest = {};
                for (uint32_t k = 0; k < kTogether; ++k) {
                    products[k] = left[i * kTileSide + k1 + k] * *(const Row*)(right + (k1 + k) * kTileSide + j);
                    const Bits exponent = (Bits)products[k] & 0x7F800000u;
                    largest = largest > exponent ? largest : exponent;
                }
                const Bits none = {};
                const Vector align = (Vector)(largest < 0x79000000u ? (largest + (12u << 23)) | 0x00400000u : none);
                for (uint32_t k = 0; k < kTogether; ++k) {
                    group += (products[k] + align) - align;
                }
                for (uint32_t k = 0; all_left != nullptr && k < kTogether; ++k) {
                    const Vector whole = all_left[i * kTileSide + k1 + k] * *(const Row*)(all_right + (k1 + k) * kTileSide + j);
                    group += whole - products[k];
                }
                if (flushing != nullptr) {
                    Exponents highest = {};
                    for (uint32_t k = 0; k < kTogether; ++k) {
                        const Exponents both = flushing->left[i * kTileSide + k1 + k] + *(const ExponentRow*)(flushing->right + (k1 + k) * kTileSide + j);
                        highest = highest > both ? highest : both;
                    }
                    group = (Vector)((Exponents)group & (highest > flushing->most));
                }
                sum += group;
            }
            *(Row*)(out + i * kTileSide + j) += sum;
        }
    }
}

// out (32×32) += left × right over columns [k0, k0 + 16) of left.
void accumulate_half(float* out, const float* left, const float* right, uint32_t k0) {
    for (uint32_t i = 0; i < kTileSide; ++i) {
        Vector sum[4] = {};
        for (uint32_t k = k0; k < k0 + 16; ++k) {
            const float l = left[i * kTileSide + k];
            const Vector factor = {l, l, l, l, l, l, l, l};
            for (uint32_t j = 0; j < 4; ++j) {
                Vector r;
                std::memcpy(&r, right + k * kTileSide + j * 8, sizeof r);
                sum[j] += factor * r;
            }
        }
        for (uint32_t j = 0; j < 4; ++j) {
            Vector o;
            std::memcpy(&o, out + i * kTileSide + j * 8, sizeof o);
            o += sum[j];
            std::memcpy(out + i * kTileSide + j * 8, &o, sizeof o);
        }
    }
}

void mask_all(float* out, const float* in, uint32_t mask) {
    for (uint32_t i = 0; i < kTileElements; ++i) {
        out[i] = masked(in[i], mask);
    }
}

void subtract_all(float* out, const float* a, const float* b) {
    for (uint32_t i = 0; i < kTileElements; ++i) {
        out[i] = a[i] - b[i];
        if (out[i] != out[i]) {
            out[i] = 0.0f;  // infinity has no low slice
        }
    }
}

// The operands of a matrix product in the slices that its fidelity needs. in0 is SrcB, in1 is SrcA. `least` is the smallest exponent.
struct Sliced {
    float all[kTileElements], high[kTileElements], low[kTileElements];
    int32_t exponent[kTileElements], least;
};

void slice_all(Sliced& s, const float* in, uint32_t all, uint32_t high) {
    mask_all(s.all, in, all);
    mask_all(s.high, in, high);
    subtract_all(s.low, s.all, s.high);
    s.least = 255;
    for (uint32_t i = 0; i < kTileElements; ++i) {
        s.exponent[i] = exponent_of(in[i]);
        s.least = s.exponent[i] == kNoExponent || s.exponent[i] > s.least ? s.least : s.exponent[i];
    }
}

void matrix_product(float* dst, const Sliced& in0, const Sliced& in1, uint32_t phases, bool dst_32bit) {
    const bool flushes = in0.least + in1.least <= kFlushed[3];
    if (dst_32bit && !flushes) {
        // Phases add up to products of whole operands; only the order of additions differs, which the hardware's isn't known to.
        for (uint32_t k0 = 0; k0 < kTileSide; k0 += 16) {
            switch (phases) {
                case 1: accumulate_aligned(dst, in0.high, in1.high, nullptr, nullptr, k0, nullptr); break;
                case 2: accumulate_aligned(dst, in0.high, in1.high, in0.high, in1.all, k0, nullptr); break;
                case 3:
                    accumulate_aligned(dst, in0.high, in1.high, in0.high, in1.all, k0, nullptr);
                    accumulate_half(dst, in0.low, in1.high, k0);
                    break;
                default: accumulate_aligned(dst, in0.high, in1.high, in0.all, in1.all, k0, nullptr); break;
            }
        }
        return;
    }
    for (uint32_t phase = 0; phase < phases; ++phase) {
        const Flushing flushing = {in0.exponent, in1.exponent, kFlushed[phase]};
        for (uint32_t k0 = 0; k0 < kTileSide; k0 += 16) {
            const float *left = (phase & 2) != 0 ? in0.low : in0.high, *right = (phase & 1) != 0 ? in1.low : in1.high;
            accumulate_aligned(dst, left, right, nullptr, nullptr, k0, flushes ? &flushing : nullptr);
            for (uint32_t i = 0; i < kTileElements && !dst_32bit; ++i) {
                dst[i] = to_bfloat16(dst[i]);
            }
        }
    }
}

}  // namespace

}  // namespace ttemu
