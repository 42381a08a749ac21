// What the host API has collected for a launch.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "machine.hpp"
#include "tt-metalium/circular_buffer_config.hpp"
#include "tt-metalium/kernel_types.hpp"
#include "tt-metalium/runtime_args_data.hpp"

namespace ttemu {

struct CoreArgs {
    KernelArgs values;
    tt::tt_metal::RuntimeArgsData view;
    bool set = false;
};

struct KernelSpec {
    std::string path;
    bool compute = false;
    uint32_t processor = 0, noc = 0;                      // of a data-movement kernel
    ComputeConfig config;
    std::vector<tt::tt_metal::UnpackToDestMode> unpack_to_dest;
    std::vector<uint32_t> compile_args;
    std::map<std::string, std::string> defines;
    std::map<std::string, uint32_t> named_args;           // sorted: the unit's text must not depend on hashing
    std::vector<uint32_t> cores;                          // indices, in order
    std::map<uint32_t, CoreArgs> args;                    // by core
    std::vector<uint32_t> common;
    tt::tt_metal::RuntimeArgsData common_view;
    bool common_set = false;
};

struct CircularBufferSpec {
    tt::tt_metal::CircularBufferConfig config;
    std::vector<uint32_t> cores;
    uint32_t address = 0;
};

struct SemaphoreSpec {
    uint32_t id = 0, initial = 0;
    std::vector<uint32_t> cores;
};

struct Program {
    std::vector<std::unique_ptr<KernelSpec>> kernels;
    std::vector<CircularBufferSpec> cbs;
    std::vector<SemaphoreSpec> semaphores;
};

// kernel_build.cpp: the units of all kernels, compiled where the cache lacks them. [kernel][0] for data movement, [kernel][0…2] for compute.
std::vector<std::vector<Unit*>> build_units(Program& program);

void launch(Program& program);

// trace.cpp: adds a program, and the tensors that there are, to the file that `TTEMU_TRACE` names.
void trace(const Program& program);

void report_buffer(Buffer& buffer, const char* event);

}  // namespace ttemu
