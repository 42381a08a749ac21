// The data-movement API of a kernel: circular buffers, page and address based movement, multicast, semaphores.
// Signatures follow the device header of release 0.81.1; the trailing TTEMU_WHERE parameters are the emulator's.
#pragma once

#include <cstdint>

#include "api/compile_time_args.h"
#include "api/debug/assert.h"
#include "api/tensor/tensor_accessor.h"
#include "hostdevcommon/common_values.hpp"
#include "ttemu/args.h"
#include "ttemu/noc_address.h"

#ifdef ARCH_BLACKHOLE
constexpr uint32_t NOC_MAX_BURST_SIZE = 16384;
#else
constexpr uint32_t NOC_MAX_BURST_SIZE = 8192;
#endif
constexpr uint8_t NOC_UNICAST_WRITE_VC = 1;
constexpr uint8_t NOC_MULTICAST_WRITE_VC = 4;
enum class InlineWriteDst : uint8_t { DEFAULT, L1, REG };
enum class ProgrammableCoreType : uint8_t { TENSIX = 0, ACTIVE_ETH = 1, IDLE_ETH = 2 };

// ---- circular buffers

FORCE_INLINE void cb_push_back(const int32_t operand, const int32_t num_pages, TTEMU_WHERE) { ttemu_cb_push(operand, num_pages, TTEMU_HERE); }
FORCE_INLINE void cb_pop_front(int32_t operand, int32_t num_pages, TTEMU_WHERE) { ttemu_cb_pop(operand, num_pages, TTEMU_HERE); }
FORCE_INLINE void cb_reserve_back(int32_t operand, int32_t num_pages, TTEMU_WHERE) { ttemu_cb_reserve(operand, num_pages, TTEMU_HERE); }
FORCE_INLINE void cb_wait_front(int32_t operand, int32_t num_pages, TTEMU_WHERE) { ttemu_cb_wait(operand, num_pages, TTEMU_HERE); }
FORCE_INLINE bool cb_pages_reservable_at_back(int32_t operand, int32_t num_pages, TTEMU_WHERE) {
    return ttemu_cb_ready(operand, num_pages, 1, TTEMU_HERE) != 0;
}
FORCE_INLINE bool cb_pages_available_at_front(int32_t operand, int32_t num_pages, TTEMU_WHERE) {
    return ttemu_cb_ready(operand, num_pages, 0, TTEMU_HERE) != 0;
}
FORCE_INLINE uint32_t get_write_ptr(uint32_t operand, TTEMU_WHERE) { return ttemu_cb_pointer(operand, 1, TTEMU_HERE); }
FORCE_INLINE uint32_t get_read_ptr(uint32_t operand, TTEMU_WHERE) { return ttemu_cb_pointer(operand, 0, TTEMU_HERE); }

constexpr inline std::int32_t get_tile_size(const std::int32_t operand) { return static_cast<std::int32_t>(unpack_tile_size[operand]); }
constexpr inline uint32_t get_tile_hw(const std::int32_t operand) {
    (void)operand;
    return 1024;
}
constexpr inline uint32_t get_tile_num_faces(const std::int32_t operand) {
    (void)operand;
    return 4;
}
constexpr inline DataFormat get_dataformat(const std::int32_t operand) { return static_cast<DataFormat>(unpack_src_format[operand]); }

// ---- reads and writes by address

template <bool enable_noc_tracing = true>
FORCE_INLINE void noc_async_read_one_packet(
    uint64_t src_noc_addr, uint32_t dst_local_l1_addr, uint32_t size, uint8_t noc = noc_index,
    uint32_t read_req_vc = NOC_UNICAST_WRITE_VC, TTEMU_WHERE) {
    (void)read_req_vc;
    ttemu_noc_read(src_noc_addr, dst_local_l1_addr, size, noc, 1, TTEMU_HERE);
}

template <uint32_t max_page_size = NOC_MAX_BURST_SIZE + 1, bool enable_noc_tracing = true>
inline void noc_async_read(
    uint64_t src_noc_addr, uint32_t dst_local_l1_addr, uint32_t size, uint8_t noc = noc_index,
    uint32_t read_req_vc = NOC_UNICAST_WRITE_VC, TTEMU_WHERE) {
    (void)read_req_vc;
    ttemu_noc_read(src_noc_addr, dst_local_l1_addr, size, noc, max_page_size <= NOC_MAX_BURST_SIZE, TTEMU_HERE);
}

