// The three threads of a compute kernel: which part of an API function one of them executes. A kernel that doesn't ask which thread it is
// compiled for is compiled once for all of them.
#pragma once

#include "ttemu/abi.h"

#ifdef TTEMU_EVERY_THREAD
#define UNPACK(...) do { if (ttemu_compute_thread == 0) { __VA_ARGS__; } } while (false)
#define MATH(...) do { if (ttemu_compute_thread == 1) { __VA_ARGS__; } } while (false)
#define PACK(...) do { if (ttemu_compute_thread == 2) { __VA_ARGS__; } } while (false)
// An operation of the matrix unit has an unpack part and a math part; the runtime knows which thread calls.
#define TTEMU_FPU(...) do { if (ttemu_compute_thread != 2) { __VA_ARGS__; } } while (false)
#else
#ifdef TRISC_MATH
#define MATH(...) __VA_ARGS__
#else
#define MATH(...)
#endif
#ifdef TRISC_PACK
#define PACK(...) __VA_ARGS__
#else
#define PACK(...)
#endif
#ifdef TRISC_UNPACK
#define UNPACK(...) __VA_ARGS__
#else
#define UNPACK(...)
#endif

#ifdef TRISC_PACK
#define TTEMU_FPU(...)
#else
#define TTEMU_FPU(...) __VA_ARGS__
#endif
#endif
