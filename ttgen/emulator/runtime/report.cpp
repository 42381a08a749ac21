#include "report.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <string>
#include <unistd.h>

#include "arch.hpp"
#include "machine.hpp"

namespace ttemu {

namespace {

unsigned errors = 0;
std::set<std::string> seen;  // an error in a loop, or on 64 cores, is reported once for each place

const char* thread_name(Thread thread) {
    switch (thread) {
        case Thread::Reader: return "reader";
        case Thread::Writer: return "writer";
        case Thread::Unpack: return "unpack";
        case Thread::Math: return "math";
        case Thread::Pack: return "pack";
    }
    return "?";
}

void emit(const char* kind, Where where, const char* name, const std::string& message) {
    Json json;
    json.text("kind", kind).text("name", name).text("message", message);
    const Fiber* fiber = machine().running;
    std::string place = "host";
    if (fiber != nullptr) {
        json.text("kernel", fiber->unit->source).text("thread", thread_name(fiber->thread));
        json.raw("core", format("[%u,%u]", fiber->core->x, fiber->core->y));
        place = format("core (%u,%u) %s", fiber->core->x, fiber->core->y, thread_name(fiber->thread));
    } else {
        json.text("thread", "host");
    }
    if (where.file != nullptr) {
        json.text("file", where.file).number("line", where.line);
    }
    json.number("program", machine().programs);
    write_line(json.str());
    std::fprintf(
        stderr, "%s:%u: %s: %s [%s] (%s)\n", where.file != nullptr ? where.file : "emulator", where.line, kind, message.c_str(), name,
        place.c_str());
}

}  // namespace

const char* name_of(Thread thread) { return thread_name(thread); }

std::string format(const char* pattern, ...) {
    char buffer[1024];
    va_list args;
    va_start(args, pattern);
    std::vsnprintf(buffer, sizeof buffer, pattern, args);
    va_end(args);
    return buffer;
}

std::string quote(const std::string& value) {
    std::string out = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += format("\\u%04x", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out + "\"";
}

void Json::key(const char* name) {
    body_ += body_.empty() ? "\"" : ",\"";
    body_ += name;
    body_ += "\":";
}

Json& Json::text(const char* name, const std::string& value) {
    key(name);
    body_ += quote(value);
    return *this;
}

Json& Json::number(const char* name, uint64_t value) {
    key(name);
    body_ += std::to_string(value);
    return *this;
}

Json& Json::raw(const char* name, const std::string& value) {
    key(name);
    body_ += value;
    return *this;
}

void write_line(const std::string& json) {
    if (settings().report.empty()) {
        return;
    }
    static std::FILE* file = std::fopen(settings().report.c_str(), "a");
    if (file == nullptr) {
        std::fprintf(stderr, "emulator: cannot write %s\n", settings().report.c_str());
        std::_Exit(kExitError);
    }
    std::fputs(json.c_str(), file);
    std::fputc('\n', file);
    std::fflush(file);
}

void error(Where where, const char* name, const std::string& message) {
    ++errors;
    if (seen.insert(format("%s %s %u", name, where.file != nullptr ? where.file : "", where.line)).second) {
        emit("error", where, name, message);
        if (seen.size() >= settings().max_errors) {
            stop_with_errors();
        }
    }
}

void fatal(Where where, const char* name, const std::string& message) {
    ++errors;
    emit("error", where, name, message);
    stop_with_errors();
}

HandlerText& HandlerText::operator<<(const char* text) {
    for (; *text != 0; ++text) {
        put(*text);
    }
    return *this;
}

HandlerText& HandlerText::number(uint64_t value, unsigned base) {
    char digits[24];
    int count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
    } while ((value /= base) != 0);
    while (count > 0) {
        put(digits[--count]);
    }
    return *this;
}

HandlerText& HandlerText::quoted(const char* text) {
    put('"');
    for (; *text != 0; ++text) {
        if (*text == '"' || *text == '\\') {
            put('\\');
        }
        put(static_cast<unsigned char>(*text) < 0x20 ? ' ' : *text);
    }
    put('"');
    return *this;
}

void HandlerText::put(char c) {
    if (size_ + 1 < sizeof text_) {
        text_[size_++] = c;
    }
}

void HandlerText::write_to(int file) const {
    for (std::size_t done = 0; done < size_;) {
        const ssize_t count = write(file, text_ + done, size_ - done);
        if (count <= 0) {
            return;
        }
        done += static_cast<std::size_t>(count);
    }
}

void fatal_in_handler(const char* kind, const char* name, const HandlerText& message) {
    static HandlerText line, json;  // not on the handler's small stack
    const Fiber& fiber = *machine().running;
    const char* file = fiber.where.file != nullptr ? fiber.where.file : "emulator";
    line << file << ":";
    line.number(fiber.where.line) << ": " << kind << ": " << message.c_str() << " [" << name << "] (core (";
    line.number(fiber.core->x) << ",";
    line.number(fiber.core->y) << ") " << thread_name(fiber.thread) << ")\n";
    line.write_to(STDERR_FILENO);
    json << "{\"kind\":";
    json.quoted(kind) << ",\"name\":";
    json.quoted(name) << ",\"message\":";
    json.quoted(message.c_str()) << ",\"kernel\":";
    json.quoted(fiber.unit->source.c_str()) << ",\"thread\":";
    json.quoted(thread_name(fiber.thread)) << ",\"core\":[";
    json.number(fiber.core->x) << ",";
    json.number(fiber.core->y) << "],\"file\":";
    json.quoted(file) << ",\"line\":";
    json.number(fiber.where.line) << ",\"program\":";
    json.number(machine().programs) << ",\"total_waiting\":0,\"waiting\":[],\"cbs\":[],\"semaphores\":[]}\n";
    if (!settings().report.empty()) {
        const int report = open(settings().report.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (report >= 0) {
            json.write_to(report);
        }
    }
    _exit(kExitError);
}

void note(Where where, const char* name, const std::string& message) {
    static std::set<std::string> noted;
    if (noted.size() < 20 && noted.insert(format("%s %s %u", name, where.file != nullptr ? where.file : "", where.line)).second) {
        emit("note", where, name, message);
    }
}

unsigned error_count() { return errors; }

void stop_with_errors() {
    std::fflush(nullptr);
    std::_Exit(kExitError);  // fibers are still suspended on their stacks: no destructors
}

}  // namespace ttemu