template <bool use_vc = false>
FORCE_INLINE void noc_async_read_one_packet_set_state(
    uint64_t src_noc_addr, uint32_t size, const uint32_t vc = 0, uint8_t noc = noc_index) {
    (void)vc;
    ttemu_noc_set_state(0, src_noc_addr, size, noc);
}
template <bool inc_num_issued = true, bool use_vc = false>
FORCE_INLINE void noc_async_read_one_packet_with_state(
    uint32_t src_local_l1_addr, uint32_t dst_local_l1_addr, const uint32_t vc = 0, uint8_t noc = noc_index, TTEMU_WHERE) {
    (void)vc;
    ttemu_noc_with_state(0, src_local_l1_addr, dst_local_l1_addr, 0, noc, TTEMU_HERE);
}
FORCE_INLINE void noc_async_read_set_state(uint64_t src_noc_addr, uint8_t noc = noc_index) { ttemu_noc_set_state(0, src_noc_addr, 0, noc); }
template <bool inc_num_issued = true, bool skip_cmdbuf_chk = false>
FORCE_INLINE void noc_async_read_with_state(
    uint32_t src_local_l1_addr, uint32_t dst_local_l1_addr, uint32_t size, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_with_state(0, src_local_l1_addr, dst_local_l1_addr, size, noc, TTEMU_HERE);
}

template <bool enable_noc_tracing = true, bool posted = false>
FORCE_INLINE void noc_async_write_one_packet(
    std::uint32_t src_local_l1_addr, std::uint64_t dst_noc_addr, std::uint32_t size, uint8_t noc = noc_index,
    uint32_t vc = NOC_UNICAST_WRITE_VC, TTEMU_WHERE) {
    (void)vc;
    ttemu_noc_write(src_local_l1_addr, dst_noc_addr, size, noc, 1, TTEMU_HERE);
}

template <uint32_t max_page_size = NOC_MAX_BURST_SIZE + 1, bool enable_noc_tracing = true, bool posted = false>
inline void noc_async_write(
    uint32_t src_local_l1_addr, uint64_t dst_noc_addr, uint32_t size, uint8_t noc = noc_index, uint32_t vc = NOC_UNICAST_WRITE_VC,
    TTEMU_WHERE) {
    (void)vc;
    ttemu_noc_write(src_local_l1_addr, dst_noc_addr, size, noc, max_page_size <= NOC_MAX_BURST_SIZE, TTEMU_HERE);
}

template <bool posted = false>
FORCE_INLINE void noc_async_write_one_packet_set_state(
    uint64_t dst_noc_addr, uint32_t size, uint8_t noc = noc_index, uint8_t vc = NOC_UNICAST_WRITE_VC) {
    (void)vc;
    ttemu_noc_set_state(1, dst_noc_addr, size, noc);
}
template <bool posted = false>
FORCE_INLINE void noc_async_write_one_packet_with_state(
    uint32_t src_local_l1_addr, uint32_t dst_local_l1_addr, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_with_state(1, dst_local_l1_addr, src_local_l1_addr, 0, noc, TTEMU_HERE);
}

// ---- multicast

template <uint32_t max_page_size = NOC_MAX_BURST_SIZE + 1>
inline void noc_async_write_multicast(
    uint32_t src_local_l1_addr, uint64_t dst_noc_addr_multicast, uint32_t size, uint32_t num_dests, bool linked = false,
    uint8_t noc = noc_index, uint8_t vc = NOC_MULTICAST_WRITE_VC, TTEMU_WHERE) {
    (void)vc;
    ttemu_noc_multicast(
        src_local_l1_addr, dst_noc_addr_multicast, size, num_dests, linked, 0, 0, max_page_size <= NOC_MAX_BURST_SIZE, noc, TTEMU_HERE);
}

template <bool enable_noc_tracing = true>
FORCE_INLINE void noc_async_write_multicast_one_packet(
    std::uint32_t src_local_l1_addr, std::uint64_t dst_noc_addr_multicast, std::uint32_t size, std::uint32_t num_dests,
    bool linked = false, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_multicast(src_local_l1_addr, dst_noc_addr_multicast, size, num_dests, linked, 0, 0, 1, noc, TTEMU_HERE);
}

inline void noc_async_write_multicast_loopback_src(
    std::uint32_t src_local_l1_addr, std::uint64_t dst_noc_addr_multicast, std::uint32_t size, std::uint32_t num_dests,
    bool linked = false, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_multicast(src_local_l1_addr, dst_noc_addr_multicast, size, num_dests, linked, 1, 0, 0, noc, TTEMU_HERE);
}

