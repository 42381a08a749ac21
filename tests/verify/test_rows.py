"""Programs that reduce, in the emulator: what is true of softmax whatever the numbers, and what random ones have found."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

import ttgen
from tests.test_rows import spec as scheduled
from tests.verify.drawn import drawn, spec
from ttgen.model.plan import Plan
from ttgen.verify.flow import flow_of
from ttgen.verify.inputs import Kind
from ttgen.verify.run import emulate
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import verify

Array = NDArray[np.float32]


def softmax(builder: Builder, plan: Plan, inputs: Array) -> Array:
    built = builder.program(ttgen.render(plan))
    return emulate(plan, built, {"X": inputs}, builder, order=0, jobs=2).stored["Y"]


@pytest.mark.parametrize("kind", ["normal", "hard"])
@pytest.mark.parametrize("axis", [-1, -2])
def test_softmax(builder: Builder, kind: Kind, axis: int) -> None:
    """Lines add up to 1, lines in another order give the same in that order, and a constant changes nothing."""
    made = drawn(spec(f"Y = softmax(X, axis={axis})", X="100x72", Y="100x72"), kind)
    inputs = made.inputs["X"]
    found = softmax(builder, made.plan, inputs)
    assert np.all(np.abs(found.sum(axis=axis, dtype=np.float64) - 1) <= 2.0**-8)
    across = 1 + axis
    order = np.random.default_rng(0).permutation(inputs.shape[across])
    assert np.array_equal(softmax(builder, made.plan, inputs.take(order, across)), found.take(order, across))
    # Of whole numbers below 2^7 the sum with a constant is as exact as they are.
    whole = np.clip(np.round(inputs), -64, 63).astype(np.float32)
    moved = (whole + 64).astype(ml_dtypes.bfloat16).astype(np.float32)
    assert np.array_equal(moved, whole + 64)
    assert np.array_equal(softmax(builder, made.plan, moved), softmax(builder, made.plan, whole))


@pytest.mark.parametrize(
    ("compute", "schedule", "tensors"),
    [
        # Of a line of one tile nothing is done before its last, which is masked: not even formats are set.
        ("Y = sum(log_softmax(X) * W, axis=-1, keepdims=True)", "", {"X": "5x5 float32", "W": "5x5 float32", "Y": "5x1 float32"}),
        # Two sums by tiles end with the ragged tile of another core's part, each with a mask of its own.
        (
            "Y = X * sum(X, axis=-2, keepdims=True) + tanh(X / (1 + square(sum(W, axis=-2, keepdims=True))))", "split: 2",
            {"X": "144x4", "W": "144x4", "Y": "144x4"},
        ),
        # A product of two columns is added to what the mask left in its slot.
        ("Y = c * c + sum(X, axis=-1, keepdims=True)", "", {"c": "40x1", "X": "40x20", "Y": "40x1"}),
    ],
)  # fmt: skip
def test_what_was_wrong(builder: Builder, compute: str, schedule: str, tensors: dict[str, str]) -> None:
    loaded = scheduled(compute, schedule, **tensors)
    verdict = verify(loaded, ttgen.plan(loaded), builder, jobs=2)
    assert verdict.passed, verdict.findings


def test_parts_of_ragged_lines(builder: Builder) -> None:
    """The last of seven tiles is ragged, and a part has a step that others haven't."""
    loaded = scheduled("Y = X * min(X, axis=-1, keepdims=True) + log_softmax(X)", "split: 3, block: {k: 2}, keep: nothing",
                       X="40x210", Y="40x210")  # fmt: skip
    verdict = verify(loaded, ttgen.plan(loaded), builder, orders=2, jobs=2)
    assert verdict.passed, verdict.findings


def test_each_of_several_values_of_parts_is_its_own() -> None:
    """Cores that share lines send a maximum and a sum, a page each: what follows takes one of each."""
    compute = "Y = max(X, axis=-1, keepdims=True) + sum(X, axis=-1, keepdims=True)"
    loaded = scheduled(compute, "split: 2", X="64x64", Y="64x1")
    steps = flow_of(ttgen.plan(loaded).program, 0).steps
    both = steps[-1]
    parts = [steps[operand] for operand in both.operands]
    assert [step.op for step in (*parts, both)] == ["fold_max", "fold_sum", "add_dst"]
    assert [steps[part.operands[0]].op for part in parts] == ["reduce_max_row", "reduce_sum_row"]
