// Applies one operation to tiles of DST: 1024 words an operand and tile on standard input, 1024 words of the result a
// tile on standard output, the cycles of the last tile on standard error. Arguments: the operation's place in the table, its number of operands, its numbers' bits.
#include "defines_generated.h"

#include "chlkc_descriptors.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "api/compute/common.h"
#include "operation_headers.h"

uint32_t unp_cfg_context, pack_sync_tile_dst_ptr, math_sync_tile_dst_index, gl_alu_format_spec_reg, op_info_offset;
volatile uint32_t __instrn_buffer[1];

namespace ckernel {
static volatile uint32_t device_registers[1 << 16];
volatile uint32_t* regfile = device_registers;
volatile uint32_t* pc_buf_base = device_registers;
volatile uint32_t* mailbox_base[4] = {device_registers, device_registers, device_registers, device_registers};
uint32_t dest_offset_id;
}  // namespace ckernel

using namespace ckernel;

struct Operation {
    void (*prepare)();
    void (*apply)();
};

#include "operations.h"  // numbers, and the table

int main(int count, char** arguments) {
    const Operation operation = operations[std::atoi(arguments[1])];
    const int operands = std::atoi(arguments[2]);
    for (int index = 3; index < count; ++index)
        *numbers[index - 3] = uint32_t(std::strtoul(arguments[index], nullptr, 0));
    auto& unit = sfpi::impl_::unit;
    unit.dst_32_bit = DST_ACCUM_MODE;
    operation.prepare();
    unsigned cycles = 0;
    for (;;) {
        for (int vector = 0; vector < 32 * operands; ++vector)
            if (std::fread(unit.dst[vector].lane, 4, 32, stdin) != 32) {
                std::fprintf(stderr, "%u\n", cycles);
                return 0;
            }
        const unsigned before = unit.clock;
        operation.apply();
        cycles = unit.clock - before;
        for (int vector = 0; vector < 32; ++vector) std::fwrite(unit.dst[vector].lane, 4, 32, stdout);
    }
}
