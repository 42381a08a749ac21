#include "arch.hpp"

#include <cstdlib>
#include <cstring>

namespace ttemu {

namespace {

const char* env(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : otherwise;
}

uint64_t number(const char* name, uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::strtoull(value, nullptr, 10) : otherwise;
}

// Sizes, bases and alignments as tt-metal 0.81.1 reports them for each chip.
Arch make_arch() {
    const bool blackhole = std::strcmp(env("TTEMU_ARCH", "wormhole_b0"), "blackhole") == 0;
    Arch chip = blackhole ? Arch{"blackhole", true, 10, 13, 1, 2, 1572864, 111744, 64, 8, 4277141376, 64, 16, 16, 16384}
                          : Arch{"wormhole_b0", false, 8, 8, 18, 18, 1499136, 105824, 32, 12, 1072693184, 32, 16, 16, 8192};
    chip.rows = static_cast<uint32_t>(number("TTEMU_ROWS", chip.rows));
    chip.cols = static_cast<uint32_t>(number("TTEMU_COLS", chip.cols));
    return chip;
}

Settings make_settings() {
    Settings s;
    s.include = env("TTEMU_INCLUDE", "");
    s.compiler = env("TTEMU_CXX", "c++");
    s.compiler_flags = env("TTEMU_CXXFLAGS", "");
    s.cache = env("TTEMU_CACHE", "");
    if (s.cache.empty()) {
        s.cache = std::string(env("TMPDIR", "/tmp")) + "/ttemu";
    }
    s.report = env("TTEMU_REPORT", "");
    s.trace = env("TTEMU_TRACE", "");
    s.jobs = static_cast<uint32_t>(number("TTEMU_JOBS", 2));
    s.seed = number("TTEMU_SEED", 0);
    s.max_errors = static_cast<uint32_t>(number("TTEMU_MAX_ERRORS", 10));
    s.spin_seconds = static_cast<uint32_t>(number("TTEMU_SPIN_SECONDS", 20));
    if (const char* p = std::getenv("TTEMU_RESIDENT")) {
        s.resident.push_back(0);
        while (*p != '\0') {
            if (*p < '0' || *p > '9') {
                if (*p++ == ';') {
                    s.resident.push_back(0);
                }
                continue;
            }
            char* end = nullptr;
            s.resident.back() |= uint64_t{1} << (std::strtoul(p, &end, 10) & 63);
            p = end;
        }
    }
    return s;
}

constexpr uint32_t kBlackholeGapStart = 7, kBlackholeGap = 2;  // logical columns 0–6 are x 1–7, 7–13 are x 10–16

}  // namespace

const Arch& arch() {
    static const Arch chip = make_arch();
    return chip;
}

const Settings& settings() {
    static const Settings s = make_settings();
    return s;
}

uint32_t noc_x(uint32_t x) {
    return arch().first_x + x + (arch().blackhole && x >= kBlackholeGapStart ? kBlackholeGap : 0);
}

uint32_t noc_y(uint32_t y) { return arch().first_y + y; }

int logical_x(uint32_t x) {
    for (uint32_t i = 0; i < arch().cols; ++i) {
        if (noc_x(i) == x) {
            return static_cast<int>(i);
        }
    }
    return -1;
}

int logical_y(uint32_t y) {
    return y >= arch().first_y && y < arch().first_y + arch().rows ? static_cast<int>(y - arch().first_y) : -1;
}

}  // namespace ttemu
