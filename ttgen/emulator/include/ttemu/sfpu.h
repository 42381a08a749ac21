// Helpers with which the SFPU headers declare their operations. Parameters that carry numbers are the bits of a float32.
#pragma once

#include "api/compute/common_globals.h"

namespace ckernel::ttemu_detail {

ALWI void sfpu(
    ttemu::Sfpu op, ttemu::Sfpu init, uint32_t in0, uint32_t in1, uint32_t in2, uint32_t out, uint32_t p0, uint32_t p1, uint32_t p2,
    TTEMU_AT, uint32_t mode = 0, uint32_t variant = 0) {
    const ttemu::SfpuOp record = {op, in0, in1, in2, out, p0, p1, p2, mode, variant};
    ttemu_sfpu(&record, init, file, line);
}

// Two headers choose a fit of float32's accuracy by this define, and one of bfloat16's without it.
#ifdef INP_FLOAT32
constexpr uint32_t kFloatInput = 1;
#else
constexpr uint32_t kFloatInput = 0;
#endif

constexpr uint32_t kFloatOne = 0x3F800000;

}  // namespace ckernel::ttemu_detail

#define TTEMU_UNUSED (void)ttemu_file, (void)ttemu_line

// `mode`: the template arguments that the operation has to repeat
#define TTEMU_SFPU_INIT_MODE(name, key, mode)                        \
    ALWI void name(TTEMU_WHERE) {                                    \
        MATH(ttemu_sfpu_init(ttemu::Sfpu::key, mode, TTEMU_HERE));   \
        TTEMU_UNUSED;                                                \
    }
#define TTEMU_SFPU_INIT(name, key) TTEMU_SFPU_INIT_MODE(name, key, 0)

// name(dst), with the result in the same slot
#define TTEMU_SFPU_UNARY_MODE(name, op, key, mode, variant)                                                                        \
    ALWI void name(uint32_t idst, TTEMU_WHERE) {                                                                                   \
        MATH(ttemu_detail::sfpu(ttemu::Sfpu::op, ttemu::Sfpu::key, idst, idst, idst, idst, 0, 0, 0, TTEMU_HERE, mode, variant));   \
        (void)idst, TTEMU_UNUSED;                                                                                                  \
    }
#define TTEMU_SFPU_UNARY(name, op, key) TTEMU_SFPU_UNARY_MODE(name, op, key, 0, 0)
#define TTEMU_SFPU_UNARY_ACC(name, op, key) template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE> TTEMU_SFPU_UNARY(name, op, key)

// name(dst, parameter bits)
#define TTEMU_SFPU_UNARY1(name, op, key)                                                                                           \
    ALWI void name(uint32_t idst, uint32_t param0, TTEMU_WHERE) {                                                                  \
        MATH(ttemu_detail::sfpu(ttemu::Sfpu::op, ttemu::Sfpu::key, idst, idst, idst, idst, param0, 0, 0, TTEMU_HERE));             \
        (void)idst, (void)param0, TTEMU_UNUSED;                                                                                    \
    }
#define TTEMU_SFPU_UNARY1_ACC(name, op, key) template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE> TTEMU_SFPU_UNARY1(name, op, key)

#define TTEMU_SFPU_UNARY2(name, op, key)                                                                                           \
    ALWI void name(uint32_t idst, uint32_t param0, uint32_t param1, TTEMU_WHERE) {                                                 \
        MATH(ttemu_detail::sfpu(ttemu::Sfpu::op, ttemu::Sfpu::key, idst, idst, idst, idst, param0, param1, 0, TTEMU_HERE));        \
        (void)idst, (void)param0, (void)param1, TTEMU_UNUSED;                                                                      \
    }
#define TTEMU_SFPU_UNARY2_ACC(name, op, key) template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE> TTEMU_SFPU_UNARY2(name, op, key)

#define TTEMU_SFPU_UNARY3_VARIANT(name, op, key, variant)                                                                           \
    ALWI void name(uint32_t idst, uint32_t param0, uint32_t param1, uint32_t param2, TTEMU_WHERE) {                                \
        MATH(ttemu_detail::sfpu(ttemu::Sfpu::op, ttemu::Sfpu::key, idst, idst, idst, idst, param0, param1, param2, TTEMU_HERE, 0,  \
                                variant));                                                                                         \
        (void)idst, (void)param0, (void)param1, (void)param2, TTEMU_UNUSED;                                                        \
    }
#define TTEMU_SFPU_UNARY3(name, op, key) TTEMU_SFPU_UNARY3_VARIANT(name, op, key, 0)
#define TTEMU_SFPU_UNARY3_ACC(name, op, key) template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE> TTEMU_SFPU_UNARY3(name, op, key)

// name(in0, in1, out)
#define TTEMU_SFPU_BINARY(name, op, key)                                                                                           \
    ALWI void name(uint32_t idst0, uint32_t idst1, uint32_t odst, TTEMU_WHERE) {                                                   \
        MATH(ttemu_detail::sfpu(ttemu::Sfpu::op, ttemu::Sfpu::key, idst0, idst1, idst1, odst, 0, 0, 0, TTEMU_HERE));               \
        (void)idst0, (void)idst1, (void)odst, TTEMU_UNUSED;                                                                        \
    }
#define TTEMU_SFPU_BINARY_ACC(name, op, key) template <bool is_fp32_dest_acc_en = DST_ACCUM_MODE> TTEMU_SFPU_BINARY(name, op, key)
#define TTEMU_SFPU_BINARY_ROUND(name, op, key)                                                                                     \
    template <DstRoundingMode dst_rounding_mode = DstRoundingMode::Default, bool is_fp32_dest_acc_en = DST_ACCUM_MODE>             \
    TTEMU_SFPU_BINARY(name, op, key)

// the pack thread's twin of a unary operation
#define TTEMU_SFPU_PACK_INIT(name, key, mode)                        \
    ALWI void name(TTEMU_WHERE) {                                    \
        PACK(ttemu_sfpu_init(ttemu::Sfpu::key, mode, TTEMU_HERE));   \
        TTEMU_UNUSED;                                                \
    }
#define TTEMU_SFPU_PACK_UNARY(name, op, key, mode)                                                                                 \
    ALWI void name(uint32_t idst, TTEMU_WHERE) {                                                                                   \
        PACK(ttemu_detail::sfpu(ttemu::Sfpu::op, ttemu::Sfpu::key, idst, idst, idst, idst, 0, 0, 0, TTEMU_HERE, mode));            \
        (void)idst, TTEMU_UNUSED;                                                                                                  \
    }
