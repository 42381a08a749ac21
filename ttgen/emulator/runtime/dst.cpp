// DST: sections handed from math to pack and back, zeroed on release; configuration of the three threads.
#include "operation.hpp"

#include <cstring>

namespace ttemu {

namespace {

int compute_thread() { return static_cast<int>(self().thread) - static_cast<int>(Thread::Unpack); }

bool section_free(const Fiber& fiber) {
    const ComputeUnit& c = *fiber.core->compute;
    return c.committed < c.sections();
}

bool section_committed(const Fiber& fiber) { return fiber.core->compute->committed > 0; }

uint8_t format_of(uint32_t cb, Where where) { return cb_of(cb, where).format; }

}  // namespace

// Every operation needs the startup to have come before.
void check_started(Where where, const char* what) {
    ComputeUnit& c = *self().core->compute;
    bool& started = c.started[compute_thread()];
    if (!started) {
        error(where, "missing-hw-startup", format("%s before compute_kernel_hw_startup", what));
        started = true;  // say it once
    }
}

DstSlot& dst_slot(uint32_t index, Where where, bool by_pack) {
    ComputeUnit& c = *self().core->compute;
    if (index >= c.capacity()) {
        fatal(where, "dst-out-of-range", format("DST slot %u: there are %u (%s, %s sync)", index, c.capacity(), c.config.dst_32bit ? "32 bit" : "16 bit",
                                                c.config.full_sync ? "full" : "half"));
    }
    if (by_pack ? !c.pack_in_section : !c.math_in_section) {
        error(where, "dst-outside-section", by_pack ? "pack uses DST outside tile_regs_wait … tile_regs_release"
                                                    : "math uses DST outside tile_regs_acquire … tile_regs_commit");
    }
    return c.slot(by_pack ? c.pack_section : c.math_section, index);
}

}  // namespace ttemu

using namespace ttemu;

extern "C" {

void ttemu_tile_regs(int step, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    maybe_yield();
    Core& core = *self().core;
    ComputeUnit& c = *core.compute;
    (step <= 1 ? c.math_section_at : c.pack_section_at) = where;
    switch (step) {
        case 0:
            check_started(where, "tile_regs_acquire");
            if (c.math_in_section) {
                error(where, "dst-outside-section", "tile_regs_acquire again, without tile_regs_commit in between");
            }
            block({section_free, 0, 0, Wait::For::FreeDst}, where);
            c.math_in_section = true;
            break;
        case 1:
            if (!c.math_in_section) {
                error(where, "dst-outside-section", "tile_regs_commit without tile_regs_acquire");
            }
            c.math_in_section = false;
            ++c.committed;
            c.math_section = (c.math_section + 1) % c.sections();
            wake(core);
            break;
        case 2:
            check_started(where, "tile_regs_wait");
            if (c.pack_in_section) {
                error(where, "dst-outside-section", "tile_regs_wait again, without tile_regs_release in between");
            }
            block({section_committed, 0, 0, Wait::For::CommittedDst}, where);
            c.pack_in_section = true;
            break;
        default:
            if (!c.pack_in_section) {
                fatal(where, "dst-outside-section", "tile_regs_release without tile_regs_wait");
            }
            for (uint32_t i = 0; i < c.capacity(); ++i) {
                DstSlot& slot = c.slot(c.pack_section, i);
                if (slot.written) {
                    std::memset(slot.tile.v, 0, sizeof slot.tile.v);
                    slot.tile.any_undefined = false;
                    slot.written = false;
                }
            }
            c.pack_in_section = false;
            --c.committed;
            c.pack_section = (c.pack_section + 1) % c.sections();
            wake(core);
            break;
    }
}

void ttemu_startup(uint32_t source_a, uint32_t source_b, uint32_t out, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    ComputeUnit& c = *self().core->compute;
    bool& started = c.started[compute_thread()];
    if (started) {
        error(where, "late-hw-startup", "compute_kernel_hw_startup must come once, before every other compute operation");
    }
    started = true;
    if (self().thread == Thread::Unpack) {
        c.unpack_formats = {format_of(source_a, where), format_of(source_b, where)};
    } else if (self().thread == Thread::Math) {
        c.math_formats = {format_of(source_a, where), format_of(source_b, where)};
    } else {
        c.pack_format = format_of(out, where);
    }
}

void ttemu_reconfigure(uint32_t operand, uint32_t old_cb, uint32_t new_cb, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    check_started(where, "a reconfiguration of data formats");
    ComputeUnit& c = *self().core->compute;
    const uint8_t format = format_of(new_cb, where);
    if (old_cb != ~0u && format_of(old_cb, where) == format) {
        return;  // the device compares the formats of the two buffers, not what is configured
    }
    if (self().thread == Thread::Pack) {
        c.pack_format = format;
        return;
    }
    ComputeUnit::Formats& formats = self().thread == Thread::Unpack ? c.unpack_formats : c.math_formats;
    (operand == 0 ? formats.a : formats.b) = format;
}

}  // extern "C"
