// Devices of a mesh. There is one chip: what buffers hold on a device is put in place for as long as it is used.
#include <algorithm>
#include <cstring>
#include <utility>

#include "host_buffers.hpp"

namespace ttemu {

namespace {

// visit(the L1 of a core that the buffer lies on, what is written of it, where that is in the buffer's own contents)
template <typename Visit>
void each_bank(Buffer& buffer, Visit&& visit) {
    for (std::size_t position = 0; position < buffer.banks.size(); ++position) {
        Core& core = *machine().cores[buffer.banks[position]];
        visit(core.l1 + buffer.address, core.shadow, position * buffer.bank_bytes());
    }
}

void put_aside(Buffer& buffer) {
    const uint32_t bytes = buffer.bank_bytes();
    buffer.data.resize(buffer.banks.size() * bytes);
    buffer.shadow = Shadow(buffer.data.size());
    each_bank(buffer, [&](const uint8_t* l1, const Shadow& shadow, std::size_t at) {
        std::memcpy(buffer.data.data() + at, l1, bytes);
        Shadow::copy(buffer.shadow, at, shadow, buffer.address, bytes);
    });
}

void put_in_place(Buffer& buffer) {
    const uint32_t bytes = buffer.bank_bytes();
    each_bank(buffer, [&](uint8_t* l1, Shadow& shadow, std::size_t at) {
        std::memcpy(l1, buffer.data.data() + at, bytes);
        Shadow::copy(shadow, buffer.address, buffer.shadow, at, bytes);
    });
    buffer.data.clear();
}

}  // namespace

void place_device(uint32_t device) {
    const uint32_t before = std::exchange(machine().device, device);
    if (device == before) {
        return;
    }
    for (const auto& buffer : machine().buffers) {
        if (!buffer->dram) {
            put_aside(*buffer);
        }
        buffer->elsewhere.resize(std::max<std::size_t>(buffer->elsewhere.size(), std::max(device, before) + 1));
        Contents& contents = *buffer;
        buffer->elsewhere[before] = std::exchange(contents, std::exchange(buffer->elsewhere[device], Contents()));
        if (buffer->written.empty()) {
            clear_contents(*buffer);
        } else if (!buffer->dram) {
            put_in_place(*buffer);
        }
    }
}

}  // namespace ttemu
