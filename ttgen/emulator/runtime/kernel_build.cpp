// Compiles kernel units, several at a time, into a cache addressed by content, and loads them.
#include "program.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

extern char** environ;

namespace ttemu {

namespace {

std::string read_file(const std::string& path, bool& found) {
    std::string text;
    std::FILE* file = std::fopen(path.c_str(), "rb");
    found = file != nullptr;
    if (!found) {
        return text;
    }
    char buffer[65536];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) {
        text.append(buffer, n);
    }
    std::fclose(file);
    return text;
}

// 128 bits of FNV-1a, in two halves with different offsets: an address, not a defence.
std::string digest(const std::string& text) {
    uint64_t a = 0xCBF29CE484222325u, b = 0x9AE16A3B2F90404Fu;
    for (const char c : text) {
        a = (a ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
        b = (b ^ static_cast<unsigned char>(c)) * 0x9E3779B97F4A7C15u;
        b ^= b >> 32;
    }
    return format("%016lx%016lx", static_cast<unsigned long>(a), static_cast<unsigned long>(b));
}

void add_folder(const std::string& folder, std::string& all) {
    std::vector<std::string> names;
    if (DIR* dir = opendir(folder.c_str())) {
        while (const dirent* entry = readdir(dir)) {
            if (entry->d_name[0] != '.') {
                names.push_back(entry->d_name);
            }
        }
        closedir(dir);
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        const std::string path = folder + "/" + name;
        struct stat info;
        if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
            add_folder(path, all);
        } else {
            bool found;
            all += name + "\n" + read_file(path, found);
        }
    }
}

// The device side of the emulator's headers: a change of theirs makes every unit another one.
const std::string& headers_digest() {
    static const std::string value = [] {
        std::string all;
        for (const char* folder : {"/api", "/ttemu", "/hostdevcommon"}) {
            add_folder(settings().include + folder, all);
        }
        return digest(all);
    }();
    return value;
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

// A source with what it includes by quotes from its own folder.
void add_source(const std::string& path, std::string& all, std::set<std::string>& seen) {
    if (!seen.insert(path).second) {
        return;
    }
    bool found;
    const std::string text = read_file(path, found);
    if (!found) {
        return;
    }
    all += text;
    for (std::size_t at = text.find("#include \""); at != std::string::npos; at = text.find("#include \"", at + 1)) {
        const std::size_t begin = at + 10, end = text.find('"', begin);
        if (end != std::string::npos) {
            add_source(folder_of(path) + "/" + text.substr(begin, end - begin), all, seen);
        }
    }
}

std::string joined(const std::vector<uint32_t>& values) {
    std::string text;
    for (const uint32_t v : values) {
        text += (text.empty() ? "" : ",") + std::to_string(v) + "u";
    }
    return text;
}

// The unit's text: the definitions that the real build passes or generates, then the kernel. It holds the path as the host program
// gave it, so that programs in different folders whose paths are relative share their units.
std::string unit_text(const Program& program, const KernelSpec& kernel, Thread thread, bool every_thread) {
    std::vector<uint32_t> formats(64, 0xFF), unpacked(64, 0xFF), bytes(64, 0);
    const std::set<uint32_t> cores(kernel.cores.begin(), kernel.cores.end());
    for (const CircularBufferSpec& cb : program.cbs) {
        const bool here = std::any_of(cb.cores.begin(), cb.cores.end(), [&](uint32_t core) { return cores.count(core) != 0; });
        for (const auto& [index, use] : cb.config.indices_) {
            if (here && index < 64) {
                formats[index] = unpacked[index] = static_cast<uint32_t>(use.format);
                bytes[index] = tt::tile_size(use.format);
            }
        }
    }
    std::string text;
    const auto define = [&](const std::string& name, const std::string& value) { text += "#define " + name + " " + value + "\n"; };
    define(arch().blackhole ? "ARCH_BLACKHOLE" : "ARCH_WORMHOLE", "");
    define("NUM_DRAM_BANKS", std::to_string(arch().dram_banks));
    define("NUM_L1_BANKS", std::to_string(arch().rows * arch().cols));
    define("DRAM_ALIGNMENT", std::to_string(arch().dram_alignment));
    define("L1_ALIGNMENT", std::to_string(arch().l1_alignment));
    define("KERNEL_COMPILE_TIME_ARGS", joined(kernel.compile_args));
    std::string names;
    for (const auto& [name, value] : kernel.named_args) {
        names += "{\"" + name + "\", " + std::to_string(value) + "u}, ";
    }
    define("KERNEL_COMPILE_TIME_ARG_MAP", names);
    define("TTEMU_CB_FORMATS", joined(formats));
    define("TTEMU_CB_UNPACKED_FORMATS", joined(unpacked));
    define("TTEMU_CB_TILE_BYTES", joined(bytes));
    for (const auto& [name, value] : kernel.defines) {
        define(name, value);
    }
    if (kernel.compute) {
        const char* roles[] = {"UNPACK", "MATH", "PACK"};
        const int role = static_cast<int>(thread) - static_cast<int>(Thread::Unpack);
        if (every_thread) {
            define("TTEMU_EVERY_THREAD", "");
        } else {
            define(std::string("TRISC_") + roles[role], "");
            define(std::string("UCK_CHLKC_") + roles[role], "");
            define("COMPILE_FOR_TRISC", std::to_string(role));
        }
        define("NOC_INDEX", "0");
        define("DST_ACCUM_MODE", kernel.config.dst_32bit ? "true" : "false");
        define("APPROX", kernel.config.approximate ? "true" : "false");
        static constexpr const char* fidelities[] = {"", "LoFi", "HiFi2", "HiFi3", "HiFi4"};
        define("MATH_FIDELITY", std::string("ckernel::MathFidelity::") + fidelities[kernel.config.fidelity]);
    } else {
        define(kernel.processor == 0 ? "COMPILE_FOR_BRISC" : "COMPILE_FOR_NCRISC", "");
        define("NOC_INDEX", std::to_string(kernel.noc));
    }
    bool found;
    text += "#include \"ttemu/unit.h\"\n#line 1 \"" + kernel.path + "\"\n" + read_file(kernel.path, found);
    text += "\nextern \"C\" __attribute__((visibility(\"default\"))) void ttemu_kernel_entry() { kernel_main(); }\n";
    return text;
}

void make_folders(const std::string& path) {
    for (std::size_t at = 1; at <= path.size(); ++at) {
        if (at == path.size() || path[at] == '/') {
            mkdir(path.substr(0, at).c_str(), 0777);
        }
    }
}

std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> out;
    std::string word;
    for (const char c : text + " ") {
        if (c != ' ') {
            word += c;
        } else if (!word.empty()) {
            out.push_back(word);
            word.clear();
        }
    }
    return out;
}

std::vector<std::string> compile_command() {
    std::vector<std::string> command = words(settings().compiler);
    for (const char* flag : {"-std=c++17", "-O1", "-fPIC", "-shared", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fvisibility=hidden",
                             "-fno-strict-aliasing", "-ffp-contract=off", "-Wall", "-Wno-deprecated-declarations", "-Wno-int-to-pointer-cast",
                             "-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-function"}) {
        command.push_back(flag);
    }
    for (const std::string& flag : words(settings().compiler_flags)) {
        command.push_back(flag);
    }
    return command;
}

// What the compiler says that it is: another one at the same path makes every unit another one.
const std::string& compiler_version() {
    static const std::string value = [] {
        std::string text;
        if (std::FILE* output = popen((settings().compiler + " --version").c_str(), "r")) {
            char buffer[1024];
            for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, output)) > 0;) {
                text.append(buffer, n);
            }
            pclose(output);
        }
        return text;
    }();
    return value;
}

