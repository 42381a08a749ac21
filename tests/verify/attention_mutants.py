"""Single-line faults in programs of attention, and the names that they have to be caught by."""

from __future__ import annotations

from tests.verify.mutant import fault as _m

_A = "attention"
_C = "attention_causal"
_M = "attention_masked"
_G = "attention_gqa"
# Eight cores to a cache, of which each has a part.
_D = "attention_decode"
# The cores of a row share keys and values.
_S = "attention_shared"

_BIAS = "fill_row_bias(get_write_ptr(cb_masks), valid);"
_DIAGONAL = "fill_causal_bias(get_write_ptr(cb_masks), diagonal_valid);"
_AFTER = "fill_causal_bias(get_write_ptr(cb_masks) + 1 * get_tile_size(cb_masks), after_valid);"
_LARGEST = "pack_tile</*out_of_order=*/true>(0, cb_state, Vt + 1);"
_KEPT = f"                tile_regs_wait();\n                {_LARGEST}"
_TAKEN = "copy_tile(cb_state, first + col, col);"
_PARTS = "            copy_tile(cb_all, other * row_pages + Vt + 1, 1);\n            binary_max_tile(0, 1, 0);\n"
_TOTAL = "pack_tile</*out_of_order=*/true>(0, cb_own, Vt);"
_OWN = "pack_tile</*out_of_order=*/true>(1, cb_own, Vt + 1);"
_PLACE = "get_write_ptr(cb_all) + (part * own_tiles) * get_tile_size(cb_all)"
_SPREAD = "sfpu_bcast_col_init();\n                sfpu_add_bcast_col(2, 1);\n"
_INVERTED = "                recip_tile_init();\n                recip_tile(2);"
_ROUNDS = "noc_semaphore_wait_min(keys_ready, (round / core_cols + 1) * (core_cols - 1));"
_ARRIVED = "                    noc_semaphore_wait_min(values_arrived, round + 1);\n                }\n"

