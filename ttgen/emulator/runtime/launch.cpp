// A launch: lay the program out in L1, run its kernels on every core, check what must hold at the end, write the figures.
#include "program.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace ttemu {

namespace {

uint32_t align(uint32_t value, uint32_t to) { return (value + to - 1) / to * to; }

// Circular buffers are stacked from the base, in the order of their making; one that several cores share has one address on all of them.
void place_circular_buffers(Program& program) {
    Machine& m = machine();
    std::vector<uint32_t> top(m.cores.size(), arch().l1_base);
    uint32_t lowest_tensor = arch().l1_bytes;
    for (const auto& buffer : m.buffers) {
        if (!buffer->dram && buffer->allocated) {
            lowest_tensor = std::min(lowest_tensor, buffer->address);
        }
    }
    for (CircularBufferSpec& spec : program.cbs) {
        if (spec.config.on_buffer_ != nullptr) {
            spec.address = spec.config.on_buffer_->address;
            continue;
        }
        uint32_t address = arch().l1_base;
        for (const uint32_t core : spec.cores) {
            address = std::max(address, top[core]);
        }
        spec.address = align(address, arch().l1_alignment);
        for (const uint32_t core : spec.cores) {
            top[core] = spec.address + spec.config.total_size_;
            if (top[core] > lowest_tensor) {
                fatal({nullptr, 0}, "overlap", format("circular buffers of core (%u,%u) reach up to %u; %s", m.cores[core]->x, m.cores[core]->y, top[core],
                                                      lowest_tensor < arch().l1_bytes ? format("L1 tensors begin at %u", lowest_tensor).c_str()
                                                                                      : format("L1 ends at %u", arch().l1_bytes).c_str()));
            }
        }
    }
}

void reset_cores() {
    for (const auto& core : machine().cores) {
        for (auto& fiber : core->fibers) {
            destroy_context(fiber->context);
        }
        core->fibers.clear();
        core->ready.clear();
        core->used_cbs.clear();
        for (auto& cb : core->cbs) {
            cb.reset();
        }
        core->semaphores.clear();
        core->semaphore_mask = 0;
        core->compute.reset();
        core->counters = {};
    }
}

void make_circular_buffers(Program& program) {
    for (const CircularBufferSpec& spec : program.cbs) {
        for (const uint32_t index : spec.cores) {
            Core& core = *machine().cores[index];
            if (spec.config.on_buffer_ == nullptr) {
                poison(core.l1 + spec.address, spec.address, spec.config.total_size_);
                core.shadow.set(spec.address, spec.config.total_size_, false);
            }
            for (const auto& [id, use] : spec.config.indices_) {
                auto cb = std::make_unique<CircularBuffer>();
                cb->index = id;
                cb->address = spec.address;
                cb->bytes = spec.config.total_size_;
                cb->page_bytes = use.page_size;
                cb->pages = use.page_size != 0 ? spec.config.total_size_ / use.page_size : 0;
                cb->format = static_cast<uint8_t>(use.format);
                cb->on_buffer = spec.config.on_buffer_;
                core.used_cbs.push_back(cb.get());
                core.cbs[id] = std::move(cb);
            }
        }
    }
}

void make_semaphores(const Program& program) {
    for (const SemaphoreSpec& spec : program.semaphores) {
        for (const uint32_t index : spec.cores) {
            Core& core = *machine().cores[index];
            const uint32_t address = kSemaphoreBase + spec.id * kSemaphoreStride;
            std::memcpy(core.l1 + address, &spec.initial, 4);
            core.shadow.set(address, 4, true);
            core.semaphore_mask |= 1u << spec.id;
        }
    }
}

void make_fiber(Core& core, Thread thread, Unit* unit, const KernelSpec& kernel, const KernelArgs* args) {
    auto fiber = std::make_unique<Fiber>();
    fiber->core = &core;
    fiber->thread = thread;
    fiber->unit = unit;
    fiber->args = args;
    fiber->noc = kernel.noc;
    const Core& first = *machine().cores[kernel.cores.front()];
    fiber->first_x = first.x;
    fiber->first_y = first.y;
    fiber->globals = unit->pristine;
    core.fibers.push_back(std::move(fiber));
}

void make_fibers(Program& program, const std::vector<std::vector<Unit*>>& units) {
    for (std::size_t k = 0; k < program.kernels.size(); ++k) {
        KernelSpec& kernel = *program.kernels[k];
        for (const uint32_t index : kernel.cores) {
            Core& core = *machine().cores[index];
            CoreArgs& args = kernel.args[index];
            args.values.common = kernel.common;
            if (!kernel.compute) {
                make_fiber(core, kernel.processor == 0 ? Thread::Writer : Thread::Reader, units[k][0], kernel, &args.values);
                continue;
            }
            core.compute = std::make_unique<ComputeUnit>();
            core.compute->config = kernel.config;
            for (DstSlot& slot : core.compute->dst) {
                std::memset(slot.tile.v, 0, sizeof slot.tile.v);
            }
            for (CircularBuffer* cb : core.used_cbs) {
                cb->unpack_to_dest = cb->index < kernel.unpack_to_dest.size() &&
                                     kernel.unpack_to_dest[cb->index] == tt::tt_metal::UnpackToDestMode::UnpackToDestFp32;
            }
            for (int t = 0; t < 3; ++t) {
                make_fiber(core, static_cast<Thread>(static_cast<int>(Thread::Unpack) + t), units[k][static_cast<std::size_t>(t)], kernel, &args.values);
            }
        }
    }
    // Fibers in the order of the processors, whatever the order of CreateKernel; both data-movement kernels must use NoCs of their own.
    for (const auto& core : machine().cores) {
        std::stable_sort(core->fibers.begin(), core->fibers.end(), [](const auto& a, const auto& b) {
            static constexpr int order[] = {1, 0, 2, 3, 4};  // writer after reader
            return order[static_cast<int>(a->thread)] < order[static_cast<int>(b->thread)];
        });
        if (core->fibers.size() > 1 && core->fibers[0]->thread == Thread::Reader && core->fibers[1]->thread == Thread::Writer &&
            core->fibers[0]->noc == core->fibers[1]->noc) {
            error({nullptr, 0}, "same-noc", format("both data-movement kernels of core (%u,%u) use NoC %u in dedicated mode", core->x, core->y, core->fibers[0]->noc));
        }
    }
}

void check_end() {
    for (const auto& core : machine().cores) {
        check_drained(*core);
        check_semaphores(*core);
        if (core->compute != nullptr) {
            const ComputeUnit& c = *core->compute;
            if (c.source_count != 0) {
                machine().running = core->fiber(Thread::Unpack);
                error(machine().running->where, "threads-disagree", "unpack delivered operands that math never used");
            }
            if (c.committed != 0 || c.math_in_section || c.pack_in_section) {
                const bool pack = !c.math_in_section;
                machine().running = core->fiber(pack ? Thread::Pack : Thread::Math);
                error(pack ? c.pack_section_at : c.math_section_at, "dst-outside-section", "the compute kernel ends inside a DST section that began here");
            }
            machine().running = nullptr;
        }
    }
}

void report_program() {
    Counters total;
    std::string cores;
    for (const auto& core : machine().cores) {
        if (core->fibers.empty()) {
            continue;
        }
        total.add(core->counters);
        std::string cbs;
        for (const CircularBuffer* cb : core->used_cbs) {
            Json item;
            item.number("cb", cb->index).number("pages", cb->pages).number("page_bytes", cb->page_bytes).number("deepest", cb->deepest);
            item.number("pushed", cb->received).number("popped", cb->acknowledged);
            cbs += (cbs.empty() ? "" : ",") + item.str();
        }
        Json json;
        json.raw("core", format("[%u,%u]", core->x, core->y));
        core->counters.json(json);
        json.raw("cbs", "[" + cbs + "]");
        cores += (cores.empty() ? "" : ",") + json.str();
    }
    Json counters, json;
    total.json(counters);
    json.text("kind", "program").number("program", machine().programs).number("device", machine().device).raw("counters", counters.str()).raw("cores", "[" + cores + "]");
    write_line(json.str());
}

}  // namespace

