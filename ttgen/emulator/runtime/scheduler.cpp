// Which fiber runs next, and what to say when none can.
#include "machine.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <sys/time.h>
#include <unistd.h>

int ttemu_compute_thread = 0;

namespace ttemu {

namespace {

Context scheduler;
Core* current_core = nullptr;

void load_globals(Fiber& fiber) {
    Unit& unit = *fiber.unit;
    if (unit.globals_owner == &fiber || unit.globals_bytes[0] + unit.globals_bytes[1] == 0) {
        return;
    }
    if (unit.globals_owner != nullptr) {
        uint8_t* save = unit.globals_owner->globals.data();
        for (int i = 0; i < 2; ++i) {
            copy_globals(save, unit.globals[i], unit.globals_bytes[i]);
            save += unit.globals_bytes[i];
        }
    }
    const uint8_t* load = fiber.globals.data();
    for (int i = 0; i < 2; ++i) {
        copy_globals(unit.globals[i], load, unit.globals_bytes[i]);
        load += unit.globals_bytes[i];
    }
    unit.globals_owner = &fiber;
}

void resume(Fiber& fiber) {
    machine().running = &fiber;
    set_window(static_cast<int>(fiber.core->index));
    load_globals(fiber);
    ttemu_compute_thread = static_cast<int>(fiber.thread) - static_cast<int>(Thread::Unpack);
    switch_context(scheduler, fiber.context);
    machine().running = nullptr;
}

void fiber_main() {
    entered_context();
    Fiber& fiber = self();
    fiber.unit->entry();
    check_nothing_under_way(fiber);
    fiber.state = Fiber::State::Done;
    leave_context(fiber.context, scheduler);
}

void make_ready(Fiber& fiber) {
    (fiber.late ? machine().late : fiber.core->ready).push_back(&fiber);
}

Fiber* take(std::vector<Fiber*>& ready) {
    const std::size_t pick = settings().seed != 0 ? machine().random() % ready.size() : 0;
    Fiber* fiber = ready[pick];
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(pick));
    return fiber;
}

// Orders in which somebody is as late as can be: in a third of the seeds one core, in a third half of all fibers. Late fibers stop at every
// call and go on where nothing else can happen.
void draw_late() {
    Machine& m = machine();
    if (settings().seed == 0) {
        return;
    }
    std::vector<Core*> busy;
    for (const auto& core : m.cores) {
        if (!core->fibers.empty()) {
            busy.push_back(core.get());
        }
    }
    const uint64_t kind = m.random() % 3;
    const Core* const one = busy.empty() ? nullptr : busy[m.random() % busy.size()];
    for (Core* core : busy) {
        for (const auto& fiber : core->fibers) {
            fiber->late = kind == 1 ? core == one : kind == 2 && m.chance(2);
        }
    }
}

Fiber* next_fiber() {
    Machine& m = machine();
    if (!m.late.empty() && m.chance(1024)) {  // others may poll until it has run
        return take(m.late);
    }
    const bool stay = current_core != nullptr && !current_core->ready.empty() && !m.chance(8);
    if (!stay) {
        const std::size_t count = m.cores.size();
        std::size_t start = current_core != nullptr ? current_core->index + 1 : 0;
        if (settings().seed != 0) {
            start = m.random() % count;
        }
        current_core = nullptr;
        for (std::size_t i = 0; i < count; ++i) {
            Core& core = *m.cores[(start + i) % count];
            if (!core.ready.empty()) {
                current_core = &core;
                break;
            }
        }
        if (current_core == nullptr) {
            return nullptr;
        }
    }
    return take(current_core->ready);
}

// ---- hangs

std::string describe_wait(const Fiber& fiber) {
    const Core& core = *fiber.core;
    const Wait& w = fiber.wait;
    switch (w.what) {
        case Wait::For::Pages: {
            const CircularBuffer& cb = *core.cbs[w.a];
            return format("cb_wait_front(cb %u, %u): %u of its %u pages are filled (%u pushed, %u popped so far)", w.a, w.b, cb.live(), cb.pages,
                          cb.received, cb.acknowledged);
        }
        case Wait::For::Room: {
            const CircularBuffer& cb = *core.cbs[w.a];
            return format("cb_reserve_back(cb %u, %u): %u of its %u pages are free (%u pushed, %u popped so far)", w.a, w.b, cb.pages - cb.live(),
                          cb.pages, cb.received, cb.acknowledged);
        }
        case Wait::For::Semaphore:
        case Wait::For::SemaphoreMinimum: {
            uint32_t value;
            std::memcpy(&value, core.l1 + w.a, 4);
            const bool known = w.a >= kSemaphoreBase && w.a < kSemaphoreBase + kSemaphores * kSemaphoreStride;
            return format("%s(%s %#x, %u): it holds %u", w.what == Wait::For::Semaphore ? "noc_semaphore_wait" : "noc_semaphore_wait_min",
                          known ? "semaphore at" : "word at", w.a, w.b, value) +
                   (known ? format(" (semaphore %u)", (w.a - kSemaphoreBase) / kSemaphoreStride) : "");
        }
        case Wait::For::FreeDst: return "tile_regs_acquire: pack hasn't released DST";
        case Wait::For::CommittedDst: return "tile_regs_wait: math hasn't committed DST";
        case Wait::For::Operands: return "an operation of math whose operands unpack hasn't delivered";
        case Wait::For::SourceRoom: return "an operation of unpack whose source registers math hasn't consumed";
        case Wait::For::Mail: return "a value that unpack hasn't sent";
    }
    return "";
}

const Fiber* find(const Core& core, Thread thread) {
    for (const auto& fiber : core.fibers) {
        if (fiber->thread == thread) {
            return fiber.get();
        }
    }
    return nullptr;
}

std::string place(const Fiber& fiber) {
    return format("core (%u,%u) %s", fiber.core->x, fiber.core->y, name_of(fiber.thread));
}

// Who has to do what a fiber waits for, if that is one kernel of its core.
const Fiber* counterpart_of(const Fiber& fiber) {
    const Core& core = *fiber.core;
    const Wait& w = fiber.wait;
    switch (w.what) {
        case Wait::For::Pages:
        case Wait::For::Room: {
            const int other = w.what == Wait::For::Pages ? core.cbs[w.a]->producer : core.cbs[w.a]->consumer;
            return other < 0 ? nullptr : find(core, static_cast<Thread>(other));
        }
        case Wait::For::FreeDst: return find(core, Thread::Pack);
        case Wait::For::CommittedDst:
        case Wait::For::SourceRoom: return find(core, Thread::Math);
        case Wait::For::Operands:
        case Wait::For::Mail: return find(core, Thread::Unpack);
        case Wait::For::Semaphore:
        case Wait::For::SemaphoreMinimum: return nullptr;  // any data-movement kernel of any core
    }
    return nullptr;
}

// Why a fiber's wait can never end, if one look at its counterpart tells; else empty.
std::string dead_end(const Fiber& fiber) {
    const Wait& w = fiber.wait;
    const Fiber* counterpart = counterpart_of(fiber);
    const bool ended = counterpart != nullptr && counterpart->state == Fiber::State::Done;
    if (w.what == Wait::For::Pages || w.what == Wait::For::Room) {
        const CircularBuffer& cb = *fiber.core->cbs[w.a];
        const bool wants_data = w.what == Wait::For::Pages;
        if (w.b > cb.pages) {
            return format("it asks for %u pages of a buffer that has %u", w.b, cb.pages);
        }
        if ((wants_data ? cb.producer : cb.consumer) < 0) {
            return wants_data ? "no kernel of this core has ever pushed to it" : "no kernel of this core has ever popped it";
        }
        return ended ? format("its %s, %s, has ended", wants_data ? "producer" : "consumer", name_of(counterpart->thread)) : "";
    }
    return ended ? format("%s has ended", name_of(counterpart->thread)) : "";
}

// The shortest explanation: a wait that visibly can't end; else a circle of waits; else a semaphore that nobody will change.
std::string explain(const std::vector<Fiber*>& waiting) {
    for (const Fiber* fiber : waiting) {
        const std::string why = dead_end(*fiber);
        if (!why.empty()) {
            return place(*fiber) + " waits in " + describe_wait(*fiber) + ", and " + why;
        }
    }
    for (const Fiber* start : waiting) {
        std::vector<const Fiber*> path;
        for (const Fiber* f = start; f != nullptr && f->state == Fiber::State::Blocked; f = counterpart_of(*f)) {
            const auto seen = std::find(path.begin(), path.end(), f);
            if (seen != path.end()) {
                std::string text = "a circle on core " + format("(%u,%u)", f->core->x, f->core->y) + ": ";
                for (auto it = seen; it != path.end(); ++it) {
                    text += std::string(it != seen ? "; " : "") + name_of((*it)->thread) + " waits in " + describe_wait(**it);
                }
                return text;
            }
            path.push_back(f);
        }
        if (!path.empty() && (path.back()->wait.what == Wait::For::Semaphore || path.back()->wait.what == Wait::For::SemaphoreMinimum)) {
            return place(*path.back()) + " waits in " + describe_wait(*path.back()) + ", and no running kernel will change it";
        }
    }
    return place(*waiting.front()) + " waits in " + describe_wait(*waiting.front());
}

void report_hang() {
    std::vector<Fiber*> waiting;
    for (const auto& core : machine().cores) {
        for (const auto& fiber : core->fibers) {
            if (fiber->state == Fiber::State::Blocked) {
                waiting.push_back(fiber.get());
            }
        }
    }
    std::string waits, cbs, semaphores;
    const std::string text = explain(waiting);
    std::fprintf(stderr, "hang: %s\n", text.c_str());
    const Core* last = nullptr;
    std::size_t shown = 0;
    for (const Fiber* fiber : waiting) {
        if (++shown > 40) {
            break;
        }
        Json item;
        item.raw("core", format("[%u,%u]", fiber->core->x, fiber->core->y)).text("thread", name_of(fiber->thread));
        item.text("kernel", fiber->unit->source).text("file", fiber->where.file ? fiber->where.file : "").number("line", fiber->where.line);
        item.text("on", describe_wait(*fiber));
        waits += (waits.empty() ? "" : ",") + item.str();
        if (shown <= 10) {
            std::fprintf(stderr, "  %s:%u: %s waits in %s\n", fiber->where.file, fiber->where.line, place(*fiber).c_str(), describe_wait(*fiber).c_str());
        }
        if (fiber->core == last) {
            continue;
        }
        last = fiber->core;
        for (const CircularBuffer* cb : last->used_cbs) {
            Json state;
            state.raw("core", format("[%u,%u]", last->x, last->y)).number("cb", cb->index).number("pages", cb->pages);
            state.number("pushed", cb->received).number("popped", cb->acknowledged);
            cbs += (cbs.empty() ? "" : ",") + state.str();
        }
        for (uint32_t id = 0; id < kSemaphores; ++id) {
            if ((last->semaphore_mask >> id & 1) != 0) {
                uint32_t value;
                std::memcpy(&value, last->l1 + kSemaphoreBase + id * kSemaphoreStride, 4);
                Json state;
                state.raw("core", format("[%u,%u]", last->x, last->y)).number("id", id).number("value", value);
                semaphores += (semaphores.empty() ? "" : ",") + state.str();
            }
        }
    }
    Json json;
    json.text("kind", "hang").text("name", "hang").text("message", text).number("program", machine().programs);
    if (!waiting.empty()) {
        const Fiber& f = *waiting.front();
        json.text("kernel", f.unit->source).text("thread", name_of(f.thread)).raw("core", format("[%u,%u]", f.core->x, f.core->y));
        json.text("file", f.where.file ? f.where.file : "").number("line", f.where.line);
    }
    json.number("total_waiting", waiting.size()).raw("waiting", "[" + waits + "]").raw("cbs", "[" + cbs + "]");
    json.raw("semaphores", "[" + semaphores + "]");
    write_line(json.str());
    stop_with_errors();
}

// A kernel that polls, with or without the API's help, never gives up: no state has changed for a while, and something runs.
void on_alarm(int) {
    static uint64_t last = ~uint64_t{0};
    if (machine().running != nullptr && machine().changes == last) {
        static HandlerText message;
        message << "the kernel has run for ";
        message.number(settings().spin_seconds) << " seconds while nothing that kernels wait for changed (last call at this line)";
        fatal_in_handler("hang", "hang", message);
    }
    last = machine().changes;
}

void set_alarm(uint32_t seconds) {
    itimerval timer = {};
    timer.it_interval.tv_sec = timer.it_value.tv_sec = seconds;
    std::signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

Context* scheduler_context() { return &scheduler; }

uint64_t Machine::random() {  // splitmix64
    random_state += 0x9E3779B97F4A7C15u;
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void block(const Wait& wait, Where where) {
    Fiber& fiber = self();
    fiber.where = where;
    fiber.wait = wait;
    while (!wait.ready(fiber)) {
        fiber.state = Fiber::State::Blocked;
        switch_context(fiber.context, scheduler);
    }
    fiber.state = Fiber::State::Ready;
}

void maybe_yield() {
    Fiber& fiber = self();
    if (fiber.late || machine().chance(4)) {
        make_ready(fiber);
        switch_context(fiber.context, scheduler);
    }
}

void wake(Core& core) {
    ++machine().changes;
    for (const auto& fiber : core.fibers) {
        if (fiber->state == Fiber::State::Blocked && fiber->wait.ready(*fiber)) {
            fiber->state = Fiber::State::Ready;
            make_ready(*fiber);
        }
    }
}

void run_all() {
    install_fault_handler();
    machine().random_state = settings().seed;
    draw_late();
    current_core = nullptr;
    for (const auto& core : machine().cores) {
        for (const auto& fiber : core->fibers) {
            create_context(fiber->context, 256 * 1024, fiber_main);
            make_ready(*fiber);
        }
    }
    set_alarm(settings().spin_seconds);
    while (true) {
        if (Fiber* fiber = next_fiber()) {
            resume(*fiber);
            continue;
        }
        if (land_everything()) {
            continue;
        }
        if (machine().late.empty()) {
            break;
        }
        resume(*take(machine().late));
    }
    set_alarm(0);
    set_window(-1);
    for (const auto& core : machine().cores) {
        for (const auto& fiber : core->fibers) {
            if (fiber->state != Fiber::State::Done) {
                report_hang();
            }
        }
    }
}

}  // namespace ttemu

extern "C" void ttemu_yield(TTEMU_AT) {
    using namespace ttemu;
    at({file, line});
    Fiber& fiber = self();
    make_ready(fiber);
    switch_context(fiber.context, *scheduler_context());
    land_everything();
}