ATTENTION = (
    # The statistics of a row, and what becomes of what was summed up.
    _m("compute: the output isn't rescaled", _A, "compute", "sfpu_mul_bcast_col(col, value_cols);", "", "wrong-numbers"),
    _m("compute: the sum of weights isn't rescaled", _A, "compute", "mul_binary_tile(2, 1, 2);", "", "wrong-numbers"),
    _m("compute: the sum of weights begins anew each step", _A, "compute", "add_binary_tile(0, 2, 0);", "", "wrong-numbers"),
    _m("compute: the maximum isn't carried", _A, "compute", _KEPT, _KEPT.replace("(0, cb_state", "(1, cb_state"), "wrong-numbers"),
    _m("compute: the maximum begins at 0", _A, "compute", "fill_tile_bitcast(0, lowest);", "fill_tile(0, 0.0f);", "wrong-numbers"),
    _m("compute: rescaled the other way round", _A, "compute", "sub_binary_tile(1, 0, 1);", "sub_binary_tile(0, 1, 1);", "wrong-numbers"),
    _m("compute: the output so far is left out", _A, "compute", _TAKEN, "", "dst-unwritten"),
    _m("compute: weights of the tile beside", _A, "compute", "cb_weights, cb_V, k, k * Vt + first, 0,", "cb_weights, cb_V, 0, k * Vt + first, 0,", "wrong-numbers"),
    _m("compute: no division by the sum", _A, "compute", "mul_binary_tile(0, 2, 0);", "", "wrong-numbers"),
    _m("compute: the sum is inverted before it is spread", _A, "compute", _SPREAD + _INVERTED, _INVERTED.replace("(2)", "(1)").lstrip() + "\n                " + _SPREAD.rstrip(), "wrong-numbers"),
    _m("compute: divided by the maximum", _A, "compute", "copy_tile(cb_state, Vt, 1);", "copy_tile(cb_state, Vt + 1, 1);", "wrong-numbers"),
    _m("compute: scores aren't scaled", _A, "compute", "mul_unary_tile(col, number);", "", "wrong-numbers"),
    _m("compute: keys aren't transposed", _A, "compute", "matmul_block_init(cb_Q, cb_K, /*transpose=*/1", "matmul_block_init(cb_Q, cb_K, /*transpose=*/0", "wrong-numbers",
       more=(("/*transpose=*/1, subblock_w, 1, Dt);", "/*transpose=*/0, subblock_w, 1, Dt);"),)),
    _m("compute: no uninit of the maximum", _A, "compute", "reduce_uninit(cb_scores);", "", "packer-state"),
    _m("compute: no format of the values", _A, "compute", "reconfig_data_format_srca(cb_state, cb_V);", "", "format-not-configured"),
    _m("compute: no init of the product with values", _A, "compute", "matmul_block_init(cb_weights, cb_V, /*transpose=*/0, value_cols, 1, block_k);", "", "missing-init"),
    _m("compute: the rescaling stays for the next row", _A, "compute", "cb_pop_front(cb_rescale, 1);", "", "hang"),
    _m("plan: the state loses bits", _A, "plan", "{26, 28}", "{28}", "missing-init"),
    _m("reader: keys row by row", _A, "reader", "(d * block_k + k)", "(k * Dt + d)", "wrong-numbers"),
    _m("reader: values column by column", _A, "reader", "(k * Vt + col) * get_tile_size(cb_V)", "(col * block_k + k) * get_tile_size(cb_V)", "wrong-numbers"),
    # Masks, and what isn't there.
    _m("reader: the mask of the last keys is a column too wide", _M, "reader", _BIAS, _BIAS.replace("valid", "valid + 1"), "wrong-numbers"),
    _m("reader: the mask of the last keys is a column too narrow", _M, "reader", _BIAS, _BIAS.replace("valid", "valid - 1"), "wrong-numbers"),
    _m("compute: the last keys aren't masked", _M, "compute", "if (key == Kt - 1)", "if (key == Kt)", "wrong-numbers"),
    _m("compute: the mask of another row", _M, "compute", "copy_tile(cb_M, row * block_k + first + col", "copy_tile(cb_M, first + col", "wrong-numbers"),
    _m("reader: the diagonal is a key too late", _C, "reader", _DIAGONAL, _DIAGONAL.replace("valid", "valid + 1"), "wrong-numbers"),
    _m("reader: the diagonal is a key too early", _C, "reader", _DIAGONAL, _DIAGONAL.replace("valid", "valid - 1"), "wrong-numbers"),
    _m("reader: after the diagonal is a key too many", _G, "reader", _AFTER, _AFTER.replace("valid", "valid + 1"), "wrong-numbers"),
    _m("compute: the diagonal isn't masked", _C, "compute", "if (diagonal < key + 1)", "if (diagonal < key)", "wrong-numbers"),
    _m("compute: the diagonal's mask everywhere beyond", _C, "compute", "std::min(key - diagonal, last_mask)", "0", "wrong-numbers"),
    _m("compute: tiles beyond the last keys are summed", _M, "compute", "const uint32_t depth = std::min(block_k, Kt - first_k);", "const uint32_t depth = block_k;", "uninitialised-data"),
    _m("compute: a tile of keys too few", _C, "compute", "keys = std::min(first_query + query_rows + keys_beyond, Kt);", "keys = std::min(first_query + query_rows + keys_beyond, Kt) - 1;", "counters"),
    _m("compute: a step of keys too few", _C, "compute", "const uint32_t steps = (keys + block_k - 1) / block_k;", "const uint32_t steps = (keys + block_k - 1) / block_k - (first_query > 0 ? 1 : 0);", "cb-not-drained"),
    _m("writer: rows from one end only", _C, "writer", "half + line % 2 * (grid_y - 1 - 2 * half)", "line", "wrong-numbers"),
    _m("reader: keys of the wrong head", _G, "reader", "(z / batch_2 * Kt + first_k + k) * Dt", "(z % 2 * Kt + first_k + k) * Dt", "wrong-numbers"),
    _m("reader: values of the wrong head", _G, "reader", "(z / batch_2 * Kt + first_k + k) * Vt", "(z % 2 * Kt + first_k + k) * Vt", "wrong-numbers"),
    # Parts of the keys.
    _m("reader: each part begins with the first keys", _D, "reader", "(step_start + step) * block_k", "step * block_k", "counters"),
    _m("compute: the maximum of all parts is left out", _D, "compute", _PARTS, _PARTS.replace("            binary_max_tile(0, 1, 0);\n", ""), "wrong-numbers"),
    _m("compute: all parts count as the first does", _D, "compute", "copy_tile(cb_shares, other, 2);", "copy_tile(cb_shares, 0, 2);", "wrong-numbers"),
    _m("compute: sum and maximum change places", _D, "compute", _TOTAL, _TOTAL.replace("Vt", "Vt + 1"), "wrong-numbers", more=((_OWN, _OWN.replace("Vt + 1", "Vt")),)),
    _m("writer: all parts to the first place", _D, "writer", _PLACE, "get_write_ptr(cb_all)", "uninitialised-data"),
    _m("writer: every core writes the output", _D, "writer", "if (part == 0)", "if (part < parts)", "output-coverage"),
    # Keys and values that cores share.
    _m("reader: keys are sent before all have room", _S, "reader_keys", _ROUNDS, "", "cb-write-unreserved"),
    _m("writer: values are taken before they are there", _S, "reader_values_writer", _ARRIVED, "                }\n", "cb-overwrite"),
    _m("writer: every core reads the values of the first head", _S, "reader_values_writer", "(y * Kt + first_k + k) * Vt", "(first_k + k) * Vt", "wrong-numbers"),
)  # fmt: skip
