// The three threads of a compute kernel: which part of an API function this unit executes.
#pragma once

#include "ttemu/abi.h"

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

// An operation of the matrix unit has an unpack part and a math part; the runtime knows which thread calls.
#ifdef TRISC_PACK
#define TTEMU_FPU(...)
#else
#define TTEMU_FPU(...) __VA_ARGS__
#endif
