"""What is read of TileLang, what it becomes, and what is refused: with the place, and what would serve."""

from __future__ import annotations

from typing import Any

import pytest

import ttgen
from tests.importing.sources import FLASH, GEMM, HEADER, LINEAR, RMS, SILU_MUL, SOFTMAX
from ttgen.diagnostics import describe
from ttgen.errors import SpecError
from ttgen.importing.importer import Imported, import_text
from ttgen.importing.nodes import Function

MAP = """\
def f(M=96, N=160, bm=32, bn=64):
    @T.prim_func
    def main(X: T.Tensor((M, N), bf), Y: T.Tensor((M, N), bf), Z: T.Tensor((M, N), bf)):
        with T.Kernel(T.ceildiv(N, bn), T.ceildiv(M, bm)) as (bx, by):
            for i, j in T.Parallel(bm, bn):
                x = T.cast(X[by * bm + i, bx * bn + j], f32)
                y = Y[by * bm + i, bx * bn + j]
                Z[by * bm + i, bx * bn + j] = {value}
    return main
"""
LINEAR_SIZES = {"M": 256, "K": 128, "N": 192}


def imported(text: str, given: dict[str, Any] | None = None, **dtypes: str) -> Imported:
    return import_text(HEADER + text, "kernel.py", None, given or {}, dtypes=dtypes)


def refused(text: str, given: dict[str, Any] | None = None, **dtypes: str) -> str:
    with pytest.raises(SpecError) as caught:
        imported(text, given, **dtypes)
    return describe(caught.value)


@pytest.mark.parametrize(
    ("value", "formula"),
    [
        ("x * 0.5 * (1.0 + T.erf(x * 0.7071067811865476)) * y", "gelu(X) * Y"),
        ("x / (1 + T.exp2(-x * 1.4426950408889634)) + y", "silu(X) + Y"),
        ("x * T.sigmoid(x) - y", "silu(X) - Y"),
        ("1.0 / (1.0 + T.exp(-x)) * y", "sigmoid(X) * Y"),
        ("T.log(1 + T.exp(x)) * y", "softplus(X) * Y"),
        ("T.max(x, 0) + y", "relu(X) + Y"),
        ("T.max(T.min(x, 6), 0) * y", "relu(minimum(X, 6)) * Y"),
        ("T.clamp(x, -1, 1) * y", "minimum(maximum(X, -1), 1) * Y"),
        ("T.if_then_else(x > 0, x, 0.01 * x) + y", "where(X > 0, X, 0.01 * X) + Y"),
        ("T.if_then_else(T.And(x > 0, y > 0), x, y)", "where((X > 0) * (Y > 0), X, Y)"),
        ("T.if_then_else(x != y, x, 2 * y)", "where(1 - (X == Y), X, 2 * Y)"),
        # The tanh form of gelu isn't gelu, and stays what it is.
        (
            "0.5 * x * (1 + T.tanh(0.7978845608 * (x + 0.044715 * x * x * x))) + y",
            "0.5 * X * (1 + tanh(0.7978846 * (X + 0.044715 * X * X * X))) + Y",
        ),
        # What only large numbers show stays, too.
        ("T.min(T.max(x, 0), 5000) + y", "minimum(relu(X), 5000) + Y"),
        ("T.if_then_else(x > 5000, 0, x / (1 + T.exp(-x))) + y", "where(X > 5000, 0, silu(X)) + Y"),
        ("T.log(x) + T.sqrt(y)", "log(X) + sqrt(Y)"),
        ("T.pow(x, 2) + y", "square(X) + Y"),
        ("T.abs(x) + T.rsqrt(y * y + 1)", "abs(X) + rsqrt(Y * Y + 1)"),
        ("x * (T.float32(2) ** 3) + -y", "8 * X - Y"),
        ("x - (y - x) / (y + 3)", "X - (Y - X) / (Y + 3)"),
        ("x / y / 2", "0.5 * X / Y"),
    ],
)
def test_values_become_formulas(value: str, formula: str) -> None:
    assert imported(MAP.format(value=value)).formulas == (f"Z = {formula}",)