struct Job {
    const KernelSpec* kernel;
    Thread thread;
    std::string text, target, log;
    pid_t pid = -1;
    int ended = -1;  // a pipe whose other end the compiler holds as long as it runs
};

void start(Job& job) {
    const std::string stem = job.target.substr(0, job.target.size() - 3) + "." + std::to_string(getpid());
    const std::string source = stem + ".cpp";
    job.log = stem + ".log";
    std::FILE* file = std::fopen(source.c_str(), "wb");
    if (file == nullptr) {
        std::fprintf(stderr, "emulator: cannot write %s\n", source.c_str());
        std::_Exit(kExitCompile);
    }
    std::fputs(job.text.c_str(), file);
    std::fclose(file);
    std::vector<std::string> command = compile_command();
    // Libraries are the host program's, which has them: naming them again is a third of a unit's time. Data-movement kernels say what they
    // load and store (stores.cpp): calls of a sanitizer whose library isn't linked.
    const bool gcc = compiler_version().find("Free Software Foundation") != std::string::npos;
    if (gcc && settings().compiler_flags.find("-fsanitize") == std::string::npos) {
        command.push_back("-nodefaultlibs");
        if (!job.kernel->compute) {
            command.insert(command.end(), {"-fsanitize=thread", "--param=tsan-distinguish-volatile=1"});
        }
    }
    command.insert(command.end(), {"-I" + settings().include, "-I" + folder_of(job.kernel->path), "-o", stem + ".so", source});
    std::vector<char*> argv;
    for (std::string& word : command) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, job.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        std::perror("emulator: a pipe to the compiler");
        std::_Exit(kExitCompile);
    }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
    job.ended = ends[0];
    const int failed = posix_spawnp(&job.pid, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed != 0) {
        std::fprintf(stderr, "emulator: cannot run %s: %s\n", argv[0], std::strerror(failed));
        std::_Exit(kExitCompile);
    }
}

