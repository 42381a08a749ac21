// ASSERT of device code: reported as `assert-failed`.
#pragma once

#include "ttemu/abi.h"

#define ASSERT(condition, ...)                                                     \
    do {                                                                           \
        if (!(condition)) ttemu_assert_failed(#condition, __FILE__, __LINE__);     \
    } while (0)
