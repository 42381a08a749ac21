// Constants of the modelled chips, and the settings of this process (environment variables, see README).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ttemu {

struct Arch {
    const char* name;
    bool blackhole;
    uint32_t rows, cols;            // worker grid
    uint32_t first_x, first_y;      // translated NoC coordinates of logical core (0, 0)
    uint32_t l1_bytes, l1_base;     // size, and where what programs allocate begins
    uint32_t cb_count;
    uint32_t dram_banks;
    uint64_t dram_bank_bytes;
    uint32_t dram_alignment;        // of reads and of allocations
    uint32_t dram_write_alignment;
    uint32_t l1_alignment;
    uint32_t max_burst;
};

inline constexpr uint32_t kSemaphoreBase = 0x18000;  // where the emulator puts the words of get_semaphore: below l1_base on both chips
inline constexpr uint32_t kSemaphores = 16;
inline constexpr uint32_t kSemaphoreStride = 16;
inline constexpr uint32_t kWindowBase = 0x10000;     // the lowest address that Linux lets a process map (vm.mmap_min_addr)
inline constexpr uint32_t kL1Stride = 0x200000;      // host memory set aside for one core

struct Settings {
    std::string include, compiler, compiler_flags, cache, report, trace;
    uint32_t jobs;
    uint64_t seed;
    uint32_t max_errors;
    std::vector<uint64_t> resident;  // by launch, in turn: a bit mask of circular buffers; empty: not given
    uint32_t spin_seconds;
};

const Arch& arch();
const Settings& settings();

// Logical core ↔ translated NoC coordinate. Wormhole translates to a dense block from (18, 18); Blackhole's workers leave a gap in x at
// columns 8 and 9 (DRAM and the like), which a multicast rectangle may span.
uint32_t noc_x(uint32_t logical_x);
uint32_t noc_y(uint32_t logical_y);
int logical_x(uint32_t noc_x);      // −1: no worker column
int logical_y(uint32_t noc_y);

}  // namespace ttemu
