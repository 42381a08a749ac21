// The vector unit's instructions as words, for the functions that are written in them: one at a time, without the
// schedules of SFPLOADMACRO (define DISABLE_SFPLOADMACRO). Instructions of other units have no effect.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "sfpi.h"

namespace sfpi::impl_ {

inline unsigned replayed[64];
inline int recording = 0, record_at = 0;
inline bool record_executes = false;

inline void set_flags(const Lanes& value, unsigned mode) {
    for (int lane = 0; lane < LANES; ++lane) {
        const bool negative = value.lane[lane] >> 31, zero = value.lane[lane] == 0;
        bool flag = false;
        switch (mode) {
            case SFPSETCC_MOD1_LREG_LT0: flag = negative; break;
            case SFPSETCC_MOD1_LREG_NE0: flag = !zero; break;
            case SFPSETCC_MOD1_LREG_GTE0: flag = !negative; break;
            case SFPSETCC_MOD1_LREG_EQ0: flag = zero; break;
        }
        unit.enabled.lane[lane] &= flag;
    }
}

inline Lanes negated(const Lanes& value, bool negate) {
    return map([&](int lane) { return value.lane[lane] ^ std::uint32_t(negate) << 31; });
}

inline void record(unsigned start, unsigned length, bool executes) {
    record_at = int(start), recording = int(length), record_executes = executes;
}

inline void execute(unsigned word) {
#ifdef ARCH_BLACKHOLE
    constexpr unsigned ADDRESS_BITS = 13, MODES = 8;
#else
    constexpr unsigned ADDRESS_BITS = 14, MODES = 4;
#endif
    const unsigned opcode = word >> 24, a = word >> 16 & 15, b = word >> 12 & 15, c = word >> 8 & 15,
                   d = word >> 4 & 15,
                   mode = word & 15, immediate12 = word >> 12 & 0xfff, first = word >> 20 & 15,
                   address_mode = word >> ADDRESS_BITS & (MODES - 1), address = word & ((1u << ADDRESS_BITS) - 1);
    const int signed12 = int(immediate12 << 20) >> 20;
    const auto& registers = unit.registers;
    // Both chips wait a cycle after an exchange, Blackhole also after a shift of lanes and for what isn't ready; Wormhole's
    // code has SFPNOPs for that. An SFPNOP in that cycle is for nothing.
#ifdef ARCH_BLACKHOLE
    const bool product = opcode >= 0x84 && opcode <= 0x86, slow = product || opcode == 0x74 || opcode == 0x75;
    const unsigned halt = opcode == 0x92 || opcode == 0x94;
    if (opcode == 0x72) unit.wait(registers[first]);
    if (opcode > 0x72 && opcode < 0xa0) unit.wait(registers[c]), unit.wait(registers[d]);
    if (product) unit.wait(registers[a]), unit.wait(registers[b]);
#else
    constexpr bool slow = false;
    const unsigned halt = opcode == 0x92;
#endif
    if (opcode == 0x8f && unit.halted) --unit.clock;
    unit.halted = halt > 0;
    const unsigned issued = unit.clock;
    const auto put = [&](unsigned index, Lanes value) {
        value.ready = issued + (slow ? SLOW : 1);
        if (index < 8) assign(unit.registers[index], value);
    };
    const auto each = [&](auto function) { put(d, map(function)); };
    const Lanes zero = splat(0), one = splat(0x3f800000u), old = registers[d], from = registers[c];
    switch (opcode) {
        case 0x04:
            if (word & 1) {
                record(word >> 14 & 0x3ff, word >> 4 & 0x3ff, word >> 1 & 1);
            } else {
                for (unsigned index = 0; index < (word >> 4 & 0x3ff); ++index)
                    execute(replayed[(word >> 14 & 0x3ff) + index]);
            }
            break;
        case 0x38: unit.row += (word >> 14 & 15) / 2; break;
        case 0x37:
            if (word & 4) unit.carriage = unit.row = (word >> 14 & 15) / 2 + (word >> 20 & 1 ? unit.carriage : 0);
            break;
        case 0xb2: {
            const unsigned place = word >> 16 & 0xff, value = word & 0xffff;
            if (place == DEST_TARGET_REG_CFG_MATH_Offset_ADDR32) unit.base = value / 2;
            if (place - ADDR_MOD_DST_SEC0_DestIncr_ADDR32 < 8)
                unit.steps[place - ADDR_MOD_DST_SEC0_DestIncr_ADDR32] = (value & 0x3ff) / 2;
#ifndef ARCH_BLACKHOLE
            if (place == ADDR_MOD_SET_Base_ADDR32) unit.first_step = 4 * (value & 1);
#endif
            break;
        }
        case 0x70: put(first, load(unit.base + unit.row + address / 2, a)); break;
        case 0x72: store(unit.base + unit.row + address / 2, a, registers[first]); break;
        case 0x71: {
            const std::uint32_t half = word & 0xffff;
            put(first, map([&](int lane) -> std::uint32_t {
                const std::uint32_t before = registers[first].lane[lane];
                switch (a) {
                    case SFPLOADI_MOD0_FLOATB: return half << 16;
                    case SFPLOADI_MOD0_FLOATA: return (half & 0x8000) << 16 | ((half & 0x7fff) + (112u << 10)) << 13;
                    case SFPLOADI_MOD0_SHORT: return std::uint32_t(std::int16_t(half));
                    case SFPLOADI_MOD0_UPPER: return half << 16 | (before & 0xffff);
                    case SFPLOADI_MOD0_LOWER: return (before & 0xffff0000u) | half;
                    default: return half;
                }
            }));
            break;
        }
        case 0x74: put(d, mad(splat((word >> 8 & 0xffff) << 16), old, zero)); break;
        case 0x75: put(d, mad(splat((word >> 8 & 0xffff) << 16), one, old)); break;
        case 0x76:
            each([&](int lane) {
                const std::uint32_t bits = from.lane[lane], exponent = bits >> 23 & 0xff;
                const std::uint32_t sum = exponent == 255 ? 255u : exponent + immediate12;
                const std::uint32_t changed = mode & 1 ? sum : immediate12;
                return (bits & 0x807fffffu) | (changed & 0xff) << 23;
            });
            break;
        case 0x77:
            each([&](int lane) { return (from.lane[lane] >> 23 & 0xff) - (mode & 1 ? 0u : 127u); });
            if (mode & 2) set_flags(registers[d], mode & 8 ? SFPSETCC_MOD1_LREG_GTE0 : SFPSETCC_MOD1_LREG_LT0);
            break;
        case 0x78: each([&](int lane) { return (from.lane[lane] & 0x7fffffu) | (mode & 1 ? 0u : 0x800000u); }); break;
        case 0x79:
            each([&](int lane) {
                const std::uint32_t other = mode & 1 ? std::uint32_t(signed12) : old.lane[lane];
                return from.lane[lane] + (mode & 2 ? 0u - other : other);
            });
            if (!(mode & 4)) set_flags(registers[d], mode & 8 ? SFPSETCC_MOD1_LREG_GTE0 : SFPSETCC_MOD1_LREG_LT0);
            break;
        case 0x7a:
            each([&](int lane) {
                const int amount = mode & 1 ? signed12 : int(from.lane[lane]);
                return shift(mode & 4 ? from.lane[lane] : old.lane[lane], amount, mode & 2);
            });
            break;
        case 0x7b: set_flags(from, mode); break;
        case 0x7c: each([&](int lane) { return from.lane[lane] ^ (mode & 1) << 31; }); break;
        case 0x7d: put(d, mode & 1 ? abs(vFloat(from)).get() : abs(vInt(from)).get()); break;
        case 0x7e: each([&](int lane) { return (mode & 1 ? registers[b] : old).lane[lane] & from.lane[lane]; }); break;
        case 0x7f: each([&](int lane) { return (mode & 1 ? registers[b] : old).lane[lane] | from.lane[lane]; }); break;
        case 0x80: each([&](int lane) { return ~from.lane[lane]; }); break;
        case 0x81: put(d, lz(vUInt(from), mode & 4 ? LZMode::IgnoreSign : LZMode::All).get()); break;
        case 0x82:
            each([&](int lane) {
                const std::uint32_t bits = old.lane[lane];
                const std::uint32_t exponent = mode & 1 ? immediate12 : mode & 2 ? bits >> 23 : bits;
                return (from.lane[lane] & 0x807fffffu) | (exponent & 0xff) << 23;
            });
            break;
        case 0x83:
            each([&](int lane) {
                return (from.lane[lane] & 0xff800000u) | (mode & 1 ? immediate12 << 11 : old.lane[lane] & 0x7fffffu);
            });
            break;
        case 0x84:
        case 0x85: put(d, mad(negated(registers[a], mode & 1), registers[b], negated(from, mode & 2))); break;
        case 0x86: put(d, mad(negated(registers[a], mode & 1), registers[b], zero)); break;
        case 0x87: unit.outer[unit.depth++] = unit.enabled; break;
        case 0x88: unit.enabled = unit.outer[--unit.depth]; break;
        case 0x89:
            each([&](int lane) {
                return (from.lane[lane] & 0x7fffffffu) | (mode & 1 ? immediate12 << 31 : old.lane[lane] & 0x80000000u);
            });
            break;
        case 0x8a: unit.enabled = splat(1); break;
        case 0x8b:
            unit.enabled = map([&](int lane) {
                return (unit.depth ? unit.outer[unit.depth - 1].lane[lane] : 1u) & ~unit.enabled.lane[lane];
            });
            break;
        case 0x8d: each([&](int lane) { return old.lane[lane] ^ from.lane[lane]; }); break;
        case 0x8e: each([&](int lane) { return stochastic_round(from.lane[lane], mode, false); }); break;
        case 0x90: each([&](int lane) { return cast(from.lane[lane]); }); break;
        case 0x91:
            if (d >= 11 && d <= 14 && mode == 0)
                unit.registers[d] = map([&](int lane) { return registers[0].lane[lane & 7]; });
            if (d == 15) unit.swaps_reversed = (mode & 1 ? word >> 8 : registers[0].lane[0]) >> 8 & 1;
            break;
        case 0x92: {
            const Lanes lower = map([&](int lane) {
                return smaller(from.lane[lane], old.lane[lane]) ? from.lane[lane] : old.lane[lane];
            });
            const Lanes upper = map([&](int lane) {
                return smaller(from.lane[lane], old.lane[lane]) ? old.lane[lane] : from.lane[lane];
            });
            const bool swaps = mode == SFPSWAP_MOD1_SWAP, down = (mode == 9) != unit.swaps_reversed;
            put(d, swaps ? from : down ? upper : lower);
            put(c, swaps ? old : down ? lower : upper);
            break;
        }
        case 0x96:
        case 0x97: {
            const Lanes greater = map([&](int lane) {
                return smaller(from.lane[lane], old.lane[lane]) == (opcode == 0x97) ? ~0u : 0u;
            });
            if (mode & 8) put(d, greater);
            if (mode & 1) set_flags(greater, SFPSETCC_MOD1_LREG_NE0);
            break;
        }
        case 0x99: each([&](int lane) { return approximate_reciprocal(from.lane[lane]); }); break;
        case 0x8c:
            for (unsigned base : {0u, 4u}) {
                const Lanes before[4] = {registers[base], registers[base + 1], registers[base + 2], registers[base + 3]};
                for (unsigned row = 0; row < 4; ++row)
                    put(base + row, map([&](int lane) { return before[lane / 8].lane[8 * row + lane % 8]; }));
            }
            break;
        case 0x94:
            if (mode == SFPSHFT2_MOD1_SUBVEC_SHFLROR1) {
                each([&](int lane) { return from.lane[lane % 8 ? lane - 1 : lane + 7]; });
                break;
            }
            [[fallthrough]];
        case 0x73:
        case 0x93:
        case 0x95:
        case 0x98:
            std::fprintf(stderr, "instruction %#x is not modelled\n", opcode);
            std::abort();
    }
    if (opcode == 0x70 || opcode == 0x72) unit.step(address_mode);
    if (opcode != 0x04) unit.clock = issued + 1 + halt;
}

inline void issue(unsigned word) {
    if (recording) {
        replayed[record_at++] = word;
        --recording;
        if (!record_executes) return;
    }
    execute(word);
}

}  // namespace sfpi::impl_
