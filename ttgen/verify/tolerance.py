"""The value of a graph, and how far from it a right program may be: an error bound that every operation passes on.

Nothing here is picked. Rounding comes from the width of DST and the dtypes, truncated products from the fidelity and
the bits that SrcA and SrcB keep, sums from the number of roundings that K makes, and functions pass errors on by their
own slope. Bounds are worst cases to first order: a right program stays below them whatever the order of additions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import DTYPES, TILE, DTypeName
from ttgen.exhaustive import assert_never
from ttgen.formula.reference import ELEMENTWISE
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Value
from ttgen.model.body import Op, walk
from ttgen.model.plan import Plan
from ttgen.verify import block_floats

Array = NDArray[np.float64]

ROUNDING: Final[Mapping[DTypeName, float]] = {"bfloat16": 2.0**-8, "float32": 2.0**-24}
"""The largest relative error of rounding to nearest; that of block floats is relative to their neighbours."""

_EXPLICIT_BITS: Final = {name: dtype.significand - 1 for name, dtype in DTYPES.items()}
_SMALLEST: Final = 2.0**-125
"""What is smaller may become zero; it is added to every bound."""

_TF32_BITS: Final = 10
_PHASES: Final = {"LoFi": 1, "HiFi2": 2, "HiFi3": 3, "HiFi4": 4}
# Bits of significand after the first that a source register gives to one phase, and to all of them.
_SRCA_BITS: Final = (4, 9)
_SRCB_BITS: Final = (6, 10)
_FPU_PRODUCTS: Final = frozenset({"mul", "mul_rows", "mul_cols", "mul_scalar"})

# What a card's vector unit may add to the rounding of a function; its stores to 16-bit DST truncate.
_CARD_FUNCTION: Final = 2.0**-8
_CARD_APPROXIMATE: Final = 2.0**-5
_CARD_EXACT: Final = frozenset({"abs", "neg", "relu", "sign", "maximum", "minimum", "where", "add", "sub", "mul"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What limits the precision of a program.

    Attributes:
        unit: relative error of a store to DST.
        phases: fidelity phases of a product.
        dtypes: how each tensor is stored.
        exact: tensors whose float32 reaches DST without passing through TF32.
        packs: how often a sum over K is rounded on its way through L1, where the packer adds its steps up.
        multiplies: whether elementwise products run on the matrix unit.
        function: relative error that a function of the vector unit adds beyond rounding.
    """

    unit: float
    phases: int
    dtypes: Mapping[str, DTypeName]
    exact: frozenset[str]
    packs: int
    multiplies: bool
    function: float = 0.0

    @property
    def wide(self) -> bool:
        """Whether DST is 32 bits wide."""
        return self.unit < 2.0**-20


