"""Columns that the vector unit spreads: what is beside them may not become infinite on the way."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

import ttgen
from tests.test_rows import spec
from ttgen.formula.infer import graph_of
from ttgen.patterns.passes import Passes
from ttgen.patterns.spreading import is_finite_beside
from ttgen.spec import LoadedSpec
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import verify

TENSORS = {"X": "64x96", "c": "64x1", "s": "1x1", "Y": "64x96", "Z": "96"}


def of(formula: str, **others: str) -> LoadedSpec:
    named = set(re.findall(r"\w+", formula))
    return spec(formula, **{name: text for name, text in (TENSORS | others).items() if name in named})


FORMULAS = (
    "Y = X * log(c)",
    "Y = tanh(X) * exp(c)",
    "Y = tanh(X) / c",
    "Y = tanh(X) * (1 / c + log(c))",
    "Y = tanh(X) * rsqrt(c * c) + s / c",
    "Y = tanh(X) + 1 / s",
    # Of sums by the matrix unit, beside which are zeros, and of maxima, beside which is anything.
    "Y = tanh(X) + 1 / sum(X, axis=-1, keepdims=True)",
    "Y = tanh(X) * log(square(sum(X, axis=-1, keepdims=True)))",
    "Y = tanh(X) * exp(-max(X, axis=-1, keepdims=True)) / (1 + exp(c))",
    "Y = X * sum(X, axis=-2, keepdims=True) + exp(tanh(s / (1 + square(sum(c, axis=-2, keepdims=True)))))",
    # A column that another program makes is put out with numbers beside it.
    "Y = X * (sum(X, axis=-1, keepdims=True) * (max(Z, axis=-1, keepdims=True) * c))",
    "Y = X * sum(X, axis=-2, keepdims=True) + exp(s / sum(square(c), axis=-2, keepdims=True))",
)


@pytest.mark.parametrize(
    ("formula", "dtype"),
    [
        # Each with one width in the gate, by turns, and with the other one at night.
        pytest.param(formula, dtype, marks=[pytest.mark.exhaustive] * ((place + wide) % 2))
        for place, formula in enumerate(FORMULAS)
        for wide, dtype in enumerate(("bfloat16", "float32"))
    ],
)
def test_functions_of_columns(builder: Builder, formula: str, dtype: str) -> None:
    loaded = of(formula, c=f"64x1 {dtype}", s=f"1x1 {dtype}")
    verdict = verify(loaded, ttgen.plan(loaded), builder, jobs=2)
    assert verdict.passed, verdict.findings


def test_a_column_that_is_put_out_is_finite_beside(builder: Builder) -> None:
    """Another program spreads it."""
    loaded = ttgen.loads("""
kernel: k
tensors:
  X: {shape: [64, 96], dtype: bfloat16}
  W: {shape: [96, 32], dtype: bfloat16}
  Y: {shape: [64, 32], dtype: bfloat16}
compute: Y = relu(X @ W) / sum(X, axis=-1, keepdims=True)
""")
    plan = ttgen.plan(loaded)
    assert [program.pattern for program in plan.programs] == ["rowwise", "matmul"]
    verdict = verify(loaded, plan, builder, jobs=2)
    assert verdict.passed, verdict.findings


@pytest.mark.parametrize(
    ("column", "is_finite"),
    [
        ("c + 1", True),
        ("rsqrt(c + 1)", True),
        ("exp(c)", True),
        ("1 / c", False),
        ("log(c)", False),
        ("1 / (1 + 1 / c)", False),
        ("rsqrt(mean(square(X), axis=-1, keepdims=True) + 1e-5)", True),
        ("1 / sum(X, axis=-1, keepdims=True)", False),
        ("tanh(max(X, axis=-1, keepdims=True))", True),
        ("exp(max(X, axis=-1, keepdims=True))", False),
        # Beside what the vector unit reduces is the result again: what is made of that alone is as the column is.
        ("1 / sum(tanh(X), axis=-1, keepdims=True)", True),
        ("c - sum(tanh(X), axis=-1, keepdims=True)", False),
    ],
)
def test_what_is_beside_a_column(column: str, is_finite: bool) -> None:
    """By the limits of the functions: at the zeros of padding and of sums, and far out for maxima."""
    graph = graph_of(of(f"Y = X * ({column})"))
    (_x, found) = graph.values[graph.outputs[0].value].operands
    beside = Passes(graph=graph, keep="nothing", exact=False).beside if graph.reductions else {}
    assert is_finite_beside(graph.values, found, beside) == is_finite


def test_what_is_used_many_times_is_looked_at_once() -> None:
    names = [f"c{place}" for place in range(40)]
    lines = [f"{after} = {before} * {before}" for before, after in pairwise(["c", *names])]
    graph = graph_of(of("; ".join([*lines, f"Y = X * {names[-1]}"])))
    (_x, found) = graph.values[graph.outputs[0].value].operands
    assert is_finite_beside(graph.values, found, {})


def test_what_is_asked_of_padding() -> None:
    """Zeros, where the vector unit spreads a column; nothing where the matrix unit does."""
    for formula, padding in (
        ("Y = tanh(X) * c", "zero"),
        ("Y = X * c", "any"),
        ("Y = tanh(X) * c + max(X, axis=-1, keepdims=True)", "zero"),
    ):
        uses = ttgen.plan(of(formula)).tensor("c").uses
        assert [use.padding for use in uses] == [padding]
