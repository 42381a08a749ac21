"""A kernel's value in NumPy, in float64: block by block, loop by loop, as its statements say.

Reads outside of a tensor give zeros, or what `T.annotate_safe_value` says; stores outside are dropped. What a block
allocates holds NaN until it is written, and so does what no block writes of an output. Two blocks, or two lanes, that
write different values to one element are refused: which of them comes last isn't said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.exhaustive import assert_never
from ttgen.importing.form import (
    Allocate,
    Apply,
    At,
    Constant,
    Copy,
    Expression,
    Fill,
    Gemm,
    If,
    Kernel,
    Let,
    Load,
    Loop,
    Parallel,
    Reduce,
    Region,
    Statement,
    Store,
    Variable,
)
from ttgen.importing.operations import FOLDS, JOINS, OPERATIONS
from ttgen.importing.text import refuse_at
from ttgen.importing.work import Budget, TooMuchWork

Array = NDArray[np.float64]

MAX_ELEMENTS: Final = 1 << 23
MAX_LANES: Final = 1 << 22


def run(
    kernel: Kernel, inputs: Mapping[str, Array], outputs: Sequence[str], budget: Budget | None = None
) -> dict[str, Array]:
    """The value of every output.

    Args:
        kernel: what is run.
        inputs: an array for each tensor that is read, of its shape.
        outputs: the tensors that are written.
        budget: what it may take.

    Returns:
        Float64 arrays by name; NaN where no block writes.

    Raises:
        SpecError: statements that have no value, where they are.
        TooMuchWork: it would take too long.
    """
    budget = budget or Budget()
    sizes = [prod(buffer.shape) for buffer in kernel.buffers.values()]
    blocks = prod(extent for _name, extent in kernel.grid)
    if sum(sizes) > MAX_ELEMENTS or blocks * 1000 > budget.left:
        raise TooMuchWork
    state = _State(kernel, inputs, outputs, budget)
    before = budget.left
    names = [name for name, _extent in kernel.grid]
    with np.errstate(all="ignore"):
        for number, place in enumerate(product(*(range(extent) for _name, extent in reversed(kernel.grid)))):
            state.block = number
            state.values = dict(zip(names, reversed(place), strict=True))
            state.held = {}
            state.run(kernel.body)
            if number == 0 and (before - budget.left) * (blocks - 1) > budget.left:
                # What the first block takes says what all will.
                raise TooMuchWork
    return {name: state.tensors[name] for name in outputs}


class _State:
    """One block at work: what its buffers hold, and its variables."""

    def __init__(self, kernel: Kernel, inputs: Mapping[str, Array], outputs: Sequence[str], budget: Budget) -> None:
        self.budget = budget
        self.kernel = kernel
        self.tensors: dict[str, Array] = {name: np.asarray(value, dtype=np.float64) for name, value in inputs.items()}
        self.writers: dict[str, NDArray[np.int64]] = {}
        for name in outputs:
            self.tensors[name] = np.full(kernel.buffers[name].shape, np.nan)
            self.writers[name] = np.full(kernel.buffers[name].shape, -1)
        self.held: dict[str, Array] = {}
        self.values: dict[str, Any] = {}
        self.block = 0
        self.lanes: tuple[int, ...] = ()
        self.mask: Any = None

    def run(self, statements: Sequence[Statement]) -> None:
        """Runs statements one by one."""
        for statement in statements:
            self.one(statement)

    def one(self, statement: Statement) -> None:
        """Runs a statement."""
        if self.lanes and isinstance(statement, (Allocate, Copy, Fill, Gemm, Reduce)):
            raise refuse_at("a statement over whole buffers inside of T.Parallel: move it out", statement.at)
        match statement:
            case Allocate(buffer=name):
                self.budget.spend(prod(self.kernel.buffers[name].shape))
                self.held[name] = np.full(self.kernel.buffers[name].shape, np.nan)
            case Copy(source=source, target=target, at=at):
                value = self.read(source, at)
                if value.size != prod(target.extents) or _wide(value.shape) != _wide(target.extents):
                    raise refuse_at(f"a copy of {_times(value.shape)} to {_times(target.extents)}", at)
                self.write(target, value.reshape(target.extents), at)
            case Fill(target=target, value=value, at=at):
                self.write(target, np.full(target.extents, float(self.value(value, at))), at)
            case Gemm():
                self.gemm(statement)
            case Reduce():
                self.reduce(statement)
            case Store():
                self.store(statement)
            case Let(variable=name, value=value, at=at):
                self.budget.spend(prod(self.lanes))
                self.values[name] = self.value(value, at)
            case Loop(variable=name, extent=extent, body=body, at=at):
                trips = self.value(extent, at)
                if np.ndim(trips) or not np.isfinite(trips):
                    raise refuse_at("a loop has one number of trips, which data doesn't decide", at)
                for trip in range(int(trips)):
                    self.values[name] = trip
                    self.run(body)
            case Parallel():
                self.parallel(statement)
            case If(condition=condition, then=then, otherwise=otherwise, at=at):
                self.branch(self.value(condition, at), then, otherwise)
            case _:
                assert_never(statement)

    def branch(self, condition: Any, then: Sequence[Statement], otherwise: Sequence[Statement]) -> None:
        """One branch or, where lanes differ, both, each for its lanes."""
        if not np.ndim(condition):
            self.run(then if condition else otherwise)
            return
        kept = self.mask
        for holds, body in ((condition, then), (np.logical_not(condition), otherwise)):
            self.mask = holds if kept is None else np.logical_and(kept, holds)
            self.run(body)
        self.mask = kept

    def parallel(self, statement: Parallel) -> None:
        """Statements for all lanes at once."""
        kept = self.lanes
        if prod(statement.extents) * prod(kept) > MAX_LANES:
            raise TooMuchWork
        for name, extent in reversed(list(zip(statement.variables, statement.extents, strict=True))):
            # Lanes that are added come first, so that what is there already keeps its place.
            self.values[name] = np.arange(extent).reshape(extent, *(1 for _lane in self.lanes))
            self.lanes = (extent, *self.lanes)
        self.run(statement.body)
        self.lanes = kept

    def gemm(self, statement: Gemm) -> None:
        """A product."""
        at = statement.at
        left, right = (self.matrix(region, at) for region in (statement.left, statement.right))
        left, right = (
            part.T if is_transposed else part
            for part, is_transposed in zip((left, right), statement.transposed, strict=True)
        )
        target = self.matrix(statement.target, at)
        if left.shape[1] != right.shape[0] or target.shape != (left.shape[0], right.shape[1]):
            raise refuse_at(
                f"a product of {_times(left.shape)} and {_times(right.shape)} to {_times(target.shape)}", at
            )
        self.budget.spend(left.size + right.size + target.size + target.size * left.shape[1] // 50)
        result = left @ right
        if not statement.clears:
            result = target + result
        self.write(statement.target, result.reshape(statement.target.extents), at)

    def matrix(self, region: Region, at: At) -> Array:
        """A region with two dimensions."""
        value = self.read(region, at)
        if prod(value.shape[:-2]) != 1 or value.ndim < 2:
            raise refuse_at(f"T.gemm takes matrices, not {_times(value.shape)}", at)
        return value.reshape(value.shape[-2:])

    def reduce(self, statement: Reduce) -> None:
        """A reduction."""
        value, at = self.read(statement.source, statement.at), statement.at
        if statement.of_absolutes:
            value = np.abs(value)
        result = np.asarray(FOLDS[statement.kind](value, axis=statement.dim))
        target = statement.target.extents
        if result.size != prod(target) or _wide(result.shape) != _wide(target):
            raise refuse_at(f"{_times(value.shape)} reduces to {_times(result.shape)}, not {_times(target)}", at)
        result = result.reshape(target)
        if not statement.clears:
            result = JOINS[statement.kind](self.read(statement.target, at), result)
        self.write(statement.target, result, at)

    def store(self, statement: Store) -> None:
        """Values of all lanes to their elements."""
        at, name = statement.at, statement.buffer
        self.budget.spend(prod(self.lanes))
        indices = [np.broadcast_to(self.index(index, at), self.lanes) for index in statement.indices]
        values = np.broadcast_to(np.asarray(self.value(statement.value, at), dtype=np.float64), self.lanes)
        keep = np.ones(self.lanes, dtype=bool) if self.mask is None else np.broadcast_to(self.mask, self.lanes)
        array = self.array(name, at)
        inside = np.ones(self.lanes, dtype=bool)
        for index, size in zip(indices, array.shape, strict=True):
            inside &= (index >= 0) & (index < size)
        if not self.kernel.buffers[name].is_tensor and not np.all(inside | ~keep):
            raise refuse_at("an index outside of what is allocated", at)
        keep = keep & inside
        places = tuple(index[keep] for index in indices)
        given = values[keep]
        if statement.adds:
            np.add.at(array, places, given)
            return
        before = array[places]
        array[places] = given
        if not _same(array[places], given):
            raise refuse_at("lanes write different values to one element: which comes last isn't said", at)
        self.claim(name, places, before, given, at)

    def claim(self, name: str, places: tuple[Any, ...], before: Array, given: Array, at: At) -> None:
        """Refuses that a block changes what another one has written."""
        if name not in self.writers:
            return
        writers = self.writers[name]
        others = (writers[places] >= 0) & (writers[places] != self.block)
        if np.any(others) and not _same(before[others], given[others]):
            raise refuse_at(
                f"blocks write different values to one element of '{name}': which comes last isn't said", at
            )
        writers[places] = self.block

    def array(self, name: str, at: At) -> Array:
        """What a buffer holds."""
        if self.kernel.buffers[name].is_tensor:
            return self.tensors[name]
        if name not in self.held:
            raise refuse_at("a buffer that isn't allocated here", at)
        return self.held[name]

    def read(self, region: Region, at: At) -> Array:
        """The elements of a region."""
        array = self.array(region.buffer, at)
        self.budget.spend(prod(region.extents))
        starts = [self.whole(start, at) for start in region.starts]
        buffer = self.kernel.buffers[region.buffer]
        own, place = _inside(starts, region.extents, array.shape)
        inner = array[own]
        if inner.shape == region.extents:
            return inner
        if not buffer.is_tensor:
            raise refuse_at("a region outside of what is allocated", at)
        result = np.full(region.extents, self.kernel.fills.get(region.buffer, 0.0))
        if inner.size:
            result[place] = inner
        return result

    def write(self, region: Region, value: Array, at: At) -> None:
        """Gives the elements of a region their values; those outside of a tensor are dropped."""
        array = self.array(region.buffer, at)
        starts = [self.whole(start, at) for start in region.starts]
        own, place = _inside(starts, region.extents, array.shape)
        if array[own].shape != region.extents and not self.kernel.buffers[region.buffer].is_tensor:
            raise refuse_at("a region outside of what is allocated", at)
        given = value[place]
        self.claim(region.buffer, own, array[own], given, at)
        array[own] = given

    def whole(self, expression: Expression, at: At) -> int:
        """An index that is one number."""
        value = self.value(expression, at)
        if np.ndim(value) or float(value) != int(value):
            raise refuse_at("an index that is one whole number is expected here", at)
        return int(value)

    def value(self, expression: Expression, at: At) -> Any:
        """The value of an expression: a number, or an array over lanes."""
        match expression:
            case Constant(value=value):
                return value
            case Variable(name=name):
                if name not in self.values:
                    raise refuse_at(f"'{name}' has no value here", at)
                return self.values[name]
            case Apply(op=op, operands=operands):
                if op not in OPERATIONS:
                    raise refuse_at(f"{op} has no counterpart: numbers are floats here", at)
                return OPERATIONS[op](*(self.value(operand, at) for operand in operands))
            case Load(buffer=name, indices=indices):
                return self.element(name, [self.index(index, at) for index in indices], at)
            case _:
                assert_never(expression)

    def index(self, expression: Expression, at: At) -> Any:
        """The value of an index, one a lane."""
        value = self.value(expression, at)
        if np.asarray(value).dtype.kind not in "iu":
            raise refuse_at("an index from data or a fraction: elements are addressed by whole numbers here", at)
        return value

    def element(self, name: str, indices: list[Any], at: At) -> Any:
        """Elements of a buffer, one a lane."""
        array = self.array(name, at)
        inside: Any = True
        clipped = []
        for index, size in zip(indices, array.shape, strict=True):
            inside = inside & (np.asarray(index) >= 0) & (np.asarray(index) < size)
            clipped.append(np.clip(index, 0, size - 1))
        value = array[tuple(np.broadcast_arrays(*clipped))]
        if np.all(inside):
            return value
        if not self.kernel.buffers[name].is_tensor:
            if self.mask is None or not np.all(inside | ~np.asarray(self.mask)):
                raise refuse_at("an index outside of what is allocated", at)
            return value
        return np.where(inside, value, self.kernel.fills.get(name, 0.0))


def _inside(
    starts: Sequence[int], extents: Sequence[int], shape: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of a region that is inside of an array: its place there, and in the region."""
    own, place = [], []
    for start, extent, size in zip(starts, extents, shape, strict=True):
        first, last = min(max(start, 0), size), min(max(start + extent, 0), size)
        own.append(slice(first, last))
        place.append(slice(first - start, max(first, last) - start))
    return tuple(own), tuple(place)


def _same(one: Any, other: Any) -> bool:
    """Whether values are equal, but for rounding; NaN is like NaN."""
    return bool(np.allclose(one, other, rtol=1e-12, atol=0, equal_nan=True))


def _wide(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one element"
