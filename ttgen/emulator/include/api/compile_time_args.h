// Compile-time arguments: the unit defines KERNEL_COMPILE_TIME_ARGS (a list) and KERNEL_COMPILE_TIME_ARG_MAP ({"name", value} pairs).
#pragma once

#include <cstdint>

#ifndef KERNEL_COMPILE_TIME_ARGS
#define KERNEL_COMPILE_TIME_ARGS
#endif
#ifndef KERNEL_COMPILE_TIME_ARG_MAP
#define KERNEL_COMPILE_TIME_ARG_MAP
#endif

namespace ttemu {

struct NamedArg {
    const char* name;
    uint32_t value;
};

// A leading dummy keeps the lists valid when they are empty.
constexpr uint32_t compile_time_args[] = {0, KERNEL_COMPILE_TIME_ARGS};
constexpr NamedArg named_compile_time_args[] = {{"", 0}, KERNEL_COMPILE_TIME_ARG_MAP};

constexpr bool same_name(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

// Not constexpr: reaching it while a constant is evaluated is the compile error that an unknown name deserves.
inline uint32_t no_compile_time_argument_of_that_name() { return 0; }

}  // namespace ttemu

template <uint32_t Idx>
constexpr uint32_t get_ct_arg() {
    static_assert(Idx + 1 < sizeof(ttemu::compile_time_args) / sizeof(uint32_t), "Index out of range");
    return ttemu::compile_time_args[Idx + 1];
}

constexpr uint32_t get_named_compile_time_arg_val(const char* name) {
    for (unsigned i = 1; i < sizeof(ttemu::named_compile_time_args) / sizeof(ttemu::NamedArg); ++i) {
        if (ttemu::same_name(name, ttemu::named_compile_time_args[i].name)) {
            return ttemu::named_compile_time_args[i].value;
        }
    }
    return *name == '\0' ? 0 : ttemu::no_compile_time_argument_of_that_name();
}

constexpr uint32_t get_named_ct_arg(const char* name) { return get_named_compile_time_arg_val(name); }

#define get_compile_time_arg_val(arg_idx) get_ct_arg<arg_idx>()
