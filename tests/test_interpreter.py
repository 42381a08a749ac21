"""The interpreter of the tile program gives NumPy's value of the formula, on every core and whatever padding holds."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

import ttgen
from tests.random_attention import random_attention
from tests.random_rows import row_specs
from tests.random_specs import RandomSpec, specs, staged_specs
from tests.sizes import SMALLER, smaller
from ttgen.analysis import interpreter
from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import evaluate
from ttgen.model.plan import Plan
from ttgen.spec import LoadedSpec

# Programs of a mesh give the formula's value together: tests/mesh runs them so.
SPECS = sorted(path for path in Path("specs").glob("*.yaml") if ttgen.load(path).spec.mesh is None)


def agree(loaded: LoadedSpec, plan: Plan, seed: int = 0) -> None:
    """Asserts that the plan computes the spec's formula."""
    generator = np.random.default_rng(seed)
    inputs = {}
    for tensor in plan.tensors:
        if tensor.role == "input":
            values = generator.standard_normal(tensor.shape).astype(np.float32)
            inputs[tensor.name] = np.where(generator.random(tensor.shape) < 0.1, 0, values)
    # NaN in padding that no use needs zero shows wherever it leaks.
    found = interpreter.run(plan, inputs, poison=np.nan)
    expected = evaluate(graph_of(loaded), inputs)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec(path: Path) -> None:
    loaded = smaller(path.stem)
    agree(loaded, ttgen.plan(loaded))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SMALLER)
def test_every_large_spec(name: str) -> None:
    loaded = ttgen.load(f"specs/{name}.yaml")
    agree(loaded, ttgen.plan(loaded))


def _shared() -> SearchStrategy[RandomSpec]:
    """Products in rectangles of cores, which may share operands and the sum."""
    return specs(shared=True)


@pytest.mark.parametrize(
    ("strategy", "refused"),
    [(specs, 1 / 5), (staged_specs, 1 / 2), (_shared, 1 / 5), (row_specs, 1 / 4), (random_attention, 1 / 5)],
)
def test_random_specs(strategy: Callable[[], SearchStrategy[RandomSpec]], refused: float) -> None:
    """`TTGEN_EXAMPLES=5000 pytest tests/test_interpreter.py` takes more of them, as CI does every night."""
    answers: list[bool] = []

    @settings(max_examples=int(os.environ.get("TTGEN_EXAMPLES", "50")), deadline=None)
    @given(strategy())
    def agrees_or_is_refused(spec: RandomSpec) -> None:
        loaded = ttgen.loads(spec.text)
        try:
            plan = ttgen.plan(loaded)
        except SpecError:
            answers.append(False)
            return
        answers.append(True)
        agree(loaded, plan)

    agrees_or_is_refused()
    # Three standard deviations more than are refused of very many.
    most = len(answers) * refused
    assert answers.count(False) <= most + 3 * math.sqrt(most)


@pytest.mark.parametrize("accumulate", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "formula",
    [
        "exp(X) - tanh(exp(X))",
        "tanh(exp(X)) - exp(X)",
        "sigmoid(X) * tanh(sigmoid(X))",
        "maximum(exp(X), -exp(X))",
        "where(exp(X), abs(exp(X)), exp(X) * exp(X))",
        "exp(X) * exp(c) + exp(c)",
        "maximum(exp(c), exp(r) + exp(c)) + X",
        "abs(X + r) - (X + r) * c / (1 + abs(X + r))",
    ],
)
def test_values_with_several_uses(formula: str, accumulate: str) -> None:
    """An operand keeps its value while its sibling is computed from it."""
    shapes = {"X": [40, 70], "c": [40, 1], "r": [70]}
    tensors = "".join(
        f"  {name}: {{shape: {shape}, dtype: bfloat16}}\n"
        for name, shape in shapes.items()
        if re.search(rf"\b{name}\b", formula)
    )
    text = f"kernel: k\ntensors:\n{tensors}  Y: {{shape: [40, 70], dtype: bfloat16}}\ncompute: Y = {formula}\nprecision: {{accumulate: {accumulate}}}\n"
    loaded = ttgen.loads(text)
    agree(loaded, ttgen.plan(loaded))


def test_rows_of_all_batches_in_one_shard_and_a_column_for_each() -> None:
    """A core's lines of tiles belong to two batches, and the column is that of the row within its batch."""
    shards = "layout: {l1_sharded: {split: height, cores: {rows: 2, cols: 2}}}"
    loaded = ttgen.loads(
        f"kernel: k\ntensors:\n  X: {{shape: [3, 128, 64], dtype: bfloat16, {shards}}}\n"
        f"  column: {{shape: [128, 1], dtype: bfloat16}}\n"
        f"  Y: {{shape: [3, 128, 64], dtype: bfloat16, {shards}}}\ncompute: Y = X * column\n"
    )
    agree(loaded, ttgen.plan(loaded))


@pytest.mark.parametrize(("shape", "multicast"), [((32, 320), "a"), ((320, 32), "b")])
def test_cores_that_only_complete_a_rectangle(shape: tuple[int, int], multicast: str) -> None:
    """Ten units in a line on eight columns of cores: what is multicast to two rows needs six more cores."""
    rows, cols = shape
    loaded = ttgen.loads(
        f"kernel: k\ntensors:\n  A: {{shape: [{rows}, 96], dtype: bfloat16}}\n  B: {{shape: [96, {cols}], dtype: bfloat16}}\n"
        f"  C: {{shape: [{rows}, {cols}], dtype: bfloat16}}\ncompute: C = A @ B\n"
        f"schedule: {{policy: rectangular, block: {{m: 1, n: 1, k: 1}}, multicast: {multicast}}}\n"
    )
    plan = ttgen.plan(loaded)
    assert len(list(plan.program.cores())) == 16
    agree(loaded, plan)
