// Reads one tile of each input for every output tile. An input may be as large as the output, or one row, one column or one tile of it.
#include <cstdint>

#include "api/dataflow/dataflow_api.h"

template <typename Accessor>
void read_tile(const Accessor& tensor, uint32_t cb, uint32_t mode, uint32_t row, uint32_t column, uint32_t columns) {
    const uint32_t page = mode == 0 ? row * columns + column : mode == 1 ? column : mode == 2 ? row : 0;
    cb_reserve_back(cb, 1);
    noc_async_read_page(page, tensor, get_write_ptr(cb));
    noc_async_read_barrier();
    cb_push_back(cb, 1);
}

void kernel_main() {
    constexpr uint32_t inputs = get_named_compile_time_arg_val("inputs");
    constexpr uint32_t columns = get_named_compile_time_arg_val("columns");
    constexpr uint32_t mode_0 = get_named_compile_time_arg_val("mode_0");
    constexpr uint32_t mode_1 = get_named_compile_time_arg_val("mode_1");
    constexpr uint32_t mode_2 = get_named_compile_time_arg_val("mode_2");
    constexpr auto args_0 = TensorAccessorArgs<0>();
    constexpr auto args_1 = TensorAccessorArgs<args_0.next_compile_time_args_offset()>();
    constexpr auto args_2 = TensorAccessorArgs<args_1.next_compile_time_args_offset()>();
    const auto input_0 = TensorAccessor(args_0, get_common_arg_val<uint32_t>(0));
    const auto input_1 = TensorAccessor(args_1, get_common_arg_val<uint32_t>(1));
    const auto input_2 = TensorAccessor(args_2, get_common_arg_val<uint32_t>(2));
    const uint32_t unit_start = get_arg_val<uint32_t>(0);
    const uint32_t unit_count = get_arg_val<uint32_t>(1);

    for (uint32_t unit = unit_start; unit < unit_start + unit_count; ++unit) {
        read_tile(input_0, 0, mode_0, unit / columns, unit % columns, columns);
        if (inputs > 1) {
            read_tile(input_1, 1, mode_1, unit / columns, unit % columns, columns);
        }
        if (inputs > 2) {
            read_tile(input_2, 2, mode_2, unit / columns, unit % columns, columns);
        }
    }
}
