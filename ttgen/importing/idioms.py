"""Functions of the formula language in what a kernel writes out: by their values, not by how they are spelt.

Each is seen on samples and kept if it has the same value there; the proof, which runs the kernel, has the last word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ttgen.formula.reference import ELEMENTWISE
from ttgen.importing.affine import variable
from ttgen.importing.axes import factors_of, product_of, renamed
from ttgen.importing.nodes import (
    Along,
    Element,
    Fold,
    Function,
    Index,
    Node,
    Num,
    free,
    function,
    is_of_places,
    operands_of,
    rebuilt,
    walk,
)
from ttgen.importing.sampling import Array, Sample, Unsampled, close, softmax

_GRID: Final = np.concatenate([np.linspace(-9, 9, 73), -np.logspace(1, 3, 9), np.logspace(1, 2.6, 9)])
_PIECEWISE: Final = frozenset(
    "where maximum minimum gt ge lt le eq ne and or not abs sign relu floordiv mod whole".split()
)
"""Functions with corners: what has them is named by its form alone, since samples may miss where it changes."""
_LARGE: Final = 1e29
"""What sources write for infinity."""
_VARIABLE: Final = Element("x", ())
_NAMED: Final[Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "silu": ELEMENTWISE["silu"],
    "gelu": ELEMENTWISE["gelu"],
    "sigmoid": ELEMENTWISE["sigmoid"],
    "softplus": lambda x: np.log1p(np.exp(x)),
    "tanh": np.tanh,
    "abs": np.abs,
}
_ATTEMPTS: Final = 2000
_SCALED: Final = frozenset({"silu", "gelu", "sigmoid", "softplus"})


def named(node: Node, sizes: Mapping[str, int]) -> Node:
    """A value with the formula language's functions where it has their values.

    Args:
        node: the value.
        sizes: of its axes.
    """
    node = _pulled(node, sizes)
    node = _softmaxed(node, sizes)
    node = _Elementwise().named(node)
    return _normalised(node, sizes)


class _Elementwise:
    """Functions of one value; a large expression isn't searched for ever."""

    def __init__(self) -> None:
        self.left = _ATTEMPTS

    def named(self, node: Node) -> Node:
        """A value with functions of one value by their names."""
        if isinstance(node, Function) and node.name not in ("where", "neg"):
            for inner in dict.fromkeys(walk(node)[1:]):
                if isinstance(inner, (Num, Index)) or self.left <= 0:
                    continue
                self.left -= 1
                found = _of_one(node, inner)
                if found is not None:
                    return found
        return rebuilt(node, self.named)


def _of_one(node: Function, inner: Node) -> Node | None:
    """A function of `inner` alone, times a number, if it is one of those that have a name."""

    def replaced(item: Node) -> Node:
        return _VARIABLE if item == inner else rebuilt(item, replaced)

    alone = rebuilt(node, replaced)
    parts = walk(alone)
    if any(
        isinstance(item, (Fold, Along, Index)) or (isinstance(item, Element) and item != _VARIABLE) for item in parts
    ):
        return None
    functions = [item.name for item in parts if isinstance(item, Function)]
    has_name = functions == [node.name] and node.name in ELEMENTWISE and node.name != "maximum"
    if _VARIABLE not in parts or has_name:
        return None
    if any(name in _PIECEWISE for name in functions):
        return function("relu", inner) if _is_relu(alone) else None
    with np.errstate(all="ignore"):
        try:
            values = np.broadcast_to(np.asarray(_univariate(alone), dtype=np.float64), _GRID.shape)
        except Unsampled:
            return None
        if not np.all(np.isfinite(values)):
            return None
        for name, compute in _NAMED.items():
            expected = np.asarray(compute(_GRID))
            scale = 1.0
            if name in _SCALED:
                at = int(np.argmax(np.abs(expected)))
                scale = float(values[at] / expected[at])
            if scale and close(values, scale * expected, 1e-9):
                return function("mul", Num(_round(scale)), function(name, inner))
    return None


def _is_relu(node: Node) -> bool:
    """Whether a function of the variable is the larger of it and 0."""
    zero = Num(0.0)
    match node:
        case Function(name="maximum", operands=operands):
            return set(operands) == {zero, _VARIABLE}
        case Function(name="where", operands=(Function(name="gt" | "ge", operands=condition), first, second)):
            return (*condition, first, second) == (_VARIABLE, zero, _VARIABLE, zero)
    return False


