"""How far off a reduction may be: what its operands' errors add up to, and what each way to add them loses."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import TILE
from ttgen.formula.reference import REDUCTIONS
from ttgen.operations import Operation
from ttgen.verify.bounded import FLUSHED, SMALLEST, Bounded, in_range
from ttgen.verify.flow import Step
from ttgen.verify.products import FLOAT32_UNIT, Engine, cut_of_product, product_errors

Array = NDArray[np.float64]

_WITHIN: Final = 4 * TILE
"""Additions of the elements of a tile after its line was folded, or of the parts of all cores, at most."""


def reduced(operation: Operation, step: Step, operands: list[Bounded], axis: int, engine: Engine) -> Bounded:
    """What becomes of a value along an axis, which stays, with one place.

    Args:
        operation: that reduces.
        step: where.
        operands: what it reduces: a value, or two whose product it is.
        axis: as NumPy counts from the last.
        engine: how the matrix unit is used.
    """
    kind = operation.reduces
    assert kind is not None, "it reduces"
    reduce = REDUCTIONS[kind]
    if len(operands) == 2:
        left, right = operands
        value = np.asarray(left.value * right.value)
        carried = np.abs(left.value) * right.error + np.abs(right.value) * left.error + left.error * right.error
        lost = cut_of_product(engine.phases, step.formats) + engine.phases * _additions(value, axis) * engine.unit
        error = np.sum(carried + lost * (np.abs(value) + carried) + engine.phases * FLUSHED, axis=axis, keepdims=True)
        return _made(reduce(value, axis=axis, keepdims=True), error)
    (held,) = operands
    value = np.asarray(reduce(held.value, axis=axis, keepdims=True))
    if kind != "sum":
        # Of those that are near each other any may be taken: it is between the extremes of what all may be.
        ends = (reduce(held.value + off, axis=axis, keepdims=True) for off in (held.error, -held.error))
        return _made(value, np.max([np.abs(end - value) for end in ends], axis=0))
    carried = np.sum(np.broadcast_to(held.error, held.value.shape), axis=axis, keepdims=True)
    largest = np.sum(np.abs(held.value), axis=axis, keepdims=True) + carried
    if operation.engine == "sfpu":
        return _made(value, carried + _additions(held.value, axis) * FLOAT32_UNIT * largest + SMALLEST)
    return _made(value, carried + _multiplied(held.value, step, axis, engine) + SMALLEST)


def _multiplied(value: Array, step: Step, axis: int, engine: Engine) -> Array:
    """What the matrix unit loses of a sum, which is a product with ones: of rows the left operand, or of columns."""
    ones = np.ones((value.shape[axis], 1))
    data, scaler = step.formats
    with np.errstate(all="ignore"):
        if axis == -1:
            _sum, error, _typical = product_errors(value, ones, (data, scaler), engine, in_steps=False)
        else:
            _sum, error, _typical = product_errors(ones.T, value, (scaler, data), engine, in_steps=False)
    return error


def _additions(value: Array, axis: int) -> int:
    """How many additions an element of a line goes through: one a tile, and those within the last."""
    places: int = value.shape[axis]
    return (-(-places // TILE) if axis >= -2 else places) + _WITHIN


def _made(value: Array, error: Array) -> Bounded:
    with np.errstate(all="ignore"):
        found = np.where(np.isnan(error), np.inf, error)
        return in_range(Bounded(np.asarray(value), found, found), [])


def ranked(value: Bounded, rank: int) -> Bounded:
    """A value with as many dimensions as its tensor, which may have lost the first one, as it was reduced."""
    gone = value.value.ndim - rank
    if gone <= 0:
        return value
    parts = (value.value, value.error, value.typical)
    return Bounded(*(np.broadcast_to(part, value.value.shape).reshape(value.value.shape[gone:]) for part in parts))
