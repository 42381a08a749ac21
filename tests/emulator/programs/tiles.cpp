// Runs one compute kernel over tiles: out(tile) = kernel(tiles of up to three inputs). Inputs may be one row, column or tile of tiles.
#include "common.hpp"

#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    const Options options(argc, argv);
    const uint32_t rows = options.number("rows", 1), columns = options.number("columns", 1), inputs = options.number("inputs", 1);
    const tt::DataFormat out_format = format_of(options.text("out", "bfloat16"));
    const uint32_t units = rows * columns;

    std::shared_ptr<dist::MeshDevice> device = dist::MeshDevice::create_unit_mesh(0);
    dist::MeshCommandQueue& cq = device->mesh_command_queue();
    ttm::Program program = ttm::CreateProgram();
    const uint32_t cores_used = std::min(units, options.number("cores", 2));
    const std::vector<ttm::CoreCoord> cores = ttm::grid_to_cores(cores_used, 8, 8, true);
    const ttm::CoreRangeSet all{std::span<const ttm::CoreCoord>(cores)};

    std::vector<uint32_t> reader_words, writer_words, addresses;
    std::unordered_map<std::string, uint32_t> named = {{"inputs", inputs}, {"columns", columns}, {"mode_0", 0}, {"mode_1", 0}, {"mode_2", 0}};
    std::vector<ttm::UnpackToDestMode> unpack(ttm::hal::get_arch_num_circular_buffers(), ttm::UnpackToDestMode::Default);
    std::vector<MeshBufferPtr> tensors;
    for (uint32_t i = 0; i < 3; ++i) {
        const uint32_t used = i < inputs ? i : 0;  // the reader's accessors exist whether they are used or not
        const std::string index = std::to_string(used);
        const uint32_t mode = options.number("mode" + index, 0);
        const uint32_t m = mode == 0 || mode == 2 ? rows : 1, n = mode == 0 || mode == 1 ? columns : 1;
        const tt::DataFormat format = format_of(options.text("in" + index, "bfloat16"));
        if (i < inputs) {
            tensors.push_back(make_buffer(device.get(), m * n, format, options.number("l1", 0) != 0 ? ttm::BufferType::L1 : ttm::BufferType::DRAM));
            upload(cq, tensors.back(), read_floats(options.text("IN" + index), std::size_t{m} * n * 1024), m * 32, n * 32, format);
            make_cb(program, all, static_cast<uint8_t>(i), options.number("depth", 2), format);
            named["mode_" + index] = mode;
            if (options.number("exact" + index, 0) != 0) {
                unpack[i] = ttm::UnpackToDestMode::UnpackToDestFp32;
            }
        }
        ttm::TensorAccessorArgs(*tensors[used]).append_to(reader_words);
        addresses.push_back(static_cast<uint32_t>(tensors[used]->address()));
    }
    auto out = make_buffer(device.get(), units, out_format);
    ttm::TensorAccessorArgs(*out).append_to(writer_words);
    make_cb(program, all, 16, 2, out_format);
    if (options.number("partials", 0) != 0) {
        make_cb(program, all, 24, options.number("partials", 0), format_of(options.text("partials_format", "float32")));
    }

    const ttm::KernelHandle reader = ttm::CreateKernel(
        program, kernel_path(options, "tiles_reader.cpp"), all,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_1, .noc = ttm::NOC::NOC_0, .compile_args = reader_words,
                                .named_compile_args = named});
    const ttm::KernelHandle compute = ttm::CreateKernel(
        program, options.text("compute"), all,
        ttm::ComputeConfig{.math_fidelity = fidelity_of(options.text("fidelity", "HiFi4")), .fp32_dest_acc_en = options.number("fp32", 1) != 0,
                           .dst_full_sync_en = options.number("full_sync", 0) != 0, .unpack_to_dest_mode = unpack});
    const ttm::KernelHandle writer = ttm::CreateKernel(
        program, kernel_path(options, "unit_writer.cpp"), all,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_0, .noc = ttm::NOC::NOC_1, .compile_args = writer_words,
                                .named_compile_args = {{"cb_out", 16}}});
    ttm::SetCommonRuntimeArgs(program, reader, std::span<const uint32_t>(addresses));
    ttm::SetCommonRuntimeArgs(program, writer, {static_cast<uint32_t>(out->address())});
    uint32_t start = 0;
    for (uint32_t i = 0; i < cores_used; ++i) {
        const uint32_t count = units / cores_used + (i < units % cores_used ? 1 : 0);
        ttm::SetRuntimeArgs(program, reader, cores[i], {start, count});
        ttm::SetRuntimeArgs(program, compute, cores[i], {count});
        ttm::SetRuntimeArgs(program, writer, cores[i], {start, count});
        start += count;
    }
    const pid_t child = options.number("child", 0) != 0 ? fork() : 0;
    if (child == 0 && options.number("child", 0) != 0) {
        _exit(7);
    }
    run(*device, std::move(program));
    int status = 0;
    if (child != 0 && (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)) {
        throw std::runtime_error("somebody else has waited for the program's child");
    }
    write_floats(options.text("OUT"), download(cq, out, rows * 32, columns * 32, out_format));
    device->close();
    return 0;
}
