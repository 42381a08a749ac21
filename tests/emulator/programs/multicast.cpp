// C = A @ B with one output tile a core: the first core of each row reads A's tiles and multicasts them to the row.
#include "common.hpp"

int main(int argc, char** argv) {
    const Options options(argc, argv);
    const uint32_t mt = options.number("mt", 4), nt = options.number("nt", 4), kt = options.number("kt", 3);
    const tt::DataFormat format = tt::DataFormat::Float16_b;
    std::shared_ptr<dist::MeshDevice> device = dist::MeshDevice::create_unit_mesh(0);
    dist::MeshCommandQueue& cq = device->mesh_command_queue();
    auto a = make_buffer(device.get(), mt * kt, format), b = make_buffer(device.get(), kt * nt, format), c = make_buffer(device.get(), mt * nt, format);
    upload(cq, a, read_floats(options.text("A"), std::size_t{mt} * kt * 1024), mt * 32, kt * 32, format);
    upload(cq, b, read_floats(options.text("B"), std::size_t{kt} * nt * 1024), kt * 32, nt * 32, format);

    ttm::Program program = ttm::CreateProgram();
    const ttm::CoreRange all(ttm::CoreCoord{0, 0}, ttm::CoreCoord{nt - 1, mt - 1});
    const ttm::CoreRange senders(ttm::CoreCoord{0, 0}, ttm::CoreCoord{0, mt - 1}), receivers(ttm::CoreCoord{1, 0}, ttm::CoreCoord{nt - 1, mt - 1});
    for (const uint8_t index : {0, 1, 16}) {
        make_cb(program, all, index, 2, format);
    }
    const uint32_t ready = ttm::CreateSemaphore(program, all, 0), valid = ttm::CreateSemaphore(program, all, INVALID);
    std::vector<uint32_t> sender_words, receiver_words, writer_words;
    ttm::TensorAccessorArgs(*a).append_to(sender_words);
    ttm::TensorAccessorArgs(*b).append_to(sender_words);
    ttm::TensorAccessorArgs(*b).append_to(receiver_words);
    ttm::TensorAccessorArgs(*c).append_to(writer_words);
    const ttm::NOC noc = options.number("noc", 0) == 0 ? ttm::NOC::NOC_0 : ttm::NOC::NOC_1;
    const ttm::NOC writer_noc = options.number("noc", 0) == 0 ? ttm::NOC::NOC_1 : ttm::NOC::NOC_0;
    std::unordered_map<std::string, uint32_t> named = {{"cb_a", 0},   {"cb_b", 1},       {"k_tiles", kt}, {"n_tiles", nt},
                                                       {"ready", ready}, {"valid", valid}, {"receivers", options.number("receivers", nt - 1)}};
    std::map<std::string, std::string> defines;
    if (options.number("flush", 0) != 0) {
        defines["FLUSH_BEFORE_FLAG"] = "1";
    }
    const auto movement = [&](const std::vector<uint32_t>& words) {
        return ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_1, .noc = noc, .compile_args = words, .defines = defines,
                                       .named_compile_args = named};
    };
    const ttm::KernelHandle sender = ttm::CreateKernel(program, kernel_path(options, "multicast_sender.cpp"), senders, movement(sender_words));
    const ttm::KernelHandle receiver = ttm::CreateKernel(program, kernel_path(options, "multicast_receiver.cpp"), receivers, movement(receiver_words));
    const ttm::KernelHandle compute = ttm::CreateKernel(
        program, kernel_path(options, "gemm_compute.cpp"), all,
        ttm::ComputeConfig{.fp32_dest_acc_en = true, .named_compile_args = {{"cb_a", 0}, {"cb_b", 1}, {"cb_c", 16}, {"k_tiles", kt}}});
    const ttm::KernelHandle writer = ttm::CreateKernel(
        program, kernel_path(options, "unit_writer.cpp"), all,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_0, .noc = writer_noc, .compile_args = writer_words,
                                .named_compile_args = {{"cb_out", 16}}});
    ttm::SetCommonRuntimeArgs(program, sender, {static_cast<uint32_t>(a->address()), static_cast<uint32_t>(b->address())});
    ttm::SetCommonRuntimeArgs(program, receiver, {static_cast<uint32_t>(b->address())});
    ttm::SetCommonRuntimeArgs(program, writer, {static_cast<uint32_t>(c->address())});
    for (uint32_t y = 0; y < mt; ++y) {
        ttm::CoreCoord start = device->worker_core_from_logical_core(ttm::CoreCoord{1, y});
        ttm::CoreCoord end = device->worker_core_from_logical_core(ttm::CoreCoord{nt - 1, y});
        const ttm::CoreCoord source = device->worker_core_from_logical_core(ttm::CoreCoord{0, y});
        if (noc == ttm::NOC::NOC_1 && options.number("unswapped", 0) == 0) {
            std::swap(start, end);
        }
        for (uint32_t x = 0; x < nt; ++x) {
            const ttm::CoreCoord core{x, y};
            if (x == 0) {
                ttm::SetRuntimeArgs(
                    program, sender, core,
                    {y, x, static_cast<uint32_t>(start.x), static_cast<uint32_t>(start.y), static_cast<uint32_t>(end.x), static_cast<uint32_t>(end.y)});
            } else {
                ttm::SetRuntimeArgs(program, receiver, core, {x, static_cast<uint32_t>(source.x), static_cast<uint32_t>(source.y)});
            }
            ttm::SetRuntimeArgs(program, compute, core, {1});
            ttm::SetRuntimeArgs(program, writer, core, {y * nt + x, 1});
        }
    }
    run(*device, std::move(program));
    write_floats(options.text("C"), download(cq, c, mt * 32, nt * 32, format));
    device->close();
    return 0;
}
