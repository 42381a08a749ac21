#include "memory.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include "arch.hpp"
#include "machine.hpp"
#include "report.hpp"

namespace ttemu {

void Shadow::set(std::size_t offset, std::size_t bytes, bool written) {
    while (bytes > 0) {
        const std::size_t bit = offset % 64;
        const std::size_t count = bytes < 64 - bit ? bytes : 64 - bit;
        const uint64_t mask = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << bit;
        uint64_t& word = words_[offset / 64];
        word = written ? word | mask : word & ~mask;
        offset += count;
        bytes -= count;
    }
}

bool Shadow::all(std::size_t offset, std::size_t bytes) const {
    while (bytes > 0) {
        const std::size_t bit = offset % 64;
        const std::size_t count = bytes < 64 - bit ? bytes : 64 - bit;
        const uint64_t mask = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << bit;
        if ((words_[offset / 64] & mask) != mask) {
            return false;
        }
        offset += count;
        bytes -= count;
    }
    return true;
}

void Shadow::copy(Shadow& to, std::size_t to_offset, const Shadow& from, std::size_t from_offset, std::size_t bytes) {
    if (from.all(from_offset, bytes)) {
        to.set(to_offset, bytes, true);
        return;
    }
    for (std::size_t i = 0; i < bytes; ++i) {
        to.set(to_offset + i, 1, from.get(from_offset + i));
    }
}

namespace {

uint16_t poison_half(std::size_t half) {
    uint64_t h = half * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
    return static_cast<uint16_t>(0x7F81 + (h & 0xFFFF) % 126);
}

}  // namespace

void poison(uint8_t* data, std::size_t address, std::size_t bytes) {
    for (std::size_t i = 0; i + 1 < bytes; i += 2) {
        const uint16_t half = poison_half((address + i) / 2);
        std::memcpy(data + i, &half, 2);
    }
}

void poison_unwritten(uint8_t* data, const Shadow& shadow, std::size_t address, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
        if (!shadow.get(address + i)) {
            const uint16_t half = poison_half((address + i) / 2);
            data[i] = static_cast<uint8_t>((address + i) % 2 == 0 ? half & 0xFF : half >> 8);
        }
    }
}

void find_plain_stores(const uint8_t* data, Shadow& shadow, std::size_t address, std::size_t bytes) {
    // A word is unwritten only if both halves still hold the pattern; a half that differs was stored.
    const std::size_t begin = address & ~std::size_t{1};
    const uint8_t* base = data - (address - begin);
    for (std::size_t a = begin; a < address + bytes; a += 2) {
        if (shadow.get(a) && shadow.get(a + 1)) {
            continue;
        }
        uint16_t half;
        std::memcpy(&half, base + (a - begin), 2);
        if (half != poison_half(a / 2)) {
            shadow.set(a, 2, true);
        }
    }
}

bool is_poison(uint32_t word) {
    const uint32_t high = word >> 16;
    return high >= 0x7F81 && high < 0x7F81 + 126;
}

namespace {

int l1_file = -1;
int window_core = -1;  // whose L1 is mapped at the window, −1: nobody's
int wanted_core = -1;  // whose kernel runs

std::size_t window_bytes() { return (arch().l1_bytes - kWindowBase + 0xFFFF) & ~std::size_t{0xFFFF}; }

void unmap_window() {
    // Keep the range reserved, so that nothing else is mapped there.
    mmap(
        reinterpret_cast<void*>(static_cast<uintptr_t>(kWindowBase)), window_bytes(), PROT_NONE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    window_core = -1;
}

void on_fault(int signal, siginfo_t* info, void*) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
    if (machine().running != nullptr && in_window(info->si_addr) && window_core != wanted_core) {
        move_window_here();
        return;
    }
    if (machine().running != nullptr) {
        static HandlerText message;
        message << "a load or store by the kernel at address 0x";
        message.number(address, 16) << ", which isn't L1 (last API call at this line)";
        fatal_in_handler("error", "out-of-range", message);
    }
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

}  // namespace

uint8_t* map_l1(uint32_t cores) {
    l1_file = memfd_create("l1", 0);
    const std::size_t bytes = std::size_t{cores} * kL1Stride;
    if (l1_file < 0 || ftruncate(l1_file, static_cast<off_t>(bytes)) != 0) {
        std::perror("emulator: memory for L1");
        std::_Exit(kExitError);
    }
    void* all = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, l1_file, 0);
    if (all == MAP_FAILED) {
        std::perror("emulator: memory for L1");
        std::_Exit(kExitError);
    }
    unmap_window();
    return static_cast<uint8_t*>(all);
}

bool in_window(const void* address) {
    const uintptr_t a = reinterpret_cast<uintptr_t>(address);
    return a >= kWindowBase && a < arch().l1_bytes;
}

void set_window(int core) {
    wanted_core = core;
    if (window_core >= 0 && window_core != core) {
        unmap_window();
    }
}

void move_window_here() {
    void* at = reinterpret_cast<void*>(static_cast<uintptr_t>(kWindowBase));
    const off_t offset = static_cast<off_t>(wanted_core) * kL1Stride + kWindowBase;
    if (mmap(at, window_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, l1_file, offset) != at) {
        static HandlerText message;
        message << "emulator: cannot map L1 at its own address (vm.mmap_min_addr must be 65536 or less)\n";
        message.write_to(STDERR_FILENO);
        _exit(kExitError);
    }
    window_core = wanted_core;
}

void install_fault_handler() {
    static char stack[64 * 1024];
    stack_t alternate = {};
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof stack;
    sigaltstack(&alternate, nullptr);
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
}

}  // namespace ttemu
