// Addresses on the networks on chip: a core's L1, a DRAM bank, a rectangle of cores; and what may be wrong with them.
#include <algorithm>
#include <cstring>

#include "noc.hpp"

namespace ttemu {

namespace {

uint32_t x_of(uint64_t address) { return static_cast<uint32_t>(address >> 36) & 63; }
uint32_t y_of(uint64_t address) { return static_cast<uint32_t>(address >> 42) & 63; }
uint32_t start_x_of(uint64_t address) { return static_cast<uint32_t>(address >> 48) & 63; }
uint32_t start_y_of(uint64_t address) { return static_cast<uint32_t>(address >> 54) & 63; }

Endpoint core_endpoint(Core& core, uint32_t address, uint32_t bytes, Where where) {
    Endpoint e;
    e.core = &core;
    e.address = address;
    if (address < kSemaphoreBase || uint64_t{address} + bytes > arch().l1_bytes) {
        fatal(where, is_poison(address) ? "uninitialised-data" : "out-of-range",
              format("address %#x of core (%u,%u), %u bytes: %s", address, core.x, core.y, bytes,
                     is_poison(address) ? "it was read from memory never written" : "outside L1"));
    }
    e.buffer = find_buffer(false, core.index, address, bytes, e.position);
    if (e.buffer == nullptr) {
        bool known = is_semaphore(address) && (core.semaphore_mask >> ((address - kSemaphoreBase) / kSemaphoreStride) & 1) != 0;
        for (const CircularBuffer* cb : core.used_cbs) {
            known = known || (address >= cb->address && address + bytes <= cb->address + cb->bytes);
        }
        if (!known) {
            fatal(where, "out-of-range", format("address %#x of core (%u,%u), %u bytes: the program has nothing there (no circular buffer, semaphore or tensor)",
                                                address, core.x, core.y, bytes));
        }
    }
    e.data = core.l1 + address;
    e.shadow = &core.shadow;
    e.shadow_offset = address;
    return e;
}

}  // namespace

void check_noc(uint32_t noc, Where where) {
    if (noc > 1) {
        fatal(where, "out-of-range", format("there is no NoC %u", noc));
    }
}

Endpoint resolve(uint64_t address, uint32_t bytes, Where where) {
    const uint32_t x = x_of(address), y = y_of(address), local = local_of(address);
    if (x != kDramX) {
        const int lx = logical_x(x), ly = logical_y(y);
        if (lx < 0 || ly < 0) {
            fatal(where, "out-of-range", format("no core or DRAM bank at NoC coordinate (%u,%u)", x, y));
        }
        return core_endpoint(machine().core(static_cast<uint32_t>(lx), static_cast<uint32_t>(ly)), local, bytes, where);
    }
    Endpoint e;
    e.address = local;
    e.buffer = y < arch().dram_banks ? find_buffer(true, y, local, bytes, e.position) : nullptr;
    if (e.buffer == nullptr) {
        fatal(where, is_poison(local) ? "uninitialised-data" : "out-of-range",
              format("DRAM bank %u, address %#x, %u bytes: %s", y, local, bytes,
                     is_poison(local) ? "the address was read from memory never written" : "in no buffer, or past a buffer's last page"));
    }
    const std::size_t offset = std::size_t{e.position} * e.buffer->bank_bytes() + (local - e.buffer->address);
    e.data = e.buffer->data.data() + offset;
    e.shadow = &e.buffer->shadow;
    e.shadow_offset = offset;
    return e;
}

Endpoint local_endpoint(Core& core, uint32_t address) {
    Endpoint e;
    e.core = &core;
    e.address = address;
    e.data = core.l1 + address;
    e.shadow = &core.shadow;
    e.shadow_offset = address;
    return e;
}

void check_alignment(const Endpoint& remote, uint32_t local, bool read, Where where) {
    const uint32_t alignment = remote.core != nullptr ? arch().l1_alignment : read ? arch().dram_alignment : arch().dram_write_alignment;
    if ((remote.address ^ local) % alignment != 0) {
        error(where, "misaligned-address", format("%s %s: address %#x there and %#x here must agree modulo %u", read ? "a read from" : "a write to",
                                                  remote.core != nullptr ? "L1" : "DRAM", remote.address, local, alignment));
    }
}

void check_packet(uint32_t bytes, int one_packet, Where where) {
    if (one_packet != 0 && bytes > arch().max_burst) {
        error(where, "packet-too-large", format("%u bytes in one packet; the largest is %u", bytes, arch().max_burst));
    }
}

std::vector<Endpoint> rectangle(Fiber& fiber, uint64_t address, uint32_t bytes, uint32_t destinations, bool loopback, uint32_t noc, Where where) {
    uint32_t xs = start_x_of(address), ys = start_y_of(address), xe = x_of(address), ye = y_of(address);
    if (noc == 1) {
        std::swap(xs, xe);
        std::swap(ys, ye);
    }
    if (xs > xe || ys > ye) {
        fatal(where, "multicast-rectangle", format("the rectangle's start must come first on NoC 0 and its end first on NoC 1; this is NoC %u", noc));
    }
    std::vector<Core*> cores;
    for (uint32_t y = ys; y <= ye; ++y) {
        for (uint32_t x = xs; x <= xe; ++x) {
            const int lx = logical_x(x), ly = logical_y(y);
            if (lx < 0 || ly < 0) {
                if (arch().blackhole && (x == 8 || x == 9) && ly >= 0) {
                    continue;  // columns without workers, which a rectangle may span
                }
                fatal(where, "multicast-rectangle", format("the rectangle (%u,%u)–(%u,%u) contains (%u,%u), which is no worker core", xs, ys, xe, ye, x, y));
            }
            Core& core = machine().core(static_cast<uint32_t>(lx), static_cast<uint32_t>(ly));
            if (&core != fiber.core || loopback) {
                cores.push_back(&core);
            }
        }
    }
    if (destinations != cores.size()) {
        fatal(where, "multicast-count", format("%u destinations are given; the rectangle holds %zu%s", destinations, cores.size(),
                                               loopback ? ", the sender included" : " without the sender"));
    }
    if (destinations == 0) {
        fatal(where, "multicast-count", "a multicast to no core");
    }
    std::vector<Endpoint> to;
    for (Core* core : cores) {
        to.push_back(core_endpoint(*core, local_of(address), bytes, where));
    }
    return to;
}

int Buffer::bank_position(uint32_t bank) const {
    if (bank < banks.size() && banks[bank] == bank) {
        return static_cast<int>(bank);
    }
    const auto it = std::find(banks.begin(), banks.end(), bank);
    return it != banks.end() ? static_cast<int>(it - banks.begin()) : -1;
}

bool Buffer::holds_pages(uint32_t bank) const {
    const int position = bank_position(bank);
    if (position < 0) {
        return false;
    }
    const auto first = page_at.begin() + std::ptrdiff_t{position} * bank_pages;
    return std::any_of(first, first + bank_pages, [](uint32_t page) { return page != ~0u; });
}

void Buffer::count_write(uint32_t position, uint32_t offset, uint32_t bytes) {
    while (bytes > 0) {
        const uint32_t in_bank = offset / aligned_page_bytes, within = offset % aligned_page_bytes;
        const uint32_t count = std::min(bytes, aligned_page_bytes - within);
        const uint32_t page = page_at[std::size_t{position} * bank_pages + in_bank];
        if (page != ~0u) {
            written[page] += std::min(count, within < page_bytes ? page_bytes - within : 0);
        }
        offset += count;
        bytes -= count;
    }
}

Buffer* find_buffer(bool dram, uint32_t bank, uint32_t address, uint32_t bytes, uint32_t& position) {
    for (const auto& buffer : machine().buffers) {
        if (buffer->dram != dram || !buffer->allocated || address < buffer->address ||
            uint64_t{address} + bytes > uint64_t{buffer->address} + buffer->bank_bytes()) {
            continue;
        }
        const int at = buffer->bank_position(bank);
        if (at < 0) {
            continue;
        }
        // The last page touched must exist: banks hold different numbers of pages.
        const uint32_t last = (address - buffer->address + (bytes > 0 ? bytes - 1 : 0)) / buffer->aligned_page_bytes;
        if (buffer->page_at[static_cast<std::size_t>(at) * buffer->bank_pages + last] == ~0u) {
            continue;
        }
        position = static_cast<uint32_t>(at);
        return buffer.get();
    }
    return nullptr;
}

}  // namespace ttemu
