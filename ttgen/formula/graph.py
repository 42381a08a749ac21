"""The typed formula: a graph of values in evaluation order, each with its shape.

Equal subexpressions are one node, so a value that is used twice is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Shape = tuple[int, ...]

ARITHMETIC: Final = frozenset({"add", "sub", "mul", "div", "neg"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value.

    Attributes:
        kind: `input`, `number`, `matmul`, one of `ARITHMETIC`, or the name of a function.
        operands: indices of earlier nodes.
        shape: NumPy's shape; `()` for a number.
        tensor: the name of an input.
        transposed: for a `matmul`, whether each operand is used with its last two dimensions swapped.
        number: the value of a `number`, exactly representable in float32.
        parameters: a function's further numbers, in the order of its table entry.
        span: formula index and characters of the first place that makes this value.
    """

    kind: str
    operands: tuple[int, ...] = ()
    shape: Shape = ()
    tensor: str = ""
    transposed: tuple[bool, bool] = (False, False)
    number: float = 0.0
    parameters: tuple[float, ...] = ()
    span: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A declared tensor and the value assigned to it."""

    tensor: str
    node: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """All values of a spec's formulas; operands come before their users."""

    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that are read, in order of first use."""
        return tuple(node.tensor for node in self.nodes if node.kind == "input")

    @property
    def contractions(self) -> tuple[int, ...]:
        """The nodes that are matrix products."""
        return tuple(index for index, node in enumerate(self.nodes) if node.kind == "matmul")