def _has_corners(node: Node, outside: Node) -> bool:
    """Whether a value has functions with corners, but for those inside of a part of it, along whatever axis."""
    if _same_but_for_axes(node, outside):
        return False
    if isinstance(node, Function) and node.name == "where" and is_of_places(node.operands[0]):
        # A mask is the same for all values, and the proof runs all of its places.
        return any(_has_corners(item, outside) for item in node.operands[1:])
    if isinstance(node, Function) and node.name in _PIECEWISE:
        numbers = [item.value for item in node.operands if isinstance(item, Num)]
        if not numbers or min(map(abs, numbers)) < _LARGE:
            return True
    return any(_has_corners(item, outside) for item in operands_of(node))


def _same_but_for_axes(one: Node, other: Node) -> bool:
    """Whether values are the same, along some axes or others."""
    if isinstance(one, Element) and isinstance(other, Element):
        return one.tensor == other.tensor
    if isinstance(one, Index) and isinstance(other, Index):
        return True
    if type(one) is not type(other) or isinstance(one, Num):
        return one == other
    parts, others = operands_of(one), operands_of(other)
    names = [getattr(item, "name", "") or getattr(item, "kind", "") for item in (one, other)]
    return names[0] == names[1] and len(parts) == len(others) and all(map(_same_but_for_axes, parts, others))


def _univariate(node: Node) -> Array:
    if node == _VARIABLE:
        return _GRID
    if isinstance(node, Num):
        return np.asarray(node.value)
    compute = ELEMENTWISE.get(node.name) if isinstance(node, Function) else None
    if compute is None or not isinstance(node, Function):
        raise Unsampled
    return compute(*(_univariate(operand) for operand in node.operands))


def _round(value: float) -> float:
    """A number without what rounding has left of it."""
    return float(f"{value:.10g}")


def _pulled(node: Node, sizes: Mapping[str, int]) -> Node:
    """A quotient of a sum of products, as a sum of products with a quotient: `(e @ V) / s` as `(e / s) @ V`."""
    node = rebuilt(node, lambda operand: _pulled(operand, sizes))
    if isinstance(node, Function) and node.name == "div":
        top, bottom = node.operands
        if isinstance(top, Fold) and top.kind == "sum" and top.variable not in free(bottom):
            factors = factors_of(top.operand)
            for number, factor in enumerate(factors):
                if top.variable in free(factor) and free(bottom) <= free(factor) and len(factors) > 1:
                    changed = function("div", factor, bottom)
                    if isinstance(_softmax(changed, sizes), Along):
                        rest = [*factors[:number], changed, *factors[number + 1 :]]
                        return Fold("sum", top.variable, product_of(rest))
    return node


def _softmaxed(node: Node, sizes: Mapping[str, int]) -> Node:
    """Softmax wherever it is."""
    found = _softmax(node, sizes)
    return found if found is not None else rebuilt(node, lambda operand: _softmaxed(operand, sizes))


def _softmax(node: Node, sizes: Mapping[str, int]) -> Node | None:
    """Softmax of a multiple of what a maximum, or a sum of powers, is taken of; None if it is none."""
    if not isinstance(node, Function) or node.name not in ("div", "mul", "exp"):
        return None
    inside = walk(node)
    folds = [item for item in inside if isinstance(item, Fold)]
    operands: list[tuple[str, Node]] = [(item.variable, item.operand) for item in folds if item.kind == "max"]
    operands += [
        (item.variable, item.operand.operands[0])
        for item in folds
        if item.kind == "sum" and isinstance(item.operand, Function) and item.operand.name == "exp"
    ]
    for bound, operand in dict.fromkeys(operands):
        for axis in sorted(free(node)):
            if sizes.get(axis) != sizes.get(bound) or axis in free(operand):
                continue
            along = renamed(operand, bound, axis)
            if free(along) != free(node) or _has_corners(node, operand):
                continue
            scale = _scale(node, along, axis, sizes)
            if scale is not None:
                return Along("softmax", axis, function("mul", Num(scale), along))
    return None


