"""Padding beside block floats: zero where it is said to be, refused where it can't be shown to be."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import ttgen
from ttgen.analysis import interpreter
from ttgen.dtypes import EXPONENT_GROUP
from ttgen.errors import SpecError
from ttgen.formula.functions import COMPARISONS
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import ELEMENTWISE
from ttgen.formula.scalar import value_of
from ttgen.mesh.device import device_of
from ttgen.model.plan import Plan
from ttgen.planner.padding import ZERO, Content, Known, contents, zero_padded
from ttgen.planner.stages import Stage, stages_of
from ttgen.spec import LoadedSpec

SHAPES = {"X": "[40, 70]", "Z": "[40, 70]", "r": "[70]", "c": "[40, 1]", "s": "[1, 1]", "A": "[40, 50]", "B": "[50, 70]",
          "T": "[70, 50]"}  # fmt: skip


def spec(formula: str, dtype: str = "bfloat8_b", accumulate: str = "float32") -> str:
    tensors = "".join(
        f"  {name}: {{shape: {shape}, dtype: bfloat16}}\n"
        for name, shape in SHAPES.items()
        if re.search(rf"\b{name}\b", formula)
    )
    return (
        f"kernel: k\ntensors:\n{tensors}  y: {{shape: [40, 70], dtype: {dtype}}}\ncompute: y = {formula}\n"
        f"precision: {{accumulate: {accumulate}}}\n"
    )


def content(formula: str) -> Content:
    graph = graph_of(ttgen.loads(spec(formula, "bfloat16")))
    output = graph.outputs[0].value
    return contents(graph, graph.values[output].axes[-1])[output]


ZEROS = [
    "X + Z",
    "X + r",
    "-X * c",
    "X * exp(c)",
    "X / c",
    "X / (1 + abs(X))",
    "X / (1 + exp(-X))",
    "X * sigmoid(X)",
    "gelu(silu(X)) - tanh(Z)",
    "X * X - Z * (c + 3)",
    "(X + 1) * 2 - 2",
    "sqrt(abs(X))",
    "where(X, c, Z)",
    "where(c, X, Z)",
    "where(sigmoid(X), X, Z)",
    "maximum(X, -Z)",
    "minimum(X, 2) * log(exp(X) + 1)",
    "A @ B",
    "gelu(A @ B + r) * c",
    "A @ T.T",
    "X * (r + c)",
]
NOT_ZERO = [
    ("exp(X)", Known(1.0, exact=False)),
    ("X + 1", Known(1.0)),
    ("2 - X", Known(2.0)),
    ("X + c", "finite"),
    ("X * 2 + s", "finite"),
    ("softplus(X)", Known(float(np.log(2)), exact=False)),
    # Numbers that the device only comes near to don't cancel.
    ("exp(X) - 1", "finite"),
    ("log(exp(X))", "finite"),
    ("(X + 0.1) - 0.1", "finite"),
    ("1 / X", "anything"),
    ("X / Z", "anything"),
    ("X / (abs(X) + c)", "anything"),
    ("X * (1 / Z)", "anything"),
    ("X * rsqrt(X + c)", "anything"),
    ("log(X)", "anything"),
    ("where(X + c, 1, 0) * 1 + X", "finite"),
    ("where(X, Z, c)", "finite"),
    ("maximum(X, c)", "finite"),
    ("reciprocal(A @ B)", "anything"),
]


@pytest.mark.parametrize("formula", ZEROS)
def test_zero(formula: str) -> None:
    assert content(formula) == ZERO


@pytest.mark.parametrize(("formula", "expected"), NOT_ZERO)
def test_not_zero(formula: str, expected: Content) -> None:
    assert content(formula) == expected
    with pytest.raises(SpecError, match=r"bfloat4_b; the last ones of 70 are padding"):
        ttgen.plan(ttgen.loads(spec(formula, "bfloat4_b")))


def widened(plan: Plan) -> Plan:
    """A plan whose output has the padding columns that share exponents as elements of its own."""

    def wider(sizes: tuple[int, ...]) -> tuple[int, ...]:
        return (*sizes[:-1], -(-sizes[-1] // EXPONENT_GROUP) * EXPONENT_GROUP)

    tensors = tuple(
        replace(tensor, shape=wider(tensor.shape)) if tensor.role == "output" else tensor for tensor in plan.tensors
    )
    return replace(plan, tensors=tensors)


@pytest.mark.parametrize("accumulate", ["float32", "bfloat16"])
@pytest.mark.parametrize("formula", ZEROS)
def test_kernels_leave_zeros(formula: str, accumulate: str) -> None:
    """Whatever other padding holds, the interpreter finds zeros in the columns that share exponents."""
    plan = ttgen.plan(ttgen.loads(spec(formula, accumulate=accumulate)))
    generator = np.random.default_rng(0)
    inputs = {tensor.name: generator.standard_normal(tensor.shape) for tensor in plan.tensors if tensor.role == "input"}
    found = interpreter.run(widened(plan), inputs, poison=1e30)["y"]
    assert found.shape == (40, 80)
    assert np.any(found[:, :70])
    assert not np.any(found[:, 70:])


def uses(text: str) -> dict[str, set[str]]:
    return {tensor.name: {use.padding for use in tensor.uses} for tensor in ttgen.plan(ttgen.loads(text)).tensors}


def test_only_what_matters_is_zero() -> None:
    """The vector unit spreads c, whatever the sizes are."""
    assert uses(spec("A @ B + r * c", "bfloat16")) == {
        "A": {"zero"}, "B": {"zero"}, "r": {"any"}, "c": {"zero"}, "y": set(),
    }  # fmt: skip
    whole = spec("A @ B + r * c").replace("50", "64")
    assert uses(whole) == {"A": {"any"}, "B": {"zero"}, "r": {"zero"}, "c": {"zero"}, "y": set()}
    assert uses(whole.replace("70", "80")) == {"A": {"any"}, "B": {"any"}, "r": {"any"}, "c": {"zero"}, "y": set()}


def stages(loaded: LoadedSpec) -> tuple[Stage, ...]:
    graph = graph_of(loaded)
    return stages_of(loaded, graph, device_of(loaded, graph))


def test_inputs_in_block_floats() -> None:
    """Their own padding shares exponents with them, whatever the output is."""
    loaded = ttgen.loads(spec("X * c + r", "bfloat16").replace("bfloat16", "bfloat8_b", 2))
    assert [name for name, tensor in loaded.spec.tensors.items() if tensor.dtype == "bfloat8_b"] == ["X", "r"]
    assert zero_padded(stages(loaded), loaded.spec.formula_path) == {"X", "r"}
    loaded = ttgen.loads(spec("X + r", "bfloat16").replace("bfloat16", "bfloat4_b", 2).replace("70", "80"))
    assert zero_padded(stages(loaded), loaded.spec.formula_path) == set()


def test_one_column() -> None:
    """A tensor of one column has 15 of padding, not a value that is spread."""
    text = "kernel: k\ntensors:\n  X: {shape: [40, 1], dtype: bfloat16}\n  y: {shape: [40, 1], dtype: bfloat8_b}\ncompute: y = "
    assert uses(f"{text}tanh(X)\n")["X"] == {"zero"}
    with pytest.raises(SpecError, match="where the formula is 1:"):
        ttgen.plan(ttgen.loads(f"{text}exp(X)\n"))


_OF_TWO = {"add", "sub", "mul", "div", "maximum", "minimum", *COMPARISONS}


@pytest.mark.parametrize("kind", sorted(ELEMENTWISE))
def test_the_value_of_numbers_is_that_of_the_reference(kind: str) -> None:
    arity = 3 if kind == "where" else 2 if kind in _OF_TWO else 1
    parameters = {"clip": (-1.0, 2.0), "leaky_relu": (0.25,), "softplus": (2.0, 20.0)}.get(kind, ())
    for operands in product((-30.0, -1.5, 0.0, 0.5, 2.0, 800.0), repeat=arity):
        with np.errstate(all="ignore"):
            expected = float(ELEMENTWISE[kind](*map(np.float64, operands), *parameters))
        found = value_of(kind, *operands, *parameters)
        if math.isfinite(expected):
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)
        else:
            assert not math.isfinite(found)


def test_a_plan_needs_no_numpy() -> None:
    """Block floats at a ragged edge are the case that computes with constants."""
    code = "import sys; sys.modules['numpy'] = None\nimport ttgen\nttgen.plan(ttgen.load('specs/add_l1.yaml'))"
    subprocess.run([sys.executable, "-c", code], check=True)
