"""What block floats hold and how far off they may be: the bounds against a model of the packer, number by number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import ttgen
from tests.verify.drawn import drawn, spec
from ttgen.dtypes import DTYPES, DTypeName
from ttgen.verify import block_floats, check

Array = NDArray[np.float64]
BLOCK_FLOATS: tuple[DTypeName, ...] = ("bfloat8_b", "bfloat4_b")


def packed(row: Array, dtype: DTypeName) -> Array:
    """Sixteen numbers through the packer, as the ISA documentation has it: `runtime/formats.cpp`, in other words."""
    _, exponent = np.frexp(row)
    ulp = np.ldexp(1.0, exponent - 7)
    early = np.sign(row) * np.floor(np.abs(row) / ulp + 0.5) * ulp
    shared = int(np.max(np.frexp(early)[1], where=early != 0, initial=-200))
    steps = np.minimum(np.floor(np.abs(early) / 2.0 ** (shared - 7) + 0.5), 127)
    if dtype == "bfloat4_b":
        return np.asarray(np.sign(row) * np.floor(steps / 16) * 2.0 ** (shared - 3))
    return np.asarray(np.sign(row) * steps * 2.0 ** (shared - 7))


ROWS = st.lists(
    st.tuples(st.integers(-(2**24), 2**24), st.integers(-12, 3)).map(lambda pair: pair[0] * 2.0 ** (pair[1] - 24)),
    min_size=16, max_size=16,
)  # fmt: skip


@pytest.mark.parametrize("dtype", BLOCK_FLOATS)
@settings(max_examples=500, deadline=None)
@given(numbers=ROWS)
def test_no_packed_number_is_further_off(dtype: DTypeName, numbers: list[float]) -> None:
    row = np.asarray(numbers)
    error = np.abs(packed(row, dtype) - row)
    assert np.all(error <= block_floats.packing_error(np.abs(row), DTYPES[dtype]))


@pytest.mark.parametrize(("dtype", "part"), [("bfloat8_b", 0.99), ("bfloat4_b", 0.98)])
def test_the_bound_is_reached(dtype: DTypeName, part: float) -> None:
    generator = np.random.default_rng(0)
    worst = 0.0
    for _ in range(3000):
        row = generator.uniform(-2, 2, 16)
        row[0] = 1.0
        bound = block_floats.packing_error(np.abs(row), DTYPES[dtype])
        worst = max(worst, float(np.max(np.abs(packed(row, dtype) - row) / bound)))
    assert part < worst <= 1


@pytest.mark.parametrize("dtype", BLOCK_FLOATS)
def test_stored_numbers_stay_as_they_are(dtype: DTypeName) -> None:
    values = np.random.default_rng(1).standard_normal((3, 5, 37)) * np.logspace(-20, 20, 5)[:, np.newaxis]
    values[0, 0, :16] = 1.999999  # saturates
    once = block_floats.stored(values, dtype)
    np.testing.assert_array_equal(block_floats.stored(once, dtype), once)
    assert np.all(np.abs(once - values) <= block_floats.step_of(values, dtype))
    assert len(np.unique(np.abs(once[0, 0, :16]))) == 1


def test_stored_numbers_by_hand() -> None:
    row = np.asarray([1.0, 0.0, -1 / 128, 3 / 128, 5 / 128, 1.99, *[0.0] * 10, 1 / 128])
    stored = block_floats.stored(row, "bfloat8_b")
    assert list(stored[:6]) == [1.0, 0.0, 0.0, 1 / 32, 1 / 32, 127 / 64]  # ties to even
    assert stored[16] == 1 / 128  # another sixteen
    assert list(block_floats.stored(row, "bfloat4_b")[:6]) == [1.0, 0.0, 0.0, 0.0, 0.0, 1.75]


def test_what_may_be_anything_spoils_its_neighbours() -> None:
    largest = np.ones((1, 40))
    largest[0, 3] = np.inf
    error = block_floats.packing_error(largest, DTYPES["bfloat8_b"])
    assert np.all(np.isinf(error[0, :16]))
    assert np.all(np.isfinite(error[0, 16:]))


@pytest.mark.parametrize("kind", ["normal", "hard"])
@pytest.mark.parametrize("dtype", BLOCK_FLOATS)
def test_inputs_are_what_is_stored(dtype: DTypeName, kind: str) -> None:
    loaded = spec("y = X / Z", X=f"50x70 {dtype}", Z=f"70 {dtype}", y="50x70")
    inputs = drawn(loaded, "hard" if kind == "hard" else "normal", seed=3).inputs
    for values in inputs.values():
        np.testing.assert_array_equal(block_floats.stored(values, dtype), values)
    assert np.all(inputs["Z"] > 0), "a divisor isn't flushed to zero"


def test_elements_of_bytes() -> None:
    """64 exponents, each of a row of a face, before the mantissas."""
    loaded = ttgen.load("specs/add_l1.yaml")
    result = ttgen.plan(loaded).tensor("C")  # 300 x 200
    assert check.first_logical(result, 0, 1, 1) == (1, 0)
    assert check.first_logical(result, 0, 17, 1) == (1, 16)
    assert check.first_logical(result, 0, 64 + 256 + 16, 1) == (1, 16)
    assert check.first_logical(result, 6, 64 + 7, 2) == (0, 199)
    assert check.first_logical(result, 6, 64 + 8, 8) is None
    assert check.first_logical(result, 6, 16, 16) is None, "columns 208 to 223"
    weights = ttgen.plan(ttgen.load("specs/gemm_bfp4.yaml")).tensor("W")
    assert check.first_logical(weights, 0, 64 + 3, 1) == (0, 6)
    assert check.first_logical(weights, 1, 64 + 8, 1) == (1, 32)
