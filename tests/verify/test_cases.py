"""Programs that verification judged wrongly once, each with others of its kind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import ttgen
from tests.verify.conftest import CACHE
from tests.verify.drawn import spec
from ttgen.cli.main import NOT_JUDGED, OK, USER_ERROR, main
from ttgen.model.artifact import Artifact
from ttgen.spec import LoadedSpec
from ttgen.verify import toolchain
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import Verdict, verify


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "cache_folder", lambda: CACHE)


def run(builder: Builder, loaded: LoadedSpec, *changes: tuple[str, str]) -> Verdict:
    """Verifies a program with some of its texts replaced."""
    plan = ttgen.plan(loaded)
    rendered = ttgen.render(plan)
    files = []
    for file in rendered:
        text = file.text
        for old, new in changes:
            text = text.replace(old, new)
        files.append(Artifact(file.path, text))
    assert not changes or tuple(files) != rendered, "nothing was replaced"
    return verify(loaded, plan, builder, files=tuple(files), jobs=2)


# A page of another column, which shows in no single element where K is long and DST has 16 bits.
DEPTHS = [(256, True), (512, True), (1024, True), (2048, False), (4096, False)]
NARROW = "accumulate: bfloat16"


@pytest.mark.parametrize(("depth", "judged"), DEPTHS)
def test_long_sums_in_16_bits(builder: Builder, depth: int, judged: bool) -> None:
    loaded = spec("C = A @ B", NARROW, A=f"64x{depth}", B=f"{depth}x32", C="64x32")
    right = run(builder, loaded)
    assert right.passed, right.findings
    assert right.judged == judged
    assert any("not judged" in note for note in right.notes) != judged
    wrong = run(builder, loaded, ("k * Nt + x", "(Kt - 1 - k) * Nt + x"))
    assert [finding.name for finding in wrong.findings] == ["wrong-numbers"]


@pytest.mark.parametrize(
    ("formula", "precision", "tensors", "fault"),
    [
        ("C = A @ B.T", NARROW, {"A": "32x2048", "B": "32x2048", "C": "32x32"}, ("x * Kt + k", "x * Kt + (Kt - 1 - k)")),
        ("C = relu(A @ B) + D", NARROW, {"A": "32x2048", "B": "2048x32", "D": "32x32", "C": "32x32"},
         ("y * Kt + k", "y * Kt + (Kt - 1 - k)")),
        ("C = A @ B", "accumulate: float32, fidelity: LoFi", {"A": "32x4096", "B": "4096x32", "C": "32x32 float32"},
         ("k * Nt + x", "(Kt - 1 - k) * Nt + x")),
    ],
)  # fmt: skip
def test_other_long_sums(
    builder: Builder, formula: str, precision: str, tensors: dict[str, str], fault: tuple[str, str]
) -> None:
    loaded = spec(formula, precision, **tensors)
    right = run(builder, loaded)
    assert right.passed, right.findings
    assert not right.judged
    wrong = run(builder, loaded, fault)
    assert [finding.name for finding in wrong.findings] == ["wrong-numbers"]


def test_what_cannot_be_judged_has_its_own_status(
    builder: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "kernel: {0}\ntensors:\n  A: {{shape: [32, {1}], dtype: bfloat16}}\n  B: {{shape: [{1}, 32], dtype: bfloat16}}\n"
        "  C: {{shape: [32, 32], dtype: bfloat16}}\ncompute: C = A @ B\nprecision: {{accumulate: bfloat16}}\n"
    )
    files = [tmp_path / f"{name}.yaml" for name in ("shallow", "deep")]
    for file, depth in zip(files, (64, 4096), strict=True):
        file.write_text(text.format(file.stem, depth))
    assert main(["verify", str(files[0]), "--orders", "1"]) == OK
    capsys.readouterr()
    assert main(["verify", *map(str, files), "--orders", "1"]) == NOT_JUDGED
    printed = capsys.readouterr()
    assert "1 of 2 specs verified, 1 not judged, 4 runs" in printed.out
    assert "deep: note: C, with normal inputs: not judged: bounds (" in printed.out
    (row,) = (line for line in printed.out.splitlines() if line.startswith("deep     C"))
    assert " not judged " in row
    assert "deep: not judged" in printed.err
    assert main(["verify", *map(str, files), "tests/bad_specs/many_mistakes.yaml", "--orders", "1"]) == USER_ERROR


# Functions with another bend.
@pytest.mark.parametrize(
    ("formula", "changes"),
    [
        ("Y = softplus(X)", ('"softplus_threshold", std::bit_cast<uint32_t>(2e+01f)', '"softplus_threshold", std::bit_cast<uint32_t>(6.0f)')),
        ("Y = softplus(X)", ('"softplus_threshold", std::bit_cast<uint32_t>(2e+01f)', '"softplus_threshold", std::bit_cast<uint32_t>(1e+01f)')),
        ("Y = softplus(2 * X + 1, beta=2)", ('"softplus_threshold", std::bit_cast<uint32_t>(2e+01f)', '"softplus_threshold", std::bit_cast<uint32_t>(8.0f)')),
        ("Y = leaky_relu(X, slope=0.25)", ("leaky_relu_slope\", std::bit_cast<uint32_t>(0.25f", "leaky_relu_slope\", std::bit_cast<uint32_t>(0.2501f")),
        ("Y = minimum(X, 6)", ("std::bit_cast<uint32_t>(6.0f)", "std::bit_cast<uint32_t>(6.01f)")),
    ],
)  # fmt: skip
def test_another_bend(builder: Builder, formula: str, changes: tuple[str, str]) -> None:
    loaded = spec(formula, X="128x128 float32", Y="128x128 float32")
    wrong = run(builder, loaded, changes)
    assert [finding.name for finding in wrong.findings] == ["wrong-numbers"]


# What no format holds.
@pytest.mark.parametrize(
    ("formula", "dtype", "precision"),
    [
        ("Y = exp(X * 40)", "", ""),
        ("Y = exp(X * 40)", "", NARROW),
        ("Y = square(X * 1e20)", " float32", ""),
        ("Y = X * 1e38 * 10", " float32", ""),
        ("Y = 1 / (X * 1e-30) * 1e25", " float32", ""),
        ("Y = exp(exp(X * 4)) / exp(exp(X * 4))", "", ""),
    ],
)
def test_overflow(builder: Builder, formula: str, dtype: str, precision: str) -> None:
    verdict = run(builder, spec(formula, precision, X="64x64" + dtype, Y="64x64" + dtype))
    assert verdict.passed, verdict.findings
    assert verdict.judged
    (output,) = verdict.outputs
    if "/ exp" in formula or precision:
        # Of infinity by infinity nothing is known; nor, if the exponent is off by one, of what is near the largest.
        assert output.unbounded
    else:
        assert output.overflows
        assert f"Y, with {output.inputs} inputs: {output.overflows} elements overflow" in " ".join(verdict.notes)
    clamped = run(builder, spec("Y = X + 1 - 1", X="64x64", Y="64x64"))
    assert not any("overflow" in note for note in clamped.notes)


# Small numbers and what has no value.
@pytest.mark.parametrize(
    "formula",
    ["Y = X / 2e-38 * 1e-30", "Y = (X * 1e-30) * 1e-10 + X", "Y = sqrt(square(X) * 1e-36)", "Y = (X * 1e-20) / (3 + X * 1e-20)"],
)  # fmt: skip
def test_numbers_near_the_smallest(builder: Builder, formula: str) -> None:
    verdict = run(builder, spec(formula, X="64x64 float32", Y="64x64 float32"))
    assert verdict.passed, verdict.findings
    assert verdict.judged


@pytest.mark.parametrize(
    "formula", ["Y = log(X - 1) + X", "Y = maximum(log(X - 1), X)", "Y = sqrt(1 - X)", "Y = rsqrt(X - 2)"]
)
def test_what_has_no_value_is_counted(builder: Builder, formula: str) -> None:
    verdict = run(builder, spec(formula, X="64x64 float32", Y="64x64 float32"))
    assert verdict.passed, verdict.findings
    assert 0 < verdict.outputs[0].unbounded < 64 * 64
    assert verdict.runs == 2, "hard inputs are those that leave most values"


def test_what_is_not_chosen_may_have_no_value(builder: Builder) -> None:
    verdict = run(builder, spec("Y = where(relu(X - 1), log(X - 1), X)", X="64x64 float32", Y="64x64 float32"))
    assert verdict.passed, verdict.findings
    assert verdict.outputs[0].unbounded == 0


# Host programs that are right on a card, by its own numbers: a model of what it does in place of the emulator.
HOST = """\
import math, sys
import numpy as np
files = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
def load(name, *shape):
    return np.fromfile(files[name], np.float32).astype(np.float64).reshape(shape)
