// Devices, mesh buffers and queues of the Mesh API. There is one device.
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

class Queue final : public MeshCommandQueue {
public:
    void enqueue_write_mesh_buffer(const std::shared_ptr<MeshBuffer>& mesh_buffer, const void* host_data, bool) override {
        ttemu::Buffer& buffer = *mesh_buffer->get_reference_buffer()->state();
        each_page(buffer, [&](uint8_t* device, Shadow& shadow, std::size_t offset, uint32_t page) {
            std::memcpy(device, static_cast<const uint8_t*>(host_data) + std::size_t{page} * buffer.page_bytes, buffer.page_bytes);
            shadow.set(offset, buffer.page_bytes, true);
        });
    }
    void enqueue_read_mesh_buffer(void* host_data, const std::shared_ptr<MeshBuffer>& mesh_buffer, bool) override {
        ttemu::Buffer& buffer = *mesh_buffer->get_reference_buffer()->state();
        each_page(buffer, [&](const uint8_t* device, const Shadow&, std::size_t, uint32_t page) {
            std::memcpy(static_cast<uint8_t*>(host_data) + std::size_t{page} * buffer.page_bytes, device, buffer.page_bytes);
        });
        report_buffer(buffer, "read");
    }
    void enqueue_mesh_workload(MeshWorkload& workload, bool) override {
        for (auto& [range, program] : workload.get_programs()) {
            launch(program.state());
        }
    }
};

class MeshDeviceImpl {
public:
    Queue queue;
    MeshShape shape{1, 1};
    bool open = true;
};

std::shared_ptr<MeshDevice> MeshDevice::create_unit_mesh(
    int, std::size_t, std::size_t, std::size_t, const DispatchCoreConfig&, std::span<const uint32_t>, std::size_t) {
    open_machine();
    return std::make_shared<MeshDevice>(std::make_unique<MeshDeviceImpl>());
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
std::size_t MeshDevice::num_devices() const { return 1; }
int MeshDevice::num_dram_channels() const { return static_cast<int>(ttemu::arch().dram_banks); }

std::shared_ptr<MeshBuffer> MeshBuffer::create(
    const MeshBufferConfig& config, const DeviceLocalBufferConfig& local, MeshDevice* device, std::optional<DeviceAddr> address) {
    if (address.has_value()) {
        throw std::runtime_error("the emulator places buffers itself");
    }
    if (local.buffer_type != BufferType::DRAM && local.buffer_type != BufferType::L1) {
        throw std::runtime_error("the emulator has DRAM and L1 buffers only");
    }
    const bool replicated = std::holds_alternative<ReplicatedBufferConfig>(config);
    const DeviceAddr bytes = replicated ? std::get<ReplicatedBufferConfig>(config).size : std::get<ShardedBufferConfig>(config).global_size;
    std::shared_ptr<MeshBuffer> buffer(new MeshBuffer);
    auto state = make_buffer(
        local.buffer_type == BufferType::DRAM, bytes, static_cast<uint32_t>(local.page_size), local.sharding_args.buffer_distribution_spec());
    buffer->address_ = state->address;
    buffer->size_ = bytes;
    buffer->page_size_ = static_cast<uint32_t>(local.page_size);
    buffer->device_ = device;
    buffer->buffer_ = std::make_unique<Buffer>(std::move(state));
    return buffer;
}
MeshBuffer::~MeshBuffer() { deallocate(); }
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
