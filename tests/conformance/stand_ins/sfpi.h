// Stands in for SFPI's header, which comes with its compiler and not with the wheel: the one constant that code
// outside SFPU functions names (ckernel_sfpu_load_config.h, on Blackhole).
#pragma once

namespace sfpi {
constexpr unsigned SFPLOADI_MOD0_FLOATB = 0;
}  // namespace sfpi
