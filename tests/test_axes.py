"""Axes: which dimensions are one, by hand, and broadcasting as values that don't vary along them."""

from __future__ import annotations

import pytest

import ttgen
from ttgen.formula.infer import graph_of
from ttgen.formula.values import Contraction, Graph, Input, spans, varies


def graph(formula: str | list[str], **shapes: list[int]) -> Graph:
    tensors = "".join(f"  {name}: {{shape: {shape}, dtype: bfloat16}}\n" for name, shape in shapes.items())
    compute = "".join(f"  - {text}\n" for text in ([formula] if isinstance(formula, str) else formula))
    return graph_of(ttgen.loads(f"kernel: k\ntensors:\n{tensors}compute:\n{compute}"))


def axes(graph: Graph) -> list[str]:
    """Each tensor's axes, in order, a tensor in several places several times; then the output's."""
    lines = [
        f"{value.tensor}: {' '.join(axis.name for axis in value.axes)}"
        for value in graph.values
        if isinstance(value, Input)
    ]
    return [*lines, f"work: {' '.join(f'{axis.name}={axis.size}' for axis in graph.work)}"]


@pytest.mark.parametrize(
    ("formula", "shapes", "expected"),
    [
        ("Y = A @ B", {"A": [3, 4], "B": [4, 5], "Y": [3, 5]}, ["A: m k", "B: k n", "work: m=3 n=5"]),
        ("Y = A @ B.T", {"A": [3, 4], "B": [5, 4], "Y": [3, 5]}, ["A: m k", "B: n k", "work: m=3 n=5"]),
        # Sizes that agree by chance are still three axes.
        ("Y = A @ B", {"A": [4, 4], "B": [4, 4], "Y": [4, 4]}, ["A: m k", "B: k n", "work: m=4 n=4"]),
        ("Y = A @ A + A", {"A": [4, 4], "Y": [4, 4]}, ["A: m k", "A: k n", "A: m n", "work: m=4 n=4"]),
        ("Y = A @ A.T", {"A": [4, 4], "Y": [4, 4]}, ["A: m k", "A: n k", "work: m=4 n=4"]),
        ("Y = A @ B + b", {"A": [3, 4], "B": [4, 5], "b": [5], "Y": [3, 5]}, ["A: m k", "B: k n", "b: n", "work: m=3 n=5"]),
        (
            "Y = A @ B * c",
            {"A": [2, 1, 3, 4], "B": [6, 4, 5], "c": [6, 3, 1], "Y": [2, 6, 3, 5]},
            ["A: b0 b1_2 m k", "B: b1 k n", "c: b1 m n_2", "work: b0=2 b1=6 m=3 n=5"],
        ),
        ("Y = X + r * c", {"X": [3, 4], "r": [1, 4], "c": [3, 1], "Y": [3, 4]}, ["X: m n", "r: m_2 n", "c: m n_2", "work: m=3 n=4"]),
        ("Y = A @ B", {"A": [1, 1], "B": [1, 1], "Y": [1, 1]}, ["A: m k", "B: k n", "work: m=1 n=1"]),
    ],
)  # fmt: skip
def test_axes_by_hand(formula: str, shapes: dict[str, list[int]], expected: list[str]) -> None:
    assert axes(graph(formula, **shapes)) == expected


def test_the_same_contraction_is_one_value() -> None:
    found = graph("Y = A @ B + exp(A @ B)", A=[4, 4], B=[4, 4], Y=[4, 4])
    assert len(found.contractions) == 1
    assert axes(found) == ["A: m k", "B: k n", "work: m=4 n=4"]


def test_a_value_that_is_read_both_ways_keeps_two_axes() -> None:
    """H runs along h where it is an operand and along n beside the result, however the sizes agree."""
    found = graph(["H = X @ W", "Y = H @ V + H"], X=[4, 4], W=[4, 4], V=[4, 4], Y=[4, 4])
    first, second = (value for value in found.values if isinstance(value, Contraction))
    assert len({axis.name for axis in (*second.axes, second.over)}) == 3
    assert len({axis.name for axis in (*first.axes, first.over)}) == 3
    assert first.axes == second.axes  # as elements beside the result


def test_what_varies() -> None:
    found = graph("Y = X + r * c + s", X=[3, 4], r=[1, 4], c=[3, 1], s=[1, 1], Y=[3, 4])
    inputs = {value.tensor: value for value in found.values if isinstance(value, Input)}
    sides = {name: spans(value, found.work) for name, value in inputs.items()}
    assert sides == {"X": (True, True), "r": (False, True), "c": (True, False), "s": (False, False)}
    # Along an axis of one place everything varies: there is nothing to spread.
    column = graph("Y = X + s", X=[3, 1], s=[1], Y=[3, 1])
    (value,) = (value for value in column.values if isinstance(value, Input) and value.tensor == "s")
    assert [varies(value, axis) for axis in column.work] == [False, True]
