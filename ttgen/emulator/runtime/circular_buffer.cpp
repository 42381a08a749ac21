// Circular buffers: counters shared by producer and consumer, pointers of each processor's own, exact wrapping.
#include "machine.hpp"

namespace ttemu {

namespace {

bool ring_contains(uint32_t ring, uint32_t start, uint32_t length, uint32_t offset, uint32_t bytes) {
    const uint32_t distance = offset >= start ? offset - start : offset + ring - start;
    return distance + bytes <= length;
}

// The pages that are pushed and not yet popped begin where the next pop begins.
bool touches_live(const CircularBuffer& cb, uint32_t address, uint32_t bytes) {
    if (cb.live() == 0 || !overlap(cb.address, cb.bytes, address, bytes)) {
        return false;
    }
    for (uint32_t i = 0; i < cb.live(); ++i) {
        const uint32_t page = (cb.acknowledged + i) % cb.pages;
        if (overlap(cb.address + page * cb.page_bytes, cb.page_bytes, address, bytes)) {
            return true;
        }
    }
    return false;
}

const char* thread_of(int thread) { return thread < 0 ? "nobody" : name_of(static_cast<Thread>(thread)); }

// Moves a pointer on and wraps it, which works only when it meets the end exactly.
void advance(CircularBuffer& cb, uint32_t& pointer, uint32_t pages, const char* call, Where where) {
    pointer += pages * cb.page_bytes;
    if (pointer == cb.bytes) {
        pointer = 0;
    } else if (pointer > cb.bytes) {
        fatal(where, "cb-wrap", format("%s(cb %u, %u): the pointer passes the end of the buffer (%u pages) instead of meeting it", call, cb.index,
                                       pages, cb.pages));
    }
}

bool has_room(const Fiber& fiber) {
    const CircularBuffer& cb = *fiber.core->cbs[fiber.wait.a];
    return cb.pages - cb.live() >= fiber.wait.b;
}

// Several indices on one allocation: what is packed through one may be pushed through another.
bool shares_memory(const Core& core, const CircularBuffer& cb) {
    for (const CircularBuffer* other : core.used_cbs) {
        if (other != &cb && overlap(other->address, other->bytes, cb.address, cb.bytes)) {
            return true;
        }
    }
    return false;
}

void forget_page(Core& core, const CircularBuffer& cb, uint32_t offset) {
    for (const CircularBuffer* other : core.used_cbs) {
        if (other != &cb && touches_live(*other, cb.address + offset, cb.page_bytes)) {
            return;  // another buffer on the same memory still needs it: writing there is reported when it happens
        }
    }
    poison(core.l1 + cb.address + offset, cb.address + offset, cb.page_bytes);
    core.shadow.set(cb.address + offset, cb.page_bytes, false);
}

bool has_data(const Fiber& fiber) { return fiber.core->cbs[fiber.wait.a]->live() >= fiber.wait.b; }

}  // namespace

CircularBuffer& cb_of(uint32_t index, Where where) {
    Core& core = *self().core;
    if (index >= arch().cb_count || core.cbs[index] == nullptr) {
        fatal(where, "cb-missing", format("circular buffer %u isn't declared on core (%u,%u)", index, core.x, core.y));
    }
    return *core.cbs[index];
}

void check_local_range(Core& core, Thread thread, uint32_t address, uint32_t bytes, Access access, Where where) {
    if (address < kSemaphoreBase || uint64_t{address} + bytes > arch().l1_bytes) {
        fatal(where, is_poison(address) ? "uninitialised-data" : "out-of-range",
              is_poison(address) ? format("an L1 address, %#x, that was read from memory never written", address)
                                 : format("L1 address %#x, %u bytes: outside L1", address, bytes));
    }
    const CircularBuffer* unready = nullptr;
    const CircularBuffer* crossed = nullptr;
    bool allowed = false;
    for (const CircularBuffer* cb : core.used_cbs) {
        if (!overlap(cb->address, cb->bytes, address, bytes)) {
            continue;
        }
        if (address < cb->address || address + bytes > cb->address + cb->bytes) {
            crossed = cb;
            continue;
        }
        const CircularBuffer::Local& local = cb->local[static_cast<int>(thread)];
        const uint32_t offset = address - cb->address;
        if (cb->on_buffer != nullptr || ring_contains(cb->bytes, local.write, local.reserved * cb->page_bytes, offset, bytes) ||
            ring_contains(cb->bytes, local.read, local.waited * cb->page_bytes, offset, bytes)) {
            allowed = true;
            break;
        }
        unready = cb;
    }
    if (!allowed && unready != nullptr) {
        if (access == Access::Fill) {
            error(where, "cb-write-unreserved", format("writes %u bytes at %#x, in circular buffer %u, where this kernel hasn't reserved pages (%u reserved)",
                                                       bytes, address, unready->index, unready->local[static_cast<int>(thread)].reserved));
        } else {
            error(where, "cb-read-unwaited", format("reads %u bytes at %#x, in circular buffer %u, where this kernel hasn't waited for pages (%u waited for)",
                                                    bytes, address, unready->index, unready->local[static_cast<int>(thread)].waited));
        }
        return;
    }
    if (!allowed && crossed != nullptr) {
        fatal(where, "out-of-range", format("%u bytes at %#x run past circular buffer %u (%#x to %#x)", bytes, address, crossed->index,
                                            crossed->address, crossed->address + crossed->bytes));
    }
    if (!allowed) {
        uint32_t position;
        if (address + bytes > kSemaphoreBase + kSemaphores * kSemaphoreStride &&
            find_buffer(false, core.index, address, bytes, position) == nullptr) {
            fatal(where, "out-of-range", format("%u bytes at %#x: nothing is allocated there in L1", bytes, address));
        }
    }
    if (access == Access::Fill) {
        check_not_live(core, address, bytes, -1, where);
    }
}

void check_not_live(Core& core, uint32_t address, uint32_t bytes, int except_cb, Where where) {
    for (const CircularBuffer* cb : core.used_cbs) {
        if (static_cast<int>(cb->index) != except_cb && cb->on_buffer == nullptr && touches_live(*cb, address, bytes)) {
            error(where, "cb-overwrite", format("writes %u bytes at %#x on core (%u,%u), over pages of circular buffer %u that are pushed and not yet popped",
                                                bytes, address, core.x, core.y, cb->index));
        }
    }
}

// A page that the packer fills. Where another buffer in the same memory holds it, nobody but this core's unpacker may, which
// then reads it no more: that it did so before is shown by what it reads after.
void pack_over(Core& core, CircularBuffer& cb, uint32_t address, uint32_t bytes, Where where) {
    for (CircularBuffer* other : core.used_cbs) {
        if (other == &cb || !overlap(other->address, other->bytes, address, bytes)) {
            continue;
        }
        if (other->on_buffer != nullptr || other->consumer != static_cast<int>(Thread::Unpack)) {
            check_not_live(core, address, bytes, static_cast<int>(cb.index), where);
            continue;
        }
        other->overwritten.resize(other->pages);
        for (uint32_t page = 0; page < other->pages; ++page) {
            if (overlap(other->address + page * other->page_bytes, other->page_bytes, address, bytes)) {
                other->overwritten[page] = where;
            }
        }
    }
    if (!cb.overwritten.empty()) {
        cb.overwritten[(address - cb.address) / cb.page_bytes] = {};
    }
}

void check_not_packed_over(CircularBuffer& cb, uint32_t offset, Where where) {
    if (!cb.overwritten.empty() && cb.overwritten[offset / cb.page_bytes].file != nullptr) {
        error(where, "cb-overwrite", format("reads page %u of circular buffer %u, over which another buffer was packed at line %u", offset / cb.page_bytes,
                                            cb.index, cb.overwritten[offset / cb.page_bytes].line));
    }
}

// What comes from another core needs room that this one has reserved. A buffer that nobody fills here is plain memory.
void check_reserved(Core& core, uint32_t address, uint32_t bytes, Where where) {
    for (const CircularBuffer* cb : core.used_cbs) {
        if (cb->on_buffer != nullptr || cb->producer < 0 || !overlap(cb->address, cb->bytes, address, bytes)) {
            continue;
        }
        const CircularBuffer::Local& local = cb->local[cb->producer];
        if (!ring_contains(cb->bytes, local.write, local.reserved * cb->page_bytes, address - cb->address, bytes)) {
            error(where, "cb-write-unreserved", format("writes %u bytes at %#x on core (%u,%u), in circular buffer %u, where %s hasn't reserved pages for them (%u reserved)",
                                                       bytes, address, core.x, core.y, cb->index, thread_of(cb->producer), local.reserved));
        }
    }
}

void check_drained(Core& core) {
    for (const CircularBuffer* cb : core.used_cbs) {
        if (cb->live() == 0 || cb->on_buffer != nullptr) {
            continue;
        }
        const std::vector<uint64_t>& given = settings().resident;
        const bool resident = given.empty() ? cb->acknowledged == 0 : (given[machine().programs % given.size()] >> cb->index & 1) != 0;
        if (!resident) {
            machine().running = cb->consumer >= 0 ? core.fiber(static_cast<Thread>(cb->consumer)) : core.fiber(static_cast<Thread>(cb->producer));
            error(cb->acknowledged > 0 ? cb->last_pop : cb->last_push, "cb-not-drained", format("circular buffer %u of core (%u,%u) holds %u pages at the end (%s pushed %u, %s popped %u)",
                                                         cb->index, core.x, core.y, cb->live(), thread_of(cb->producer), cb->received,
                                                         thread_of(cb->consumer), cb->acknowledged));
            machine().running = nullptr;
        }
    }
}

}  // namespace ttemu