void Counters::add(const Counters& o) {
    dram_read_bytes += o.dram_read_bytes;
    dram_write_bytes += o.dram_write_bytes;
    noc_bytes += o.noc_bytes;
    tile_products += o.tile_products;
    elementwise_tiles += o.elementwise_tiles;
    sfpu_tiles += o.sfpu_tiles;
    packed_tiles += o.packed_tiles;
    semaphore_increments += o.semaphore_increments;
    multicasts += o.multicasts;
}

void Counters::json(Json& json) const {
    json.number("dram_read_bytes", dram_read_bytes).number("dram_write_bytes", dram_write_bytes).number("noc_bytes", noc_bytes);
    json.number("tile_products", tile_products).number("elementwise_tiles", elementwise_tiles).number("sfpu_tiles", sfpu_tiles);
    json.number("packed_tiles", packed_tiles).number("semaphore_increments", semaphore_increments).number("multicasts", multicasts);
}

void launch(Program& program) {
    if (!settings().trace.empty()) {
        trace(program);
        return;
    }
    reset_cores();
    const std::vector<std::vector<Unit*>> units = build_units(program);
    place_circular_buffers(program);
    make_circular_buffers(program);
    make_semaphores(program);
    make_fibers(program, units);
    run_all();
    check_end();
    report_program();
    ++machine().programs;
    if (error_count() > 0) {
        stop_with_errors();
    }
    for (auto& kernel_units : units) {
        for (Unit* unit : kernel_units) {
            unit->globals_owner = nullptr;
        }
    }
}

