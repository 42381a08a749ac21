"""The inputs in `tests/cases` that a card once got wrong, or verification did, with others of their kind."""

from __future__ import annotations

import pytest

import ttgen
from tests.nights import only
from tests.verify.drawn import spec
from tests.verify.test_cases import run
from ttgen.errors import SpecError
from ttgen.spec import LoadedSpec
from ttgen.verify.toolchain import Builder

FLOAT32 = "64x64 float32"
INP_FLOAT32 = ('{"INP_FLOAT32", "1"}', "")


def case(name: str) -> LoadedSpec:
    return ttgen.load(f"tests/cases/{name}.yaml")


# Each is right, on ordinary inputs and on hard ones.
@pytest.mark.parametrize(
    "name",
    [
        "one_over", "softplus_f32", "erf_f32", "where_neg", "softplus_inputs", "exp_overflow", "gelu_tail", "nan_max",
        "multicast_lands_late",  # its page, flushed, was freed meanwhile
    ],
)  # fmt: skip
def test_a_case_is_verified(builder: Builder, name: str) -> None:
    verdict = run(builder, case(name))
    assert verdict.passed, verdict.findings
    assert verdict.judged


def test_a_long_sum_in_16_bits_with_its_fault(builder: Builder) -> None:
    """Rows of B from the other end: each element is within its bound of the right one, all together are not."""
    wrong = run(builder, case("gemm_bf16_acc"), ("k * Nt + x", "(Kt - 1 - k) * Nt + x"))
    assert [finding.name for finding in wrong.findings] == ["wrong-numbers"]


# A number divided by a tensor, alone and beside a product.
@pytest.mark.parametrize("formula", ["Y = 2 / X", "Y = 1 / (X + Z)", "Y = 0.5 / square(X)", "Y = 2 / (X @ Z)"])
def test_a_number_by_a_tensor(builder: Builder, formula: str) -> None:
    tensors = {"X": "64x64", "Y": "64x64", **({"Z": "64x64"} if "Z" in formula else {})}
    verdict = run(builder, spec(formula, **tensors))
    assert verdict.passed, verdict.findings


# The fits that a define chooses: without it the numbers are wrong.
FITS = ("Y = erf(X)", "Y = softplus(X)", "Y = 2 * erf(X) + 1", "Y = softplus(X, beta=2)", "Y = X * erf(square(X))")


@pytest.mark.parametrize("formula", only(FITS, FITS[:2]))
def test_a_fit_without_its_define(builder: Builder, formula: str) -> None:
    loaded = spec(formula, X=FLOAT32, Y=FLOAT32)
    assert run(builder, loaded).passed
    wrong = run(builder, loaded, INP_FLOAT32)
    assert [finding.name for finding in wrong.findings] == ["wrong-numbers"]


# Conditions that -0 can reach.
@pytest.mark.parametrize("condition", ["-X", "X", "tanh(X)", "minimum(X, 0)"])
def test_a_condition_of_minus_zero(builder: Builder, condition: str) -> None:
    loaded = spec(f"Y = where({condition}, P, Q)", X=FLOAT32, P=FLOAT32, Q=FLOAT32, Y=FLOAT32)
    assert run(builder, loaded).passed
    files = ttgen.render(ttgen.plan(loaded))
    compute = next(file.text for file in files if file.path.endswith("compute.cpp"))
    (line,) = (line for line in compute.splitlines() if "abs_tile(" in line)
    wrong = run(builder, loaded, (line, ""))
    assert [finding.name for finding in wrong.findings] == ["wrong-numbers"]


# Tails that a device's function loses.
@pytest.mark.parametrize("formula", ["Y = gelu(X)", "Y = silu(8 * X)", "Y = gelu(X) * 1e4", "Y = sigmoid(16 * X)"])
def test_tails(builder: Builder, formula: str) -> None:
    verdict = run(builder, spec(formula, X=FLOAT32, Y=FLOAT32))
    assert verdict.passed, verdict.findings


# Numbers that the vector unit takes for 0.
@pytest.mark.parametrize(
    "formula", ["Y = X * 1e-40", "Y = where(1e-39, X, 2 * X)", "Y = X + 5e-324", "Y = leaky_relu(X, slope=-1e-39)"]
)
def test_subnormal_numbers_are_refused(formula: str) -> None:
    with pytest.raises(SpecError) as caught:
        ttgen.plan(spec(formula, X=FLOAT32, Y=FLOAT32))
    (problem,) = caught.value.problems
    assert "nearer to 0 than a normal float32" in problem.message
    assert problem.span is not None


def test_a_subnormal_divisor_is_refused() -> None:
    with pytest.raises(SpecError, match="nearer to 0 than a normal float32"):
        ttgen.plan(case("div_subnormal"))
