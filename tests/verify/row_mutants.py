"""Single-line faults in programs that reduce, and the names that they have to be caught by."""

from __future__ import annotations

from tests.verify.mutant import fault as _m

_R = "softmax_ragged"
_F = "softmax_float32"
_N = "rmsnorm"
# Sixteen cores a line, on 2 rows of 8.
_S = "log_softmax_split"

_PARTIAL = "fill_row_scaler(get_write_ptr(cb_scaler) + 1 * get_tile_size(cb_scaler), valid);"
_MASK = "fill_row_mask(get_write_ptr(cb_mask), valid);"
_CHOSEN = "where_tile<DataFormat::Float32>(1, 2, 3, 1);"
_FOLD = "binary_max_tile(0, 1, 0);"
_STATISTIC = ", tt::DataFormat::Float32, /*pages=*/1, /*page_bytes=*/4096"
_SHORT = ", tt::DataFormat::Float16_b, /*pages=*/1, /*page_bytes=*/2048"
_ZEROED = """        for (uint32_t word = 0; word < 512; ++word) {
            reinterpret_cast<volatile tt_l1_ptr uint32_t*>(address)[word] = 0;
        }
"""
_SECOND = "g_tensor.get_noc_addr(k, get_tile_size(cb_g) / 4)"
_RESERVE = "        cb_reserve_back(cb_all_max, parts);\n"
_ROOM = "        noc_semaphore_wait_min(own_max_room, (i + 1) * (parts - 1));\n"
_ARRIVED = "noc_semaphore_wait_min(own_max_arrived, (i + 1) * (parts - 1));"
_PLACE = "get_write_ptr(cb_all_max) + part * get_tile_size(cb_all_max)"

