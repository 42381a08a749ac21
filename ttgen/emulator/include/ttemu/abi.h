// The functions that kernel units call in the runtime, and the numbers both sides share.
// Plain types only: a unit that includes this must stay cheap to compile.
#pragma once

#include <cstdint>

// Trailing parameters of every API function: where the kernel called it. They keep unmodified calls valid and cost two registers.
#define TTEMU_WHERE ttemu::File ttemu_file = __builtin_FILE(), unsigned ttemu_line = __builtin_LINE()
#define TTEMU_HERE ttemu_file, ttemu_line
#define TTEMU_AT const char *file, unsigned line

namespace ttemu {

// A class, so that a literal 0 prefers an overload that takes a number.
struct File {
    constexpr File(const char* name) : name(name) {}
    constexpr operator const char*() const { return name; }
    const char* name;
};

enum class Thread : uint8_t { Writer = 0, Reader = 1, Unpack = 2, Math = 3, Pack = 4 };  // Tensix order: BRISC, NCRISC, TRISC 0-2

enum BarrierKind : uint32_t { kReads = 1, kWritesFlushed = 2, kWritesAcknowledged = 4, kAtomics = 8 };

enum class FpuKind : uint32_t {
    None, Matmul, MatmulBlock, Add, Sub, Mul, Copy, Transpose, UnaryBroadcast, Reduce, Tilize, Untilize
};

enum class Broadcast : uint32_t { None = 0, Column = 1, Row = 2, Scalar = 3 };   // values of ckernel::BroadcastType
enum class Reuse : uint32_t { None = 0, DestToA = 1, DestToB = 2 };             // values of ckernel::EltwiseBinaryReuseDestType
enum class Pool : uint32_t { Sum, Average, Max, Min };                          // values of ckernel::PoolType
enum class Dim : uint32_t { Row, Column, Scalar };                              // values of ckernel::ReduceDim

// An operation of the unpacker and the matrix unit. Inits and operations use the same record: an operation must match the init in force.
struct FpuOp {
    FpuKind kind = FpuKind::None;
    Broadcast broadcast = Broadcast::None;
    Reuse reuse = Reuse::None;
    Pool pool = Pool::Sum;
    Dim dim = Dim::Row;
    uint32_t cb0 = 0, cb1 = 0;
    uint32_t tile0 = 0, tile1 = 0;
    uint32_t dst = 0;
    uint32_t count = 1;              // tiles of a block
    uint32_t transpose = 0;
    uint32_t ct = 1, rt = 1, kt = 1;
    uint32_t accumulate = 0;         // add_init(…, acc_to_dest)
    uint32_t broadcast_row = 0;
};

#define TTEMU_SFPU_OPS(X)                                                                                                        \
    X(None) X(Exp) X(Exp2) X(Expm1) X(Log) X(Log2Base) X(Log1p) X(Sqrt) X(Rsqrt) X(Recip) X(Square) X(Abs) X(Sign) X(SignBit)      \
    X(Relu) X(ReluMax) X(ReluMin) X(LeakyRelu) X(Gelu) X(GeluTanh) X(Silu) X(Sigmoid) X(Tanh) X(Softplus) X(Erf) X(Erfc)           \
    X(Negative) X(Power) X(Rpow) X(Elu) X(Selu) X(Celu) X(Hardtanh) X(Clamp) X(Hardsigmoid) X(Softsign) X(Mish) X(Tanhshrink)      \
    X(Sin) X(Cos) X(Tan) X(Asin) X(Acos) X(Atan) X(Sinh) X(Cosh) X(Asinh) X(Acosh) X(Atanh) X(Cbrt) X(Heaviside) X(Identity)       \
    X(Fill) X(BinopScalar) X(AddScalar) X(SubScalar) X(MulScalar) X(DivScalar) X(RsubScalar) X(Rsub) X(Rdiv) X(UnaryMax)           \
    X(UnaryMin) X(Threshold) X(Softshrink) X(Hardshrink) X(Rounding) X(Ceil) X(Floor) X(Trunc) X(Frac) X(IsInf) X(IsNan)           \
    X(IsFinite) X(IsPosInf) X(IsNegInf) X(LogicalNot) X(Eqz) X(Nez) X(Gtz) X(Gez) X(Ltz) X(Lez) X(UnaryEq) X(UnaryNe) X(UnaryGt)   \
    X(UnaryGe) X(UnaryLt) X(UnaryLe) X(Softcap) X(Prelu) X(Typecast) X(AddBinary) X(SubBinary) X(MulBinary) X(DivBinary)           \
    X(RsubBinary) X(PowerBinary) X(EqBinary) X(NeBinary) X(LtBinary) X(GtBinary) X(LeBinary) X(GeBinary) X(MaxBinary)              \
    X(MinBinary) X(Where) X(Addcmul) X(Addcdiv) X(Lerp) X(Mac) X(CopyDest) X(BroadcastColumn) X(AddColumn) X(SubColumn)            \
    X(MulColumn) X(BroadcastRow) X(AddRow) X(SubRow) X(MulRow) X(Mask) X(MaskPosInf) X(Reduce)

enum class Sfpu : uint32_t {
#define X(name) name,
    TTEMU_SFPU_OPS(X)
#undef X
};

// An operation of the vector unit: slots of DST, and parameters as the bits of float32.
struct SfpuOp {
    Sfpu op;
    uint32_t in0, in1, in2, out;
    uint32_t p0, p1, p2;
    uint32_t mode = 0;     // template arguments that choose constants of the init, which has to have the same
    uint32_t variant = 0;  // what else chooses a body: a data format (Where, CopyDest, Reduce), whether INP_FLOAT32 is defined (Erf, Softplus)
};

}  // namespace ttemu