void report_buffer(Buffer& buffer, const char* event) {
    std::map<uint32_t, uint32_t> times;
    for (const uint32_t bytes : buffer.written) {
        ++times[bytes / buffer.page_bytes];
    }
    uint32_t usual = 0, most = 0;
    std::string counts, exceptions, undefined;
    for (const auto& [count, pages] : times) {
        counts += (counts.empty() ? "" : ",") + format("\"%u\":%u", count, pages);
        if (pages > most) {
            most = pages;
            usual = count;
        }
    }
    uint32_t listed = 0;
    for (uint32_t page = 0; page < buffer.pages && listed < 64; ++page) {
        const uint32_t count = buffer.written[page] / buffer.page_bytes;
        if (count != usual) {
            exceptions += (listed++ == 0 ? "" : ",") + format("[%u,%u]", page, count);
        }
    }
    listed = 0;
    for (uint32_t page = 0; page < buffer.pages && listed < 4096; ++page) {
        const uint64_t place = buffer.place_of[page];
        const uint32_t position = static_cast<uint32_t>(place / buffer.bank_pages), in_bank = static_cast<uint32_t>(place % buffer.bank_pages);
        Shadow& shadow = buffer.dram ? buffer.shadow : machine().cores[buffer.banks[position]]->shadow;
        const std::size_t offset = buffer.dram ? std::size_t{position} * buffer.bank_bytes() + std::size_t{in_bank} * buffer.aligned_page_bytes
                                               : buffer.address + std::size_t{in_bank} * buffer.aligned_page_bytes;
        if (!buffer.dram) {
            const Core& core = *machine().cores[buffer.banks[position]];
            find_plain_stores(core.l1 + offset, shadow, offset, buffer.page_bytes);
        }
        if (shadow.all(offset, buffer.page_bytes)) {
            continue;
        }
        for (uint32_t byte = 0; byte < buffer.page_bytes && listed < 4096;) {
            if (shadow.get(offset + byte)) {
                ++byte;
                continue;
            }
            uint32_t end = byte;
            while (end < buffer.page_bytes && !shadow.get(offset + end)) {
                ++end;
            }
            undefined += (listed++ == 0 ? "" : ",") + format("[%u,%u,%u]", page, byte, end - byte);
            byte = end;
        }
    }
    Json writes, json;
    writes.raw("times", "{" + counts + "}").raw("exceptions", "[" + exceptions + "]");
    json.text("kind", "buffer").text("event", event).number("order", buffer.order).number("device", machine().device).text("type", buffer.dram ? "DRAM" : "L1");
    json.number("address", buffer.address).number("size", buffer.bytes).number("page_size", buffer.page_bytes).number("pages", buffer.pages);
    json.raw("writes", writes.str()).number("read_bytes", buffer.read_bytes).raw("undefined", "[" + undefined + "]");
    write_line(json.str());
    buffer.reported = true;
}

}  // namespace ttemu

using namespace ttemu;

extern "C" {

uint32_t ttemu_runtime_arg(int index, int common, TTEMU_AT) {
    const Where where = {file, line};
    at(where);
    const std::vector<uint32_t>& values = common != 0 ? self().args->common : self().args->unique;
    if (index < 0 || static_cast<std::size_t>(index) >= values.size()) {
        fatal(where, "runtime-arg-out-of-range", format("%sruntime argument %d: %zu are set", common != 0 ? "common " : "", index, values.size()));
    }
    return values[static_cast<std::size_t>(index)];
}

uintptr_t ttemu_runtime_arg_address(int index, int common, TTEMU_AT) {
    ttemu_runtime_arg(index, common, file, line);
    const std::vector<uint32_t>& values = common != 0 ? self().args->common : self().args->unique;
    return reinterpret_cast<uintptr_t>(values.data() + index);
}

uint32_t ttemu_core(int which) {
    const Fiber& fiber = self();
    const Core& core = *fiber.core;
    switch (which) {
        case 0: return noc_x(core.x);
        case 1: return noc_y(core.y);
        case 2: return core.x;
        case 3: return core.y;
        case 4: return core.x - fiber.first_x;
        default: return core.y - fiber.first_y;
    }
}

void ttemu_assert_failed(const char* expression, TTEMU_AT) { fatal({file, line}, "assert-failed", expression); }

}  // extern "C"
