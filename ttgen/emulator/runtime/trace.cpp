// What a host program says of a program, in lines: two host programs that say the same write the same.
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "program.hpp"

namespace ttemu {

namespace {

template <typename Values>
std::string joined(const Values& values) {
    std::string text;
    for (const auto& value : values) {
        text += ' ' + std::to_string(static_cast<uint64_t>(value));
    }
    return text;
}

// A kernel by what is in its file, wherever that is.
uint64_t digest_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    if (!(text << file.rdbuf())) {
        throw std::runtime_error("cannot read " + path);
    }
    uint64_t digest = 14695981039346656037u;  // FNV-1a
    for (const char c : text.str()) {
        digest = (digest ^ static_cast<uint8_t>(c)) * 1099511628211u;
    }
    return digest;
}

void trace_kernel(std::ostream& out, const KernelSpec& kernel) {
    out << "kernel " << digest_of(kernel.path) << " on" << joined(kernel.cores) << '\n';
    if (kernel.compute) {
        const ComputeConfig& config = kernel.config;
        const uint32_t flags[] = {config.fidelity, config.dst_32bit, config.full_sync, config.bfp8_precise, config.approximate};
        // Whether all are unpacked by default is said or left out.
        std::vector<std::size_t> to_dest;
        for (std::size_t i = 0; i < kernel.unpack_to_dest.size(); ++i) {
            if (kernel.unpack_to_dest[i] != tt::tt_metal::UnpackToDestMode::Default) {
                to_dest.push_back(i);
            }
        }
        out << "  compute" << joined(flags) << ", to dest" << joined(to_dest) << '\n';
    } else {
        out << "  movement " << kernel.processor << ' ' << kernel.noc << '\n';
    }
    out << "  words" << joined(kernel.compile_args) << '\n';
    for (const auto& [name, value] : kernel.named_args) {
        out << "  name " << name << ' ' << value << '\n';
    }
    for (const auto& [name, value] : kernel.defines) {
        out << "  define " << name << ' ' << value << '\n';
    }
    out << "  common" << joined(kernel.common) << '\n';
    for (const auto& [core, args] : kernel.args) {
        out << "  core " << core << joined(args.values.unique) << '\n';
    }
}

}  // namespace

void trace(const Program& program) {
    std::ofstream out(settings().trace, std::ios::app);
    out << "program\n";
    for (const auto& buffer : machine().buffers) {
        out << "tensor " << (buffer->dram ? "dram " : "l1 ") << buffer->address << ' ' << buffer->pages << ' ' << buffer->page_bytes << ", banks"
            << joined(buffer->banks) << ", shards" << joined(buffer->shard_shape) << " of" << joined(buffer->tensor_shape) << '\n';
    }
    for (const SemaphoreSpec& semaphore : program.semaphores) {
        out << "semaphore " << semaphore.id << ' ' << semaphore.initial << " on" << joined(semaphore.cores) << '\n';
    }
    for (const CircularBufferSpec& buffers : program.cbs) {
        out << "buffers " << buffers.config.total_size_ << " on" << joined(buffers.cores) << '\n';
        for (const auto& [index, use] : buffers.config.indices_) {
            out << "  index " << static_cast<uint32_t>(index) << ' ' << static_cast<uint32_t>(use.format) << ' ' << use.page_size << '\n';
        }
        if (buffers.config.on_buffer_ != nullptr) {
            out << "  at " << buffers.config.on_buffer_->address << '\n';
        }
    }
    for (const auto& kernel : program.kernels) {
        trace_kernel(out, *kernel);
    }
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + settings().trace);
    }
}

}  // namespace ttemu
