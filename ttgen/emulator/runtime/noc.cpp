// The API of movement. A read lands at any time before its barrier; a write samples its source until it is flushed and lands at any time
// before it is acknowledged, in order within one NoC; atomics are ordered with nothing.
#include <algorithm>
#include <cstring>

#include "noc.hpp"

namespace ttemu {

namespace {

Movement& issue_write(Fiber& fiber, uint32_t noc, uint32_t l1, uint32_t bytes, Where where) {
    NocQueues& q = fiber.nocs[noc];
    progress(q);
    Movement m;
    m.kind = Movement::Kind::Write;
    m.from = local_endpoint(*fiber.core, l1);
    m.bytes = bytes;
    m.where = where;
    m.trid = q.trid[1];
    m.epoch = q.epoch;
    find_plain_stores(m.from.data, fiber.core->shadow, l1, bytes);
    if (!fiber.core->shadow.all(l1, bytes)) {
        note(where, "uninitialised-data", format("a write sends bytes from %#x that nobody wrote", l1));
    }
    m.sample.assign(m.from.data, m.from.data + bytes);
    m.sampled = Shadow(bytes);
    Shadow::copy(m.sampled, 0, fiber.core->shadow, l1, bytes);
    Where issued;
    check_read_back(fiber, l1, bytes, "sends", where);
    if (overlaps_pending_read(fiber, l1, bytes, issued)) {
        error(where, "read-before-barrier", format("writes data whose read, issued at line %u, has had no barrier", issued.line));
    }
    q.writes.push_back(std::move(m));
    return q.writes.back();
}

void check_unlinked(NocQueues& q, Where where) {
    if (q.linked) {
        error(where, "linked-not-closed", format("a command on this NoC before the unlinked multicast that closes the linked one of line %u", q.linked_at.line));
        q.linked = false;
    }
}

}  // namespace
}  // namespace ttemu

using namespace ttemu;