inline void noc_semaphore_set_multicast(
    uint32_t src_local_l1_addr, uint64_t dst_noc_addr_multicast, uint32_t num_dests, bool linked = false, uint8_t noc = noc_index,
    uint8_t vc = NOC_MULTICAST_WRITE_VC, TTEMU_WHERE) {
    (void)vc;
    ttemu_noc_multicast(src_local_l1_addr, dst_noc_addr_multicast, 4, num_dests, linked, 0, 1, 1, noc, TTEMU_HERE);
}

inline void noc_semaphore_set_multicast_loopback_src(
    uint32_t src_local_l1_addr, uint64_t dst_noc_addr_multicast, uint32_t num_dests, bool linked = false, uint8_t noc = noc_index,
    TTEMU_WHERE) {
    ttemu_noc_multicast(src_local_l1_addr, dst_noc_addr_multicast, 4, num_dests, linked, 1, 1, 1, noc, TTEMU_HERE);
}

// ---- pages and shards of a tensor

template <typename AddrGen, bool enable_noc_tracing = true>
FORCE_INLINE void noc_async_read_page(
    const uint32_t id, const AddrGen& addrgen, uint32_t dst_local_l1_addr, uint32_t offset = 0, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_read(addrgen.get_noc_addr(id, offset, noc), dst_local_l1_addr, addrgen.get_aligned_page_size(), noc, 0, TTEMU_HERE);
}

template <typename AddrGen, bool enable_noc_tracing = true, bool posted = false>
FORCE_INLINE void noc_async_write_page(
    const uint32_t id, const AddrGen& addrgen, uint32_t src_local_l1_addr, uint32_t size = 0, uint32_t offset = 0,
    uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_write(
        src_local_l1_addr, addrgen.get_noc_addr(id, offset, noc), size ? size : addrgen.get_aligned_page_size(), noc, 0, TTEMU_HERE);
}

template <typename DSpec>
[[deprecated("Use <typename AddrGen> noc_async_read_page instead.")]]
FORCE_INLINE void noc_async_read_tile(
    const uint32_t id, const TensorAccessor<DSpec>& addrgen, uint32_t dst_local_l1_addr, uint32_t offset = 0, uint8_t noc = noc_index,
    TTEMU_WHERE) {
    noc_async_read_page(id, addrgen, dst_local_l1_addr, offset, noc, TTEMU_HERE);
}

template <typename DSpec>
[[deprecated("Use <typename AddrGen> noc_async_write_page instead.")]]
FORCE_INLINE void noc_async_write_tile(
    const uint32_t id, const TensorAccessor<DSpec>& addrgen, uint32_t src_local_l1_addr, uint8_t noc = noc_index, TTEMU_WHERE) {
    noc_async_write_page(id, addrgen, src_local_l1_addr, 0, 0, noc, TTEMU_HERE);
}

template <typename DSpec>
FORCE_INLINE void noc_async_read_shard(
    const uint32_t shard_id, const TensorAccessor<DSpec>& s, std::uint32_t dst_local_l1_addr, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_read(
        s.get_shard_noc_addr(shard_id, 0, noc), dst_local_l1_addr, s.get_aligned_page_size() * static_cast<uint32_t>(s.dspec().shard_volume()),
        noc, 0, TTEMU_HERE);
}

template <typename DSpec, bool posted = false>
FORCE_INLINE void noc_async_write_shard(
    const uint32_t shard_id, const TensorAccessor<DSpec>& s, std::uint32_t src_local_l1_addr, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_write(
        src_local_l1_addr, s.get_shard_noc_addr(shard_id, 0, noc), s.get_aligned_page_size() * static_cast<uint32_t>(s.dspec().shard_volume()),
        noc, 0, TTEMU_HERE);
}

// ---- barriers

