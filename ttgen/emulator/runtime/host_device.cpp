// Devices, mesh buffers and queues of the Mesh API.
#include <cstring>
#include <stdexcept>

#include "host_buffers.hpp"
#include "program.hpp"
#include "tt-metalium/distributed.hpp"
#include "tt-metalium/hal.hpp"

namespace ttemu {

Machine& machine() {
    static Machine* m = new Machine;  // never destroyed: buffers may outlive it
    return *m;
}

Fiber* Core::fiber(Thread thread) {
    for (const auto& f : fibers) {
        if (f->thread == thread) {
            return f.get();
        }
    }
    return nullptr;
}

namespace {

void open_machine() {
    Machine& m = machine();
    if (!m.cores.empty()) {
        return;
    }
    const uint32_t count = arch().rows * arch().cols;
    uint8_t* l1 = map_l1(count);
    for (uint32_t i = 0; i < count; ++i) {
        auto core = std::make_unique<Core>();
        core->index = i;
        core->x = i % arch().cols;
        core->y = i / arch().cols;
        core->l1 = l1 + std::size_t{i} * kL1Stride;
        core->shadow = Shadow(arch().l1_bytes);
        m.cores.push_back(std::move(core));
    }
}

}  // namespace
}  // namespace ttemu

namespace tt::tt_metal {

using namespace ttemu;

namespace hal {
tt::ARCH get_arch() { return arch().blackhole ? tt::ARCH::BLACKHOLE : tt::ARCH::WORMHOLE_B0; }
std::string get_arch_name() { return arch().name; }
uint32_t get_l1_alignment() { return arch().l1_alignment; }
uint32_t get_dram_alignment() { return arch().dram_alignment; }
uint32_t get_arch_num_circular_buffers() { return arch().cb_count; }
uint32_t get_max_worker_l1_unreserved_size() { return arch().l1_bytes - arch().l1_base; }
}  // namespace hal

namespace distributed {

namespace {

MeshCoordinate coordinate_of(const MeshShape& shape, uint32_t device) {
    std::vector<uint32_t> values(shape.dims());
    for (std::size_t i = shape.dims(); i-- > 0; device /= shape[i]) {
        values[i] = device % shape[i];
    }
    return MeshCoordinate(std::span<const uint32_t>(values));
}

bool contains(const MeshCoordinateRange& range, const MeshCoordinate& coordinate) {
    bool inside = range.start_coord().dims() == coordinate.dims();
    for (std::size_t i = 0; inside && i < coordinate.dims(); ++i) {
        const uint32_t at = coordinate.coords()[i];
        inside = range.start_coord().coords()[i] <= at && at <= range.end_coord().coords()[i];
    }
    return inside;
}

}  // namespace

class Queue final : public MeshCommandQueue {
public:
    explicit Queue(const MeshShape& shape) : shape_(shape) {}
    void enqueue_write_mesh_buffer(const std::shared_ptr<MeshBuffer>& mesh_buffer, const void* host_data, bool) override {
        for_each_device(MeshCoordinateRange(shape_), [&] { write(*mesh_buffer, host_data); });
    }
    void enqueue_read_mesh_buffer(void* host_data, const std::shared_ptr<MeshBuffer>& mesh_buffer, bool) override {
        for_each_device(MeshCoordinateRange(shape_), [&] { read(host_data, *mesh_buffer); });
    }
    void enqueue_write_shard(const std::shared_ptr<MeshBuffer>& mesh_buffer, const void* host_data, const MeshCoordinate& at, bool) override {
        for_each_device(MeshCoordinateRange(at), [&] { write(*mesh_buffer, host_data); });
    }
    void enqueue_read_shard(void* host_data, const std::shared_ptr<MeshBuffer>& mesh_buffer, const MeshCoordinate& at, bool) override {
        for_each_device(MeshCoordinateRange(at), [&] { read(host_data, *mesh_buffer); });
    }
    void enqueue_mesh_workload(MeshWorkload& workload, bool) override {
        for (auto& [range, program] : workload.get_programs()) {
            for_each_device(range, [&, &state = program.state()] { launch(state); });
        }
    }

private:
    // With each device of a range in place, row by row.
    template <typename Visit>
    void for_each_device(const MeshCoordinateRange& range, Visit&& visit) {
        const uint32_t count = static_cast<uint32_t>(shape_.mesh_size());
        bool found = false;
        for (uint32_t device = 0; device < count; ++device) {
            if (contains(range, coordinate_of(shape_, device))) {
                place_device(device);
                visit();
                found = true;
            }
        }
        if (!found) {
            throw std::runtime_error("No device of the mesh is at these coordinates");
        }
    }
    static void write(const MeshBuffer& mesh_buffer, const void* host_data) {
        ttemu::Buffer& buffer = *mesh_buffer.get_reference_buffer()->state();
        each_page(buffer, [&](uint8_t* device, Shadow& shadow, std::size_t offset, uint32_t page) {
            std::memcpy(device, static_cast<const uint8_t*>(host_data) + std::size_t{page} * buffer.page_bytes, buffer.page_bytes);
            shadow.set(offset, buffer.page_bytes, true);
        });
    }
    static void read(void* host_data, const MeshBuffer& mesh_buffer) {
        ttemu::Buffer& buffer = *mesh_buffer.get_reference_buffer()->state();
        each_page(buffer, [&](const uint8_t* device, const Shadow&, std::size_t, uint32_t page) {
            std::memcpy(static_cast<uint8_t*>(host_data) + std::size_t{page} * buffer.page_bytes, device, buffer.page_bytes);
        });
        report_buffer(buffer, "read");
    }