using namespace ttemu;

extern "C" {

void ttemu_cb_reserve(uint32_t index, uint32_t pages, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    maybe_yield();
    CircularBuffer& cb = cb_of(index, where);
    if (pages > cb.pages) {
        fatal(where, "cb-overflow", format("cb_reserve_back(cb %u, %u): the buffer has %u pages", index, pages, cb.pages));
    }
    if (cb.producer < 0) {
        cb.producer = static_cast<int>(self().thread);
    }
    block({has_room, index, pages, Wait::For::Room}, where);
    CircularBuffer::Local& local = cb.local[static_cast<int>(self().thread)];
    const bool movement = self().thread == Thread::Reader || self().thread == Thread::Writer;
    for (; local.reserved < pages; ++local.reserved) {
        // What a page held before its consumer popped it is nothing to rely on, except for a packer that accumulates in L1.
        if (movement && cb.on_buffer == nullptr) {
            forget_page(*self().core, cb, (local.write + local.reserved * cb.page_bytes) % cb.bytes);
        }
    }
}

void ttemu_cb_push(uint32_t index, uint32_t pages, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    CircularBuffer& cb = cb_of(index, where);
    Fiber& fiber = self();
    CircularBuffer::Local& local = cb.local[static_cast<int>(fiber.thread)];
    if (cb.live() + pages > cb.pages) {
        fatal(where, "cb-overflow", format("cb_push_back(cb %u, %u): %u of its %u pages are already filled", index, pages, cb.live(), cb.pages));
    }
    if (pages > local.reserved) {
        error(where, "cb-push-unreserved", format("cb_push_back(cb %u, %u): only %u pages are reserved", index, pages, local.reserved));
    }
    if (cb.producer >= 0 && cb.producer != static_cast<int>(fiber.thread)) {
        error(where, "cb-two-producers", format("circular buffer %u is filled by %s and by %s", index, thread_of(cb.producer), name_of(fiber.thread)));
    }
    cb.producer = static_cast<int>(fiber.thread);
    Where issued;
    for (uint32_t i = 0; i < pages; ++i) {
        const uint32_t page = cb.address + (local.write + i * cb.page_bytes) % cb.bytes;
        check_read_back(fiber, page, cb.page_bytes, "pushes", where);
        if (overlaps_pending_read(fiber, page, cb.page_bytes, issued)) {
            error(where, "read-before-barrier", format("cb_push_back(cb %u, %u) before the barrier of the read issued at line %u", index, pages, issued.line));
            break;
        }
    }
    if (fiber.thread == Thread::Pack && cb.on_buffer == nullptr && !shares_memory(*fiber.core, cb) && local.filled < pages * cb.page_bytes) {
        error(where, "cb-push-unwritten", format("cb_push_back(cb %u, %u): only %u of %u bytes were packed", index, pages, local.filled, pages * cb.page_bytes));
    }
    advance(cb, local.write, pages, "cb_push_back", where);
    local.reserved -= pages < local.reserved ? pages : local.reserved;
    local.packed = 0;
    local.filled -= pages * cb.page_bytes < local.filled ? pages * cb.page_bytes : local.filled;
    cb.last_push = where;
    cb.received += pages;
    cb.deepest = cb.live() > cb.deepest ? cb.live() : cb.deepest;
    wake(*fiber.core);
    maybe_yield();
}

void ttemu_cb_wait(uint32_t index, uint32_t pages, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    maybe_yield();
    CircularBuffer& cb = cb_of(index, where);
    if (pages > cb.pages) {
        fatal(where, "cb-underflow", format("cb_wait_front(cb %u, %u): the buffer has %u pages", index, pages, cb.pages));
    }
    if (cb.consumer < 0) {
        cb.consumer = static_cast<int>(self().thread);
    }
    block({has_data, index, pages, Wait::For::Pages}, where);
    uint32_t& waited = cb.local[static_cast<int>(self().thread)].waited;
    waited = waited > pages ? waited : pages;
}

void ttemu_cb_pop(uint32_t index, uint32_t pages, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    CircularBuffer& cb = cb_of(index, where);
    Fiber& fiber = self();
    CircularBuffer::Local& local = cb.local[static_cast<int>(fiber.thread)];
    if (pages > cb.live()) {
        fatal(where, "cb-underflow", format("cb_pop_front(cb %u, %u): it holds %u pages", index, pages, cb.live()));
    }
    if (pages > local.waited) {
        error(where, "cb-pop-unwaited", format("cb_pop_front(cb %u, %u): only %u pages were waited for", index, pages, local.waited));
    }
    if (cb.consumer >= 0 && cb.consumer != static_cast<int>(fiber.thread) && cb.acknowledged > 0) {
        error(where, "cb-two-consumers", format("circular buffer %u is emptied by %s and by %s", index, thread_of(cb.consumer), name_of(fiber.thread)));
    }
    cb.consumer = static_cast<int>(fiber.thread);
    Where issued;
    for (uint32_t i = 0; i < pages; ++i) {
        if (overlaps_pending_write(fiber, cb.address + (local.read + i * cb.page_bytes) % cb.bytes, cb.page_bytes, issued)) {
            error(where, "write-not-flushed", format("cb_pop_front(cb %u, %u) before the write issued at line %u was flushed", index, pages, issued.line));
            break;
        }
    }
    advance(cb, local.read, pages, "cb_pop_front", where);
    local.waited -= pages < local.waited ? pages : local.waited;
    cb.acknowledged += pages;
    cb.last_pop = where;
    wake(*fiber.core);
    maybe_yield();
}

uint32_t ttemu_cb_pointer(uint32_t index, int write, TTEMU_AT) {
    at({file, line});
    const CircularBuffer& cb = cb_of(index, {file, line});
    const CircularBuffer::Local& local = cb.local[static_cast<int>(self().thread)];
    return cb.address + (write != 0 ? local.write : local.read);
}

int ttemu_cb_ready(uint32_t index, uint32_t pages, int write, TTEMU_AT) {
    ttemu_yield(file, line);
    const CircularBuffer& cb = cb_of(index, {file, line});
    return write != 0 ? cb.pages - cb.live() >= pages : cb.live() >= pages;
}

}  // extern "C"
