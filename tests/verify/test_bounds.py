"""Bounds are as narrow as what the card does allows, and follow the operations that the kernel really uses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import ttgen
from tests.verify.drawn import drawn, spec
from ttgen.analysis.interpreter import FUNCTIONS
from ttgen.dtypes import DTYPES, DTypeName
from ttgen.formula.reference import evaluate
from ttgen.operations import OPERATIONS
from ttgen.operations.accuracy import Accuracy
from ttgen.verify.bounded import SMALLEST, Bounded
from ttgen.verify.flow import flow_of
from ttgen.verify.inputs import Kind
from ttgen.verify.judging import rms
from ttgen.verify.products import FLOAT32_UNIT, Engine, cut_of_product, product_errors
from ttgen.verify.run import emulate
from ttgen.verify.tolerance import passed_on
from ttgen.verify.toolchain import Builder

Array = NDArray[np.float64]
KINDS: tuple[Kind, ...] = ("normal", "hard")
F32, BF16 = "accumulate: float32", "accumulate: bfloat16"


@pytest.mark.parametrize(
    ("formula", "precision", "tensors", "most"),
    [
        # Rounding to the output is all that there is, and is uniform in its last place: 1.7 to 3.5 times its rms.
        ("Y = A + B", F32, {"A": "64x64 float32", "B": "64x64 float32", "Y": "64x64 float32"}, 4),
        ("Y = relu(A) * 2 - B", F32, {"A": "64x64", "B": "64x64", "Y": "64x64"}, 4),
        ("Y = A * v + B", F32, {"A": "64x64 float32", "v": "64", "B": "64x64", "Y": "64x64 float32"}, 8),
        # 16-bit stores may cut what they don't hold, which is twice as much.
        ("Y = exp(A) * B", BF16, {"A": "64x64", "B": "64x64", "Y": "64x64"}, 16),
        # The product is nothing beside A, which comes as it is stored: its float32 isn't that of the product.
        ("Y = (A @ B) * 1e-8 + A", F32, {"A": "64x64 float32", "B": "64x64", "Y": "64x64 float32"}, 8),
        ("Y = A + 1e-8 * (B @ A)", F32, {"A": "64x64 float32", "B": "64x64", "Y": "64x64 float32"}, 8),
        ("Y = (A @ A) * 1e-8 - A", F32, {"A": "64x64 float32", "Y": "64x64 float32"}, 8),
        ("Y = relu(A @ B) * 1e-9 + A * r", F32, {"A": "64x64 float32", "B": "64x64", "r": "64 float32", "Y": "64x64 float32"}, 8),
    ],
)  # fmt: skip
def test_bounds_are_near_the_errors(
    builder: Builder,
    monkeypatch: pytest.MonkeyPatch,
    formula: str,
    precision: str,
    tensors: dict[str, str],
    most: float,
) -> None:
    """The root of the mean square of bounds is a few times that of errors, and no error is larger than its bound.

    With a vector unit that rounds to float32, as the emulator's does: what a card's adds is another matter.
    """
    exact = {name: replace(row, wide=Accuracy(FLOAT32_UNIT)) for name, row in OPERATIONS.items()}
    monkeypatch.setattr("ttgen.verify.tolerance.OPERATIONS", exact)
    made = drawn(spec(formula, precision, **tensors))
    built = builder.program(ttgen.render(made.plan))
    actual = emulate(made.plan, built, made.inputs, builder, order=0, jobs=2).stored["Y"]
    expected = made.expected["Y"]
    error = actual.astype(np.float64) - expected.value
    assert np.all(np.abs(error) <= expected.error)
    assert rms(expected.error) <= most * rms(error)


@pytest.mark.parametrize(
    ("formula", "dtype", "precision", "operations"),
    [
        ("Y = A + B", "", F32, ["add"]),
        ("Y = A + B", " float32", F32, ["add_dst"]),
        ("Y = A * v - B", "", F32, ["mul_rows", "sub_dst"]),
        ("Y = A * v - B", "", BF16, ["mul_rows", "sub_dst"]),
        ("Y = relu(A) + v", "", F32, ["relu", "add_dst_rows"]),
        ("Y = relu(A) + v", "", BF16, ["relu", "zero", "add_rows", "add_dst"]),
        ("Y = (A @ B) / 3 + A", " float32", F32, ["matmul", "mul_number", "add_dst"]),
    ],
)
def test_the_kernels_own_operations(formula: str, dtype: str, precision: str, operations: list[str]) -> None:
    tensors = {name: ("64" if name == "v" else "64x64") + dtype for name in "ABvY" if name in formula}
    flow = flow_of(ttgen.plan(spec(formula, precision, **tensors)).program)
    assert [step.op for step in flow.steps if step.op != "read"] == operations
    assert flow.steps[flow.outputs["Y"]].op == operations[-1]


def test_float32_through_a_source_register_is_tf32() -> None:
    """No operation of today's lowering does it to a tensor; a buffer that isn't flagged would."""
    plan = ttgen.plan(spec("Y = A + 1", A="64x64 float32", Y="64x64 float32"))
    (program,) = plan.programs
    kernels = tuple(
        kernel if kernel.config is None else replace(kernel, config=replace(kernel.config, unpack_to_dest_fp32=()))
        for kernel in program.kernels
    )
    changed = replace(plan, programs=(replace(program, kernels=kernels),))
    assert [step.op for step in flow_of(changed.program).steps] == ["read", "unpack", "add_number"]


def test_blocks_are_one_product() -> None:
    """Through a buffer in L1, step by step: the epilogue reads what the product made."""
    flow = flow_of(ttgen.plan(ttgen.load("specs/gemm_prime.yaml")).program)
    assert [step.op for step in flow.steps if step.tensor == ""] == [
        "matmul_transposed_block", "add_dst_rows", "relu", "add_dst",
    ]  # fmt: skip
    steps = flow_of(ttgen.plan(ttgen.load("specs/gemm_edges.yaml")).program).steps
    assert [step.in_steps for step in steps if step.op == "matmul_block"] == [True]


@pytest.mark.parametrize("accumulate", ["float32", "bfloat16"])
def test_the_reference_is_the_formulas_value(accumulate: str) -> None:
    for formula in ("Y = A @ B", "Y = A / 3 + B", "Y = gelu(A) * B"):
        made = drawn(spec(formula, f"accumulate: {accumulate}", A="64x64", B="64x64", Y="64x64"))
        assert np.array_equal(made.expected["Y"].value, evaluate(made.graph, made.inputs)["Y"])
        assert np.all(made.expected["Y"].typical <= made.expected["Y"].error)
        assert np.all(made.expected["Y"].error >= SMALLEST)


def rounded(values: Array, *, through_tf32: bool = False) -> Array:
    """To bfloat16, to nearest; or to TF32 first, with ties away from zero both times."""
    _significand, exponent = np.frexp(values)
    step = np.ldexp(1.0, exponent - 8)
    if not through_tf32:
        return np.asarray(np.rint(values / step) * step)
    eighths = np.floor(np.abs(values) / step * 8 + 0.5)
    return np.asarray(np.copysign(np.floor(eighths / 8 + 0.5) * step, values))


def sliced(values: Array, bits: int) -> tuple[Array, Array]:
    """The upper bits of significands, and the rest."""
    _significand, exponent = np.frexp(values)
    step = np.ldexp(1.0, exponent - 1 - bits)
    high = np.trunc(values / step) * step
    return high, values - high


def sum_in_16_bits(left: Array, right: Array, phases: int, *, steps: int = 0, through_tf32: bool = False) -> Array:
    """A model of the matrix unit, number by number: slices, phases, halves of a tile, and the packer."""
    b, a = sliced(left, 6), sliced(right, 4)
    depth = left.shape[1]
    total: Array = np.zeros((left.shape[0], right.shape[1]))
    size = steps * 32 or depth
    for begin in range(0, depth, size):
        held: Array = np.zeros(total.shape)
        for first in range(begin, min(begin + size, depth), 32):
            for phase in range(phases):
                for half in (slice(first, first + 16), slice(first + 16, first + 32)):
                    held = rounded(held + b[phase >> 1][:, half] @ a[phase & 1][half], through_tf32=through_tf32)
        total = rounded(total + held) if steps else held
    return total


@pytest.mark.parametrize("through_tf32", [False, True])
@pytest.mark.parametrize("signs", ["both", "one"])
@pytest.mark.parametrize("phases", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [32, 100, 1024, 4096])
@pytest.mark.parametrize("steps", [0, 2])
def test_sums_in_16_bits(phases: int, depth: int, steps: int, signs: str, *, through_tf32: bool) -> None:
    """Ordinary operands: bounds hold, and typical errors are above and not far from what arises."""
    generator = np.random.default_rng(depth)
    left, right = (rounded(generator.standard_normal(shape)) for shape in ((40, depth), (depth, 24)))
    if signs == "one":
        left, right = np.abs(left), np.abs(right)

    total = sum_in_16_bits(left, right, phases, steps=steps, through_tf32=through_tf32)
    engine = Engine(phases=phases, wide=False, depth=steps)
    value, error, typical = product_errors(left, right, ("bfloat16", "bfloat16"), engine, in_steps=bool(steps))
    off = np.abs(total - value)
    assert np.all(off <= error)
    assert rms(off / typical) < 1
    # Each rounding counts at its largest, with the largest sum that it may be of.
    assert rms(typical) < 12 * rms(off) or (signs, depth) == ("one", 4096)


@pytest.mark.parametrize("left", ["bfloat16", "bfloat8_b", "bfloat4_b"])
@pytest.mark.parametrize("right", ["bfloat16", "bfloat8_b", "bfloat4_b"])
def test_cut_operands(left: DTypeName, right: DTypeName) -> None:
    """Against every pair of significands: what a product loses of them is bounded, and by no more than is lost."""
    b, a = (
        1 + np.arange(2 ** (DTYPES[name].significand - 1)) / 2 ** (DTYPES[name].significand - 1)
        for name in (left, right)
    )
    b, a = b[:, np.newaxis], a[np.newaxis]
    high_b, high_a = np.floor(b * 64) / 64, np.floor(a * 16) / 16
    kept = [high_b * high_a, high_b * a, high_b * a + (b - high_b) * high_a, b * a]
    for phases, value in enumerate(kept, 1):
        lost = float(np.max((b * a - value) / (b * a)))
        assert lost <= cut_of_product(phases, (left, right)) <= 1.1 * lost


def test_what_a_first_phase_leaves_is_rounded_too() -> None:
    """Sums that are 0 in the end, but not after the first phase: that is rounded, and so is what the others take away."""
    generator = np.random.default_rng(0)
    x, y = (rounded(generator.standard_normal((64, 16))) for _operand in range(2))
    left, right = np.hstack([x, -y]), np.hstack([y, x]).T
    engine = Engine(phases=4, wide=False, depth=0)
    value, error, _typical = product_errors(left, right, ("bfloat16", "bfloat16"), engine, in_steps=False)
    off = np.diagonal(np.abs(sum_in_16_bits(left, right, 4) - value))
    assert np.all(np.diagonal(value) == 0)
    assert np.any(off > 0)
    assert np.all(off <= np.diagonal(error))


def test_what_the_packer_adds_is_rounded_too() -> None:
    """Steps that DST has exactly, of sums that L1 has not: 33 more than 1024 is 32 more."""
    left, right = np.ones((32, 32 * 128)), np.ones((32 * 128, 32))
    right[::32] = 2.0
    engine = Engine(phases=1, wide=False, depth=1)
    value, error, _typical = product_errors(left, right, ("bfloat16", "bfloat16"), engine, in_steps=True)
    total = sum_in_16_bits(left, right, 1, steps=1)
    assert np.all(value == 33 * 128)
    assert np.all(np.abs(total - value) <= error)
    assert np.all(np.abs(total - value) > 64)


def test_a_condition_that_nobody_knows_isnt_smaller_than_its_bound() -> None:
    made = drawn(spec("Y = sign(A @ B)", BF16, A="32x1024", B="1024x32", Y="32x32"))
    expected = made.expected["Y"]
    unsure = expected.error > 0.5
    assert 0 < np.mean(unsure) < 0.9
    assert np.all(expected.typical[unsure] > 0.5)


def test_a_reciprocal_that_is_flushed() -> None:
    made = drawn(spec("Y = 1e20 * A / exp(B)", A="64x64 float32", B="64x64 float32", Y="64x64 float32"), "hard")
    b, expected = made.inputs["B"], made.expected["Y"]
    off = expected.error >= np.abs(expected.value)
    flushed, ordinary = (b > 87.4) & (b < 88) & (expected.value != 0), (b > 80) & (b < 87) & (expected.value != 0)
    assert np.any(flushed)
    assert np.all(off[flushed])
    assert np.any(~off[ordinary])


def test_functions_are_as_far_off_as_their_rows_say() -> None:
    """softplus is max(x, 0) and a curve of which a part is wrong: much where that is all there is, little elsewhere."""
    made = drawn(spec("Y = softplus(X)", X="64x64 float32", Y="64x64 float32"), "hard")
    x, expected = made.inputs["X"], made.expected["Y"]
    accuracy = OPERATIONS["softplus"].accuracy(32)
    assert accuracy.curved > 100 * accuracy.relative
    relative = expected.error / np.maximum(np.abs(expected.value), SMALLEST)
    assert np.all(relative[(x < -2) & (x > -20)] > accuracy.curved)
    assert np.all(relative[x > 20] < 2 * accuracy.relative)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_chosen_operand_counts(kind: Kind) -> None:
    """What isn't chosen may be large and far off."""
    formula = "Y = minimum(maximum(A * A * 1e6, -B), B)"
    made = drawn(spec(formula, A="64x64", B="64x64", Y="64x64"), kind)
    error, value = made.expected["Y"].error, made.expected["Y"].value
    chosen = value == made.inputs["B"]
    assert np.mean(chosen) > 1 / 8
    assert np.all(error[chosen] <= np.abs(value[chosen]) * 2.0**-7 + 2 * SMALLEST)


