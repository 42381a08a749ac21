#include "fiber.hpp"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define TTEMU_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TTEMU_ASAN 1
#endif
#endif

#ifdef TTEMU_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

// Saves the callee-saved registers on the old stack, and restores those of the new one.
extern "C" void ttemu_switch(void** save_stack_pointer, void* stack_pointer);

#if defined(__x86_64__)
asm(R"(
    .text
    .globl ttemu_switch
    .hidden ttemu_switch
    .type ttemu_switch, @function
ttemu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size ttemu_switch, . - ttemu_switch
)");
#elif defined(__aarch64__)
asm(R"(
    .text
    .globl ttemu_switch
    .hidden ttemu_switch
    .type ttemu_switch, %function
ttemu_switch:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x2, sp
    str x2, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size ttemu_switch, . - ttemu_switch
)");
#else
#error "the emulator's fibers know x86-64 and AArch64 only"
#endif

namespace ttemu {

void create_context(Context& context, std::size_t stack_bytes, void (*entry)()) {
    void* stack = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) {
        std::perror("emulator: memory for a stack");
        std::abort();
    }
    mprotect(stack, 4096, PROT_NONE);  // an overflow faults
    context.stack = stack;
    context.stack_bytes = stack_bytes;
    auto* top = reinterpret_cast<void**>(static_cast<char*>(stack) + stack_bytes);
#if defined(__x86_64__)
    *--top = nullptr;                            // a return address that nobody uses: the entry's frame is aligned as after a call
    *--top = reinterpret_cast<void*>(entry);     // where ttemu_switch returns to
    top -= 6;
    for (int i = 0; i < 6; ++i) {
        top[i] = nullptr;
    }
#else
    top -= 20;
    for (int i = 0; i < 20; ++i) {
        top[i] = nullptr;
    }
    top[11] = reinterpret_cast<void*>(entry);    // x30
#endif
    context.stack_pointer = top;
}

void destroy_context(Context& context) {
    if (context.stack != nullptr) {
        munmap(context.stack, context.stack_bytes);
        context.stack = nullptr;
    }
}

void switch_context(Context& from, Context& to) {
#ifdef TTEMU_ASAN
    __sanitizer_start_switch_fiber(&from.sanitizer_stack, to.stack, to.stack_bytes);
    ttemu_switch(&from.stack_pointer, to.stack_pointer);
    __sanitizer_finish_switch_fiber(from.sanitizer_stack, nullptr, nullptr);
#else
    ttemu_switch(&from.stack_pointer, to.stack_pointer);
#endif
}

Context* scheduler_context();

void entered_context() {
#ifdef TTEMU_ASAN
    const void* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
    // The first fiber tells where the scheduler's own stack is.
    Context* scheduler = scheduler_context();
    scheduler->stack = const_cast<void*>(bottom);
    scheduler->stack_bytes = size;
#endif
}

void leave_context(Context& from, Context& to) {
#ifdef TTEMU_ASAN
    __sanitizer_start_switch_fiber(nullptr, to.stack, to.stack_bytes);
#endif
    ttemu_switch(&from.stack_pointer, to.stack_pointer);
    __builtin_unreachable();
}

}  // namespace ttemu
