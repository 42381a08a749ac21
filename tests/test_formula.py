"""Formulas: what they parse to, the shapes they have, and the values of functions against independent ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ttgen
from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.formula.parse import to_float32
from ttgen.formula.reference import ELEMENTWISE, evaluate
from ttgen.formula.values import Elementwise, Graph, Input, Number


def graph(formula: str | list[str], **shapes: list[int]) -> Graph:
    tensors = "".join(f"  {name}: {{shape: {shape}, dtype: float32}}\n" for name, shape in shapes.items())
    formulas = [formula] if isinstance(formula, str) else formula
    compute = "".join(f"  - {text}\n" for text in formulas)
    return graph_of(ttgen.loads(f"kernel: k\ntensors:\n{tensors}compute:\n{compute}"))


def text(graph: Graph, node: int | None = None) -> str:
    """A graph as fully parenthesised prefix text."""
    item = graph.values[graph.outputs[0].value if node is None else node]
    if isinstance(item, Input):
        return item.tensor
    if isinstance(item, Number):
        return f"{item.number:g}"
    operands = " ".join(text(graph, operand) for operand in item.operands)
    if isinstance(item, Elementwise):
        return f"({item.function} {operands}{''.join(f' {value:g}' for value in item.parameters)})"
    return f"(matmul {operands})"


S = [4, 4]


@pytest.mark.parametrize(
    ("formula", "tree"),
    [
        ("A + B * A", "(add A (mul B A))"),
        ("(A + B) * A", "(mul (add A B) A)"),
        ("A - B - A", "(sub (sub A B) A)"),
        ("-A @ B", "(matmul (neg A) B)"),
        ("-(A @ B)", "(neg (matmul A B))"),
        ("A * -2", "(mul A -2)"),
        ("A * (1 + 2 * 3) + B", "(add (mul A 7) B)"),
        ("A / (4 - 2) + B", "(add (div A 2) B)"),
        ("+A + B", "(add A B)"),
        ("leaky_relu(A) + B", "(add (leaky_relu A 0.01) B)"),
        ("leaky_relu(A, 0.25) + B", "(add (leaky_relu A 0.25) B)"),
        ("softplus(A, threshold=3) + B", "(add (softplus A 1 3) B)"),
        ("where(A, B, 0)", "(where A B 0)"),
        ("maximum(A, minimum(B, 1e-3))", "(maximum A (minimum B 0.001))"),
    ],
)
def test_precedence_numbers_and_parameters(formula: str, tree: str) -> None:
    shapes = {name: S for name in "AB" if name in formula}
    assert text(graph(f"Y = {formula}", **shapes, Y=S)) == tree


def test_equal_values_are_one_node() -> None:
    found = graph("Y = exp(A + B) * exp(A + B) + (A + B)", A=S, B=S, Y=S)
    functions = [value.function for value in found.values if isinstance(value, Elementwise)]
    assert (len(found.values), functions) == (6, ["add", "exp", "mul", "add"])


def test_names_that_stay_on_the_chip() -> None:
    found = graph(["H = A + B", "Y = H * H", "Z = Y - H"], A=S, B=S, Y=S, Z=S)
    assert [(output.tensor, text(found, output.value)) for output in found.outputs] == [
        ("Y", "(mul (add A B) (add A B))"),
        ("Z", "(sub (mul (add A B) (add A B)) (add A B))"),
    ]
    assert found.inputs == ("A", "B")


@pytest.mark.parametrize(
    ("formula", "shapes", "shape"),
    [
        ("A + B", {"A": [3, 4], "B": [4]}, [3, 4]),
        ("A + B", {"A": [3, 1], "B": [1, 4]}, [3, 4]),
        ("A + B", {"A": [2, 1, 4], "B": [3, 1]}, [2, 3, 4]),
        ("A + B", {"A": [1], "B": [5]}, [5]),
        ("A @ B", {"A": [3, 4], "B": [4, 5]}, [3, 5]),
        ("A @ B", {"A": [2, 3, 4], "B": [4, 5]}, [2, 3, 5]),
        ("A @ B", {"A": [2, 1, 3, 4], "B": [6, 4, 5]}, [2, 6, 3, 5]),
        ("A @ B.T", {"A": [3, 4], "B": [5, 4]}, [3, 5]),
        ("where(A, B, 1)", {"A": [3, 1], "B": [4]}, [3, 4]),
    ],
)
def test_shapes_are_numpys(formula: str, shapes: dict[str, list[int]], shape: list[int]) -> None:
    found = graph(f"Y = {formula}", **shapes, Y=shape)
    value = eval(formula, {"where": np.where}, {name: np.ones(size) for name, size in shapes.items()})
    assert list(value.shape) == shape == list(found.values[found.outputs[0].value].shape)


def test_numbers_are_float32() -> None:
    found = graph("Y = A * 0.1", A=S, Y=S)
    number = next(value.number for value in found.values if isinstance(value, Number))
    assert number == float(np.float32(0.1)) != 0.1
    assert to_float32(1e39) == math.inf


@pytest.mark.parametrize(
    ("formula", "part"),
    [
        ("Y = exp(A) + tahn(A)", "tahn"),
        ("Y = A @ (A + A).T", "(A + A).T"),
        ("Y = größe + A", "größe"),
        ("Y = A + größe", "größe"),
        ("Y = größe(A)", "größe"),
        ("Y = relu(A, slope=1)", "slope=1"),
        ("Y = A + (0 < A < 1)", "0 < A < 1"),
        ("Y = A + (A != 1)", "A != 1"),
    ],
)
def test_problems_point_at_characters(formula: str, part: str) -> None:
    with pytest.raises(SpecError) as refused:
        graph(formula, A=S, Y=S)
    (problem,) = refused.value.problems
    assert problem.span is not None
    assert formula[slice(*problem.span)] == part


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


# Values by the math module, or known: no formula is that of the reference.
VALUES = {
    "abs": [(-3.5, 3.5), (0.0, 0.0), (2e30, 2e30)],
    "clip": [(0.25, 0.25), (-7.0, -1.0), (9.0, 2.0)],
    "erf": [(0.5, 0.5204998778130465), (-2.0, -0.9953222650189527), (9.0, 1.0)],
    "exp": [(0.0, 1.0), (1.0, math.e), (-745.0, 5e-324), (3.0, math.e**3)],
    "gelu": [(0.0, 0.0), (1.0, 0.8413447460685429), (-1.0, -0.15865525393145707), (50.0, 50.0), (-50.0, 0.0)],
    "leaky_relu": [(2.0, 2.0), (-2.0, -0.5)],
    "log": [(1.0, 0.0), (math.e, 1.0), (1e-30, -30 * math.log(10))],
    "neg": [(1.5, -1.5), (0.0, 0.0)],
    "reciprocal": [(4.0, 0.25), (-1e-3, -1000.0)],
    "relu": [(-1.0, 0.0), (0.0, 0.0), (7.0, 7.0)],
    "rsqrt": [(4.0, 0.5), (1e-8, 1e4)],
    "sigmoid": [(0.0, 0.5), (3.0, 1 / (1 + math.exp(-3))), (-800.0, 0.0), (800.0, 1.0)],
    "sign": [(-0.1, -1.0), (0.0, 0.0), (1e-30, 1.0)],
    "silu": [(0.0, 0.0), (2.0, 2 / (1 + math.exp(-2))), (-800.0, 0.0), (800.0, 800.0)],
    "softplus": [(0.0, math.log(2) / 2), (1.0, math.log1p(math.exp(2)) / 2), (30.0, 30.0), (-800.0, 0.0)],
    "sqrt": [(9.0, 3.0), (0.0, 0.0)],
    "square": [(-3.0, 9.0)],
    "tanh": [(0.0, 0.0), (0.5, 0.46211715726000973), (40.0, 1.0)],
}
PARAMETERS = {"clip": (-1.0, 2.0), "leaky_relu": (0.25,), "softplus": (2.0, 20.0)}


def test_every_function_of_one_operand_has_values() -> None:
    from ttgen.formula.functions import FUNCTIONS

    assert set(VALUES) == {name for name, function in FUNCTIONS.items() if function.operands == 1} | {"neg"}


@pytest.mark.parametrize(("name", "x", "value"), [(name, *pair) for name, pairs in VALUES.items() for pair in pairs])
def test_values_of_functions(name: str, x: float, value: float) -> None:
    found = ELEMENTWISE[name](np.float64(x), *PARAMETERS.get(name, ()))
    np.testing.assert_allclose(found, value, rtol=1e-13, atol=1e-300)


def test_values_of_operators() -> None:
    a, b = np.array([[1.0, 0.0], [-2.0, 4.0]]), np.array([[2.0, 5.0], [2.0, -8.0]])
    for formula, expected in {
        "A - B": [[-1, -5], [-4, 12]],
        "A / B": [[0.5, 0], [-1, -0.5]],
        "A * B + 1": [[3, 1], [-3, -31]],
        "2 - A": [[1, 2], [4, -2]],
        "maximum(A, B)": [[2, 5], [2, 4]],
        "minimum(A, 0)": [[0, 0], [-2, 0]],
        "where(A, B, 9)": [[2, 9], [2, -8]],
        "A @ B": [[2, 5], [4, -42]],
        "A @ B.T": [[2, 2], [16, -36]],
    }.items():
        shapes = {name: [2, 2] for name in "AB" if name in formula}
        value = evaluate(graph(f"Y = {formula}", **shapes, Y=[2, 2]), {"A": a, "B": b})["Y"]
        np.testing.assert_array_equal(value, expected, err_msg=formula)
