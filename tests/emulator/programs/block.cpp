// C = A @ B on one core, in blocks of K with partial sums in L1.
#include "common.hpp"

int main(int argc, char** argv) {
    const Options options(argc, argv);
    const uint32_t mt = options.number("mt", 2), nt = options.number("nt", 3), kt = options.number("kt", 5), kb = options.number("kb", 2);
    const uint32_t blocks = (kt + kb - 1) / kb;
    const tt::DataFormat format = format_of(options.text("in", "bfloat16")), out_format = tt::DataFormat::Float16_b;
    std::shared_ptr<dist::MeshDevice> device = dist::MeshDevice::create_unit_mesh(0);
    dist::MeshCommandQueue& cq = device->mesh_command_queue();
    auto a = make_buffer(device.get(), mt * kt, format), b = make_buffer(device.get(), kt * nt, format), c = make_buffer(device.get(), mt * nt, out_format);
    upload(cq, a, read_floats(options.text("A"), std::size_t{mt} * kt * 1024), mt * 32, kt * 32, format);
    upload(cq, b, read_floats(options.text("B"), std::size_t{kt} * nt * 1024), kt * 32, nt * 32, format);

    ttm::Program program = ttm::CreateProgram();
    const ttm::CoreCoord core{0, 0};
    const ttm::CoreRangeSet cores{ttm::CoreRange(core)};
    make_cb(program, cores, 0, 2 * mt * kb, format);
    make_cb(program, cores, 1, 2 * kb * nt, format);
    make_cb(program, cores, 16, 2, out_format);
    make_cb(program, cores, 24, mt * nt, tt::DataFormat::Float32);
    std::vector<uint32_t> reader_words, writer_words;
    ttm::TensorAccessorArgs(*a).append_to(reader_words);
    ttm::TensorAccessorArgs(*b).append_to(reader_words);
    ttm::TensorAccessorArgs(*c).append_to(writer_words);
    std::vector<ttm::UnpackToDestMode> unpack(32, ttm::UnpackToDestMode::Default);
    unpack[24] = ttm::UnpackToDestMode::UnpackToDestFp32;
    const ttm::KernelHandle reader = ttm::CreateKernel(
        program, kernel_path(options, "block_reader.cpp"), core,
        ttm::DataMovementConfig{
            .processor = ttm::DataMovementProcessor::RISCV_1, .noc = ttm::NOC::NOC_0, .compile_args = reader_words,
            .named_compile_args = {{"cb_a", 0}, {"cb_b", 1}, {"m_tiles", mt}, {"n_tiles", nt}, {"k_tiles", kt}, {"k_block", kb}}});
    const ttm::KernelHandle compute = ttm::CreateKernel(
        program, kernel_path(options, "block_compute.cpp"), core,
        ttm::ComputeConfig{.math_fidelity = ttm::MathFidelity::HiFi4, .fp32_dest_acc_en = true, .unpack_to_dest_mode = unpack,
                           .named_compile_args = {{"cb_a", 0}, {"cb_b", 1}, {"cb_partials", 24}, {"cb_out", 16}, {"m_tiles", mt}, {"n_tiles", nt},
                                                  {"k_blocks", blocks}, {"k_block", kb}}});
    const ttm::KernelHandle writer = ttm::CreateKernel(
        program, kernel_path(options, "unit_writer.cpp"), core,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_0, .noc = ttm::NOC::NOC_1, .compile_args = writer_words,
                                .named_compile_args = {{"cb_out", 16}}});
    (void)compute;
    ttm::SetCommonRuntimeArgs(program, reader, {static_cast<uint32_t>(a->address()), static_cast<uint32_t>(b->address())});
    ttm::SetCommonRuntimeArgs(program, writer, {static_cast<uint32_t>(c->address())});
    ttm::SetRuntimeArgs(program, writer, core, {0, mt * nt});
    run(*device, std::move(program));
    write_floats(options.text("C"), download(cq, c, mt * 32, nt * 32, out_format));
    device->close();
    return 0;
}
