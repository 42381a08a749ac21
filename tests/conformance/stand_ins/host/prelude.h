// Included ahead of everything where the wheel's SFPU functions are to run on the host: instructions execute instead of
// being assembled, and the device's memory-mapped registers are an array.
#pragma once

#include <cstdint>

#include "cfg_defines.h"
#include "ckernel_ops.h"
#include "instructions.h"

#undef TTI_INSN
#undef TT_INSN
#define TTI_INSN(ENCODING) ::sfpi::impl_::issue(unsigned(ENCODING))
#define TT_INSN(ENCODING) ::sfpi::impl_::issue(unsigned(ENCODING))
