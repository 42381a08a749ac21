// C = A @ B, one output tile at a time, the tiles split over the cores in order.
#include "common.hpp"

int main(int argc, char** argv) {
    const Options options(argc, argv);
    const uint32_t m = options.number("M", 256), n = options.number("N", 256), k = options.number("K", 256);
    const uint32_t mt = tiles_of(m), nt = tiles_of(n), kt = tiles_of(k);
    const tt::DataFormat in = format_of(options.text("in", "bfloat16")), out = format_of(options.text("out", "bfloat16"));
    const bool accumulate_32 = options.number("fp32", 1) != 0;

    std::shared_ptr<dist::MeshDevice> device = dist::MeshDevice::create_unit_mesh(0);
    dist::MeshCommandQueue& cq = device->mesh_command_queue();
    auto a = make_buffer(device.get(), mt * kt, in), b = make_buffer(device.get(), kt * nt, in), c = make_buffer(device.get(), mt * nt, out);
    upload(cq, a, padded(read_floats(options.text("A"), std::size_t{m} * k), m, k), mt * 32, kt * 32, in);
    upload(cq, b, padded(read_floats(options.text("B"), std::size_t{k} * n), k, n), kt * 32, nt * 32, in);

    const ttm::CoreCoord grid = device->compute_with_storage_grid_size();
    const uint32_t units = mt * nt, cores_used = std::min<uint32_t>(units, static_cast<uint32_t>(grid.x * grid.y));
    const std::vector<ttm::CoreCoord> cores = ttm::grid_to_cores(cores_used, static_cast<uint32_t>(grid.x), static_cast<uint32_t>(grid.y), true);
    const ttm::CoreRangeSet all{std::span<const ttm::CoreCoord>(cores)};
    ttm::Program program = ttm::CreateProgram();
    make_cb(program, all, 0, 2, in);
    make_cb(program, all, 1, 2, in);
    make_cb(program, all, 16, 2, out);

    std::vector<uint32_t> reader_args, writer_args;
    ttm::TensorAccessorArgs(*a).append_to(reader_args);
    ttm::TensorAccessorArgs(*b).append_to(reader_args);
    ttm::TensorAccessorArgs(*c).append_to(writer_args);
    const ttm::KernelHandle reader = ttm::CreateKernel(
        program, kernel_path(options, "gemm_reader.cpp"), all,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_1, .noc = ttm::NOC::NOC_0, .compile_args = reader_args,
                                .named_compile_args = {{"cb_a", 0}, {"cb_b", 1}, {"k_tiles", kt}, {"n_tiles", nt}}});
    const ttm::KernelHandle compute = ttm::CreateKernel(
        program, kernel_path(options, "gemm_compute.cpp"), all,
        ttm::ComputeConfig{.math_fidelity = fidelity_of(options.text("fidelity", "HiFi4")), .fp32_dest_acc_en = accumulate_32,
                           .named_compile_args = {{"cb_a", 0}, {"cb_b", 1}, {"cb_c", 16}, {"k_tiles", kt}}});
    const ttm::KernelHandle writer = ttm::CreateKernel(
        program, kernel_path(options, "unit_writer.cpp"), all,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_0, .noc = ttm::NOC::NOC_1, .compile_args = writer_args,
                                .named_compile_args = {{"cb_out", 16}}});
    ttm::SetCommonRuntimeArgs(program, reader, {static_cast<uint32_t>(a->address()), static_cast<uint32_t>(b->address())});
    ttm::SetCommonRuntimeArgs(program, writer, {static_cast<uint32_t>(c->address())});
    uint32_t start = 0;
    for (uint32_t i = 0; i < cores_used; ++i) {
        const uint32_t count = units / cores_used + (i < units % cores_used ? 1 : 0);
        ttm::SetRuntimeArgs(program, reader, cores[i], {start, count});
        ttm::SetRuntimeArgs(program, compute, cores[i], {count});
        ttm::SetRuntimeArgs(program, writer, cores[i], {start, count});
        start += count;
    }
    run(*device, std::move(program));
    write_floats(options.text("C"), cropped(download(cq, c, mt * 32, nt * 32, out), m, n));
    device->close();
    return 0;
}