@pytest.mark.parametrize(
    ("text", "given", "formulas"),
    [
        (LINEAR.replace("T.copy(X[by * bm, k * bk], x)", "T.copy(X[by * bm : (by + 1) * bm, k * bk : (k + 1) * bk], x)"),
         LINEAR_SIZES, "Y = relu(X @ W.T + bias)"),
        (LINEAR.replace("T.clear(y)", "T.fill(y, 0)").replace("T.gemm(x, w, y, transpose_B=True)", "T.gemm(x, w, y, False, True)"),
         LINEAR_SIZES, "Y = relu(X @ W.T + bias)"),
        (LINEAR.replace("T.Pipelined(T.ceildiv(K, bk), num_stages=3)", "range((K + bk - 1) // bk)"),
         LINEAR_SIZES, "Y = relu(X @ W.T + bias)"),
        (LINEAR.replace("bm: int = 128", "bm: int = 1").replace("bn: int = 96", "bn: int = 1"),
         {"M": 5, "K": 64, "N": 7}, "Y = relu(X @ W.T + bias)"),
        (SOFTMAX.replace("T.reduce_max(x, m, dim=1)", "T.reduce(x, m, 'max', 1, True)"), {"M": 64, "N": 96}, "Y = softmax(X)"),
        (SOFTMAX.replace("bm=32", "bm=1"), {"M": 7, "N": 96}, "Y = softmax(X)"),
        (RMS.replace(" * w[j]", "").replace("g: T.Tensor((N,), bf), ", "").replace("T.copy(g[k * bn], w)", "pass"), {}, "Y = X * rsqrt(mean(X * X, axis=-1, keepdims=True) + 1e-6)"),
        (RMS.replace("eps=1e-6", "eps=1e-5"), {}, "Y = rmsnorm(X, g, eps=1e-5)"),
        (FLASH.replace("T.copy(o, O[", "T.copy(o, O["), {"S": 128, "D": 32}, "O = softmax(0.125 * (Q @ K.T)) @ V"),
        (FLASH.replace("    @T.prim_func", "    @T.macro\n    def scores(q, k, s):\n        T.clear(s)\n"
                       "        T.gemm(q, k, s, transpose_B=True)\n\n    @T.prim_func")
         .replace("                T.clear(s)\n                T.gemm(q, k, s, transpose_B=True)\n", "                scores(q, k, s)\n"),
         {"S": 128, "D": 32}, "O = softmax(0.125 * (Q @ K.T)) @ V"),
        (FLASH.replace("s[i, j] = T.exp2((s[i, j] - m[i]) * scale)",
                       "s[i, j] = T.if_then_else(n * bn + j < S, T.exp2((s[i, j] - m[i]) * scale), 0)")
         .replace("T.clear(s)", "for i, j in T.Parallel(bm, bn):\n                    "
                  "s[i, j] = T.if_then_else(n * bn + j >= S, -T.infinity(f32), 0)"),
         {"S": 96}, "O = softmax(0.125 * (Q @ K.T)) @ V"),
    ],
    ids=["spans", "by_place", "range", "blocks_of_one", "reduce", "rows_of_one", "no_gain", "eps", "small_heads", "macro", "masked"],
)  # fmt: skip
def test_spellings(text: str, given: dict[str, Any], formulas: str) -> None:
    found = imported(text, given)
    assert found.formulas == (formulas,)
    assert "masked" not in text or not found.warnings


def test_a_product_with_a_vector_is_a_sum_along_rows() -> None:
    text = """\
def gemv(M=160, N=96, bm=64, bn=32):
    @T.prim_func
    def main(a: T.Tensor((M, N), bf), x: T.Tensor((N,), bf), o: T.Tensor((M,), bf)):
        with T.Kernel(T.ceildiv(M, bm)) as b:
            r, s, v = T.alloc_reducer(bm, f32, replication="all"), T.alloc_shared((bm, bn), bf), T.alloc_fragment(bn, bf)
            T.clear(r)
            for k in T.Pipelined(T.ceildiv(N, bn)):
                T.copy(a[b * bm, k * bn], s)
                T.copy(x[k * bn], v)
                for i, j in T.Parallel(bm, bn):
                    r[i] += s[i, j] * v[j]
            T.finalize_reducer(r)
            T.copy(r, o[b * bm])
    return main
"""
    found = imported(text)
    assert found.formulas == ("o = sum(a * x, axis=-1, keepdims=True)",)
    assert "  x: {shape: [N]" in found.text
    assert "  # The source stores [M]: the same elements in the same order.\n  o: {shape: [M, 1]" in found.text