inline void noc_async_read_barrier(uint8_t noc = noc_index, TTEMU_WHERE) { ttemu_noc_barrier(ttemu::kReads, noc, TTEMU_HERE); }
FORCE_INLINE void noc_async_write_barrier(uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_barrier(ttemu::kWritesAcknowledged, noc, TTEMU_HERE);
}
FORCE_INLINE void noc_async_writes_flushed(uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_barrier(ttemu::kWritesFlushed, noc, TTEMU_HERE);
}
FORCE_INLINE void noc_async_posted_writes_flushed(uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_barrier(ttemu::kWritesFlushed, noc, TTEMU_HERE);
}
FORCE_INLINE void noc_async_atomic_barrier(uint8_t noc_idx = noc_index, TTEMU_WHERE) { ttemu_noc_barrier(ttemu::kAtomics, noc_idx, TTEMU_HERE); }
FORCE_INLINE void noc_async_full_barrier(uint8_t noc_idx = noc_index, TTEMU_WHERE) {
    ttemu_noc_barrier(ttemu::kReads | ttemu::kWritesAcknowledged | ttemu::kAtomics, noc_idx, TTEMU_HERE);
}
FORCE_INLINE void noc_async_read_set_trid(uint32_t trid = 0, uint8_t noc = noc_index) { ttemu_noc_set_trid(0, trid, noc); }
FORCE_INLINE void noc_async_write_set_trid(uint32_t trid = 0, uint8_t noc = noc_index) { ttemu_noc_set_trid(1, trid, noc); }
FORCE_INLINE void noc_async_read_barrier_with_trid(uint32_t trid, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_barrier_trid(ttemu::kReads, trid, noc, TTEMU_HERE);
}
FORCE_INLINE void noc_async_write_barrier_with_trid(uint32_t trid, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_barrier_trid(ttemu::kWritesAcknowledged, trid, noc, TTEMU_HERE);
}
FORCE_INLINE void noc_async_write_flushed_with_trid(uint32_t trid, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_barrier_trid(ttemu::kWritesFlushed, trid, noc, TTEMU_HERE);
}

// ---- semaphores and words

template <ProgrammableCoreType type = ProgrammableCoreType::TENSIX>
FORCE_INLINE uint32_t get_semaphore(uint32_t semaphore_id, TTEMU_WHERE) {
    return ttemu_semaphore_address(semaphore_id, TTEMU_HERE);
}

FORCE_INLINE void noc_semaphore_wait(volatile tt_l1_ptr uint32_t* sem_addr, uint32_t val, TTEMU_WHERE) {
    ttemu_semaphore_wait(reinterpret_cast<uintptr_t>(sem_addr), val, 0, TTEMU_HERE);
}
FORCE_INLINE void noc_semaphore_wait_min(volatile tt_l1_ptr uint32_t* sem_addr, uint32_t val, TTEMU_WHERE) {
    ttemu_semaphore_wait(reinterpret_cast<uintptr_t>(sem_addr), val, 1, TTEMU_HERE);
}
FORCE_INLINE void noc_semaphore_set(volatile tt_l1_ptr uint32_t* sem_addr, uint32_t val, TTEMU_WHERE) {
    ttemu_semaphore_set(reinterpret_cast<uintptr_t>(sem_addr), val, TTEMU_HERE);
}
inline void noc_semaphore_set_remote(
    std::uint32_t src_local_l1_addr, std::uint64_t dst_noc_addr, uint8_t noc = noc_index, TTEMU_WHERE) {
    ttemu_noc_write(src_local_l1_addr, dst_noc_addr, 4, noc, 1, TTEMU_HERE);
}
template <bool posted = false>
FORCE_INLINE void noc_semaphore_inc(
    uint64_t addr, uint32_t incr, uint8_t noc_id = noc_index, uint8_t vc = NOC_UNICAST_WRITE_VC, TTEMU_WHERE) {
    (void)vc;
    ttemu_noc_increment(addr, incr, noc_id, TTEMU_HERE);
}
template <bool posted = false>
FORCE_INLINE void noc_semaphore_inc_multicast(
    uint64_t addr, uint32_t incr, uint32_t num_dests, uint8_t noc_id = noc_index, uint8_t vc = NOC_MULTICAST_WRITE_VC, TTEMU_WHERE) {
    (void)vc;
    ttemu_noc_increment_multicast(addr, incr, num_dests, noc_id, TTEMU_HERE);
}
template <InlineWriteDst dst_type = InlineWriteDst::DEFAULT, bool posted = false, bool flush = true>
FORCE_INLINE void noc_inline_dw_write(
    uint64_t addr, uint32_t val, uint8_t be = 0xF, uint8_t noc = noc_index, uint8_t vc = NOC_UNICAST_WRITE_VC,
    uint32_t customized_src_addr = 0, TTEMU_WHERE) {
    (void)vc;
    (void)customized_src_addr;
    ttemu_noc_inline_write(addr, val, be, noc, TTEMU_HERE);
}

FORCE_INLINE void invalidate_l1_cache(TTEMU_WHERE) { ttemu_yield(TTEMU_HERE); }
