"""Changes of specs as teams make them, each with its verdict, and none with a false alarm."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttgen
from tests.random_specs import RandomSpec, specs
from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.planner.resolve import unproven
from ttgen.review.compare import compare
from ttgen.review.model import Review
from ttgen.review.side import of_plan, renamed
from ttgen.review.text import describe
from ttgen.review.witness import find

GEMM = """\
kernel: gemm
tensors:
  A: {shape: [256, 128], dtype: bfloat16}
  B: {shape: [128, 192], dtype: bfloat16}
  C: {shape: [256, 192], dtype: bfloat16}
compute: C = A @ B
"""
MAP = """\
kernel: scale
tensors:
  X: {shape: [96, 64], dtype: bfloat16}
  Z: {shape: [96, 64], dtype: bfloat16}
  b: {shape: [64], dtype: bfloat16}
  Y: {shape: [96, 64], dtype: bfloat16}
compute: Y = relu(X * Z) / 2 + b
"""
WIDE = MAP.replace("bfloat16", "float32")
LAYERS = """\
kernel: layers
dims: {M: 96, K: 64, N: 160}
tensors:
  X: {shape: [M, K], dtype: bfloat16}
  V: {shape: [K, N], dtype: bfloat16}
  W: {shape: [N, K], dtype: bfloat16}
  Y: {shape: [M, K], dtype: bfloat16}
compute:
  - H = gelu(X @ V)
  - Y = H @ W
"""
ROWS = """\
kernel: rows
tensors:
  X: {shape: [96, 160], dtype: bfloat16}
  g: {shape: [160], dtype: bfloat16}
  Y: {shape: [96, 160], dtype: bfloat16}
