// Runs a program that a file describes, as ttnn's generic operation would: every word of the file is quoted.
// Words that stand for what only a device knows (see tests/run/fake/ttnn) get their values here.
#include <fstream>
#include <iomanip>

#include "common.hpp"

namespace {

constexpr uint32_t ADDRESS = 0xADD00000, ACCESSOR = 0xACC00000, NOC_X = 0xC0A00000, NOC_Y = 0xC0B00000;

struct Tensor {
    MeshBufferPtr buffer;
    tt::DataFormat format;
    uint32_t rows, columns;
    std::string file;
};

class Words {
public:
    explicit Words(const std::string& path) : file_(path) {}
    bool next(std::string& word) { return static_cast<bool>(file_ >> std::quoted(word)); }
    std::string text() {
        std::string word;
        if (!next(word)) {
            throw std::runtime_error("the description ends too early");
        }
        return word;
    }
    uint32_t number() { return static_cast<uint32_t>(std::stoll(text())); }
    std::vector<uint32_t> numbers() {
        std::vector<uint32_t> found(number());
        for (uint32_t& value : found) {
            value = number();
        }
        return found;
    }
    ttm::CoreRangeSet cores() {
        std::vector<ttm::CoreRange> ranges;
        for (uint32_t left = number(); left > 0; --left) {
            const uint32_t x = number(), y = number(), last_x = number(), last_y = number();
            ranges.emplace_back(ttm::CoreCoord{x, y}, ttm::CoreCoord{last_x, last_y});
        }
        return ttm::CoreRangeSet(std::move(ranges));
    }

private:
    std::ifstream file_;
};

class Loader {
public:
    explicit Loader(const std::string& path) : words_(path), device_(dist::MeshDevice::create_unit_mesh(0)), program_(ttm::CreateProgram()) {}

    void run() {
        std::string word;
        while (words_.next(word)) {
            if (word == "tensor") add_tensor();
            if (word == "semaphore") add_semaphore();
            if (word == "buffers") add_buffers();
            if (word == "kernel") add_kernel();
        }
        ::run(*device_, std::move(program_));
        for (auto& [number, tensor] : tensors_) {
            write_floats(tensor.file, download(device_->mesh_command_queue(), tensor.buffer, tensor.rows * 32, tensor.columns * 32, tensor.format));
        }
        device_->close();
    }

private:
    void add_tensor() {
        const uint32_t number = words_.number();
        Tensor tensor{.buffer = nullptr, .format = format_of(words_.text()), .rows = 0, .columns = 0, .file = {}};
        const ttm::BufferType type = words_.number() != 0 ? ttm::BufferType::DRAM : ttm::BufferType::L1;
        tensor.rows = words_.number();
        tensor.columns = words_.number();
        const uint32_t page = tt::tile_size(tensor.format);
        dist::DeviceLocalBufferConfig local{.page_size = page, .buffer_type = type, .sharding_args = {}, .bottom_up = {}};
        if (words_.number() != 0) {
            const uint32_t height = words_.number(), width = words_.number(), x = words_.number(), y = words_.number();
            local.sharding_args = ttm::BufferDistributionSpec(
                ttm::Shape({tensor.rows, tensor.columns}), ttm::Shape({height, width}), ttm::CoreRangeSet(ttm::CoreRange({0, 0}, {x, y})),
                words_.number() != 0 ? ttm::ShardOrientation::ROW_MAJOR : ttm::ShardOrientation::COL_MAJOR);
        }
        const dist::ReplicatedBufferConfig size{.size = uint64_t{tensor.rows} * tensor.columns * page};
        tensor.buffer = dist::MeshBuffer::create(size, local, device_.get());
        tensor.file = words_.text();
        const std::vector<float> values = read_floats(tensor.file, std::size_t{tensor.rows} * tensor.columns * 1024);
        upload(device_->mesh_command_queue(), tensor.buffer, values, tensor.rows * 32, tensor.columns * 32, tensor.format);
        tensors_.emplace(number, tensor);
    }

    void add_semaphore() {
        const uint32_t id = words_.number(), initial = words_.number();
        if (ttm::CreateSemaphore(program_, words_.cores(), initial) != id) {
            throw std::runtime_error("a semaphore has another number than it was given");
        }
    }

