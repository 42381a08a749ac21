// Semaphores: words of L1 that kernels of other cores increment or set.
#include <algorithm>
#include <cstring>

#include "noc.hpp"

namespace ttemu {

SemaphoreWatch& semaphore_watch(Core& core, uint32_t address) {
    for (SemaphoreWatch& watch : core.semaphores) {
        if (watch.address == address) {
            return watch;
        }
    }
    core.semaphores.push_back({});
    core.semaphores.back().address = address;
    return core.semaphores.back();
}

void check_semaphores(Core& core) {
    for (const SemaphoreWatch& watch : core.semaphores) {
        if (watch.unseen > 0) {
            machine().running = watch.by;
            error(watch.last, "semaphore-unwaited", format("%d increments of %s on core (%u,%u) were never waited for", watch.unseen,
                                                           is_semaphore(watch.address) ? format("semaphore %u", (watch.address - kSemaphoreBase) / kSemaphoreStride).c_str()
                                                                                       : format("the word at %#x", watch.address).c_str(),
                                                           core.x, core.y));
            machine().running = nullptr;
        }
    }
}

namespace {

bool semaphore_equals(const Fiber& fiber) {
    uint32_t value;
    std::memcpy(&value, fiber.core->l1 + fiber.wait.a, 4);
    return value == fiber.wait.b;
}

bool semaphore_reached(const Fiber& fiber) {
    uint32_t value;
    std::memcpy(&value, fiber.core->l1 + fiber.wait.a, 4);
    return value >= fiber.wait.b;
}

uint32_t word_address(uintptr_t address, Where where) {
    if (address < kSemaphoreBase || address + 4 > arch().l1_bytes || address % 4 != 0) {
        fatal(where, "out-of-range", format("no word of L1 at %#lx", static_cast<unsigned long>(address)));
    }
    return static_cast<uint32_t>(address);
}

}  // namespace

}  // namespace ttemu

using namespace ttemu;

extern "C" {

uint32_t ttemu_semaphore_address(uint32_t id, TTEMU_AT) {
    at({file, line});
    if (id >= kSemaphores || (self().core->semaphore_mask >> id & 1) == 0) {
        fatal({file, line}, "out-of-range", format("semaphore %u isn't created on this core", id));
    }
    return kSemaphoreBase + id * kSemaphoreStride;
}

void ttemu_semaphore_wait(uintptr_t address, uint32_t value, int minimum, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    const uint32_t word = word_address(address, where);
    Core& core = *self().core;
    find_plain_stores(core.l1 + word, core.shadow, word, 4);
    if (!core.shadow.all(word, 4)) {
        error(where, "uninitialised-data", format("waits for the word at %#x, which nobody wrote", word));
    }
    if (minimum == 0) {
        // Whether the word can pass a value before its core looks depends on all that others do; nothing on the device tells. Said before it
        // waits: in an order that does pass it, this never ends.
        SemaphoreWatch& watch = semaphore_watch(core, word);
        if (watch.equal != 0 && value > watch.equal) {
            error(where, "semaphore-equality", format("waits for exactly %u in a word that has grown from %u, for which it waited before: if it grows past it first, this never ends",
                                                      value, watch.equal));
        }
        watch.equal = value;
    }
    maybe_yield();
    block({minimum != 0 ? semaphore_reached : semaphore_equals, word, value, minimum != 0 ? Wait::For::SemaphoreMinimum : Wait::For::Semaphore}, where);
    note_load(self(), word, 4);
    SemaphoreWatch& watch = semaphore_watch(core, word);
    uint32_t now;
    std::memcpy(&now, core.l1 + word, 4);
    watch.unseen = minimum != 0 ? std::min(watch.unseen, static_cast<int32_t>(now - value)) : 0;
}

void ttemu_semaphore_set(uintptr_t address, uint32_t value, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    const uint32_t word = word_address(address, where);
    Core& core = *self().core;
    Where issued;
    uint32_t old;
    std::memcpy(&old, core.l1 + word, 4);
    if (old != value && overlaps_pending_write(self(), word, 4, issued)) {
        error(where, "write-not-flushed", format("sets a word that the write issued at line %u still sends", issued.line));
    }
    SemaphoreWatch& watch = semaphore_watch(core, word);
    if (watch.unseen > 0) {
        error(where, "semaphore-unwaited", format("sets a semaphore while %d increments of it haven't been waited for", watch.unseen));
        watch.unseen = 0;
    }
    if (value < watch.equal) {
        watch.equal = 0;
    }
    std::memcpy(core.l1 + word, &value, 4);
    core.shadow.set(word, 4, true);
    note_store(self(), word, 4, where);
    wake(core);
}

}  // extern "C"
