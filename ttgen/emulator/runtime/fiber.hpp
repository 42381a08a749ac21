// Switching between stacks without the kernel's help.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ttemu {

// A suspended computation. The scheduler has one; every kernel thread of every core has one with a stack of its own.
struct Context {
    void* stack_pointer = nullptr;
    void* stack = nullptr;          // lowest address; null for the scheduler's
    std::size_t stack_bytes = 0;
    void* sanitizer_stack = nullptr;
};

void create_context(Context& context, std::size_t stack_bytes, void (*entry)());
void destroy_context(Context& context);
void switch_context(Context& from, Context& to);
void entered_context();             // first thing on a new stack
void leave_context(Context& from, Context& to);  // last thing on a stack

}  // namespace ttemu