def test_sums_along_columns_and_outputs_of_different_shapes() -> None:
    text = """\
def sums(M=96, N=64):
    @T.prim_func
    def main(X: T.Tensor((M, N), f32), R: T.Tensor((M,), f32), C: T.Tensor((N,), f32)):
        with T.Kernel(1) as b:
            x, r, c = T.alloc_fragment((M, N), f32), T.alloc_fragment((M,), f32), T.alloc_fragment((N,), f32)
            T.copy(X, x)
            T.reduce_max(x, r, dim=1)
            T.reduce_sum(x, c, dim=0)
            T.copy(r, R)
            T.copy(c, C)
    return main
"""
    found = imported(text)
    assert found.formulas == ("R = max(X, axis=-1, keepdims=True)", "C = sum(X, axis=0)")
    assert "  # The source stores [M]: the same elements in the same order.\n  R: {shape: [M, 1]" in found.text
    assert "  C: {shape: [N]" in found.text


def test_a_mean_and_a_variance_are_a_layer_norm() -> None:
    text = """\
def norm(N=64, D=96, eps=1e-5, rows=4):
    @T.prim_func
    def main(X: T.Tensor((N, D), bf), g: T.Tensor((D,), bf), b: T.Tensor((D,), bf), Y: T.Tensor((N, D), bf)):
        with T.Kernel(T.ceildiv(N, rows)) as bx:
            x, q = T.alloc_fragment((rows, D), f32), T.alloc_fragment((rows, D), f32)
            s, t = T.alloc_fragment((rows,), f32), T.alloc_fragment((rows,), f32)
            T.copy(X[bx * rows, 0], x)
            for i, j in T.Parallel(rows, D):
                q[i, j] = x[i, j] * x[i, j]
            T.reduce_sum(x, s, dim=1)
            T.reduce_sum(q, t, dim=1)
            for i, j in T.Parallel(rows, D):
                mean = s[i] / D
                x[i, j] = (x[i, j] - mean) * T.rsqrt(t[i] / D - mean * mean + eps) * g[j] + b[j]
            T.copy(x, Y[bx * rows, 0])
    return main
"""
    assert imported(text).formulas == ("Y = layernorm(X, g, b)",)


def test_dimensions_of_one_element_may_be_left_out() -> None:
    text = """\
def rows(N=160, bn=64):
    @T.prim_func
    def main(X: T.Tensor((1, N), f32), b: T.Tensor((1,), f32), Y: T.Tensor((N, 1), f32)):
        with T.Kernel(T.ceildiv(N, bn)) as b0:
            for j in T.Parallel(bn):
                Y[b0 * bn + j, 0] = X[0, b0 * bn + j] * b[0]
    return main
"""
    found = imported(text)
    assert found.formulas == ("Y = X * b",)
    assert "  # The source stores [1, N]: the same elements in the same order.\n  X: {shape: [N]" in found.text
    assert "  # The source stores [N, 1]: the same elements in the same order.\n  Y: {shape: [N]" in found.text


def test_units_that_cores_share_are_all_made() -> None:
    text = LINEAR.replace(
        "    with T.Kernel(T.ceildiv(N, bn), T.ceildiv(M, bm), threads=256) as (bx, by):",
        "    cores = tilelang.carver.get_num_sms()\n    with T.Kernel(cores, threads=256) as b:",
    ).replace(
        "        T.clear(y)\n",
        "        for bx, by in T.Persistent([T.ceildiv(N, bn), T.ceildiv(M, bm)], cores, b):\n         T.clear(y)\n",
    )
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if "T.clear(y)" in line) + 1
    lines[start:-1] = [f" {line}" for line in lines[start:-1]]
    found = imported("\n".join(lines), LINEAR_SIZES)
    assert found.formulas == ("Y = relu(X @ W.T + bias)",)
    assert "# - T.Persistent: " in found.text


