"""An interpreter of the tile program in NumPy: all kernels of all cores, in float64.

It shows that indices, padding, broadcasts and the order of operations give the formula's value. Formats and rounding
are not its business: tiles are exact, so the result equals the reference but for the order of sums.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ttgen.analysis.errors import ProofError
from ttgen.analysis.roles import by_core
from ttgen.analysis.tiles import DIMS, content_of, reduction, within
from ttgen.dtypes import TILE
from ttgen.exhaustive import assert_never
from ttgen.formula.functions import COMPARISONS
from ttgen.formula.reference import ELEMENTWISE
from ttgen.model.body import Body, Dst, If, Let, Loop, NumberArg, Op, Routine, Section, Tile
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Deliver,
    Effect,
    Fill,
    Operate,
    Page,
    Prepare,
    Raise,
    Reach,
    TakeDst,
    Token,
    Use,
    effects,
)
from ttgen.model.exchange import Area, Place
from ttgen.model.grids import Coordinate, rectangle
from ttgen.model.index import evaluate
from ttgen.model.plan import Kernel, Plan, Program, Tensor
from ttgen.operations import OPERATIONS, Operation, Spread
from ttgen.records import dataclass

Array = NDArray[np.float64]


_NOTHING: Final[Array] = np.full((TILE, TILE), np.nan)
_ZEROS: Final[Array] = np.zeros((TILE, TILE))


_SPREAD: Final[Mapping[Spread, Callable[[Array], Array]]] = {
    "rows": lambda tile: tile[:1, :],
    "cols": lambda tile: tile[:, :1],
    "scalar": lambda tile: tile[:1, :1],
}
"""What a broadcast reads of a tile."""


def _with_zero(compare: Callable[..., Any], value: Any) -> Any:
    return compare(value, 0.0)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **ELEMENTWISE,
    "identity": lambda value: value,
    "matmul": np.matmul,
    "matmul_transposed": lambda a, b: np.matmul(a, b.T),
    "zero": lambda: 0.0,
    **{f"{name}_zero": partial(_with_zero, ELEMENTWISE[name]) for name in COMPARISONS},
    **{f"reduce_{name}_{dim}": reduction(name, dim) for name in ("sum", "max") for dim in DIMS},
    **{f"{name}_within_{dim}": within(name, dim) for name in ("sum", "max", "min") for dim in DIMS},
}
"""The functions that rows of operations name."""


def value_of(operation: Operation, sources: Sequence[Any]) -> Array:
    """What an operation computes of its sources, a tile, without what is in DST."""
    taken = list(sources)
    if operation.spread is not None:
        taken[-1] = _SPREAD[operation.spread](taken[-1])
    value = FUNCTIONS[operation.function](*(taken[place] for place in operation.arguments))
    return np.broadcast_to(value, (TILE, TILE))


def to_pages(tensor: Tensor, values: NDArray[Any], *, padding: float) -> Array:
    """The pages of a tensor: tiles in row-major order, batch by batch; padding elements are `padding`."""
    *batch, rows, cols = (1, 1, *tensor.shape)
    *_, stored_rows, stored_cols = tensor.stored_shape
    matrices = int(np.prod(batch))
    stored = np.full((matrices, stored_rows, stored_cols), padding)
    stored[:, :rows, :cols] = np.asarray(values, dtype=np.float64).reshape(matrices, rows, cols)
    tiles = stored.reshape(matrices, stored_rows // TILE, TILE, stored_cols // TILE, TILE)
    return np.ascontiguousarray(tiles.transpose(0, 1, 3, 2, 4)).reshape(-1, TILE, TILE)


def from_pages(tensor: Tensor, pages: Array) -> Array:
    """The logical elements of a tensor's pages."""
    *batch, rows, cols = (1, 1, *tensor.shape)
    *_, stored_rows, stored_cols = tensor.stored_shape
    matrices = int(np.prod(batch))
    tiles = pages.reshape(matrices, stored_rows // TILE, stored_cols // TILE, TILE, TILE)
    stored = tiles.transpose(0, 1, 3, 2, 4).reshape(matrices, stored_rows, stored_cols)
    return stored[:, :rows, :cols].reshape(tensor.shape)


def run(plan: Plan, inputs: Mapping[str, NDArray[Any]], *, poison: float = 0.0) -> dict[str, Array]:
    """Runs a plan.

    Args:
        plan: the program.
        inputs: an array for each input, of its declared shape.
        poison: what padding holds that no use needs zero.

    Returns:
        Float64 arrays by output, of the declared shapes; elements that nothing wrote are NaN.

    Raises:
        ProofError: the kernels wait for each other, or use what isn't there.
    """
    memory = {}
    for tensor in plan.tensors:
        if tensor.role == "input":
            needs_zero = any(use.padding == "zero" for use in tensor.uses)
            memory[tensor.name] = to_pages(tensor, inputs[tensor.name], padding=0.0 if needs_zero else poison)
        else:
            memory[tensor.name] = np.full((tensor.pages, TILE, TILE), np.nan)
    with np.errstate(all="ignore"):
        for program in plan.programs:
            _run_program(plan, program, memory)
    return {tensor.name: from_pages(tensor, memory[tensor.name]) for tensor in plan.tensors if tensor.role == "output"}


def _run_program(plan: Plan, program: Program, memory: Mapping[str, Array]) -> None:
    """Runs a program: core by core, or all together where they have to do with each other."""
    kernels = by_core(program.kernels)
    working = dict(program.cores())
    together = [tuple(working)] if program.semaphores else [(place,) for place in working]
    for places in together:
        cores = {place: _core(plan, program, memory, place) for place in places}
        running = [
            _Machine(kernel, memory, cores, place).run(
                kernel.body, {**kernel.named_compile_time_args, **working[place]}
            )
            for place in places
            for kernel in map(program.kernels.__getitem__, kernels[place])
        ]
        while running:
            # A kernel yields whether it did anything since it last waited.
            progress = [next(kernel, None) for kernel in running]
            running = [kernel for kernel, moved in zip(running, progress, strict=True) if moved is not None]
            if running and True not in progress and None not in progress:
                raise ProofError("the kernels wait for each other")
        for place, core in cores.items():
            for cb, name in program.resident().items():
                for slot, page in enumerate(plan.tensor(name).shard_pages(place)):
                    memory[name][page] = core.rings[cb].last[slot]


def _core(plan: Plan, program: Program, memory: Mapping[str, Array], place: Coordinate) -> _Core:
    """A core before its kernels run."""
    rings = {buffer.name: _Ring(buffer.pages) for buffer in program.circular_buffers}
    for cb, name in program.resident().items():
        rings[cb].filled = {slot: memory[name][page] for slot, page in enumerate(plan.tensor(name).shard_pages(place))}
    return _Core(rings)


@dataclass(slots=True)
class _Core:
    """What is in the L1 of a core."""

    rings: Mapping[str, _Ring]
    counters: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Ring:
    """One buffer: pages that the consumer may use, those that the producer has filled but not pushed, and its last."""

    pages: int
    held: deque[Array] = field(default_factory=deque)
    filled: dict[int, Array] = field(default_factory=dict)
    packed: int = 0
    last: Mapping[int, Array] = field(default_factory=dict)

    def hand_over(self, kind: Literal["reserve", "push", "wait", "pop"], pages: int) -> bool:
        """Hands pages over, or looks whether it can be done; what nothing filled is NaN, and what is made of it."""
        match kind:
            case "reserve":
                return len(self.held) + pages <= self.pages
            case "wait":
                return len(self.held) >= pages
            case "push":
                self.held.extend(self.filled.get(slot, _NOTHING) for slot in range(pages))
                self.last = self.filled
                self.filled = {}
                self.packed = 0
            case "pop":
                for _page in range(pages):
                    self.held.popleft()
            case _:
                assert_never(kind)
        return True


class _Machine:
    """One kernel on one core."""

    def __init__(
        self, kernel: Kernel, memory: Mapping[str, Array], cores: Mapping[Coordinate, _Core], place: Coordinate
    ) -> None:
        self.memory = memory
        self.cores = cores
        self.place = place
        self.rings = cores[place].rings
        self.dst: dict[int, Array] = {}
        self.moving: Array = _NOTHING
        self.run_of: Array = _NOTHING[np.newaxis]
        self.adds = False
        self.numbers = {
            name: struct.unpack("<f", struct.pack("<I", kernel.named_compile_time_args[name]))[0]
            for name in kernel.numbers
        }

    def run(self, body: Body, values: dict[str, int]) -> Iterator[bool]:
        """Runs statements; yields where it waits: True once, then False for as long as it goes on waiting."""
        for statement in body:
            match statement:
                case Loop(var=var, extent=extent, body=inner):
                    for trip in range(evaluate(extent, values)):
                        values[var] = trip
                        yield from self.run(inner, values)
                case Section(math=math, pack=pack):
                    self.dst = {}
                    yield from self.run(math, values)
                    yield from self.run(pack, values)
                case Routine(parameter=parameter, argument=argument, body=inner):
                    values[parameter] = evaluate(argument, values)
                    yield from self.run(inner, values)
                case If(left=left, relation=relation, right=right, then=then, otherwise=otherwise):
                    first, second = evaluate(left, values), evaluate(right, values)
                    holds = first == second if relation == "==" else first < second
                    yield from self.run(then if holds else otherwise, values)
                case Let(name=name, index=index):
                    values[name] = evaluate(index, values)
                case _:
                    for effect in effects(statement):
                        moved = True
                        while not self.apply(effect, values):
                            yield moved
                            moved = False

    def apply(self, effect: Effect, values: Mapping[str, int]) -> bool:
        """Does what an effect says; False where it has to wait.

        A page that is read from memory is what the fill after it takes, and a page that is used is what is written.
        """
        match effect:
            case Token(kind=kind, cb=cb, pages=pages):
                return self.rings[cb].hand_over(kind, evaluate(pages, values))
            case Page(kind="read", tensor=tensor, page=page, pages=pages):
                first = evaluate(page, values)
                self.run_of = self.memory[tensor][first : first + evaluate(pages, values)]
                self.moving = self.run_of[0] if len(self.run_of) else _NOTHING
            case Page(kind="read_row", tensor=tensor, page=page):
                row = np.full((TILE, TILE), np.nan)
                row[0] = self.memory[tensor][evaluate(page, values)][0]
                self.run_of, self.moving = row[np.newaxis], row
            case Page(tensor=tensor, page=page):
                self.memory[tensor][evaluate(page, values)] = self.moving
            case Fill(cb=cb, slot=slot, by=by, content=content, valid=valid):
                tile = content_of(content, evaluate(valid, values)) if by == "core" else self.moving
                ring = self.rings[cb]
                place = ring.packed if slot is None else evaluate(slot, values)
                ring.packed += slot is None
                if by == "noc":
                    ring.filled |= {place + number: page for number, page in enumerate(self.run_of)}
                    return True
                ring.filled[place] = ring.filled[place] + tile if by == "packer" and self.adds else tile
            case Use(cb=cb, first=first, by="noc"):
                self.moving = self.rings[cb].held[evaluate(first, values)]
            case TakeDst(slot=dst):
                self.moving = self.dst[evaluate(dst, values)]
            case Operate(op=op):
                self.operate(op, values) if op.block is None else self.multiply(op, values)
            case Accumulate(index=index):
                self.adds = evaluate(index, values) != 0
            case Deliver(source=source, cb=cb, slot=slot, pages=pages, to=to):
                self.deliver(source, cb, evaluate(slot, values), evaluate(pages, values), self.places(to, values))
            case Raise(semaphore=name, value=value, to=to):
                for core in self.places(to, values):
                    counters = self.cores[core].counters
                    add = counters.get(name, 0) if isinstance(to, Place) else 0
                    counters[name] = add + evaluate(value, values)
            case Reach(semaphore=name, at_least=at_least):
                return self.cores[self.place].counters.get(name, 0) >= evaluate(at_least, values)
            case Use() | Barrier() | Prepare():
                pass  # operands are taken where they are operated on; memory has no delay, engines no state
            case _:
                assert_never(effect)
        return True

    def places(self, to: Area | Place, values: Mapping[str, int]) -> tuple[Coordinate, ...]:
        """The cores of an area, or the one."""
        first, last = (to.first, to.last) if isinstance(to, Area) else (to, to)
        x0, y0, x1, y1 = (evaluate(side, values) for side in (first.x, first.y, last.x, last.y))
        return rectangle((x0, y0), (x1, y1))

    def deliver(self, source: str, cb: str, slot: int, pages: int, to: Sequence[Coordinate]) -> None:
        """Puts pages of this core into what others have reserved."""
        own = self.rings[source]
        for page in range(pages):
            tile = own.filled.get(page, _NOTHING) if source == cb else own.held[page]
            for place in to:
                self.cores[place].rings[cb].filled[slot + page] = tile

    def multiply(self, op: Op, values: Mapping[str, int]) -> None:
        """Executes a product of blocks, tile by tile."""
        assert op.block is not None, "an operation on blocks has one"
        rows, cols, stride = (evaluate(index, values) for index in (op.block.rows, op.block.cols, op.block.stride))
        left, right = op.tiles
        first, operation = evaluate(op.dst, values), OPERATIONS[op.name]
        for row in range(rows):
            for col in range(cols):
                a = self.rings[left.cb].held[evaluate(left.slot, values) + row * stride]
                b = self.rings[right.cb].held[evaluate(right.slot, values) + col]
                slot = first + row * cols + col
                self.dst[slot] = self.dst.get(slot, _ZEROS) + value_of(operation, (a, b))

    def operate(self, op: Op, values: Mapping[str, int]) -> None:
        """Executes one tile operation."""
        sources: list[Any] = []
        for source in op.sources:
            match source:
                case Tile(cb=cb, slot=slot):
                    sources.append(self.rings[cb].held[evaluate(slot, values)])
                case Dst(slot=slot):
                    sources.append(self.dst[evaluate(slot, values)])
                case NumberArg(name=name):
                    sources.append(self.numbers[name])
        operation, result = OPERATIONS[op.name], evaluate(op.dst, values)
        value = value_of(operation, sources)
        if operation.result == "accumulates" and operation.reduces == "max":
            value = np.maximum(value, self.dst.get(result, value))
        elif operation.result == "accumulates":
            value = value + self.dst.get(result, _ZEROS)
        self.dst[result] = value
