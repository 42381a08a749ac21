"""What is true of softmax whatever the numbers, in the emulator."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

import ttgen
from tests.verify.drawn import drawn, spec
from ttgen.model.plan import Plan
from ttgen.verify.inputs import Kind
from ttgen.verify.run import emulate
from ttgen.verify.toolchain import Builder

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