def _scale(node: Node, along: Node, axis: str, sizes: Mapping[str, int]) -> float | None:
    """The number with which `softmax(number * along)` is a value; None if there is none."""
    try:
        sample = Sample([node, along], sizes)
        value, x = (np.asarray(item) for item in np.broadcast_arrays(sample.value(node), sample.value(along)))
    except Unsampled:
        return None
    place = sample.axes[axis]
    with np.errstate(all="ignore"):
        logs = np.log(value)
        kept = np.isfinite(logs) & np.isfinite(x)
        if not np.any(kept) or np.any(value < 0):
            return None
        one, other = (np.moveaxis(np.where(kept, item, np.nan), place, 0) for item in (logs, x))
        slopes = (one[1:] - one[:-1]) / (other[1:] - other[:-1])
    found = slopes[np.isfinite(slopes)]
    if not found.size:
        return None
    scale = _near(float(np.median(found)))
    return scale if close(value, softmax(scale * x, place), 1e-6) else None


def _near(value: float) -> float:
    """The number with few digits that a value is, if it is one as far as float32 shows."""
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= 3e-8 * abs(value):
            return short
    return value


def _normalised(node: Node, sizes: Mapping[str, int]) -> Node:
    """`rmsnorm` and `layernorm` wherever they are."""
    found = _layernorm(node, sizes) or _rmsnorm(node)
    return found if found is not None else rebuilt(node, lambda operand: _normalised(operand, sizes))


def _rmsnorm(node: Node) -> Node | None:
    """`rmsnorm(x, g)`: a product of x, g and the root of the mean of squares."""
    factors = factors_of(node)
    for root in factors:
        match root:
            case Function(name="rsqrt", operands=(Function(name="add", operands=(first, second)),)):
                eps, mean = (first, second) if isinstance(first, Num) else (second, first)
            case _:
                continue
        if not (isinstance(eps, Num) and isinstance(mean, Fold) and mean.kind == "mean"):
            continue
        x = _squared(mean.operand)
        for scale in factors:
            others = [factor for factor in factors if factor is not root and factor is not scale]
            if x is None or not isinstance(scale, Element) or len(free(scale)) != 1 or not others:
                continue
            (axis,) = free(scale)
            if product_of(others) == renamed(x, mean.variable, axis) and len(free(x)) > 1:
                return Function("rmsnorm", (product_of(others), scale, eps, Index(variable(axis))))
    return None


def _squared(node: Node) -> Node | None:
    match node:
        case Function(name="square", operands=(x,)):
            return x
        case Function(name="mul", operands=(x, y)) if x == y:
            return x
    return None


def _layernorm(node: Node, sizes: Mapping[str, int]) -> Node | None:
    """`layernorm(x, g, b)`, by its values."""
    if not (isinstance(node, Function) and node.name == "add"):
        return None
    inside = walk(node)
    for shift in node.operands:
        if not isinstance(shift, Element) or len(free(shift)) != 1:
            continue
        (axis,) = free(shift)
        rest = node.operands[1] if shift is node.operands[0] else node.operands[0]
        scales = [item for item in factors_of(rest) if isinstance(item, Element) and free(item) == {axis}]
        eps = [
            number.value
            for item in inside
            if isinstance(item, Function) and item.name == "rsqrt"
            for number in walk(item)
            if isinstance(number, Num) and 0 < number.value < 0.1
        ]
        means = [item for item in inside if isinstance(item, Fold) and item.kind == "mean"]
        for mean in means:
            x = renamed(mean.operand, mean.variable, axis)
            for scale in scales:
                for number in dict.fromkeys(eps):
                    if (
                        free(x) == free(node)
                        and len(free(x)) > 1
                        and _is_layernorm(node, x, scale, shift, number, sizes, axis)
                    ):
                        return Function("layernorm", (x, scale, shift, Num(number), Index(variable(axis))))
    return None


def _is_layernorm(
    node: Node, x: Node, scale: Node, shift: Node, eps: float, sizes: Mapping[str, int], axis: str
) -> bool:
    try:
        sample = Sample([node, x], sizes)
        value, data = sample.value(node), sample.value(x)
        gain, offset = sample.value(scale), sample.value(shift)
    except Unsampled:
        return False
    place = sample.axes[axis]
    centred = data - np.mean(data, axis=place, keepdims=True)
    expected = centred / np.sqrt(np.mean(centred * centred, axis=place, keepdims=True) + eps) * gain + offset
    return close(value, expected) and not math.isnan(float(np.sum(value)))
