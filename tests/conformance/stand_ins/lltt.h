// Stands in for SFPI's header of low-level Tensix instructions: what FPU code of the wheel calls, with no effect.
#pragma once

#include <cstdint>

namespace lltt {

enum ExecBool : bool { NoExec, Exec };

template <ExecBool = NoExec>
inline void record(unsigned /*start*/, unsigned /*length*/) {}

inline void replay(unsigned /*start*/, unsigned /*length*/) {}

constexpr std::uint32_t replay_insn(unsigned start, unsigned length) { return start << 14 | length << 4; }

}  // namespace lltt
