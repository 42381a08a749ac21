// Buffers in device memory: allocated in lockstep over all banks, laid out page by page.
#pragma once

#include <memory>
#include <optional>

#include "machine.hpp"
#include "tt-metalium/buffer_distribution_spec.hpp"

namespace ttemu {

std::shared_ptr<Buffer> make_buffer(
    bool dram, uint64_t bytes, uint32_t page_bytes, const std::optional<tt::tt_metal::BufferDistributionSpec>& spec);
void free_buffer(const std::shared_ptr<Buffer>& buffer);
// As memory that nobody wrote, on the device that is in place.
void clear_contents(Buffer& buffer);
// host_mesh.cpp: has all buffers hold what they do on a device of the mesh.
void place_device(uint32_t device);

// visit(page's bytes on the device, the shadow that covers them, offset in it, page)
template <typename Visit>
void each_page(Buffer& buffer, Visit&& visit) {
    for (uint32_t page = 0; page < buffer.pages; ++page) {
        const uint64_t place = buffer.place_of[page];
        const std::size_t position = place / buffer.bank_pages, in_bank = place % buffer.bank_pages;
        if (buffer.dram) {
            const std::size_t offset = place * buffer.aligned_page_bytes;
            visit(buffer.data.data() + offset, buffer.shadow, offset, page);
        } else {
            Core& core = *machine().cores[buffer.banks[position]];
            const std::size_t offset = buffer.address + in_bank * buffer.aligned_page_bytes;
            visit(core.l1 + offset, core.shadow, offset, page);
        }
    }
}

}  // namespace ttemu
