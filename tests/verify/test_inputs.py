"""Inputs reach what a formula has: both signs, zeros, all magnitudes, and both sides of every bend of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import ttgen
from tests.verify.drawn import drawn, spec
from ttgen.formula.functions import FUNCTIONS
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import ELEMENTWISE, evaluate
from ttgen.verify.check import compare
from ttgen.verify.inputs import Kind, bends, demands, is_poisoned, positive

Array = NDArray[np.float64]
KINDS: tuple[Kind, ...] = ("normal", "hard")


def test_inputs_that_a_formula_needs_positive() -> None:
    adam = graph_of(ttgen.load("specs/adam.yaml"))
    assert positive(adam) == {"v"}
    assert positive(graph_of(ttgen.load("specs/normalize.yaml"))) == {"variance"}


def test_hard_inputs_are_a_mixture() -> None:
    values = drawn(spec("Y = X + X", X="256x256", Y="256x256"), "hard").inputs["X"]
    size = np.abs(values)
    zeros = values[values == 0]
    assert 0.1 < zeros.size / values.size < 0.15
    assert 0.4 < np.mean(np.signbit(zeros)) < 0.6, "zeros have both signs"
    assert 0.4 < np.mean(values[values != 0] > 0) < 0.6
    assert size.max() > 2.0**40
    assert np.any((size > 0) & (size < 2.0**-25))
    for octave in range(-8, 7):
        inside = (size >= 2.0**octave) & (size < 2.0 ** (octave + 1))
        assert np.mean(inside & (values > 0)) > 2.0**-8, octave
        assert np.mean(inside & (values < 0)) > 2.0**-8, octave


@pytest.mark.parametrize(
    "formula", ["Y = exp(A @ B)", "Y = exp(exp(A + B))", "Y = square(square(square(square(A + B))))"]
)
def test_nearly_all_of_what_hard_inputs_give_is_finite(formula: str) -> None:
    made = drawn(spec(formula, A="64x64", B="64x64", Y="64x64"), "hard")
    finite = np.isfinite(made.expected["Y"].value) & np.isfinite(made.expected["Y"].error)
    assert np.mean(finite) >= 7 / 8
    assert np.abs(made.inputs["A"]).max() >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_conditions_are_zeros_of_both_signs(kind: Kind) -> None:
    values = drawn(spec("Y = where(C, P, Q)", C="64x64", P="64x64", Q="64x64", Y="64x64"), kind).inputs["C"]
    zeros = np.signbit(values[values == 0])
    assert 1 / 4 < zeros.size / values.size < 1 / 2
    assert 1 / 4 < np.mean(zeros) < 3 / 4


@pytest.mark.parametrize("formula", ["Y = maximum(A, B)", "Y = where(A - B, A, 2)", "Y = minimum(B, A)"])
def test_ties(formula: str) -> None:
    inputs = drawn(spec(formula, A="64x64", B="64x64", Y="64x64"), "hard").inputs
    equal = (inputs["A"] == inputs["B"]) & (inputs["A"] != 0)
    assert np.mean(equal) > 1 / 16


def test_bends_are_traced_to_tensors() -> None:
    loaded = spec(
        "Y = softplus(3 - 2 * X, beta=2, threshold=8) + relu(A / 4 + 1) + maximum(-B, 7) + where(A, 1, 2) + tanh(A @ C)",
        X="32x32", A="32x32", B="32x32", C="32x32", Y="32x32",
    )  # fmt: skip
    assert bends(graph_of(loaded)) == {"X": (-0.5, 1.5, 2.75, 3.5), "A": (-4.0, 0.0), "B": (-7.0,)}


def test_a_product_has_all_magnitudes() -> None:
    """An epilogue bends where few sums would be, if all rows were alike."""
    for formula, shape in (("Y = gelu(A @ B)", "128x96"), ("Y = gelu(A @ B.T)", "96x128")):
        made = drawn(spec(formula, A="256x128", B=shape, Y="256x96"), "hard")
        right = made.inputs["B"] if shape == "128x96" else made.inputs["B"].T
        sums = np.abs(made.inputs["A"].astype(np.float64) @ right)
        for octave in range(-5, 5):
            assert np.mean((sums >= 2.0**octave) & (sums < 2.0 ** (octave + 1))) > 2.0**-8, octave
        assert demands(made.graph)["A"].rows
        assert np.max(sums) > 2.0**40


@pytest.mark.parametrize(
    ("formula", "axis"),
    [
        ("Y = softmax(X)", -1),
        ("Y = softmax(X * 0.5, axis=-2)", -2),
        ("Y = X - max(abs(X), axis=0, keepdims=True)", -3),
        ("Y = X - sum(X * X, axis=-1, keepdims=True)", -1),
    ],
)
def test_lines_that_are_hard_to_reduce(formula: str, axis: int) -> None:
    loaded = spec(formula, X="64x64x64", Y="64x64x64")
    assert demands(graph_of(loaded))["X"].line == axis
    values = np.moveaxis(drawn(loaded, "hard").inputs["X"], axis, -1).reshape(-1, 64)
    steps = np.diff(values)
    top = np.sort(np.abs(values))
    found = {
        "equal": (values == values[:, :1]).all(axis=1) & (values[:, 0] > -8) & (values[:, 0] != 0),
        "zero": (values == 0).all(axis=1),
        "low": (values <= -32).all(axis=1),
        "one larger": (top[:, -1] >= 32) & (top[:, -2] < 8),
        "in order": (steps >= 0).all(axis=1) & (steps > 0).any(axis=1),
        "turning": (values[:, ::2] > 0).all(axis=1) & (values[:, 1::2] < 0).all(axis=1),
    }
    for what, which in found.items():
        assert 0.02 < np.mean(which) < 0.2, what
    assert np.mean(np.any(list(found.values()), axis=0)) < 0.6, "others are a mixture"


def test_only_what_is_reduced_has_hard_lines() -> None:
    graph = graph_of(spec("Y = softmax(X) * W + A @ B", X="64x64", W="64x64", A="64x32", B="32x64", Y="64x64"))
    assert {name: wanted.line for name, wanted in demands(graph).items()} == {"X": -1, "W": None, "A": None, "B": None}


def clamped(function: Callable[..., Array], low: float, high: float) -> Callable[..., Array]:
    return lambda x, *more: function(np.clip(x, low, high), *more)


def shifted(function: Callable[..., Array], beyond: float) -> Callable[..., Array]:
    """Wrong by a thousandth of x where x is beyond."""
    return lambda x, *more: function(np.where(x > beyond, x * 1.001, x), *more)


E = dict(ELEMENTWISE)
FAULTS: dict[str, dict[str, Callable[..., Any]]] = {
    "abs": {"nothing below": lambda x: np.maximum(x, 0), "the sign kept": lambda x: x},
    "clip": {"nothing below": lambda x, _low, high: np.minimum(x, high), "nothing above": lambda x, low, _high: np.maximum(x, low),
             "a wider one": lambda x, low, high: np.clip(x, low, high + 0.01), "0 outside": lambda x, low, high: np.where((x < low) | (x > high), 0, x)},
    "erf": {"1 from 2 on": lambda x: np.where(np.abs(x) > 2, np.sign(x), E["erf"](x)), "no sign": lambda x: E["erf"](np.abs(x))},
    "exp": {"constant from 16 on": clamped(np.exp, -100, 16), "constant below -8": clamped(np.exp, -8, 100),
            "no infinity": clamped(np.exp, -100, 80)},
    "gelu": {"0 below -3": lambda x: np.where(x < -3, 0, E["gelu"](x)), "x above 2": lambda x: np.where(x > 2, x, E["gelu"](x)),
             "by tanh": lambda x: x / 2 * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))},
    "leaky_relu": {"another slope": lambda x, slope: np.where(x > 0, x, slope * 1.001 * x), "no slope": lambda x, _slope: np.maximum(x, 0),
                   "slope at 1": lambda x, slope: np.where(x > 1, x, slope * x)},
    "log": {"log(1 + x)": np.log1p, "0 around 1": lambda x: np.where(np.abs(x - 1) < 2.0**-6, 0, np.log(x))},
    "maximum": {"the smaller": np.minimum, "the first": lambda x, _y: x, "by size": lambda x, y: np.where(np.abs(x) > np.abs(y), x, y)},
    "minimum": {"the larger": np.maximum, "the second": lambda _x, y: y},
    "reciprocal": {"no small ones": lambda x: 1 / np.maximum(x, 2.0**-5), "no large ones": lambda x: 1 / np.minimum(x, 64)},
    "relu": {"clamped at 6": lambda x: np.clip(x, 0, 6), "a slope": lambda x: np.where(x > 0, x, 2.0**-20 * x), "bends at 1": lambda x: np.where(x > 1, x, 0)},
    "rsqrt": {"of x + 1e-3": lambda x: 1 / np.sqrt(x + 1e-3), "no large ones": lambda x: 1 / np.sqrt(np.minimum(x, 100))},
    "sigmoid": {"straight": lambda x: np.clip(x / 6 + 0.5, 0, 1), "0 below -8": lambda x: np.where(x < -8, 0, E["sigmoid"](x)),
                "1 above 8": lambda x: np.where(x > 8, 1, E["sigmoid"](x))},
    "sign": {"1 at 0": lambda x: np.where(x >= 0, 1, -1), "tiny ones are 0": lambda x: np.where(np.abs(x) < 2.0**-20, 0, np.sign(x))},
    "silu": {"0 below -8": lambda x: np.where(x < -8, 0, E["silu"](x)), "x above 8": lambda x: np.where(x > 8, x, E["silu"](x))},
    "softplus": {f"threshold {t}": lambda x, beta, _threshold, t=t: E["softplus"](x, beta, t) for t in (5.0, 6.0, 10.0)}
    | {"0 below -5": lambda x, b, t: np.where(x < -5, 0, E["softplus"](x, b, t))},
    "sqrt": {"no large ones": lambda x: np.sqrt(np.minimum(x, 64)), "of x + 1e-3": lambda x: np.sqrt(x + 1e-3)},
    "square": {"|x|": np.abs, "no large ones": lambda x: np.square(np.clip(x, -50, 50))},
    "tanh": {"straight": lambda x: np.clip(x, -1, 1), "1 from 3 on": lambda x: np.where(np.abs(x) > 3, np.sign(x), np.tanh(x))},
    "where": {"-0 is true": lambda c, x, y: np.where((c != 0) | np.signbit(c), x, y), "above 0": lambda c, x, y: np.where(c > 0, x, y),
              "small is false": lambda c, x, y: np.where(np.abs(c) > 2.0**-20, x, y), "exchanged": lambda c, x, y: np.where(c != 0, y, x)},
}  # fmt: skip


def test_every_function_has_faults() -> None:
    assert FAULTS.keys() == FUNCTIONS.keys()


def is_caught(name: str, formula: str, fault: Callable[..., Array], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether hard inputs show a wrong function, whose value is stored without any other error."""
    names = dict.fromkeys((name for name in "XPQY" if name in formula), "64x64 float32")
    for kind in KINDS:
        made = drawn(spec(formula, **names), kind)
        right = compare(made.plan, "Y", made.stored("Y", made.expected["Y"].value), made.expected["Y"], kind)
        assert right.passed
        assert right.judged
        with monkeypatch.context() as patched:
            patched.setitem(ELEMENTWISE, name, fault)
            wrong = evaluate(made.graph, made.inputs)["Y"]
        if not compare(made.plan, "Y", made.stored("Y", wrong), made.expected["Y"], kind).passed:
            return True
    return False


ARGUMENTS = {1: ("X", "2 * X + 1", "X / 8 - 3"), 2: ("X, P", "P + 1, X"), 3: ("X, P, Q", "-X, P, Q")}
POSITIVE = ("X", "X / 8")
NUMBERS = {"clip": ("X, -1.5, 3", "2 * X + 1, 0.25, 20")}
EXACT = dict.fromkeys(("1 at 0", "tiny ones are 0"), ("X", "-2 * X"))
"""Of a sum that rounds nobody knows whether it is just 0."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_function_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = POSITIVE if name in ("log", "reciprocal", "rsqrt", "sqrt") else ARGUMENTS[FUNCTIONS[name].operands]
    usual = NUMBERS.get(name, usual)
    for what, fault in FAULTS[name].items():
        for arguments in EXACT.get(what, usual):
            formula = f"Y = {name}({arguments})"
            assert is_caught(name, formula, fault, monkeypatch), f"{formula}: {what}"


def test_both_paddings_are_tried() -> None:
    """By a single order of each kind, and by two."""
    assert {is_poisoned("normal", 0), is_poisoned("hard", 0)} == {False, True}
    assert [is_poisoned("normal", 0), is_poisoned("normal", 1), is_poisoned("hard", 1)] == [True, False, True]
