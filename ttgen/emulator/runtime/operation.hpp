// Operations of the unpacker and the matrix unit: what they are called, which registers their operands go to, and the checks that all share.
#pragma once

#include <string>

#include "machine.hpp"

namespace ttemu {

// Which circular buffer goes to SrcA and to SrcB; −1: none.
struct Routes {
    int a = -1, b = -1;
};

const char* name_of(FpuKind kind);
std::string describe(const FpuOp& op);
bool is_matmul(FpuKind kind);
bool is_binary(FpuKind kind);
bool reduce_swaps(const FpuOp& op);                  // row SUM and AVG reductions are matrix products, with the data in SrcB
Routes routes_of(const FpuOp& op);
bool goes_to_dest(const FpuOp& op, Where where);     // 32-bit data that bypasses the source registers
void check_init(const FpuOp& init, const FpuOp& op, Where where);
void check_formats(const ComputeUnit::Formats& configured, const FpuOp& op, Where where);

// dst.cpp
void check_started(Where where, const char* what);
DstSlot& dst_slot(uint32_t index, Where where, bool by_pack);

// unpack.cpp, math.cpp: the two parts of an operation
void unpack(const FpuOp& op, Where where);
void math(const FpuOp& op, Where where);

}  // namespace ttemu