extern "C" {

extern int ttemu_compute_thread;  // which of a compute kernel's threads runs: 0 unpack, 1 math, 2 pack
// arguments and identity
uint32_t ttemu_runtime_arg(int index, int common, TTEMU_AT);
uintptr_t ttemu_runtime_arg_address(int index, int common, TTEMU_AT);
uint32_t ttemu_core(int which);  // 0, 1: NoC x, y; 2, 3: logical x, y; 4, 5: logical, relative to the kernel's first core

// circular buffers
void ttemu_cb_reserve(uint32_t cb, uint32_t pages, TTEMU_AT);
void ttemu_cb_push(uint32_t cb, uint32_t pages, TTEMU_AT);
void ttemu_cb_wait(uint32_t cb, uint32_t pages, TTEMU_AT);
void ttemu_cb_pop(uint32_t cb, uint32_t pages, TTEMU_AT);
uint32_t ttemu_cb_pointer(uint32_t cb, int write, TTEMU_AT);
int ttemu_cb_ready(uint32_t cb, uint32_t pages, int write, TTEMU_AT);
uint32_t ttemu_cb_read_tile(uint32_t cb, uint32_t tile, uint32_t word, int address, TTEMU_AT);

// network on chip
uint64_t ttemu_bank_address(int dram, uint32_t bank, uint32_t address, uint32_t noc);
void ttemu_noc_read(uint64_t source, uint32_t l1, uint32_t bytes, uint32_t noc, int one_packet, TTEMU_AT);
void ttemu_noc_write(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t noc, int one_packet, TTEMU_AT);
void ttemu_noc_multicast(uint32_t l1, uint64_t rectangle, uint32_t bytes, uint32_t destinations, int linked, int loopback,
                         int semaphore, int one_packet, uint32_t noc, TTEMU_AT);
void ttemu_noc_inline_write(uint64_t destination, uint32_t value, uint32_t byte_enable, uint32_t noc, TTEMU_AT);
void ttemu_noc_increment(uint64_t destination, uint32_t value, uint32_t noc, TTEMU_AT);
void ttemu_noc_increment_multicast(uint64_t rectangle, uint32_t value, uint32_t destinations, uint32_t noc, TTEMU_AT);
void ttemu_noc_barrier(uint32_t kinds, uint32_t noc, TTEMU_AT);
void ttemu_noc_barrier_trid(uint32_t kinds, uint32_t trid, uint32_t noc, TTEMU_AT);
void ttemu_noc_set_state(int write, uint64_t address, uint32_t bytes, uint32_t noc);
void ttemu_noc_with_state(int write, uint32_t remote, uint32_t l1, uint32_t bytes, uint32_t noc, TTEMU_AT);
void ttemu_noc_set_trid(int write, uint32_t trid, uint32_t noc);
uint32_t ttemu_semaphore_address(uint32_t id, TTEMU_AT);
void ttemu_semaphore_wait(uintptr_t address, uint32_t value, int minimum, TTEMU_AT);
void ttemu_semaphore_set(uintptr_t address, uint32_t value, TTEMU_AT);
void ttemu_yield(TTEMU_AT);
void ttemu_assert_failed(const char* expression, TTEMU_AT);

// compute: called by the unit of the thread that executes that part of the operation
void ttemu_tile_regs(int step, TTEMU_AT);  // 0 acquire, 1 commit, 2 wait, 3 release
void ttemu_startup(uint32_t source_a, uint32_t source_b, uint32_t out, TTEMU_AT);
void ttemu_reconfigure(uint32_t operand, uint32_t old_cb, uint32_t new_cb, TTEMU_AT);  // operand 0 SrcA, 1 SrcB, 2 pack; old_cb ~0: always
void ttemu_fpu_init(const ttemu::FpuOp* op, TTEMU_AT);
void ttemu_fpu(const ttemu::FpuOp* op, TTEMU_AT);
void ttemu_sfpu_init(ttemu::Sfpu op, uint32_t mode, TTEMU_AT);
void ttemu_sfpu(const ttemu::SfpuOp* op, ttemu::Sfpu init, TTEMU_AT);
void ttemu_pack_init(uint32_t cb, TTEMU_AT);
void ttemu_pack(uint32_t dst, uint32_t cb, uint32_t index, int out_of_order, TTEMU_AT);
void ttemu_pack_l1_accumulate(uint32_t on, TTEMU_AT);
void ttemu_pack_relu(uint32_t mode, uint32_t threshold, TTEMU_AT);
void ttemu_pack_reduce_mask(int dim, TTEMU_AT);  // -1 clears
void ttemu_pack_untilize_init(uint32_t cb, uint32_t block_ct, uint32_t full_ct, TTEMU_AT);
void ttemu_pack_untilize(uint32_t cb, uint32_t dst, uint32_t block_ct, uint32_t full_ct, uint32_t block_rt, uint32_t block_c, TTEMU_AT);
void ttemu_pack_untilize_uninit(uint32_t cb, TTEMU_AT);
}