def test_schedules_in_the_words_of_the_source() -> None:
    swizzle = 'T.use_swizzle(4, order="column")'
    said = {
        swizzle: "schedule: {order: {block_linear: 4}, block: {m: 4, n: 3, k: 2}}",
        "T.use_swizzle(4)": "schedule: {block: {m: 4, n: 3, k: 2}}",
        'T.use_swizzle(4, order="column", enable=False)': "schedule: {block: {m: 4, n: 3, k: 2}}",
        'T.annotate_tt_schedule(policy="strided", order="block_linear", stride=3, chunk_k_tiles=1)':
            "schedule: {policy: strided, order: {block_linear: 3}, block: {m: 4, n: 3}}",
        'T.annotate_tt_schedule(policy="rect", order="column_major")':
            "schedule: {policy: rectangular, order: column_major, block: {m: 4, n: 3, k: 2}}",
    }  # fmt: skip
    for text, schedule in said.items():
        assert imported(LINEAR.replace(swizzle, text), LINEAR_SIZES).text.splitlines()[-1] == schedule
    swapped = LINEAR.replace(swizzle, "pass").replace(
        "T.ceildiv(N, bn), T.ceildiv(M, bm)", "T.ceildiv(M, bm), T.ceildiv(N, bn)"
    )
    found = imported(swapped.replace("as (bx, by)", "as (by, bx)"), LINEAR_SIZES)
    assert "order: column_major" in found.text
    narrow = imported(
        LINEAR.replace("T.float32", "T.bfloat16").replace("T.max(y[i, j] + v[j], 0)", "y[i, j] + v[j]"), LINEAR_SIZES
    )
    assert ttgen.loads(narrow.text).spec.precision.accumulate == "bfloat16"
    odd = imported(LINEAR, {**LINEAR_SIZES, "bm": 48})
    assert "# - block.m: 48 elements are no whole tiles of 32; 2 is nearest" in odd.text
    sharded = 'T.annotate_tt_sharding({X: T.TTShard(axis=1, tiles=2, placement="DRAM")})'
    assert "# - layouts (X: dram_sharded): " in imported(LINEAR.replace(swizzle, sharded), LINEAR_SIZES).text


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        (LINEAR, {}, "10:15: error: sizes without a number: --set M=… K=… N=…"),
        (SILU_MUL.replace("M=300, N=500", "M, N"), {}, "8:14: error: parameters without a value: --set M=… N=…"),
        (SILU_MUL.replace("bm=64", "bm=None"), {}, "None is no number here: --set bm=…"),
        (SILU_MUL.replace("bf)", "'float16')"), {}, "'G' is float16, which no tensor is here: --dtype float16=bfloat16"),
        (SILU_MUL.replace("bf)", "T.float8_e4m3fn)"), {}, "'G' is float8_e4m3fn: a spec's dtypes are"),
        (SILU_MUL.replace("bf)", "'int8')"), {}, "'G' is int8: a spec's dtypes are"),
        (MAP.format(value="x % 2"), {}, "'mod' has no counterpart in formulas"),
        (MAP.format(value="T.sin(x) + y"), {}, "T.sin has no counterpart"),
        (MAP.format(value="i + y"), {}, "an index as a number has no counterpart in formulas"),
        (MAP.format(value="X[by * bm + i, Y[by * bm + i, bx * bn + j]]"), {}, "comes from data"),
        (MAP.format(value="y").replace("    return main", "            T.sync_threads()\n    return main"), {},
         "T.sync_threads: threads and their barriers have no counterpart"),
        (MAP.format(value="y").replace("for i, j in", "t = T.get_thread_binding(0)\n            for i, j in"), {},
         "T.get_thread_binding: threads and their barriers"),
        (MAP.format(value="X[by * bm + i, bx * bn + j + 1]"), {}, "'X' is read 1 elements after where the result is written"),
        (MAP.format(value="y").replace("Y: T.Tensor((M, N)", "Y: T.Tensor((N, M)").replace("Y[by * bm + i, bx * bn + j]", "Y[bx * bn + j, by * bm + i]"),
         {}, "'Y' is used as its transpose"),
        (LINEAR.replace("T.gemm(x, w, y, transpose_B=True)", "T.gemm(x, w, y, True, True)").replace("X: T.Tensor((M, K)", "X: T.Tensor((K, M)")
         .replace("T.alloc_shared((bm, bk)", "T.alloc_shared((bk, bm)").replace("X[by * bm, k * bk]", "X[k * bk, by * bm]"), LINEAR_SIZES,
         "'X' is used as its transpose, and only a right operand of @ can be: store it as [M, K]"),
        (LINEAR.replace("        T.clear(y)\n", "        while True:\n            T.clear(y)\n"), LINEAR_SIZES, "this statement isn't part of what is read"),
        (LINEAR.replace('T.use_swizzle(4, order="column")', 'T.annotate_tt_schedule(order="z_order")'), LINEAR_SIZES, "order 'z_order' has no counterpart"),
        (LINEAR.replace('T.use_swizzle(4, order="column")', 'T.annotate_tt_sharding({W: T.TTShard(1, 2, "DRAM", halo=1)})'), LINEAR_SIZES,
         "the halo of 'W' has no counterpart"),
        (LINEAR.replace("num_stages=3", "stages=3"), LINEAR_SIZES, "the argument 'stages' of T.Pipelined isn't read"),
        (GEMM.replace("T.clear(c)", "T.cumsum(c, c)"), {}, "T.cumsum: a running sum has no counterpart"),
        (GEMM.replace("            T.gemm(a, b, c)", "            T.gemm(a, b, c)\n            a = b"), {}, "'a' changes inside a loop or a branch"),
        (GEMM.replace("T.Tensor((256, 256), bf), C", "T.Tensor((256, 256), bf), D: T.Tensor((256, 256), bf), C"), {},
         "'D' is neither read nor written"),
        (GEMM.replace("T.copy(c, C", "T.copy(c, A"), {}, "'A' is read and written"),
        (GEMM.replace("T.copy(c, C[by * 32, bx * 32])", "T.copy(c, C[by * 32, bx * 32])\n        T.copy(c, C[by * 32, bx * 32])"), {},
         "'C' is written in two places"),
        (SOFTMAX.replace("    return main", "    assert M % 1000 == 0\n    return main").replace("    @T", "    assert M % 7 == 0\n    @T"), {},
         "the source asserts that this isn't so"),
    ],
)  # fmt: skip
def test_refusals_say_where_and_what_would_serve(text: str, given: dict[str, Any], message: str) -> None:
    said = refused(text, given)
    assert message in said
    head, line, caret = said.splitlines()[:3]
    assert head.startswith("kernel.py:")
    assert line.strip() in HEADER + text
    assert caret.strip().startswith("^")


