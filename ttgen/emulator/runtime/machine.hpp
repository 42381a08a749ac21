// The state of the device: cores with their circular buffers and compute units, DRAM and L1 buffers, and the fibers that run kernels.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "arch.hpp"
#include "compute.hpp"
#include "fiber.hpp"
#include "memory.hpp"
#include "report.hpp"
#include "ttemu/abi.h"

namespace ttemu {

struct Core;
struct Fiber;

const char* name_of(Thread thread);

// ---- buffers that the host made

// What a buffer holds on one device of a mesh, and what kernels did with it there.
struct Contents {
    std::vector<uint8_t> data;             // bank position after bank position; of L1 only while another device's is in place
    Shadow shadow;
    std::vector<uint32_t> written;         // bytes that kernels wrote, by page
    uint64_t read_bytes = 0;
};

// Where the pages of a buffer are: interleaved over all banks, or shard by shard over the listed banks. On all devices of a mesh they
// are at the same place; its own contents are those of the device that is in place.
struct Buffer : Contents {
    uint32_t order = 0;                    // of creation
    bool dram = true;
    bool sharded = false;
    bool contiguous = false;               // runs of shards a bank, and not round the banks
    uint32_t address = 0;                  // in every bank
    uint64_t bytes = 0;
    uint32_t page_bytes = 0, aligned_page_bytes = 0;
    uint32_t pages = 0;
    uint32_t bank_pages = 0;               // reserved in each bank
    std::vector<uint32_t> banks;           // DRAM bank or core index of each bank used
    std::vector<uint32_t> shard_shape, tensor_shape;   // in pages
    std::vector<uint32_t> page_at;         // [bank position × bank_pages + page in the bank] → page, or ~0
    std::vector<uint64_t> place_of;        // page → bank position × bank_pages + page in the bank
    std::vector<Contents> elsewhere;       // by device; nothing of the one in place, or of one that never was
    bool reported = false;
    bool allocated = true;

    uint32_t bank_bytes() const { return bank_pages * aligned_page_bytes; }
    int bank_position(uint32_t bank) const;
    bool holds_pages(uint32_t bank) const;
    void count_write(uint32_t position, uint32_t offset, uint32_t bytes);
};

// ---- circular buffers

struct CircularBuffer {
    uint32_t index = 0;
    uint32_t address = 0, bytes = 0, page_bytes = 0, pages = 0;
    uint8_t format = 0xFF;                 // tt::DataFormat
    bool unpack_to_dest = false;
    std::shared_ptr<Buffer> on_buffer;     // the buffer whose memory it uses, if any
    uint32_t received = 0, acknowledged = 0;
    uint32_t deepest = 0;
    // Each processor keeps pointers of its own, as on the device.
    struct Local {
        uint32_t read = 0, write = 0;      // offsets in bytes
        uint32_t reserved = 0, waited = 0; // pages
        uint32_t packed = 0;               // tiles packed in order since the last push
        uint32_t filled = 0;               // bytes packed since the last push, in whatever order
    };
    std::array<Local, 5> local;
    std::vector<Where> overwritten;        // of each page, where another buffer in this memory was packed over it
    int producer = -1, consumer = -1;      // threads
    Where last_push = {nullptr, 0}, last_pop = {nullptr, 0};
    uint32_t live() const { return received - acknowledged; }
};

// ---- semaphores: words of L1 that others change

struct SemaphoreWatch {
    uint32_t address = 0;
    int32_t unseen = 0;                    // changes by others since the owner last looked
    uint32_t equal = 0;                    // what it last waited for by equality, unless the word was set lower since
    Where last = {nullptr, 0};             // the increment that landed last, and whose it was
    Fiber* by = nullptr;
};

// ---- movement

struct Endpoint {                          // one end of a movement, resolved
    Core* core = nullptr;                  // L1 of that core, or
    Buffer* buffer = nullptr;              // the buffer that the address lies in (DRAM always; L1 if it is one)
    uint32_t position = 0;                 // its bank
    uint8_t* data = nullptr;
    Shadow* shadow = nullptr;
    std::size_t shadow_offset = 0;
    uint32_t address = 0;                  // in the core's L1 or the bank
};

struct Movement {
    enum class Kind : uint8_t { Read, Write, Increment } kind = Kind::Read;
    Endpoint from;
    std::vector<Endpoint> to;
    uint32_t bytes = 0;
    uint32_t value = 0;                    // of an increment
    uint32_t trid = 0;
    bool semaphore = false, inline_value = false;
    bool landed = false;                   // the kernel may not know: it stays listed until its barrier
    bool flushed = false;                  // by the kernel
    uint32_t epoch = 0;                    // flushes of its queue before it was issued
    std::vector<uint8_t> sample;
    Shadow sampled;             // which bytes of it were written
    Where where = {nullptr, 0};
};

struct NocQueues {
    std::deque<Movement> reads, writes, increments;
    uint32_t epoch = 0;
    bool linked = false;
    Where linked_at = {nullptr, 0};
    uint64_t state_address[2] = {0, 0};
    uint32_t state_bytes[2] = {0, 0};
    uint32_t trid[2] = {0, 0};
};

// ---- kernels

struct Unit {                              // a compiled kernel unit, loaded
    std::string source;                    // the kernel's file
    void (*entry)() = nullptr;
    uint8_t* globals[2] = {nullptr, nullptr};
    std::size_t globals_bytes[2] = {0, 0};
    std::vector<uint8_t> pristine;         // globals as loaded
    Fiber* globals_owner = nullptr;        // whose values are in place
};

// Copies a unit's variables, gaps between them included: without memcpy, which the address sanitizer would stop there.
__attribute__((no_sanitize("address"))) inline void copy_globals(volatile uint8_t* to, const volatile uint8_t* from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
        to[i] = from[i];
    }
}

