// When movement lands. With seed 0 as late as it can: at its barrier, or when no kernel can run.
#include <algorithm>
#include <cstring>

#include "noc.hpp"

namespace ttemu {

namespace {

void place_bytes(const Movement& m, const uint8_t* source, const Shadow* from, std::size_t from_offset, const Endpoint& to) {
    if (to.core != nullptr && m.kind == Movement::Kind::Write && to.core != m.from.core) {
        check_not_live(*to.core, to.address, m.bytes, -1, m.where);
        check_reserved(*to.core, to.address, m.bytes, m.where);
    }
    std::memmove(to.data, source, m.bytes);
    if (from != nullptr) {
        Shadow::copy(*to.shadow, to.shadow_offset, *from, from_offset, m.bytes);
        if (to.core != nullptr && !from->all(from_offset, m.bytes)) {
            poison_unwritten(to.data, *to.shadow, to.shadow_offset, m.bytes);
        }
    } else {
        to.shadow->set(to.shadow_offset, m.bytes, true);
    }
    if (to.buffer != nullptr && m.kind == Movement::Kind::Write) {
        to.buffer->count_write(to.position, to.address - to.buffer->address, m.bytes);
    }
}

void land_write(Movement& m) {
    const bool inline_value = m.inline_value;
    for (const Endpoint& to : m.to) {
        const Shadow* from = inline_value ? nullptr : m.from.shadow;
        place_bytes(m, m.sample.data(), from, m.from.shadow_offset, to);
        if (to.core != nullptr) {
            wake(*to.core);
        }
    }
}

void land_increment(Movement& m) {
    for (const Endpoint& to : m.to) {
        uint32_t value;
        std::memcpy(&value, to.data, 4);
        value += m.value;
        std::memcpy(to.data, &value, 4);
        SemaphoreWatch& watch = semaphore_watch(*to.core, to.address);
        watch.unseen += static_cast<int32_t>(m.value);
        watch.last = m.where;
        watch.by = machine().running;
        wake(*to.core);
    }
}

// Which write of a queue may land next, or none. Wormhole keeps a NoC's writes in order. On Blackhole a semaphore may overtake data that
// wasn't flushed before it was sent.
Movement* next_write(std::deque<Movement>& writes) {
    Movement* first = nullptr;
    for (Movement& m : writes) {
        if (m.landed) {
            continue;
        }
        if (first == nullptr) {
            first = &m;
            if (!arch().blackhole) {
                break;
            }
        } else if (m.epoch != first->epoch) {
            break;
        } else if (m.semaphore) {
            return &m;
        }
    }
    return first;
}

}  // namespace

void land_read(Movement& m) {
    find_plain_stores(m.from.data, *m.from.shadow, m.from.shadow_offset, m.from.core != nullptr ? m.bytes : 0);
    place_bytes(m, m.from.data, m.from.shadow, m.from.shadow_offset, m.to.front());
    if (m.from.buffer != nullptr) {
        m.from.buffer->read_bytes += m.bytes;
    }
}

// The data leaves the core: what is at the source now is what was there when the write was issued, or a kernel reused the page too early.
void sample(Movement& m) {
    if (!m.flushed && !m.inline_value && std::memcmp(m.sample.data(), m.from.data, m.bytes) != 0) {
        error(m.where, "write-not-flushed", format("the %u bytes at %#x changed before this write was flushed", m.bytes, m.from.address));
        std::memcpy(m.sample.data(), m.from.data, m.bytes);
    }
}

bool land_next_write(std::deque<Movement>& writes) {
    Movement* m = next_write(writes);
    if (m == nullptr) {
        return false;
    }
    sample(*m);
    m->landed = true;
    land_write(*m);
    return true;
}

bool land_next_increment(std::deque<Movement>& increments) {
    const std::size_t start = settings().seed != 0 && !increments.empty() ? machine().random() % increments.size() : 0;
    for (std::size_t i = 0; i < increments.size(); ++i) {
        Movement& m = increments[(start + i) % increments.size()];
        if (!m.landed) {
            m.landed = true;
            land_increment(m);
            return true;
        }
    }
    return false;
}

// With a seed, some of what is under way lands early.
void progress(NocQueues& q) {
    if (settings().seed == 0) {
        return;
    }
    if (!q.reads.empty() && machine().chance(2)) {
        Movement& m = q.reads[machine().random() % q.reads.size()];
        if (!m.landed) {
            m.landed = true;
            land_read(m);
        }
    }
    if (machine().chance(3)) {
        land_next_write(q.writes);
    }
    if (machine().chance(3)) {
        land_next_increment(q.increments);
    }
}

bool overlaps_pending_read(const Fiber& fiber, uint32_t address, uint32_t bytes, Where& issued) {
    for (const NocQueues& q : fiber.nocs) {
        for (const Movement& m : q.reads) {
            if (overlap(m.to.front().address, m.bytes, address, bytes)) {
                issued = m.where;
                return true;
            }
        }
    }
    return false;
}

bool overlaps_pending_write(const Fiber& fiber, uint32_t address, uint32_t bytes, Where& issued) {
    for (const NocQueues& q : fiber.nocs) {
        for (const Movement& m : q.writes) {
            if (!m.flushed && !m.inline_value && overlap(m.from.address, m.bytes, address, bytes)) {
                issued = m.where;
                return true;
            }
        }
    }
    return false;
}

bool land_everything() {
    // One at a time: between two landings, whoever was waiting for the first may run. Increments first, as nothing orders them after data.
    Machine& m = machine();
    Fiber* const before = m.running;
    const std::size_t start = settings().seed != 0 ? m.random() % m.cores.size() : 0;
    for (std::size_t i = 0; i < m.cores.size(); ++i) {
        for (const auto& fiber : m.cores[(start + i) % m.cores.size()]->fibers) {
            for (NocQueues& q : fiber->nocs) {
                m.running = fiber.get();  // whose fault it is, if it is one
                const bool landed = land_next_increment(q.increments);
                m.running = before;
                if (landed) {
                    return true;
                }
            }
        }
    }
    for (std::size_t i = 0; i < m.cores.size(); ++i) {
        for (const auto& fiber : m.cores[(start + i) % m.cores.size()]->fibers) {
            for (NocQueues& q : fiber->nocs) {
                m.running = fiber.get();
                const bool landed = land_next_write(q.writes);
                m.running = before;
                if (landed) {
                    return true;
                }
            }
        }
    }
    return false;
}

void check_nothing_under_way(Fiber& fiber) {
    for (NocQueues& q : fiber.nocs) {
        if (q.linked) {
            error(q.linked_at, "linked-not-closed", "a linked multicast that no unlinked one closes");
        }
        if (!q.reads.empty()) {
            error(q.reads.front().where, "noc-not-drained", "the kernel ends while this read is under way (no read barrier)");
        }
        if (!q.writes.empty()) {
            error(q.writes.front().where, "noc-not-drained", "the kernel ends while this write is under way (no write barrier)");
        }
        if (!q.increments.empty()) {
            error(q.increments.front().where, "noc-not-drained", "the kernel ends while this increment is under way (no atomic barrier)");
        }
        for (Movement& m : q.reads) {
            if (!m.landed) {
                land_read(m);
            }
        }
        q.reads.clear();
    }
}

}  // namespace ttemu