bool finish(Job& job, int status) {
    const std::string stem = job.target.substr(0, job.target.size() - 3) + "." + std::to_string(getpid());
    bool found;
    const std::string output = read_file(job.log, found);
    const bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!fine) {
        std::fputs(output.c_str(), stderr);
        Json json;
        json.text("kind", "compile").text("name", "kernel-compile-failed").text("kernel", job.kernel->path);
        json.text("thread", name_of(job.thread)).text("message", output);
        write_line(json.str());
    } else {
        std::rename((stem + ".so").c_str(), job.target.c_str());  // appears whole, whoever else compiles it
    }
    std::remove(job.log.c_str());
    std::remove((stem + ".cpp").c_str());
    return fine;
}

void compile_all(std::vector<Job*>& jobs) {
    std::size_t next = 0, running = 0;
    bool fine = true;
    while (next < jobs.size() || running > 0) {
        while (next < jobs.size() && running < std::max(1u, settings().jobs)) {
            start(*jobs[next++]);
            ++running;
        }
        // The host program may have children of its own: only ours are waited for.
        std::vector<pollfd> pipes;
        for (const Job* job : jobs) {
            pipes.push_back({job->ended, 0, 0});  // a negative one is passed over
        }
        if (poll(pipes.data(), pipes.size(), -1) < 0) {
            continue;
        }
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            if (jobs[i]->ended >= 0 && pipes[i].revents != 0) {
                int status = 0;
                while (waitpid(jobs[i]->pid, &status, 0) < 0 && errno == EINTR) {
                }
                close(jobs[i]->ended);
                jobs[i]->ended = -1;
                fine = finish(*jobs[i], status) && fine;
                --running;
            }
        }
    }
    if (!fine) {
        std::fflush(nullptr);
        std::_Exit(kExitCompile);
    }
}