    const MeshShape& shape_;
};

class MeshDeviceImpl {
public:
    explicit MeshDeviceImpl(const MeshShape& mesh) : shape(mesh), queue(shape) {}
    MeshShape shape;
    Queue queue;
    bool open = true;
};

std::shared_ptr<MeshDevice> MeshDevice::create(
    const MeshDeviceConfig& config, std::size_t, std::size_t, std::size_t, const DispatchCoreConfig&, std::span<const uint32_t>, std::size_t) {
    open_machine();
    machine().has_fabric = machine().wants_fabric;
    return std::make_shared<MeshDevice>(std::make_unique<MeshDeviceImpl>(config.mesh_shape()));
}
std::shared_ptr<MeshDevice> MeshDevice::create_unit_mesh(
    int, std::size_t, std::size_t, std::size_t, const DispatchCoreConfig&, std::span<const uint32_t>, std::size_t) {
    return create(MeshDeviceConfig(MeshShape(1, 1)));
}
MeshDevice::MeshDevice(std::unique_ptr<MeshDeviceImpl> pimpl) : pimpl_(std::move(pimpl)) {}
MeshDevice::~MeshDevice() { close(); }
MeshCommandQueue& MeshDevice::mesh_command_queue(std::optional<uint8_t>) const { return pimpl_->queue; }
const MeshShape& MeshDevice::shape() const { return pimpl_->shape; }
tt::ARCH MeshDevice::arch() const { return hal::get_arch(); }
bool MeshDevice::close() {
    if (pimpl_->open) {
        for (const auto& buffer : machine().buffers) {
            if (!buffer->reported) {
                report_buffer(*buffer, "close");
            }
        }
        pimpl_->open = false;
    }
    return true;
}
CoreCoord MeshDevice::compute_with_storage_grid_size() const { return {ttemu::arch().cols, ttemu::arch().rows}; }
CoreCoord MeshDevice::worker_core_from_logical_core(const CoreCoord& core) const {
    if (core.x >= ttemu::arch().cols || core.y >= ttemu::arch().rows) {
        throw std::runtime_error("No worker core at logical coordinate " + core.str());
    }
    return {noc_x(static_cast<uint32_t>(core.x)), noc_y(static_cast<uint32_t>(core.y))};
}
std::size_t MeshDevice::num_devices() const { return pimpl_->shape.mesh_size(); }
int MeshDevice::num_dram_channels() const { return static_cast<int>(ttemu::arch().dram_banks); }

namespace {

// What is at an address already: memory of its own a buffer is only given by the allocator.
std::shared_ptr<ttemu::Buffer> buffer_at(uint32_t address, const DeviceLocalBufferConfig& local, DeviceAddr bytes) {
    for (const auto& buffer : machine().buffers) {
        if (buffer->address == address && buffer->dram == (local.buffer_type == BufferType::DRAM) && buffer->bytes == bytes &&
            buffer->page_bytes == local.page_size) {
            return buffer;
        }
    }
    throw std::runtime_error("the emulator has no such buffer at this address");
}

}  // namespace

std::shared_ptr<MeshBuffer> MeshBuffer::create(
    const MeshBufferConfig& config, const DeviceLocalBufferConfig& local, MeshDevice* device, std::optional<DeviceAddr> address) {
    if (local.buffer_type != BufferType::DRAM && local.buffer_type != BufferType::L1) {
        throw std::runtime_error("the emulator has DRAM and L1 buffers only");
    }
    const bool replicated = std::holds_alternative<ReplicatedBufferConfig>(config);
    const DeviceAddr bytes = replicated ? std::get<ReplicatedBufferConfig>(config).size : std::get<ShardedBufferConfig>(config).global_size;
    std::shared_ptr<MeshBuffer> buffer(new MeshBuffer);
    auto state = address.has_value() ? buffer_at(static_cast<uint32_t>(*address), local, bytes)
                                     : make_buffer(
                                           local.buffer_type == BufferType::DRAM, bytes, static_cast<uint32_t>(local.page_size),
                                           local.sharding_args.buffer_distribution_spec());
    buffer->address_ = state->address;
    buffer->size_ = bytes;
    buffer->config_ = config;
    buffer->local_ = local;
    buffer->owns_ = !address.has_value();
    buffer->device_ = device;
    buffer->buffer_ = std::make_unique<Buffer>(std::move(state));
    return buffer;
}
MeshBuffer::MeshBuffer(MeshBuffer&& other) noexcept = default;
MeshBuffer::~MeshBuffer() {
    if (buffer_ != nullptr && owns_) {
        deallocate();
    }
}
bool MeshBuffer::is_allocated() const { return buffer_->state()->allocated; }
void MeshBuffer::deallocate() {
    if (is_allocated()) {
        free_buffer(buffer_->state());
    }
}
MeshDevice* MeshBuffer::device() const { return device_; }
DeviceAddr MeshBuffer::size() const { return size_; }
Buffer* MeshBuffer::get_device_buffer(const MeshCoordinate&) const { return buffer_.get(); }
Buffer* MeshBuffer::get_reference_buffer() const { return buffer_.get(); }
Buffer* MeshBuffer::get_backing_buffer() const { return buffer_.get(); }

MeshWorkload::MeshWorkload() = default;
MeshWorkload::MeshWorkload(MeshWorkload&&) noexcept = default;
MeshWorkload& MeshWorkload::operator=(MeshWorkload&&) noexcept = default;
MeshWorkload::~MeshWorkload() = default;
void MeshWorkload::add_program(const MeshCoordinateRange& range, Program&& program) {
    if (!programs_.emplace(range, std::move(program)).second) {
        throw std::runtime_error("Program range overlaps with the range of another program");
    }
}
std::unordered_map<MeshCoordinateRange, Program>& MeshWorkload::get_programs() { return programs_; }

void EnqueueMeshWorkload(MeshCommandQueue& queue, MeshWorkload& workload, bool blocking) { queue.enqueue_mesh_workload(workload, blocking); }
void Finish(MeshCommandQueue&, std::span<const SubDeviceId>) {}

}  // namespace distributed
}  // namespace tt::tt_metal