def test_all_dtypes_are_refused_at_once_and_become_others_on_demand() -> None:
    text = SILU_MUL.replace("bf)", "'float16')")
    assert refused(text).count("error: ") == 3
    found = imported(text, float16="bfloat16")
    assert ttgen.loads(found.text).spec.tensors["G"].dtype == "bfloat16"


def test_a_softmax_that_is_cut_off_stays_so() -> None:
    text = SOFTMAX.replace("T.exp2((x[i, j] - m[i])", "T.exp2((T.min(x[i, j], 5000) - m[i])")
    (formula,) = imported(text, {"M": 64, "N": 96}).formulas
    assert formula != "Y = softmax(X)"
    assert "minimum(X, 5000)" in formula


def test_functions_that_are_not_proven_are_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What samples suggest is tried first, and given up where the kernel's run disagrees."""
    monkeypatch.setattr("ttgen.importing.understanding.named", lambda node, _sizes: Function("relu", (node,)))
    assert imported(MAP.format(value="x + y")).formulas == ("Z = X + Y",)


def test_a_source_that_takes_one_size_is_proven_there() -> None:
    found = imported(MAP.replace("    @T", "    assert M == 96\n    @T").format(value="x + y"))
    assert found.proof.holds
    assert {warning.text.split(":")[0] for warning in found.warnings} == {
        "not compared at M=64 N=192",
        "not compared at M=50 N=100",
        "not compared at M=32 N=64",
    }


def test_the_spec_says_where_it_comes_from_and_what_was_compared() -> None:
    lines = imported(LINEAR, {"M": 100, "K": 128, "N": 192}).text.splitlines()
    assert lines[:3] == [
        "# Imported from kernel.py:linear, with M=100 K=128 N=192.",
        "# Proven: run block by block, the source gives what the formula does at M=100 K=128 N=192; M=256 K=192 N=384;",
        "# M=200 K=100 N=150; M=128 K=64 N=96.",
    ]


def test_sizes_that_take_too_long_are_stood_for_by_others() -> None:
    found = imported(LINEAR, {"M": 8192, "K": 8192, "N": 8256})
    given = found.proof.of("given")
    assert given is not None
    assert given.outcome == "skipped"
    assert found.proof.holds
    assert "# The spec's own sizes take too long to be run: these stand for them." in found.text
    ragged = LINEAR.replace("T.Pipelined(T.ceildiv(K, bk)", "T.Pipelined(K // bk")
    assert imported(ragged, {"M": 8192, "K": 8192, "N": 8256}).warnings
    assert "not proven at M=200 K=100 N=150" in refused(ragged, {"M": 8192, "K": 8200, "N": 8256})
