// Records instructions and executes them again, on the host.
#pragma once

#include <cstdint>

#include "instructions.h"

namespace lltt {

enum ExecBool : bool { NoExec, Exec };

template <ExecBool Executes = NoExec>
inline void record(unsigned start, unsigned length) {
    sfpi::impl_::record(start, length, Executes);
}

inline void replay(unsigned start, unsigned length) {
    for (unsigned index = start; index < start + length; ++index) sfpi::impl_::execute(sfpi::impl_::replayed[index]);
}

constexpr std::uint32_t replay_insn(unsigned start, unsigned length) { return start << 14 | length << 4; }

}  // namespace lltt