// Where the unit's variables are: every core's kernel has its own, so they are exchanged when another core's fiber runs.
void find_globals(Unit& unit, void* handle, const std::string& path) {
    bool found;
    const std::string file = read_file(path, found);
    link_map* map = nullptr;
    if (!found || file.size() < sizeof(ElfW(Ehdr)) || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) {
        return;
    }
    const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(file.data());
    const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(file.data() + header->e_shoff);
    const char* names = file.data() + sections[header->e_shstrndx].sh_offset;
    for (int i = 0; i < header->e_shnum; ++i) {
        const char* name = names + sections[i].sh_name;
        const int which = std::strcmp(name, ".data") == 0 ? 0 : std::strcmp(name, ".bss") == 0 ? 1 : -1;
        if (which >= 0) {
            unit.globals[which] = reinterpret_cast<uint8_t*>(map->l_addr + sections[i].sh_addr);
            unit.globals_bytes[which] = sections[i].sh_size;
        }
    }
    unit.pristine.resize(unit.globals_bytes[0] + unit.globals_bytes[1]);
    copy_globals(unit.pristine.data(), unit.globals[0], unit.globals_bytes[0]);
    copy_globals(unit.pristine.data() + unit.globals_bytes[0], unit.globals[1], unit.globals_bytes[1]);
}

Unit* load(const std::string& path, const std::string& source) {
    static std::map<std::string, std::unique_ptr<Unit>> loaded;
    std::unique_ptr<Unit>& unit = loaded[path];
    if (unit == nullptr) {
        unit = std::make_unique<Unit>();
        void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) {
            std::fprintf(stderr, "emulator: %s\n", dlerror());
            std::_Exit(kExitCompile);
        }
        unit->source = source;
        unit->entry = reinterpret_cast<void (*)()>(dlsym(handle, "ttemu_kernel_entry"));
        find_globals(*unit, handle, path);
    }
    return unit.get();
}

}  // namespace

std::vector<std::vector<Unit*>> build_units(Program& program) {
    if (settings().include.empty()) {
        throw std::runtime_error("emulator: TTEMU_INCLUDE is not set");
    }
    make_folders(settings().cache);
    std::string command = compiler_version();
    for (const std::string& word : compile_command()) {
        command += word + " ";
    }
    std::vector<Job> jobs;
    for (const auto& kernel : program.kernels) {
        std::string source;
        std::set<std::string> seen;
        add_source(kernel->path, source, seen);
        bool found;
        read_file(kernel->path, found);
        if (!found) {
            throw std::runtime_error("Kernel file " + kernel->path + " doesn't exist");
        }
        std::vector<Thread> threads = {kernel->processor == 0 ? Thread::Writer : Thread::Reader};
        if (kernel->compute) {
            threads = {Thread::Unpack, Thread::Math, Thread::Pack};
        }
        // Threads whose units have one text have one unit.
        const bool every_thread = source.find("TRISC") == std::string::npos && source.find("UCK_CHLKC") == std::string::npos;
        for (const Thread thread : threads) {
            Job job;
            job.kernel = kernel.get();
            job.thread = thread;
            job.text = unit_text(program, *kernel, thread, every_thread);
            job.target = settings().cache + "/" + digest(command + headers_digest() + source + job.text) + ".so";
            jobs.push_back(std::move(job));
        }
    }
    std::vector<Job*> missing;
    std::set<std::string> targets;
    for (Job& job : jobs) {
        if (access(job.target.c_str(), R_OK) != 0 && targets.insert(job.target).second) {
            missing.push_back(&job);
        }
    }
    compile_all(missing);
    std::vector<std::vector<Unit*>> units;
    const KernelSpec* last = nullptr;
    for (Job& job : jobs) {
        if (job.kernel != last) {
            units.emplace_back();
            last = job.kernel;
        }
        utimes(job.target.c_str(), nullptr);  // used now: whoever prunes the cache begins with what wasn't for longest
        units.back().push_back(load(job.target, job.kernel->path));
        Json json;
        json.text("kind", "unit").text("path", job.target).text("kernel", job.kernel->path).text("thread", name_of(job.thread));
        json.raw("cached", targets.count(job.target) == 0 ? "true" : "false");
        write_line(json.str());
    }
    return units;
}

}  // namespace ttemu