    void add_buffers() {
        const uint32_t bytes = words_.number(), tensor = words_.number();
        std::map<uint8_t, tt::DataFormat> formats;
        std::map<uint8_t, uint32_t> pages;
        for (uint32_t left = words_.number(); left > 0; --left) {
            const uint8_t index = static_cast<uint8_t>(words_.number());
            formats[index] = format_of(words_.text());
            pages[index] = words_.number();
        }
        ttm::CircularBufferConfig config(bytes, formats);
        for (const auto& [index, page] : pages) {
            config.set_page_size(index, page);
        }
        if (tensor != UINT32_MAX) {
            config.set_globally_allocated_address(*tensors_.at(tensor).buffer->get_reference_buffer());
        }
        ttm::CreateCircularBuffer(program_, words_.cores(), config);
    }

    void add_kernel() {
        const std::string file = words_.text();
        std::variant<ttm::DataMovementConfig, ttm::ComputeConfig> config;
        if (words_.text() == "movement") {
            const auto processor = words_.number() == 0 ? ttm::DataMovementProcessor::RISCV_0 : ttm::DataMovementProcessor::RISCV_1;
            config = ttm::DataMovementConfig{
                .processor = processor, .noc = words_.number() == 0 ? ttm::NOC::NOC_0 : ttm::NOC::NOC_1,
                .compile_args = {}, .defines = {}, .named_compile_args = {}};
        } else {
            ttm::ComputeConfig compute;
            compute.math_fidelity = fidelity_of(words_.text());
            compute.math_approx_mode = words_.number() != 0;
            compute.fp32_dest_acc_en = words_.number() != 0;
            compute.dst_full_sync_en = words_.number() != 0;
            compute.bfp8_pack_precise = words_.number() != 0;
            for (const uint32_t mode : words_.numbers()) {
                compute.unpack_to_dest_mode.push_back(mode != 0 ? ttm::UnpackToDestMode::UnpackToDestFp32 : ttm::UnpackToDestMode::Default);
            }
            config = compute;
        }
        std::vector<uint32_t> accessors;
        for (const uint32_t word : words_.numbers()) {
            ttm::TensorAccessorArgs(*tensors_.at(word - ACCESSOR).buffer).append_to(accessors);
        }
        std::visit([&](auto& settings) {
            settings.compile_args = accessors;
            for (uint32_t left = words_.number(); left > 0; --left) {
                const std::string name = words_.text();
                settings.named_compile_args[name] = words_.number();
            }
            for (uint32_t left = words_.number(); left > 0; --left) {
                const std::string name = words_.text();
                settings.defines[name] = words_.text();
            }
        }, config);
        std::vector<uint32_t> common;
        for (const uint32_t word : words_.numbers()) {
            common.push_back(known(word));
        }
        const ttm::KernelHandle kernel = ttm::CreateKernel(program_, file, words_.cores(), config);
        if (!common.empty()) {
            ttm::SetCommonRuntimeArgs(program_, kernel, common);
        }
        for (uint32_t left = words_.number(); left > 0; --left) {
            const uint32_t x = words_.number(), y = words_.number();
            ttm::SetRuntimeArgs(program_, kernel, ttm::CoreCoord{x, y}, words_.numbers());
        }
    }

    // Nothing else is the same on every core.
    uint32_t known(uint32_t word) const {
        const auto on_noc = [&](std::size_t x, std::size_t y) { return device_->worker_core_from_logical_core(ttm::CoreCoord{x, y}); };
        const uint32_t number = word & 0xFFFFu;
        switch (word - number) {
            case ADDRESS: return static_cast<uint32_t>(tensors_.at(number).buffer->address());
            case NOC_X: return static_cast<uint32_t>(on_noc(number, 0).x);
            case NOC_Y: return static_cast<uint32_t>(on_noc(0, number).y);
            default: throw std::runtime_error("a word that no device gave: " + std::to_string(word));
        }
    }

    Words words_;
    std::shared_ptr<dist::MeshDevice> device_;
    std::map<uint32_t, Tensor> tensors_;
    ttm::Program program_;
};

}  // namespace

int main(int, char** argv) {
    Loader(argv[1]).run();
    return 0;
}