extern "C" {

uint64_t ttemu_bank_address(int dram, uint32_t bank, uint32_t address, uint32_t) {
    uint64_t x = kDramX, y = bank;
    if (dram == 0) {
        x = noc_x(bank % arch().cols);
        y = noc_y(bank / arch().cols);
    }
    return y << 42 | x << 36 | address;
}

void ttemu_noc_read(uint64_t source, uint32_t l1, uint32_t bytes, uint32_t noc, int one_packet, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_noc(noc, where);
    check_packet(bytes, one_packet, where);
    if (bytes == 0) {
        return;
    }
    Fiber& fiber = self();
    NocQueues& q = fiber.nocs[noc];
    check_unlinked(q, where);
    progress(q);
    Movement m;
    m.kind = Movement::Kind::Read;
    m.from = resolve(source, bytes, where);
    check_local_range(*fiber.core, fiber.thread, l1, bytes, Access::Fill, where);
    check_alignment(m.from, l1, true, where);
    Where issued;
    if (overlaps_pending_write(fiber, l1, bytes, issued)) {
        error(where, "write-not-flushed", format("reads into memory that the write issued at line %u still sends", issued.line));
    }
    m.to.push_back(local_endpoint(*fiber.core, l1));
    m.bytes = bytes;
    m.trid = q.trid[0];
    m.where = where;
    Counters& counters = fiber.core->counters;
    counters.noc_bytes += bytes;
    if (m.from.core == nullptr) {
        counters.dram_read_bytes += bytes;
    }
    q.reads.push_back(std::move(m));
}

void ttemu_noc_write(uint32_t l1, uint64_t destination, uint32_t bytes, uint32_t noc, int one_packet, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_noc(noc, where);
    check_packet(bytes, one_packet, where);
    if (bytes == 0) {
        return;
    }
    Fiber& fiber = self();
    check_unlinked(fiber.nocs[noc], where);
    Endpoint to = resolve(destination, bytes, where);
    check_local_range(*fiber.core, fiber.thread, l1, bytes, Access::Use, where);
    check_alignment(to, l1, false, where);
    Counters& counters = fiber.core->counters;
    const bool semaphore = bytes == 4 && is_semaphore(l1);
    if (!semaphore) {
        counters.noc_bytes += bytes;
    }
    if (to.core == nullptr) {
        counters.dram_write_bytes += bytes;
    }
    Movement& m = issue_write(fiber, noc, l1, bytes, where);
    m.semaphore = semaphore;
    m.to.push_back(to);
}

void ttemu_noc_multicast(
    uint32_t l1, uint64_t address, uint32_t bytes, uint32_t destinations, int linked, int loopback, int semaphore, int one_packet, uint32_t noc,
    TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_noc(noc, where);
    check_packet(bytes, one_packet, where);
    Fiber& fiber = self();
    NocQueues& q = fiber.nocs[noc];
    std::vector<Endpoint> to = rectangle(fiber, address, bytes, destinations, loopback != 0, noc, where);
    check_local_range(*fiber.core, fiber.thread, l1, bytes, Access::Use, where);
    check_alignment(to.front(), l1, false, where);
    q.linked = linked != 0;
    q.linked_at = where;
    Counters& counters = fiber.core->counters;
    if (semaphore == 0) {
        counters.noc_bytes += bytes;
        ++counters.multicasts;
    }
    Movement& m = issue_write(fiber, noc, l1, bytes, where);
    m.semaphore = semaphore != 0;
    m.to = std::move(to);
    maybe_yield();
}

void ttemu_noc_inline_write(uint64_t destination, uint32_t value, uint32_t byte_enable, uint32_t noc, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_noc(noc, where);
    if (byte_enable != 0xF || local_of(destination) % 4 != 0) {
        error(where, "misaligned-address", "an inline write of anything but a whole aligned word isn't modelled");
    }
    Fiber& fiber = self();
    Movement m;
    m.kind = Movement::Kind::Write;
    m.inline_value = true;
    m.bytes = 4;
    m.where = where;
    m.sample.resize(4);
    std::memcpy(m.sample.data(), &value, 4);
    m.to.push_back(resolve(destination, 4, where));
    fiber.nocs[noc].writes.push_back(std::move(m));
}

void ttemu_noc_increment(uint64_t destination, uint32_t value, uint32_t noc, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_noc(noc, where);
    Fiber& fiber = self();
    NocQueues& q = fiber.nocs[noc];
    progress(q);
    Movement m;
    m.kind = Movement::Kind::Increment;
    m.value = value;
    m.where = where;
    m.to.push_back(resolve(destination, 4, where));
    if (m.to.front().core == nullptr || local_of(destination) % 4 != 0) {
        fatal(where, "misaligned-address", "an increment must address an aligned word of a core's L1");
    }
    ++fiber.core->counters.semaphore_increments;
    q.increments.push_back(std::move(m));
    maybe_yield();
}

void ttemu_noc_increment_multicast(uint64_t address, uint32_t value, uint32_t destinations, uint32_t noc, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_noc(noc, where);
    Fiber& fiber = self();
    Movement m;
    m.kind = Movement::Kind::Increment;
    m.value = value;
    m.where = where;
    m.to = rectangle(fiber, address, 4, destinations, false, noc, where);
    ++fiber.core->counters.semaphore_increments;
    fiber.nocs[noc].increments.push_back(std::move(m));
}

void ttemu_noc_barrier(uint32_t kinds, uint32_t noc, TTEMU_AT) { ttemu_noc_barrier_trid(kinds, ~0u, noc, file, line); }

void ttemu_noc_barrier_trid(uint32_t kinds, uint32_t trid, uint32_t noc, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_noc(noc, where);
    NocQueues& q = self().nocs[noc];
    if ((kinds & kReads) != 0) {
        for (std::size_t i = 0; i < q.reads.size();) {
            if (trid != ~0u && q.reads[i].trid != trid) {
                ++i;
                continue;
            }
            if (!q.reads[i].landed) {
                land_read(q.reads[i]);
            }
            q.reads.erase(q.reads.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    if ((kinds & kWritesFlushed) != 0) {
        ++q.epoch;
        for (Movement& m : q.writes) {
            sample(m);
            m.flushed = true;
        }
    }
    if ((kinds & kWritesAcknowledged) != 0) {
        for (Movement& m : q.writes) {
            sample(m);
        }
        while (land_next_write(q.writes)) {
        }
        q.writes.clear();
    }
    if ((kinds & kAtomics) != 0) {
        while (land_next_increment(q.increments)) {
        }
        q.increments.clear();
    }
    maybe_yield();
}

void ttemu_noc_set_state(int write, uint64_t address, uint32_t bytes, uint32_t noc) {
    NocQueues& q = self().nocs[noc & 1];
    q.state_address[write] = address;
    q.state_bytes[write] = bytes;
}

void ttemu_noc_with_state(int write, uint32_t remote, uint32_t l1, uint32_t bytes, uint32_t noc, TTEMU_AT) {
    const NocQueues& q = self().nocs[noc & 1];
    const uint64_t address = (q.state_address[write] & ~uint64_t{0xFFFFFFFF}) | remote;
    const int one_packet = bytes == 0;
    const uint32_t size = bytes != 0 ? bytes : q.state_bytes[write];
    if (write != 0) {
        ttemu_noc_write(l1, address, size, noc, one_packet, file, line);
    } else {
        ttemu_noc_read(address, l1, size, noc, one_packet, file, line);
    }
}

void ttemu_noc_set_trid(int write, uint32_t trid, uint32_t noc) { self().nocs[noc & 1].trid[write] = trid; }

}  // extern "C"
