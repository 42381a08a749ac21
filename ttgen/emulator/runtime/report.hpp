// Errors and figures, as JSON lines in TTEMU_REPORT and as text on stderr.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <string>

namespace ttemu {

inline constexpr int kExitError = 86;
inline constexpr int kExitCompile = 87;

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

// A JSON object under construction; numbers, strings and ready-made JSON.
class Json {
public:
    Json& text(const char* name, const std::string& value);
    Json& number(const char* name, uint64_t value);
    Json& raw(const char* name, const std::string& value);
    std::string str() const { return "{" + body_ + "}"; }

private:
    void key(const char* name);
    std::string body_;
};

std::string quote(const std::string& value);

struct Where {
    const char* file;
    unsigned line;
};

void write_line(const std::string& json);

// Reports a named error of the running fiber (or of the host when none runs). Does not return when it is fatal or one too many.
void error(Where where, const char* name, const std::string& message);
[[noreturn]] void fatal(Where where, const char* name, const std::string& message);

// Text that signal handlers can make: in memory of its own, cut at its end.
class HandlerText {
public:
    HandlerText& operator<<(const char* text);
    HandlerText& number(uint64_t value, unsigned base = 10);
    HandlerText& quoted(const char* text);  // as a JSON string
    const char* c_str() const { return text_; }
    void write_to(int file) const;

private:
    void put(char c);
    char text_[8192] = {};
    std::size_t size_ = 0;
};

// What `fatal` does, for signal handlers: it allocates nothing and takes no lock. `kind`: error or hang, of the running fiber.
[[noreturn]] void fatal_in_handler(const char* kind, const char* name, const HandlerText& message);
void note(Where where, const char* name, const std::string& message);
unsigned error_count();
[[noreturn]] void stop_with_errors();

}  // namespace ttemu
