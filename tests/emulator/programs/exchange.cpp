// Cores that take turns to send blocks to all of them (`share.cpp`), or that all send pages to the first (`partial_*.cpp`).
#include "common.hpp"

int main(int argc, char** argv) {
    const Options options(argc, argv);
    const uint32_t rows = options.number("rows", 2), cols = options.number("cols", 4), rounds = options.number("rounds", 16);
    const uint32_t cores = rows * cols, helpers = cores - 1;
    const bool partials = options.number("partials", 0) != 0;
    const uint32_t tiles = partials ? helpers : options.number("tiles", 2);  // a round
    const uint32_t receivers = partials ? 1 : cores;
    const tt::DataFormat format = partials ? tt::DataFormat::Float32 : tt::DataFormat::Float16_b;
    std::shared_ptr<dist::MeshDevice> device = dist::MeshDevice::create_unit_mesh(0);
    dist::MeshCommandQueue& cq = device->mesh_command_queue();
    auto in = make_buffer(device.get(), rounds * tiles, format), out = make_buffer(device.get(), receivers * rounds * tiles, format);
    upload(cq, in, read_floats(options.text("IN"), std::size_t{rounds} * tiles * 1024), rounds * tiles * 32, 32, format);

    ttm::Program program = ttm::CreateProgram();
    const ttm::CoreRange all(ttm::CoreCoord{0, 0}, ttm::CoreCoord{cols - 1, rows - 1});
    make_cb(program, all, 0, 2 * tiles, format);
    make_cb(program, all, 1, partials ? 1 : tiles, format);
    const uint32_t ready = ttm::CreateSemaphore(program, all, 0), arrived = ttm::CreateSemaphore(program, all, 0);
    std::vector<uint32_t> reader_words, writer_words;
    ttm::TensorAccessorArgs(*in).append_to(reader_words);
    ttm::TensorAccessorArgs(*out).append_to(writer_words);
    const bool first = options.number("noc", 0) == 0;
    const std::unordered_map<std::string, uint32_t> named = {{"cb_ring", 0},    {"cb_ahead", 1},       {"ready", ready},   {"arrived", arrived},
                                                             {"cores", cores},  {"helpers", helpers},  {"rounds", rounds}, {"tiles", tiles},
                                                             {"ahead", options.number("ahead", 0)}};
    const auto mover = [&](const char* file, const ttm::CoreRangeSet& on, const std::vector<uint32_t>& words) {
        return ttm::CreateKernel(
            program, kernel_path(options, file), on,
            ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_1, .noc = first ? ttm::NOC::NOC_0 : ttm::NOC::NOC_1,
                                    .compile_args = words, .named_compile_args = named});
    };
    const ttm::CoreRangeSet root(ttm::CoreRange(ttm::CoreCoord{0, 0}, ttm::CoreCoord{0, 0}));
    const ttm::CoreRangeSet others(ttm::CoreRange(ttm::CoreCoord{1, 0}, ttm::CoreCoord{cols - 1, rows - 1}));
    const ttm::CoreRangeSet writing = partials ? root : ttm::CoreRangeSet(all);
    const ttm::KernelHandle reader = partials ? mover("partial_helper.cpp", others, reader_words) : mover("share.cpp", all, reader_words);
    const ttm::KernelHandle gatherer = partials ? mover("partial_root.cpp", root, {}) : reader;
    const ttm::KernelHandle writer = ttm::CreateKernel(
        program, kernel_path(options, "unit_writer.cpp"), writing,
        ttm::DataMovementConfig{.processor = ttm::DataMovementProcessor::RISCV_0, .noc = first ? ttm::NOC::NOC_1 : ttm::NOC::NOC_0,
                                .compile_args = writer_words, .named_compile_args = {{"cb_out", 0}}});
    ttm::SetCommonRuntimeArgs(program, reader, {static_cast<uint32_t>(in->address())});
    ttm::SetCommonRuntimeArgs(program, writer, {static_cast<uint32_t>(out->address())});

    const auto place = [&](uint32_t x, uint32_t y) { return device->worker_core_from_logical_core(ttm::CoreCoord{x, y}); };
    std::vector<uint32_t> places;
    for (uint32_t rank = 0; rank < cores; ++rank) {
        const ttm::CoreCoord at = place(rank % cols, rank / cols);
        places.insert(places.end(), {static_cast<uint32_t>(at.x), static_cast<uint32_t>(at.y)});
    }
    ttm::CoreCoord start = place(0, 0), end = place(cols - 1, rows - 1);
    if (!first) {
        std::swap(start, end);
    }
    for (uint32_t rank = 0; rank < cores; ++rank) {
        const ttm::CoreCoord core{rank % cols, rank / cols};
        std::vector<uint32_t> words = {rank, static_cast<uint32_t>(start.x), static_cast<uint32_t>(start.y), static_cast<uint32_t>(end.x),
                                       static_cast<uint32_t>(end.y)};
        words.insert(words.end(), places.begin(), places.end());
        if (!partials) {
            ttm::SetRuntimeArgs(program, reader, core, words);
        } else if (rank == 0) {
            ttm::SetRuntimeArgs(program, gatherer, core, std::vector<uint32_t>(places.begin() + 2, places.end()));
        } else {
            ttm::SetRuntimeArgs(program, reader, core, {rank - 1, places[0], places[1]});
        }
        if (!partials || rank == 0) {
            ttm::SetRuntimeArgs(program, writer, core, {rank * rounds * tiles, rounds * tiles});
        }
    }
    run(*device, std::move(program));
    write_floats(options.text("OUT"), download(cq, out, receivers * rounds * tiles * 32, 32, format));
    device->close();
    return 0;
}