struct KernelArgs {
    std::vector<uint32_t> unique, common;
};

struct Wait {
    enum class For : uint8_t { Room, Pages, Semaphore, SemaphoreMinimum, FreeDst, CommittedDst, SourceRoom, Operands, Mail };
    bool (*ready)(const Fiber&) = nullptr;
    uint32_t a = 0, b = 0;                 // circular buffer and pages; address and value of a semaphore; box of the mail
    For what = For::Room;
};

struct StoredRange {                       // stores to neighbouring addresses
    uint32_t begin = 0, end = 0, last = 0; // last: the address of the latest
    Where where = {nullptr, 0};            // latest call of the API before it
};

struct Fiber {
    Core* core = nullptr;
    Thread thread = Thread::Reader;
    Unit* unit = nullptr;
    const KernelArgs* args = nullptr;
    uint32_t noc = 0;                      // of a data-movement kernel
    uint32_t first_x = 0, first_y = 0;     // first core of the kernel's ranges
    Context context;
    enum class State : uint8_t { Ready, Blocked, Done } state = State::Ready;
    bool late = false;                     // goes on where nobody else can
    Wait wait;
    Where where = {nullptr, 0};            // latest call of the API
    NocQueues nocs[2];
    std::vector<StoredRange> stores;       // by the kernel to its L1, not read back yet
    std::vector<uint8_t> globals;
};

struct Counters {
    uint64_t dram_read_bytes = 0, dram_write_bytes = 0, noc_bytes = 0, tile_products = 0, elementwise_tiles = 0, sfpu_tiles = 0,
             packed_tiles = 0, semaphore_increments = 0, multicasts = 0;
    void add(const Counters& other);
    void json(Json& json) const;
};

struct Core {
    uint32_t index = 0, x = 0, y = 0;      // logical
    uint8_t* l1 = nullptr;
    Shadow shadow;
    std::array<std::unique_ptr<CircularBuffer>, 64> cbs;
    std::vector<CircularBuffer*> used_cbs;
    std::vector<SemaphoreWatch> semaphores;
    uint32_t semaphore_mask = 0;           // ids that the program created here
    std::vector<std::unique_ptr<Fiber>> fibers;
    std::vector<Fiber*> ready;
    std::unique_ptr<ComputeUnit> compute;
    Counters counters;

    Fiber* fiber(Thread thread);
};

struct Machine {
    std::vector<std::unique_ptr<Core>> cores;
    std::vector<std::shared_ptr<Buffer>> buffers;   // alive, in order of creation
    uint32_t created_buffers = 0;
    uint32_t programs = 0;                          // launched so far
    uint32_t device = 0;                            // of the mesh: whose contents the buffers have
    bool wants_fabric = false, has_fabric = false;  // the next mesh; the one that is open
    Fiber* running = nullptr;
    std::vector<Fiber*> late;                       // those that may go on, were they not late
    uint64_t random_state = 0;
    uint64_t changes = 0;                           // of anything that kernels wait for

    uint64_t random();
    bool chance(uint32_t one_in) { return settings().seed != 0 && random() % one_in == 0; }
    Core& core(uint32_t x, uint32_t y) { return *cores[y * arch().cols + x]; }
};

Machine& machine();

// ---- what the parts offer each other

inline bool overlap(uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes) { return a < b + b_bytes && b < a + a_bytes; }

inline Fiber& self() { return *machine().running; }
inline void at(Where where) { self().where = where; }

// scheduler.cpp
void block(const Wait& wait, Where where);     // until wait.ready
void maybe_yield();                            // now and then, when seeded
void wake(Core& core);
void run_all();                                // all fibers of all cores, to their end or a hang

// noc.cpp
bool land_everything();                        // movement that is under way; true if there was any
void check_nothing_under_way(Fiber& fiber);    // at a kernel's end
bool overlaps_pending_read(const Fiber& fiber, uint32_t address, uint32_t bytes, Where& issued);
bool overlaps_pending_write(const Fiber& fiber, uint32_t address, uint32_t bytes, Where& issued);
void check_semaphores(Core& core);
SemaphoreWatch& semaphore_watch(Core& core, uint32_t address);

// stores.cpp
void note_store(Fiber& fiber, uint32_t address, uint32_t bytes, Where where);
void note_load(Fiber& fiber, uint32_t address, uint32_t bytes);
void check_read_back(const Fiber& fiber, uint32_t address, uint32_t bytes, const char* what, Where where);

// circular_buffer.cpp
CircularBuffer& cb_of(uint32_t index, Where where);
void check_drained(Core& core);
// What a thread may do with a range of its core's L1, by the state of the circular buffers it lies in.
enum class Access : uint8_t { Fill, Use };
void check_local_range(Core& core, Thread thread, uint32_t address, uint32_t bytes, Access access, Where where);
// A page that arrives from another core must not hit one that its consumer may still read.
void check_not_live(Core& core, uint32_t address, uint32_t bytes, int except_cb, Where where);
void pack_over(Core& core, CircularBuffer& cb, uint32_t address, uint32_t bytes, Where where);
void check_not_packed_over(CircularBuffer& cb, uint32_t offset, Where where);
void check_reserved(Core& core, uint32_t address, uint32_t bytes, Where where);

// buffers
Buffer* find_buffer(bool dram, uint32_t bank, uint32_t address, uint32_t bytes, uint32_t& position);

}  // namespace ttemu