ROWS = (
    # Scalers and masks.
    _m("reader: the last tile's scaler is a column too wide", _R, "reader", _PARTIAL, _PARTIAL.replace("valid", "valid + 1"), "wrong-numbers"),
    _m("reader: the last tile's scaler is a column too narrow", _R, "reader", _PARTIAL, _PARTIAL.replace("valid", "valid - 1"), "wrong-numbers"),
    _m("reader: the mask is a column too wide", _R, "reader", _MASK, _MASK.replace("valid", "valid + 1"), "wrong-numbers"),
    _m("reader: the mask is a column too narrow", "row_max", "reader", _MASK, _MASK.replace("valid", "valid - 1"), "wrong-numbers"),
    _m("reader: the mask is of rows", "column_range", "reader", "row < valid", "row < 32", "wrong-numbers"),
    _m("reader: the scaler's lower faces are left out", "softmax", "reader", "faces < 1024", "faces < 512", "reduce-scaler"),
    _m("reader: the scaler's right faces are left out", "row_sum", "reader", "col / 16 * 256 + col % 16", "col % 16", "wrong-numbers"),
    _m("reader: the scaler's ones are in the second row", "column_mean", "reader", "face + row % 16", "face + 16 + row % 16", "wrong-numbers"),
    _m("reader: what isn't one of the scaler isn't zeroed", _R, "reader", _ZEROED, "", "uninitialised-data"),
    _m("reader: the scaler isn't read back", "row_sum", "reader", "while (*last != 0x3f80)", "while (false && *last != 0x3f80)", "store-not-read-back"),
    _m("reader: a scaler of 2", "softmax", "reader", "*last = 0x3f80;", "*last = 0x4000;", "reduce-scaler",
       more=(("*last != 0x3f80", "*last != 0x4000"),)),
    _m("reader: no partial scaler", _R, "reader", f"    {_PARTIAL}\n", "", "uninitialised-data"),
    # Reductions.
    _m("compute: the last tile has the scaler of the others", _R, "compute", "Kt - 1, 1, 0);", "Kt - 1, 0, 0);", "wrong-numbers"),
    _m("compute: no uninit of a sum", "softmax", "compute", "reduce_uninit(cb_exp);", "", "packer-state"),
    _m("compute: no uninit of a maximum", "softmax", "compute", "reduce_uninit(cb_X);", "", "packer-state"),
    _m("compute: no init of a reduction", "softmax", "compute", "reduce_init<PoolType::SUM, ReduceDim::REDUCE_ROW>(cb_exp, cb_scaler, cb_exp);", "", "missing-init"),
    _m("compute: a maximum's init for a sum", "row_sum", "compute", "reduce_init<PoolType::SUM", "reduce_init<PoolType::MAX", "missing-init"),
    _m("compute: a sum of columns", "row_sum", "compute", "reduce_tile<PoolType::SUM, ReduceDim::REDUCE_ROW>", "reduce_tile<PoolType::SUM, ReduceDim::REDUCE_COL>", "missing-init"),
    _m("compute: the last tile isn't summed", "row_sum", "compute", "k < Kt; ++k", "k < Kt - 1; ++k", "cb-pop-unwaited"),
    _m("compute: a tile is summed twice", _F, "compute", "copy_tile(cb_exp, k, 1);\n            add_binary_tile(0, 1, 0);",
       "copy_tile(cb_exp, k, 1);\n            add_binary_tile(0, 1, 0);\n            add_binary_tile(0, 1, 0);", "wrong-numbers"),
    _m("compute: a maximum without what was there", _F, "compute", _FOLD, _FOLD.replace("(0, 1, 0)", "(1, 1, 0)"), "wrong-numbers"),
    _m("compute: a maximum begins at 0", "row_max", "compute", "fill_tile_bitcast(0, least);", "fill_tile(0, 0.0f);", "wrong-numbers"),
    _m("compute: a minimum begins at 0", "column_range", "compute", "fill_tile_bitcast(0, most);", "fill_tile(0, 0.0f);", "wrong-numbers"),
    _m("compute: a maximum begins with what DST held", "row_max", "compute", "fill_tile_bitcast(0, least);", "", "dst-unwritten"),
    _m("compute: the mask after the maximum", "row_max", "compute", _CHOSEN, "binary_max_tile_init();\n        binary_max_tile(0, 2, 0);\n        where_tile_init();\n        where_tile<DataFormat::Float32>(1, 0, 3, 1);",
       "wrong-numbers"),
    _m("compute: the mask turned round", _R, "compute", _CHOSEN, _CHOSEN.replace("1, 2, 3, 1", "1, 3, 2, 1"), "wrong-numbers"),
    _m("compute: the mask is left out", "row_max", "compute", _CHOSEN, "copy_tile(cb_X, Kt - 1, 1);", "wrong-numbers"),
    _m("compute: the elements of a tile stay as they are", _F, "compute", "sfpu_reduce<PoolType::SUM, DataFormat::Float32, ReduceDim::REDUCE_ROW>(0);", "", "wrong-numbers"),
    _m("compute: rows of a tile for columns", "column_range", "compute", "ReduceDim::REDUCE_COL>(0);", "ReduceDim::REDUCE_ROW>(0);", "wrong-numbers"),
    _m("compute: no init of the reduction of a slot", _F, "compute", "sfpu_reduce_init<PoolType::SUM, DataFormat::Float32>();", "", "missing-init"),
    _m("compute: squares of another tile", _N, "compute", "mul_tiles(cb_X, cb_X, first_k + k, first_k + k, 0);", "mul_tiles(cb_X, cb_X, first_k + k, k, 0);", "wrong-numbers"),
    _m("compute: a sum for a mean", _N, "compute", "mul_unary_tile(0, number);", "", "wrong-numbers"),
    _m("compute: eps is left out", _N, "compute", "add_unary_tile(0, number_1);", "", "wrong-numbers"),
    _m("compute: a scale of another column", _N, "compute", "copy_tile(cb_g, first_k + k, 1);", "copy_tile(cb_g, k, 1);", "wrong-numbers"),
    _m("reader: a scale's right half from its left", _N, "reader", _SECOND, "g_tensor.get_noc_addr(k)", "wrong-numbers"),
    _m("reader: a scale's right half to a lower face", _N, "reader", "get_write_ptr(cb_g) + get_tile_size(cb_g) / 4", "get_write_ptr(cb_g) + get_tile_size(cb_g) / 2",
       "uninitialised-data"),
    _m("plan: statistics in 16 bits", _N, "plan", f"cb_rsqrt{_STATISTIC}", f"cb_rsqrt{_SHORT}", "wrong-numbers"),
    _m("plan: a float32's statistics in 16 bits", _F, "plan", f"cb_reciprocal{_STATISTIC}", f"cb_reciprocal{_SHORT}", "wrong-numbers"),
    _m("plan: sums in 16 bits", "softmax_heads", "plan", "fp32_dest_acc_en = true", "fp32_dest_acc_en = false", "dst-format"),
    _m("plan: sums at the lowest fidelity", "softmax_heads", "plan", "MathFidelity::HiFi3", "MathFidelity::LoFi", "wrong-numbers"),
    _m("plan: float32 through a source register", _F, "plan", "{0, 24, 25, 26}", "{0, 25, 26}", "wrong-numbers"),
    # What stays.
    _m("compute: what was kept isn't awaited", _R, "compute", "cb_wait_front(cb_exp, k_blocks * block_k);", "", "cb-read-unwaited"),
    _m("compute: a row is freed a walk too early", "min_max", "compute", "cb_pop_front(cb_X, k_blocks * block_k);", "", "cb-read-unwaited",
       more=(("cb_wait_front(cb_reciprocal, 1);", "cb_wait_front(cb_reciprocal, 1);\n        cb_pop_front(cb_X, k_blocks * block_k);"),)),
    _m("compute: a row isn't freed", "softmax_heads", "compute", "cb_pop_front(cb_S, k_blocks * block_k);", "", "cb-not-drained"),
    _m("compute: a statistic of another line", "softmax_heads", "compute", "cb_wait_front(cb_max, 1);", "", "cb-read-unwaited"),
    _m("reader: a walk less", "log_softmax", "reader", "step < k_blocks;", "step < k_blocks - 1;", "hang"),
    _m("reader: lines of the batch after", "batch_softmax", "reader", "(z * Kt + k) * Mt", "((z + 1) % 2 * Kt + k) * Mt", "wrong-numbers"),
    # Parts of lines.
    _m("writer: a part's place off by one", _S, "writer", _PLACE, _PLACE.replace("part *", "(part + 1) *"), "uninitialised-data"),
    _m("writer: all parts in one place", _S, "writer", _PLACE, _PLACE.replace("part *", "0 *"), "uninitialised-data"),
    _m("writer: a core less is awaited", _S, "writer", _ARRIVED, _ARRIVED.replace("parts - 1", "parts - 2"), "cb-write-unreserved"),
    _m("writer: a core more is awaited", _S, "writer", _ARRIVED, _ARRIVED.replace("parts - 1", "parts"), "hang"),
    _m("writer: room isn't awaited", _S, "writer", _ROOM, "", "semaphore-unwaited"),
    _m("writer: room before it is there", _S, "writer", _RESERVE, "", "uninitialised-data", more=((_ROOM, _ROOM + _RESERVE),)),
    _m("writer: a core doesn't send to itself", _S, "writer", "noc_async_write_multicast_loopback_src(", "noc_async_write_multicast(", "multicast-count"),
    _m("writer: to the others only", _S, "writer", "noc_async_write_multicast_loopback_src(", "noc_async_write_multicast(", "uninitialised-data",
       more=(("get_tile_size(cb_all_max), parts);", "get_tile_size(cb_all_max), parts - 1);"),)),
    _m("writer: no barrier between a part and its signal", _S, "writer", "        noc_async_write_barrier();\n", "", "cb-write-unreserved"),
    _m("writer: sums raise the counter of maxima", _S, "writer", "get_semaphore(sem_own_sum_arrived)), 1", "get_semaphore(sem_own_max_arrived)), 1", "hang"),
    _m("writer: the second row of cores is another group", _S, "writer", "group_y = core_y - core_y % group_rows", "group_y = core_y", "runtime-arg-out-of-range"),
    _m("compute: a part is left out", _S, "compute", "other < parts; ++other) {\n            copy_tile(cb_all_sum", "other < parts - 1; ++other) {\n            copy_tile(cb_all_sum",
       "wrong-numbers"),
    _m("compute: the same part again and again", _S, "compute", "copy_tile(cb_all_sum, other, 1);", "copy_tile(cb_all_sum, 0, 1);", "wrong-numbers"),
    _m("reader: a part begins a tile too late", _S, "reader", "first_tile = part * k_blocks / parts * block_k", "first_tile = part * k_blocks / parts * block_k + (part == 3)", "uninitialised-data"),
    _m("reader: a part's tiles are those of the part before", _S, "reader", "y * Kt + first_tile", "y * Kt + first_tile - (part == 3)", "wrong-numbers"),
    _m("writer: a part's tiles go where the part before has its own", _S, "writer", "y * Kt + first_tile", "y * Kt + first_tile - (part == 3)", "output-coverage"),
)  # fmt: skip