def precision_of(plan: Plan, *, card: bool = False) -> Precision:
    """The precision of a plan's program, in the emulator or on a card."""
    compute = next(kernel for kernel in plan.program.kernels if kernel.config is not None)
    assert compute.config is not None
    wide = compute.config.fp32_dest_acc
    flagged = compute.config.unpack_to_dest_fp32
    unit = ROUNDING["float32" if wide else "bfloat16"]
    work = plan.program.work
    steps = compute.named_compile_time_args.get("k_blocks", 0)
    in_dst = (work.subblock.h, work.subblock.w) == (work.block.m, work.block.n)
    return Precision(
        unit=unit * 2 if card and not wide else unit,
        phases=_PHASES[compute.config.math_fidelity],
        dtypes={tensor.name: tensor.dtype for tensor in plan.tensors},
        exact=frozenset(buffer.name for buffer in plan.program.circular_buffers if buffer.index in flagged),
        packs=0 if in_dst else steps,
        multiplies=any(isinstance(item, Op) and item.name in _FPU_PRODUCTS for item in walk(compute.body)),
        function=(_CARD_APPROXIMATE if compute.config.math_approx else _CARD_FUNCTION) if card else 0.0,
    )


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value, and the largest error of a right program; infinite where nothing can be said."""

    value: Array
    error: Array


def bounds(graph: Graph, inputs: Mapping[str, NDArray[Any]], precision: Precision) -> tuple[Bounded, ...]:
    """The value and the error bound of every node.

    Args:
        graph: the formulas.
        inputs: an array for each input tensor, of its declared shape, as it is stored.
        precision: of the program.
    """
    found: list[Bounded] = []
    with np.errstate(all="ignore"):
        for node in graph.values:
            found.append(_bounded(node, graph, found, inputs, precision))
    return tuple(found)


def outputs(graph: Graph, found: tuple[Bounded, ...], precision: Precision) -> dict[str, Bounded]:
    """The outputs as they are stored: rounded to their dtypes."""
    result = {}
    for output in graph.outputs:
        value, error = found[output.value].value, found[output.value].error
        dtype = DTYPES[precision.dtypes[output.tensor]]
        if dtype.shares_exponents:
            with np.errstate(all="ignore"):
                error = error + block_floats.packing_error(np.abs(value) + error, dtype)
            result[output.tensor] = Bounded(value, error + _SMALLEST)
            continue
        unit = ROUNDING[dtype.name]
        if unit > precision.unit or not precision.wide:
            error = error + unit * (np.abs(value) + error)
        result[output.tensor] = Bounded(value, error + _SMALLEST)
    return result


def _bounded(
    node: Value, graph: Graph, found: list[Bounded], inputs: Mapping[str, NDArray[Any]], precision: Precision
) -> Bounded:
    match node:
        case Input():
            value = np.asarray(inputs[node.tensor], dtype=np.float64)
            # Where a buffer isn't flagged, float32 loses its last bits on the way to DST.
            lossy = precision.dtypes[node.tensor] == "float32" and node.tensor not in precision.exact
            return Bounded(value, np.abs(value) * (2.0**-_TF32_BITS if lossy else 0.0))
        case Number():
            number = np.asarray(node.number, dtype=np.float64)
            return Bounded(number, np.abs(number) * precision.unit)
        case Contraction():
            return _product(node, graph, found, precision)
        case Elementwise():
            return _computed(node, found, precision)
        case _:
            assert_never(node)


def _computed(node: Elementwise, found: list[Bounded], precision: Precision) -> Bounded:
    operands = [found[operand] for operand in node.operands]
    value = np.asarray(ELEMENTWISE[node.function](*(operand.value for operand in operands), *node.parameters))
    error = _carried(node, operands, value, precision)
    extra = 0.0 if node.function in _CARD_EXACT else precision.function
    error = error + (precision.unit + extra) * (np.abs(value) + error) + _SMALLEST
    return Bounded(value, np.where(np.isnan(error), np.inf, error))


def _carried(node: Elementwise, operands: list[Bounded], value: Array, precision: Precision) -> Array:
    """What the errors of the operands become."""
    match node.function, operands:
        case "add" | "sub", [a, b]:
            return np.asarray(a.error + b.error)
        case "mul", [a, b]:
            error = np.abs(a.value) * b.error + np.abs(b.value) * a.error + a.error * b.error
            if precision.multiplies:
                error = error + (_truncated(precision, 7, 7) + precision.phases * precision.unit) * np.abs(value)
            return np.asarray(error)
        case "div", [a, b]:
            # Division by a number multiplies by its reciprocal, rounded to float32.
            room = np.abs(b.value) - b.error
            error = (a.error + np.abs(value) * b.error) / room + 2.0**-23 * np.abs(value)
            return np.where(room > 0, error, np.inf)
        case "maximum" | "minimum", [a, b]:
            return np.maximum(a.error, b.error)
        case "where", [condition, a, b]:
            error = np.where(condition.value != 0, a.error, b.error)
            unsure = (condition.error > 0) & (np.abs(condition.value) <= condition.error)
            return np.where(unsure, np.abs(a.value - b.value) + np.maximum(a.error, b.error), error)
        case kind, [a]:
            return _sloped(kind, a, value, node.parameters)
    raise KeyError(node.function)


def _sloped(kind: str, operand: Bounded, value: Array, parameters: tuple[float, ...]) -> Array:
    """How far a function moves where its operand does; infinite across a pole."""
    low, high = operand.value - operand.error, operand.value + operand.error
    if kind == "sqrt":
        low = np.maximum(low, 0.0)
    function = ELEMENTWISE[kind]
    moved = np.maximum(np.abs(function(low, *parameters) - value), np.abs(function(high, *parameters) - value))
    if kind in ("log", "rsqrt"):
        return np.where(low > 0, moved, np.inf)
    return np.where(low * high > 0, moved, np.inf) if kind == "reciprocal" else np.asarray(moved)


def _product(node: Contraction, graph: Graph, found: list[Bounded], precision: Precision) -> Bounded:
    sides = [
        (found[operand].value.T, found[operand].error.T) if transposed else (found[operand].value, found[operand].error)
        for operand, transposed in zip(node.operands, node.transposed, strict=True)
    ]
    (left, left_error), (right, right_error) = sides
    names = [operand.tensor if isinstance(operand, Input) else "" for operand in graph.operands_of(node)]
    bits = [_EXPLICIT_BITS[precision.dtypes[name]] if name else _EXPLICIT_BITS["float32"] for name in names]
    value = np.asarray(np.matmul(left, right))
    magnitude = np.matmul(np.abs(left), np.abs(right))
    steps = -(-left.shape[-1] // TILE)
    # Halves of a tile are added up in float32, sixteen products at a time, and each sum is rounded to DST.
    roundings = 2 * steps * precision.phases
    relative = _truncated(precision, bits[0], bits[1]) + roundings * precision.unit + 18 * ROUNDING["float32"]
    relative += 2 * precision.packs * precision.unit
    error = magnitude * relative + _SMALLEST
    if not precision.wide:
        # Partial sums carry their own errors along.
        error = error * (1 + (roundings + 2 * precision.packs) * precision.unit)
    carried = [
        np.any(side > 0) and name and precision.dtypes[name] != "float32"
        for (_v, side), name in zip(sides, names, strict=True)
    ]
    if any(carried):
        error = error + np.matmul(np.abs(left), right_error) + np.matmul(left_error, np.abs(right))
    return Bounded(value, error)


def _truncated(precision: Precision, left: int, right: int) -> float:
    """The relative error of a product of operands with these explicit bits, the first in SrcB, the second in SrcA."""
    b_high, b_all = (_lost(left, bits) for bits in _SRCB_BITS)
    a_high, a_all = (_lost(right, bits) for bits in _SRCA_BITS)
    match precision.phases:
        case 1:
            return b_high + a_high
        case 2:
            return b_high + a_all
        case 3:
            return b_high * a_high + a_all + b_all
        case _:
            return a_all + b_all


def _lost(bits: int, kept: int) -> float:
    """The largest relative error of cutting a significand of so many explicit bits."""
    return 2.0**-kept - 2.0**-bits if bits > kept else 0.0