@pytest.mark.parametrize("function", ["tanh", "sigmoid", "erf", "relu"])
def test_what_may_be_no_number_has_no_bound(function: str) -> None:
    """Infinities of both signs make NaN of a sum, and of what is bounded whatever it is of."""
    operand = Bounded(np.asarray([3.0, 3.0]), np.asarray([1.0, np.inf]), np.asarray([1.0, np.inf]))
    with np.errstate(all="ignore"):
        moved = passed_on(function, [operand], FUNCTIONS[function](operand.value))
    assert np.isfinite(moved[0])
    assert np.isinf(moved[1])


@pytest.mark.parametrize("phases", [1, 4])
def test_products_that_the_matrix_unit_flushes_are_within_the_bound(phases: int) -> None:
    """2^-125 less one part in 2^8 is normal and becomes 0, as do parts of products for later phases."""
    a, b = np.full((1, 8), 1.9 * 2.0**-63), np.full((8, 1), 1.9 * 2.0**-64)
    engine = Engine(phases=phases, wide=True, depth=1)
    value, error, typical = product_errors(a, b, ("bfloat16", "bfloat16"), engine, in_steps=False)
    assert value[0, 0] > 8 * 2.0**-126
    assert error[0, 0] >= typical[0, 0] >= value[0, 0]
    assert error[0, 0] < 8 * 2.0**-122