compute: Y = softmax(X) * g
"""


def review(old: str, new: str) -> Review:
    sides = (of_plan(unproven(ttgen.loads(text, name="k.yaml"))) for text in (old, new))
    return compare(next(sides), next(sides), spec="k.yaml")


Edits = Mapping[str, str]

# What a change is, the spec and what is replaced in it; values (the formula, then rounding), and what of the interface.
CHANGES: list[tuple[str, str, Edits, str, str]] = [
    ("M 256 to 512", GEMM, {"[256": "[512"}, "same", "shape"),
    ("K longer", GEMM, {"128": "160"}, "same", "shape"),
    ("a size that is named", LAYERS, {"M: 96": "M: 128"}, "same", "shape"),
    ("a comment", GEMM, {"kernel:": "# ours\nkernel:"}, "same", ""),
    ("a default that is said", GEMM, {"compute:": "schedule: {policy: contiguous}\ncompute:"}, "same", ""),
    ("the order of keys", GEMM, {"kernel: gemm\n": "", "C = A @ B": "C = A @ B\nkernel: gemm"}, "same", ""),
    ("sizes that get names", GEMM, {"tensors:": "dims: {K: 128}\ntensors:", "[128,": "[K,", " 128]": " K]"}, "same", ""),
    ("a dtype of an input", GEMM, {"128], dtype: bfloat16": "128], dtype: bfloat8_b"}, "rounding", "dtype"),
    ("a dtype of the output", GEMM, {"[256, 192], dtype: bfloat16": "[256, 192], dtype: float32"}, "rounding", "dtype"),
    ("a renamed input", GEMM, {" A:": " left:", "A @": "left @"}, "same", "name"),
    ("a renamed output", GEMM, {" C:": " product:", "C =": "product ="}, "same", "name"),
    ("all renamed", MAP, {"X": "P", "Z": "Q", "b:": "r:", "+ b": "+ r", " Y": " S"}, "same", "name name name name"),
    ("what lies between renamed", LAYERS, {"H": "T"}, "same", ""),
    ("names swapped", GEMM.replace("192", "256").replace("[256, 128]", "[256, 256]").replace("[128, 256]", "[256, 256]"),
     {"A @ B": "B @ A"}, "formula", "order"),
    ("a * b is b * a", WIDE, {"X * Z": "Z * X"}, "same", "order"),
    ("a * b is b * a, by the matrix unit", MAP, {"X * Z": "Z * X"}, "rounding", "order"),
    ("x / 2 is x * 0.5", MAP, {"/ 2": "* 0.5"}, "same", ""),
    ("x / 10 is x * 0.1", MAP.replace("/ 2", "/ 10"), {"/ 10": "* 0.1"}, "same", ""),
    ("a sum in another order", WIDE, {"/ 2 + b": "/ 2 + b + X", }, "formula", ""),
    ("distributed", WIDE, {"relu(X * Z) / 2 + b": "(relu(X * Z) + b * 2) / 2"}, "rounding", ""),
    ("another spelling of a function", WIDE, {"relu(X * Z)": "maximum(X * Z, 0)"}, "rounding", ""),
    ("a - b is b - a", MAP.replace("X * Z", "X - Z"), {"X - Z": "Z - X"}, "formula", "order"),
    ("a dtype where nothing multiplies", MAP.replace("relu(X * Z) / 2 + b", "exp(X)").replace("  Z: {shape: [96, 64], dtype: bfloat16}\n", "").replace("  b: {shape: [64], dtype: bfloat16}\n", ""),
     {"X: {shape: [96, 64], dtype: bfloat16": "X: {shape: [96, 64], dtype: bfloat8_b"}, "rounding", "dtype"),
    ("a changed constant", MAP, {"/ 2": "/ 2.001"}, "formula", ""),
    ("another function", MAP, {"relu": "gelu"}, "formula", ""),
    ("a term left out", MAP, {" + b": "", "  b: {shape: [64], dtype: bfloat16}\n": ""}, "formula", "removed"),
    ("a transposed operand", GEMM.replace("192", "128"), {"A @ B": "A @ B.T"}, "formula", ""),
    ("a bias becomes a column", MAP.replace("96", "64"), {"b: {shape: [64]": "b: {shape: [64, 1]"}, "formula", "shape"),
    ("a policy", GEMM, {"compute:": "schedule: {policy: strided}\ncompute:"}, "same", ""),
    ("an order", GEMM, {"compute:": "schedule: {order: column_major}\ncompute:"}, "same", ""),
    ("a block that DST holds", GEMM, {"compute:": "schedule: {block: {m: 2, n: 2}}\ncompute:"}, "same", ""),
    ("a block that is added up in L1", GEMM, {"compute:": "schedule: {block: {m: 4, n: 2, k: 2}}\ncompute:"}, "rounding", ""),
    ("multicast", GEMM.replace("compute", "schedule: {policy: rectangular, block: {m: 2, n: 2}, multicast: none}\ncompute"),
     {"multicast: none": "multicast: both"}, "same", ""),
    ("K in two parts", GEMM, {"compute:": "schedule: {policy: rectangular, split: 2}\ncompute:"}, "rounding", ""),
    ("fidelity", GEMM, {"compute:": "precision: {fidelity: LoFi}\ncompute:"}, "rounding", ""),
    ("fidelity of what multiplies in float32", WIDE, {"compute:": "precision: {fidelity: LoFi}\ncompute:"}, "same", ""),
    ("accumulation", GEMM, {"compute:": "precision: {accumulate: bfloat16}\ncompute:"}, "rounding", ""),
    ("a card of the same chip", GEMM, {"compute:": "target: n300\ncompute:"}, "same", "target"),
    ("a card of another chip", GEMM, {"compute:": "target: p150\ncompute:"}, "rounding", "target"),
    ("a layout", GEMM, {"128], dtype: bfloat16": "128], dtype: bfloat16, layout: l1_interleaved"}, "same", "layout"),
    ("scratch in block floats", LAYERS, {"compute:": "stages: {H: {dtype: bfloat8_b}}\ncompute:"}, "rounding", ""),
    ("the kernel's name", GEMM, {"kernel: gemm": "kernel: product"}, "same", "kernel"),
    ("a formula cut in two", MAP, {"compute: Y = relu(X * Z) / 2 + b": "compute:\n  - P = relu(X * Z)\n  - Y = P / 2 + b"},
     "same", ""),
    ("a softmax that is spelled out", ROWS,
     {"softmax(X)": "exp(X - max(X, axis=-1, keepdims=True)) / sum(exp(X - max(X, axis=-1, keepdims=True)), axis=-1, keepdims=True)"},
     "same", ""),
    ("a mean that is spelled out", ROWS.replace("softmax(X)", "mean(X, axis=-1, keepdims=True)"),
     {"mean(X, axis=-1, keepdims=True)": "sum(X, axis=-1, keepdims=True) / 160"}, "same", ""),
    ("another reduction", ROWS.replace("softmax(X)", "max(X, axis=-1, keepdims=True)"), {"max(": "sum("}, "formula", ""),
    ("another axis", ROWS.replace("96", "160").replace("softmax(X)", "X * max(X, axis=-1, keepdims=True)"), {"-1": "-2"}, "formula", ""),
    ("an epsilon", ROWS.replace("softmax(X) * g", "rmsnorm(X, g)"), {"rmsnorm(X, g)": "rmsnorm(X, g, eps=1e-3)"}, "formula", ""),
    ("what is computed twice", ROWS, {"compute:": "schedule: {keep: inputs}\ncompute:"}, "rounding", ""),
    ("what is read again", ROWS.replace("compute:", "schedule: {keep: inputs}\ncompute:"), {"keep: inputs": "keep: nothing"}, "same", ""),
    ("steps of two tiles", ROWS, {"compute:": "schedule: {block: {k: 2}}\ncompute:"}, "same", ""),
    ("lines in two parts", ROWS, {"compute:": "schedule: {split: 2}\ncompute:"}, "rounding", ""),
]  # fmt: skip


@pytest.mark.parametrize(("_name", "old", "edits", "values", "interface"), CHANGES, ids=[row[0] for row in CHANGES])
def test_the_verdict(_name: str, old: str, edits: Edits, values: str, interface: str) -> None:
    new = old
    for before, now in edits.items():
        assert before in new
        new = new.replace(before, now)
    found = review(old, new)
    assert found.values == values, found
    assert {item.what for item in found.interface} == set(interface.split())
    assert (found.witness is not None or bool(found.notes)) == (values == "formula")
    if found.witness is not None:
        assert found.witness.old != found.witness.new
    assert all(bound.old is not None and bound.new is not None for bound in found.bounds)
    assert bool(found.bounds) == (values == "rounding")
    # Every line that is named says what changed, and a change of what is made has a line.
    if found.verdict != "same values" or found.decisions:
        assert any(cause.kind == "spec" for cause in found.causes)


def test_a_witness_can_be_checked_by_hand() -> None:
    found = review(MAP, MAP.replace("/ 2", "/ 4"))
    assert found.witness is not None
    given = {item.tensor: item.value for item in found.witness.inputs}
    product = max(given["X"] * given["Z"], 0)
    assert found.witness.old == product / 2 + given["b"]
    assert found.witness.new == product / 4 + given["b"]


def test_long_sums_are_cut_and_that_is_said() -> None:
    old = LAYERS.replace("K: 64, N: 160", "K: 2048, N: 4096")
    found = review(old, old.replace("gelu", "relu"))
    assert found.witness is not None
    # Both weights are of K x N.
    assert found.witness.sums is not None
    assert 2 * found.witness.sums**2 <= 2**18
    assert f"(sums cut to {found.witness.sums})" in "\n".join(describe(found))
    short = review(LAYERS, LAYERS.replace("gelu", "relu")).witness
    assert short is not None
    assert short.sums is None


def test_bounds_grow_with_less_fidelity() -> None:
    found = review(GEMM, GEMM + "precision: {fidelity: LoFi}\n")
    (bound,) = found.bounds
    # LoFi multiplies five bits of one operand by seven of the other: up to 2^-4 of each product is lost.
    assert bound.old is not None
    assert bound.new is not None
    assert 2 * bound.old < bound.new


def test_costs_are_those_of_both_plans() -> None:
    found = review(GEMM, GEMM.replace("[256", "[512"))
    reads = found.cost("dram_read_bytes")
    # 8 x 6 and 16 x 6 output tiles, each with 2 x 4 tiles of 2 KiB.
    assert reads is not None
    assert (reads.old, reads.new, reads.growth) == (48 * 8 * 2048, 96 * 8 * 2048, 1.0)


def test_work_is_shown_core_by_core() -> None:
    found = review(GEMM, GEMM + "schedule: {cores: {rows: 2, cols: 8}}\n")
    (work,) = found.work
    # 48 units: one each on 48 cores, or three each on 16.
    assert work.cores == (48, 16)
    assert work.lines[:3] == (f"{'1 ' * 8}   {'3 ' * 8}"[:-1], f"{'1 ' * 8}   {'3 ' * 8}"[:-1], ("1 " * 8)[:-1])
    assert [change.name for change in found.decisions] == ["cores"]


def test_statements_that_moved_are_shown_below_what_they_stand_in() -> None:
    found = review(GEMM, GEMM.replace("A @ B", "relu(A @ B)"))
    states = {change.file: change.state for change in found.kernels}
    assert states == {"kernels/reader.cpp": "same", "kernels/compute.cpp": "statements", "kernels/writer.cpp": "same"}
    assert found.kernels[1].lines == (
        "+ init op=dst[0] = relu(dst[0])",
        "  loop var=i extent=unit_count",
        "    section",
        "+     dst[0] = relu(dst[0])",
    )


EQUAL = [
    ("X / 2", "X * 0.5"), ("X + Z + b", "b + Z + X"), ("X * (Z + b)", "X * Z + X * b"), ("exp(X) / exp(Z)", "exp(X - Z)"),
    ("silu(X)", "X * sigmoid(X)"), ("relu(X)", "maximum(X, 0)"), ("square(X)", "X * X"), ("X - Z", "-(Z - X)"),
    ("(X + 1) - 1", "X"), ("where(X, Z, b)", "where(-X, Z, b)"), ("rsqrt(square(X) + 1)", "1 / sqrt(1 + X * X)"),
    ("tanh(X)", "2 * sigmoid(2 * X) - 1"),
]  # fmt: skip
DIFFERENT = [
    ("X / 2", "X * 0.5001"), ("rsqrt(X * X + 0.00001)", "rsqrt(X * X + 0.00002)"), ("relu(X)", "abs(X)"),
    ("minimum(X, 6)", "minimum(X, 6.5)"), ("where(X, Z, b)", "where(X, b, Z)"), ("X - Z", "Z - X"),
    ("leaky_relu(X, slope=0.01)", "leaky_relu(X, slope=0.02)"), ("gelu(X)", "silu(X)"),
    ("X / X", "X * 0 + 1"), ("sqrt(X) * sqrt(X)", "X"), ("maximum(X, Z)", "maximum(X, -Z)"),
    ("minimum(X, 1000)", "minimum(X, 2000)"),
    # softplus is X itself above its threshold.
    ("log(exp(X) + 1)", "softplus(X)"),
]  # fmt: skip


def graph(formula: str) -> ttgen.LoadedSpec:
    names = {
        name for name in ("X", "Z", "b") if name in formula.replace("exp", "").replace("sub", "").replace("abs", "")
    }
    lines = [line for line in MAP.splitlines() if not line.startswith("  ") or line[2] in names | {"Y"}]
    return ttgen.loads("\n".join(lines).replace("relu(X * Z) / 2 + b", formula))


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_formulas_that_are_equal_have_no_witness(one: str, other: str) -> None:
    found = find(graph_of(graph(one)), graph_of(graph(other)))
    assert found.witness is None
    assert found.tried > 20


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_formulas_that_differ_have_one(one: str, other: str) -> None:
    assert find(graph_of(graph(one)), graph_of(graph(other))).witness is not None


@settings(deadline=None, max_examples=15)
@given(specs(most=40), st.randoms(use_true_random=False))
def test_a_spec_beside_itself_with_other_names(spec: RandomSpec, random: object) -> None:
    del random
    loaded = ttgen.loads(spec.text)
    other = renamed(loaded, {name: f"{name}_other" for name in loaded.spec.tensors})
    assert other is not None
    try:
        found = compare(of_plan(unproven(loaded)), of_plan(unproven(other)), spec="k.yaml")
    except SpecError:
        return  # what can't be served has no verdict
    assert found.values == "same"
    assert {item.what for item in found.interface} == {"name"}
    assert all(change.state == "same" for change in found.kernels)
