// Programs: what CreateKernel and the rest collect, with the checks of the real host API.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

#include "program.hpp"
#include "tt-metalium/host_api.hpp"

namespace tt::tt_metal {

using namespace ttemu;

namespace {

using Cores = std::variant<CoreCoord, CoreRange, CoreRangeSet>;

std::vector<uint32_t> indices_of(const CoreRangeSet& set) {
    std::vector<uint32_t> cores;
    for (const CoreRange& range : set.ranges()) {
        for (const CoreCoord& core : range) {
            if (core.x >= arch().cols || core.y >= arch().rows) {
                throw std::runtime_error("Core " + core.str() + " is outside the device's grid");
            }
            cores.push_back(static_cast<uint32_t>(core.y * arch().cols + core.x));
        }
    }
    return cores;
}

CoreRangeSet set_of(const Cores& cores) {
    if (const auto* core = std::get_if<CoreCoord>(&cores)) {
        return CoreRangeSet(CoreRange(*core));
    }
    if (const auto* range = std::get_if<CoreRange>(&cores)) {
        return CoreRangeSet(*range);
    }
    return std::get<CoreRangeSet>(cores);
}

KernelSpec& kernel_of(const Program& program, KernelHandle handle) {
    auto& kernels = program.state().kernels;
    if (handle >= kernels.size()) {
        throw std::runtime_error("There is no kernel " + std::to_string(handle));
    }
    return *kernels[handle];
}

bool exists(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

// Absolute paths first, then the working directory, the kernel path, the root.
std::string resolve_kernel(const std::string& name) {
    std::vector<std::string> candidates = {name};
    for (const char* variable : {"TT_METAL_KERNEL_PATH", "TT_METAL_RUNTIME_ROOT"}) {
        if (const char* folder = std::getenv(variable)) {
            candidates.push_back(std::string(folder) + "/" + name);
        }
    }
    for (const std::string& candidate : candidates) {
        if (exists(candidate)) {
            return candidate;
        }
    }
    return name;  // found missing when it is compiled
}

void check_processor(const ttemu::Program& program, const KernelSpec& added) {
    for (const auto& kernel : program.kernels) {
        if (kernel->compute != added.compute || (!added.compute && kernel->processor != added.processor)) {
            continue;
        }
        for (const uint32_t core : added.cores) {
            if (std::find(kernel->cores.begin(), kernel->cores.end(), core) != kernel->cores.end()) {
                throw std::runtime_error("Core Overlap: two kernels on one processor of a core: " + kernel->path + " and " + added.path);
            }
        }
    }
}

uint32_t phases(MathFidelity fidelity) { return fidelity == MathFidelity::LoFi ? 1 : static_cast<uint32_t>(fidelity); }

void set_values(CoreArgs& args, std::span<const uint32_t> values) {
    if (args.set && args.values.unique.size() != values.size()) {
        throw std::runtime_error("The number of runtime arguments of a kernel on a core cannot change");
    }
    if (values.size() > 4094) {
        throw std::runtime_error("Too many runtime arguments");
    }
    args.values.unique.assign(values.begin(), values.end());
    args.view = {args.values.unique.data(), args.values.unique.size()};
    args.set = true;
}

}  // namespace

Program::Program() : state_(std::make_shared<ttemu::Program>()) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() noexcept = default;

Program CreateProgram() { return Program(); }

KernelHandle CreateKernel(
    Program& program, const std::string& file_name, const Cores& cores, const std::variant<DataMovementConfig, ComputeConfig>& config) {
    auto kernel = std::make_unique<KernelSpec>();
    kernel->path = resolve_kernel(file_name);
    kernel->cores = indices_of(set_of(cores));
    const auto common = [&](const auto& c) {
        kernel->compile_args = c.compile_args;
        kernel->defines = c.defines;
        kernel->named_args = {c.named_compile_args.begin(), c.named_compile_args.end()};
    };
    if (const auto* movement = std::get_if<DataMovementConfig>(&config)) {
        common(*movement);
        kernel->processor = movement->processor == DataMovementProcessor::RISCV_0 ? 0 : 1;
        kernel->noc = movement->noc;
    } else {
        const auto& compute = std::get<ComputeConfig>(config);
        common(compute);
        kernel->compute = true;
        kernel->config.fidelity = phases(compute.math_fidelity);
        kernel->config.dst_32bit = compute.fp32_dest_acc_en;
        kernel->config.full_sync = compute.dst_full_sync_en;
        kernel->config.bfp8_precise = compute.bfp8_pack_precise;
        kernel->config.approximate = compute.math_approx_mode;
        kernel->unpack_to_dest = compute.unpack_to_dest_mode;
        if (!compute.unpack_to_dest_mode.empty() && compute.unpack_to_dest_mode.size() != arch().cb_count) {
            throw std::runtime_error("unpack_to_dest_mode must have " + std::to_string(arch().cb_count) + " entries");
        }
    }
    check_processor(program.state(), *kernel);
    program.state().kernels.push_back(std::move(kernel));
    return static_cast<KernelHandle>(program.state().kernels.size() - 1);
}

KernelHandle CreateKernelFromString(
    Program& program, const std::string& source, const Cores& cores, const std::variant<DataMovementConfig, ComputeConfig>& config) {
    static unsigned count = 0;
    const std::string path = settings().cache + format("/source.%d.%u.cpp", static_cast<int>(getpid()), count++);
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) {
        throw std::runtime_error("cannot write " + path);
    }
    std::fwrite(source.data(), 1, source.size(), file);
    std::fclose(file);
    return CreateKernel(program, path, cores, config);
}

CircularBufferConfig::CircularBufferConfig(uint32_t total_size, const std::map<uint8_t, tt::DataFormat>& formats) : total_size_(total_size) {
    for (const auto& [index, data_format] : formats) {
        if (index >= arch().cb_count) {
            throw std::runtime_error("Circular buffer index " + std::to_string(index) + " exceeds the chip's " + std::to_string(arch().cb_count));
        }
        indices_[index] = {data_format, 0};
    }
}
CircularBufferConfig& CircularBufferConfig::set_page_size(uint8_t index, uint32_t page_size) {
    const auto it = indices_.find(index);
    if (it == indices_.end()) {
        throw std::runtime_error("Illegal circular buffer index " + std::to_string(index) + ": no data format is given for it");
    }
    if (page_size == 0 || total_size_ % page_size != 0) {
        throw std::runtime_error("Total circular buffer size " + std::to_string(total_size_) + " B must be divisible by page size " +
                                 std::to_string(page_size) + " B");
    }
    it->second.page_size = page_size;
    return *this;
}
CircularBufferConfig& CircularBufferConfig::set_tile_dims(uint8_t, const Tile& tile) {
    if (tile.get_tile_shape() != std::array<uint32_t, 2>{32, 32}) {
        throw std::runtime_error("the emulator's compute unit knows 32×32 tiles only");
    }
    return *this;
}
CircularBufferConfig& CircularBufferConfig::set_globally_allocated_address(const Buffer& buffer) {
    if (!buffer.is_l1()) {
        throw std::runtime_error("Only L1 buffers can have an associated circular buffer");
    }
    on_buffer_ = buffer.state();
    return *this;
}

CBHandle CreateCircularBuffer(Program& program, const Cores& cores, const CircularBufferConfig& config) {
    CircularBufferSpec spec{config, indices_of(set_of(cores)), 0};
    for (const auto& [index, use] : config.indices_) {
        if (use.page_size == 0) {
            throw std::runtime_error("Circular buffer " + std::to_string(index) + " has no page size");
        }
        for (const CircularBufferSpec& other : program.state().cbs) {
            for (const uint32_t core : spec.cores) {
                if (other.config.indices_.count(index) != 0 && std::find(other.cores.begin(), other.cores.end(), core) != other.cores.end()) {
                    throw std::runtime_error("Invalid circular buffer index: " + std::to_string(index) + " is already in use on a core");
                }
            }
        }
    }
    if (config.on_buffer_ != nullptr && config.total_size_ > config.on_buffer_->bank_bytes()) {
        throw std::runtime_error("The circular buffer is larger than the shard it is placed on");
    }
    // The library takes it, and the buffer then lies on memory that nobody filled.
    for (const uint32_t core : spec.cores) {
        if (config.on_buffer_ != nullptr && !config.on_buffer_->holds_pages(core)) {
            throw std::runtime_error("A circular buffer is placed on shards of which core " + std::to_string(core % arch().cols) + "," +
                                     std::to_string(core / arch().cols) + " has none");
        }
    }
    program.state().cbs.push_back(std::move(spec));
    return program.state().cbs.size() - 1;
}

uint32_t CreateSemaphore(Program& program, const std::variant<CoreRange, CoreRangeSet>& cores, uint32_t initial_value) {
    SemaphoreSpec spec;
    spec.initial = initial_value;
    spec.cores = indices_of(std::holds_alternative<CoreRange>(cores) ? CoreRangeSet(std::get<CoreRange>(cores)) : std::get<CoreRangeSet>(cores));
    for (; spec.id < kSemaphores; ++spec.id) {
        const bool taken = std::any_of(program.state().semaphores.begin(), program.state().semaphores.end(), [&](const SemaphoreSpec& other) {
            return other.id == spec.id && std::any_of(spec.cores.begin(), spec.cores.end(), [&](uint32_t core) {
                       return std::find(other.cores.begin(), other.cores.end(), core) != other.cores.end();
                   });
        });
        if (!taken) {
            program.state().semaphores.push_back(spec);
            return spec.id;
        }
    }
    throw std::runtime_error("Unable to initialize semaphore: all 16 of a core are in use");
}

void SetRuntimeArgs(const Program& program, KernelHandle handle, const Cores& cores, std::span<const uint32_t> values) {
    KernelSpec& kernel = kernel_of(program, handle);
    for (const uint32_t core : indices_of(set_of(cores))) {
        if (std::find(kernel.cores.begin(), kernel.cores.end(), core) == kernel.cores.end()) {
            throw std::runtime_error("Runtime arguments for a core on which kernel " + kernel.path + " doesn't run");
        }
        set_values(kernel.args[core], values);
    }
}
void SetRuntimeArgs(const Program& program, KernelHandle handle, const Cores& cores, std::initializer_list<uint32_t> values) {
    SetRuntimeArgs(program, handle, cores, std::span<const uint32_t>(values.begin(), values.size()));
}
void SetRuntimeArgs(
    const Program& program, KernelHandle handle, const std::vector<CoreCoord>& cores, const std::vector<std::vector<uint32_t>>& values) {
    if (cores.size() != values.size()) {
        throw std::runtime_error("Mismatch between number of cores and of runtime argument lists");
    }
    for (std::size_t i = 0; i < cores.size(); ++i) {
        SetRuntimeArgs(program, handle, Cores(cores[i]), std::span<const uint32_t>(values[i]));
    }
}
void SetCommonRuntimeArgs(const Program& program, KernelHandle handle, std::span<const uint32_t> values) {
    KernelSpec& kernel = kernel_of(program, handle);
    if (kernel.common_set) {
        throw std::runtime_error("Illegal Common Runtime Args: Can only set common runtime args once");
    }
    kernel.common.assign(values.begin(), values.end());
    kernel.common_view = {kernel.common.data(), kernel.common.size()};
    kernel.common_set = true;
}
void SetCommonRuntimeArgs(const Program& program, KernelHandle handle, std::initializer_list<uint32_t> values) {
    SetCommonRuntimeArgs(program, handle, std::span<const uint32_t>(values.begin(), values.size()));
}
RuntimeArgsData& GetRuntimeArgs(const Program& program, KernelHandle handle, const CoreCoord& core) {
    return kernel_of(program, handle).args[static_cast<uint32_t>(core.y * arch().cols + core.x)].view;
}
RuntimeArgsData& GetCommonRuntimeArgs(const Program& program, KernelHandle handle) { return kernel_of(program, handle).common_view; }

}  // namespace tt::tt_metal
