// The parts of the networks on chip: where a movement goes, and when it lands.
#pragma once

#include <deque>
#include <vector>

#include "machine.hpp"

namespace ttemu {

inline constexpr uint32_t kDramX = 63;  // the emulator's own NoC coordinates of DRAM banks: (63, bank)

inline uint32_t local_of(uint64_t address) { return static_cast<uint32_t>(address); }

inline bool is_semaphore(uint32_t address) { return address >= kSemaphoreBase && address < kSemaphoreBase + kSemaphores * kSemaphoreStride; }

// noc_endpoints.cpp: resolving and checking addresses
void check_noc(uint32_t noc, Where where);
void check_packet(uint32_t bytes, int one_packet, Where where);
void check_alignment(const Endpoint& remote, uint32_t local, bool read, Where where);
Endpoint resolve(uint64_t address, uint32_t bytes, Where where);
Endpoint local_endpoint(Core& core, uint32_t address);
std::vector<Endpoint> rectangle(Fiber& fiber, uint64_t address, uint32_t bytes, uint32_t destinations, bool loopback, uint32_t noc, Where where);

// noc_landing.cpp
void land_read(Movement& m);
void sample(Movement& m);                                   // the data of a write leaves the core
bool land_next_write(std::deque<Movement>& writes);         // false: all have landed
bool land_next_increment(std::deque<Movement>& increments);
void progress(NocQueues& q);                                // with a seed, some of what is under way lands early

}  // namespace ttemu
