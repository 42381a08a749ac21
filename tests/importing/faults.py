"""Kernels with one fault each: they look like the good ones, and none computes what a formula of theirs says."""

from __future__ import annotations

from typing import Any

from tests.importing.sources import ALL, HEADER

LINEAR_SIZES = {"M": 1000, "K": 500, "N": 500}

GEMM = "            T.gemm(x, w, y, transpose_B=True)\n"
BIAS = "T.copy(bias[bx * bn], v)\n"
EACH = "            for i, j in T.Parallel(bm, bn):\n"

FAULTS: tuple[tuple[str, str, dict[str, Any], str, str], ...] = (
    # Name, kernel, what is set, what stands there, and what stands there instead.
    ("nothing_cleared", "linear", LINEAR_SIZES, "        T.clear(y)\n", ""),
    ("cleared_in_each_trip", "linear", LINEAR_SIZES, "            T.copy(X[by", "            T.clear(y)\n            T.copy(X[by"),
    ("only_the_last_product", "linear", LINEAR_SIZES, "transpose_B=True)", "transpose_B=True, clear_accum=True)"),
    ("wrong_step_of_x", "linear", LINEAR_SIZES, "X[by * bm, k * bk]", "X[by * bm, k * bn]"),
    ("wrong_step_of_both", "linear", LINEAR_SIZES, "k * bk", "k * bn"),
    ("half_steps", "linear", LINEAR_SIZES, "k * bk", "k * (bk // 2)"),
    ("rows_of_w_by_rows_of_x", "linear", LINEAR_SIZES, "W[bx * bn", "W[by * bn"),
    ("rows_of_w_by_other_blocks", "linear", LINEAR_SIZES, "W[bx * bn", "W[bx * bm"),
    ("swapped_grid", "linear", LINEAR_SIZES, "T.ceildiv(N, bn), T.ceildiv(M, bm)", "T.ceildiv(M, bm), T.ceildiv(N, bn)"),
    ("swapped_variables", "linear", LINEAR_SIZES, "as (bx, by)", "as (by, bx)"),
    ("swapped_store", "linear", LINEAR_SIZES, "Y[by * bm, bx * bn]", "Y[bx * bm, by * bn]"),
    ("blocks_that_overlap", "linear", LINEAR_SIZES, "Y[by * bm, bx * bn]", "Y[by * (bm // 2), bx * bn]"),
    ("last_columns_without_a_block", "linear", LINEAR_SIZES, "T.ceildiv(N, bn), T", "N // bn, T"),
    ("last_part_of_k_not_covered", "linear", LINEAR_SIZES, "T.Pipelined(T.ceildiv(K, bk)", "T.Pipelined(K // bk"),
    ("last_trip_missing", "linear", {"M": 256, "K": 256, "N": 192}, "T.ceildiv(K, bk)", "T.ceildiv(K, bk) - 1"),
    ("first_trip_missing", "linear", LINEAR_SIZES, "T.Pipelined(T.ceildiv", "T.Pipelined(1, T.ceildiv"),
    ("bias_of_other_columns", "linear", LINEAR_SIZES, "bias[bx * bn]", "bias[by * bn]"),
    ("bias_of_the_first_columns", "linear", LINEAR_SIZES, "bias[bx * bn]", "bias[0]"),
    ("bias_never_read", "linear", LINEAR_SIZES, "        T.copy(bias[bx * bn], v)\n", ""),
    ("one_row_further", "linear", LINEAR_SIZES, "X[by * bm,", "X[by * bm + 1,"),
    ("not_transposed", "linear", LINEAR_SIZES, ", transpose_B=True", ""),
    ("relu_in_each_trip", "linear", LINEAR_SIZES, GEMM, f"{GEMM}{EACH}                y[i, j] = T.max(y[i, j], 0)\n"),
    ("bias_in_each_trip", "linear", LINEAR_SIZES, f"{GEMM}        {BIAS}", f"{GEMM}            {BIAS}{EACH}                y[i, j] += v[j]\n"),
    ("block_of_x_twice_as_wide", "linear", LINEAR_SIZES, "T.alloc_shared((bm, bk)", "T.alloc_shared((bm, 2 * bk)"),
    ("columns_by_rows", "silu_mul", {}, "U[by * bm + i, bx * bn + j]", "U[by * bm + i, bx * bm + j]"),
    ("columns_that_all_lanes_write", "silu_mul", {}, "Y[by * bm + i, bx * bn + j]", "Y[by * bm + i, bx * bn]"),
    ("the_next_row", "silu_mul", {}, "U[by * bm + i,", "U[by * bm + i + 1,"),
    ("the_last_column_not_written", "silu_mul", {}, "                Y[by", "                if bx * bn + j < N - 1:\n                    Y[by"),
    ("half_of_a_block", "silu_mul", {}, "T.Parallel(bm, bn)", "T.Parallel(bm, bn // 2)"),
    ("whole_numbers", "silu_mul", {}, "f32)\n                Y", "'int32')\n                Y"),
    ("blocks_of_rows_missing", "silu_mul", {}, "T.ceildiv(M, bm)", "M // bm"),
    ("a_maximum_of_what_was_there", "softmax", {}, "m, dim=1)", "m, dim=1, clear=False)"),
    ("columns_reduced", "softmax", {}, "T.reduce_max(x, m, dim=1)", "T.reduce_max(x, m, dim=0)"),
    ("rows_of_the_next_block", "softmax", {}, "Y[bx * bm, 0]", "Y[bx * bm + bm, 0]"),
    ("half_of_the_rows", "softmax", {}, "T.copy(e, Y", "T.copy(e[0:bm // 2, :], Y"),
    ("edges_read_as_data", "online", {"N": 500}, "", ""),
    ("a_maximum_of_the_last_block", "online", {}, "lse[i] = m[i] + T.log(T.exp(lse[i] - m[i]) + s[i])", "lse[i] = m[i] + T.log(s[i])"),
    ("a_sum_without_the_first_block", "online", {}, "T.Pipelined(T.ceildiv(N, bn)):\n                T.copy(X[bx * bm, k * bn], x)\n                T.reduce",
     "T.Pipelined(1, T.ceildiv(N, bn)):\n                T.copy(X[bx * bm, k * bn], x)\n                T.reduce"),
    ("squares_not_cleared", "rms", {}, "            T.clear(q)\n", ""),
    ("squares_of_the_last_block", "rms", {}, "q[i, j] += x[i, j] * x[i, j]", "q[i, j] = x[i, j] * x[i, j]"),
    ("gains_of_the_first_block", "rms", {}, "g[k * bn]", "g[0]"),
    ("edges_read_as_keys", "flash", {"S": 100}, "", ""),
    ("output_not_rescaled", "flash", {}, "o[i, j] = o[i, j] * T.exp2((p[i] - m[i]) * scale)", "o[i, j] = o[i, j] * 1.0"),
    ("sum_not_rescaled", "flash", {}, "l[i] * T.exp2((p[i] - m[i]) * scale) + t[i]", "l[i] + t[i]"),
    ("rescaled_by_another_number", "flash", {}, "o[i, j] * T.exp2((p[i] - m[i]) * scale)", "o[i, j] * T.exp2(p[i] - m[i])"),
    ("maximum_kept_too_late", "flash", {}, "                T.copy(m, p)\n                T.reduce_max(s, m, dim=1, clear=False)\n",
     "                T.reduce_max(s, m, dim=1, clear=False)\n                T.copy(m, p)\n"),
    ("values_of_the_first_block", "flash", {}, "V[n * bn, 0]", "V[0, 0]"),
    ("keys_not_transposed", "flash", {}, "T.gemm(q, k, s, transpose_B=True)", "T.gemm(q, k, s)"),
    ("scores_not_cleared", "flash", {}, "                T.clear(s)\n", ""),
    ("last_keys_not_covered", "flash", {"S": 500}, "T.Pipelined(T.ceildiv(S, bn)", "T.Pipelined(S // bn"),
    ("not_divided_by_the_whole_sum", "flash", {}, "o[i, j] / l[i]", "o[i, j] / t[i]"),
    ("parts_that_overwrite_each_other", "splitk", {}, "T.atomic_add(C[by * bm + i, bx * bn + j], c[i, j])", "C[by * bm + i, bx * bn + j] = c[i, j]"),
)  # fmt: skip
"""What each fault changes; where nothing stands there, the kernel is wrong at these sizes as it is."""


def faulty(kernel: str, before: str, after: str) -> str:
    """A file with a fault."""
    text = ALL[kernel]
    assert before in text
    return HEADER + (text.replace(before, after) if before else text)
