// A data-movement core's own stores to L1. Other engines, the NoC included, may see a store late, but not one that the core has read back
// ("MemoryOrdering" in the ISA documentation, tt-metal#50367). Units of data-movement kernels are compiled with the compiler's calls for its
// thread sanitizer at every load and store, and these functions are those calls' other ends: there is no sanitizer.
#include "machine.hpp"

#include <algorithm>

namespace ttemu {

namespace {

Fiber* mover_at(uintptr_t address) {
    Fiber* fiber = machine().running;
    return fiber != nullptr && address >= kWindowBase && address < arch().l1_bytes && fiber->thread <= Thread::Reader ? fiber : nullptr;
}

void on_store(const void* address, uint32_t bytes) {
    if (Fiber* fiber = mover_at(reinterpret_cast<uintptr_t>(address))) {
        note_store(*fiber, static_cast<uint32_t>(reinterpret_cast<uintptr_t>(address)), bytes, fiber->where);
    }
}

void on_load(const void* address, uint32_t bytes) {
    if (Fiber* fiber = mover_at(reinterpret_cast<uintptr_t>(address))) {
        note_load(*fiber, static_cast<uint32_t>(reinterpret_cast<uintptr_t>(address)), bytes);
    }
}

}  // namespace

void note_store(Fiber& fiber, uint32_t address, uint32_t bytes, Where where) {
    std::vector<StoredRange>& stores = fiber.stores;
    if (!stores.empty() && address <= stores.back().end && address + bytes > stores.back().begin) {
        StoredRange& last = stores.back();
        last = {std::min(last.begin, address), std::max(last.end, address + bytes), address, where};
    } else {
        stores.push_back({address, address + bytes, address, where});
    }
}

// Stores reach L1 in order: with the last one, all have.
void note_load(Fiber& fiber, uint32_t address, uint32_t bytes) {
    if (!fiber.stores.empty() && overlap(address, bytes, fiber.stores.back().last, 1)) {
        fiber.stores.clear();
    }
}

void check_read_back(const Fiber& fiber, uint32_t address, uint32_t bytes, const char* what, Where where) {
    for (const StoredRange& stored : fiber.stores) {
        if (overlap(address, bytes, stored.begin, stored.end - stored.begin)) {
            error(where, "store-not-read-back",
                  format("%s what this core has stored, the last of it after line %u, and hasn't read back: other engines may see it late", what,
                         stored.where.line));
            return;
        }
    }
}

}  // namespace ttemu

using namespace ttemu;

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}

#define TTEMU_ACCESS(bytes)                                                    \
    void __tsan_read##bytes(const void* address) { on_load(address, bytes); }            \
    void __tsan_write##bytes(const void* address) { on_store(address, bytes); }          \
    void __tsan_volatile_read##bytes(const void* address) { on_load(address, bytes); }   \
    void __tsan_volatile_write##bytes(const void* address) { on_store(address, bytes); }

TTEMU_ACCESS(1)
TTEMU_ACCESS(2)
TTEMU_ACCESS(4)
TTEMU_ACCESS(8)
TTEMU_ACCESS(16)

void __tsan_read_range(const void* address, std::size_t bytes) { on_load(address, static_cast<uint32_t>(bytes)); }
void __tsan_write_range(const void* address, std::size_t bytes) { on_store(address, static_cast<uint32_t>(bytes)); }

}  // extern "C"
