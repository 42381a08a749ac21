// Device memory: the L1 of each core, DRAM buffers, and for every byte whether anyone ever wrote it.
//
// L1 addresses are the device's own. A kernel may dereference one: the core that runs has its L1 mapped at that very address (a window
// from kWindowBase). The window is moved only when a kernel touches it (a page fault after another core ran), so that kernels which never do pay nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace ttemu {

// Memory that the system gives zeroed, page by page as it is touched: most of a core's L1 never is.
template <typename T>
struct ZeroedMemory {
    using value_type = T;
    T* allocate(std::size_t count) {
        T* memory = static_cast<T*>(std::calloc(count, sizeof(T)));
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
        return memory;
    }
    void deallocate(T* memory, std::size_t) { std::free(memory); }
    void construct(T*) {}
    template <typename... Args>
    void construct(T* at, Args&&... args) {
        ::new (static_cast<void*>(at)) T(std::forward<Args>(args)...);
    }
    friend bool operator==(const ZeroedMemory&, const ZeroedMemory&) { return true; }
};

// Which bytes of a memory were written with defined values: one bit a byte.
class Shadow {
public:
    explicit Shadow(std::size_t bytes = 0) : words_((bytes + 63) / 64 + 1) {}
    void set(std::size_t offset, std::size_t bytes, bool written);
    bool all(std::size_t offset, std::size_t bytes) const;
    bool get(std::size_t offset) const { return (words_[offset / 64] >> (offset % 64) & 1) != 0; }
    static void copy(Shadow& to, std::size_t to_offset, const Shadow& from, std::size_t from_offset, std::size_t bytes);

private:
    std::vector<uint64_t, ZeroedMemory<uint64_t>> words_;
};

// Memory that nobody wrote holds a pattern that depends on the address: every 16-bit half is a bfloat16 NaN (and every word a float32
// NaN), which real data never is. It tells plain stores by a kernel, which the emulator can't see, from bytes never written.
void poison(uint8_t* data, std::size_t address, std::size_t bytes);
// Gives those bytes of a range that nobody wrote the pattern of their own address: what was moved there has that of another.
void poison_unwritten(uint8_t* data, const Shadow& shadow, std::size_t address, std::size_t bytes);
// Marks what plain stores have changed as written.
void find_plain_stores(const uint8_t* data, Shadow& shadow, std::size_t address, std::size_t bytes);
bool is_poison(uint32_t word);

uint8_t* map_l1(uint32_t cores);              // memory of all cores, kL1Stride apart
void set_window(int core);                    // the core whose kernel runs next; −1: none
bool in_window(const void* address);
void move_window_here();                      // from the fault handler
void install_fault_handler();

}  // namespace ttemu