def grid(x, bits):
    return np.ldexp(1.0, np.frexp(x)[1] - 1 - bits)
"""
ALIGNED = """\
a, b = load("A", 64, 256), load("B", 256, 64)
total = np.zeros((64, 64))
for k in range(0, 256, 8):
    products = a[:, k : k + 8, np.newaxis] * b[np.newaxis, k : k + 8]
    step = grid(np.abs(products).max(axis=1, keepdims=True), BITS)
    total += (np.trunc(products / step) * step).sum(axis=1)
total.astype(np.float32).tofile(files["C"])
"""
ROUNDED = """\
a, b = load("A", 64, 64), load("B", 64, 64)
larger, smaller = np.where(np.abs(a) > np.abs(b), (a, b), (b, a))
step = grid(larger, BITS)
total = larger + np.rint(smaller / step) * step
total.astype(np.float32).tofile(files["C"])
"""
FUNCTION = """\
a = load("A", 64, 64)
curve = np.logaddexp(0, a) - np.maximum(a, 0)
found = EXPRESSION
found.astype(np.float32).tofile(files["C"])
"""
GELU = "np.where(a < BEND, 0, a / 2 * np.vectorize(math.erfc)(-a / math.sqrt(2)) + OFF * (a < -3))"
SILU = "np.where(a < BEND, 0, a * np.exp(-np.logaddexp(0, -a)))"


def function(expression: str, **values: float) -> str:
    """A program whose output is an expression in a."""
    for name, value in values.items():
        expression = expression.replace(name, repr(value))
    return FUNCTION.replace("EXPRESSION", expression)


@pytest.mark.parametrize(
    ("formula", "tensors", "program", "status"),
    [
        ("C = A @ B", {"A": "64x256", "B": "256x64"}, ALIGNED.replace("BITS", "12"), OK),
        ("C = A @ B", {"A": "64x256", "B": "256x64"}, ALIGNED.replace("BITS", "6"), USER_ERROR),
        ("C = A + B", {"A": "64x64", "B": "64x64"}, ROUNDED.replace("BITS", "11"), OK),
        ("C = A + B", {"A": "64x64", "B": "64x64"}, ROUNDED.replace("BITS", "9"), USER_ERROR),
        ("C = gelu(A)", {"A": "64x64"}, function(GELU, BEND=-5.54, OFF=8e-7), OK),
        ("C = gelu(A)", {"A": "64x64"}, function(GELU, BEND=-4.5, OFF=0.0), USER_ERROR),
        ("C = gelu(A)", {"A": "64x64"}, function(GELU, BEND=-5.54, OFF=3e-6), USER_ERROR),
        ("C = silu(A)", {"A": "64x64"}, function(SILU, BEND=-88.0), OK),
        ("C = silu(A)", {"A": "64x64"}, function(SILU, BEND=-60.0), USER_ERROR),
        ("C = softplus(A)", {"A": "64x64"}, function("np.maximum(a, 0) + curve * (1 + OFF)", OFF=5e-4), OK),
        ("C = softplus(A)", {"A": "64x64"}, function("np.maximum(a, 0) + curve * (1 + OFF)", OFF=7e-4), USER_ERROR),
        ("C = log(A)", {"A": "64x64"}, function("np.log(a) * (1 + OFF)", OFF=1.5e-7), OK),
        ("C = log(A)", {"A": "64x64"}, function("np.log(a + OFF)", OFF=2e-7), USER_ERROR),
    ],
)
def test_right_on_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], formula: str, tensors: dict[str, str], program: str, status: int
) -> None:
    lines = [f"  {name}: {{shape: [{shape.replace('x', ', ')}], dtype: bfloat16}}" for name, shape in tensors.items()]
    text = "\n".join(["kernel: k", "target: p150", "tensors:", *lines, "  C: {shape: [64, 64], dtype: float32}"])
    (tmp_path / "k.yaml").write_text(f"{text}\ncompute: {formula}\nprecision: {{fidelity: HiFi4}}\n")
    (tmp_path / "program.py").write_text(HOST + program)
    command = f"{sys.executable} {tmp_path / 'program.py'}"
    assert main(["verify", str(tmp_path / "k.yaml"), "--exe", command]) == status, capsys.readouterr().out


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_masks_hold_is_nothing_for_softplus(builder: Builder, dtype: str) -> None:
    """Its exponential, right for ordinary numbers, is anything of -1e9."""
    loaded = spec("Y = softplus(where(M > 0, X, -1e9), beta=2)", X=f"40x50 {dtype}", M="40x50", Y=f"40x50 {dtype}")
    verdict = run(builder, loaded)
    assert verdict.passed, verdict.findings
