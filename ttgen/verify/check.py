"""What a run has to show: outputs within their bounds, exact counters, every page once, nothing undefined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import DTYPES, EXPONENT_GROUP, TILE, DTypeName
from ttgen.model.body import Body, If, Let, Loop, Pop, Reserve, WritePage, walk
from ttgen.model.grids import Coordinate
from ttgen.model.index import evaluate
from ttgen.model.plan import Plan, Program, Tensor
from ttgen.records import dataclass
from ttgen.verify import judging
from ttgen.verify.bounded import OVERFLOWS, Bounded
from ttgen.verify.run import Counters, Finding, Outcome
from ttgen.verify.tolerance import stored_error

_FACE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputCheck:
    """An output against the reference.

    Attributes:
        tensor: its name.
        error: at the worst element, the one whose error is the largest part of what is allowed.
        allowed: at that element.
        judged: whether the bounds are narrower than the values: what is within them is right, then.
        spread: of the values that are right.
        width: of the bounds, as root of the mean square.
        deviation: errors as multiples of typical ones, as root of the mean square; at most `judging.DEVIATION`.
        pcc: Pearson's correlation with the reference.
        least_pcc: that is allowed.
        relative: errors as a part of the values, both as roots of the mean square.
        most_relative: that is allowed; infinite where it says nothing.
        index: of the worst element in the tensor.
        page: the tile that it is in.
        core: the core that wrote the tile; None where no kernel writes it.
        value: that was computed there.
        reference: that should have been.
        inputs: of the run, `normal` or `hard`.
        stage: the program that is judged by itself, from what the ones before it stored; empty for all together.
        unbounded: elements of which the formula allows anything, such as quotients by what may be zero.
        overflows: elements that are infinite, because no format holds what the formula gives.
    """

    tensor: str
    error: float
    allowed: float
    judged: bool
    spread: float
    width: float
    deviation: float
    pcc: float
    least_pcc: float
    relative: float
    most_relative: float
    index: tuple[int, ...]
    page: int
    core: Coordinate | None
    value: float
    reference: float
    inputs: str
    stage: str
    unbounded: int
    overflows: int

    @property
    def within(self) -> bool:
        """Whether no element is further off than it may be."""
        return self.error <= self.allowed

    @property
    def passed(self) -> bool:
        """Whether nothing wrong shows, in an element or in all of them together."""
        together = self.deviation <= judging.DEVIATION and self.pcc >= self.least_pcc
        return self.within and together and self.relative <= self.most_relative

    @property
    def part(self) -> float:
        """The error as a part of what is allowed."""
        return self.error / self.allowed if self.allowed else (np.inf if self.error else 0.0)


def compare(
    plan: Plan,
    tensor: str,
    actual: NDArray[np.float32],
    expected: Bounded,
    inputs: str = "normal",
    stage: str = "",
    most_relative: float = np.inf,
) -> OutputCheck:
    """Compares an output with what is right for these inputs, element by element and as a whole."""
    stored = plan.tensor(tensor)
    value, bound, typical = (
        np.broadcast_to(array, actual.shape) for array in (expected.value, expected.error, expected.typical)
    )
    overflows = np.isinf(value) & np.isfinite(bound)
    judged = np.isfinite(value) & np.isfinite(bound)
    with np.errstate(all="ignore"):
        error = np.abs(actual.astype(np.float64) - value)
        # The largest number of a format will do for what none holds.
        beyond = np.copysign(1.0, value) * actual >= OVERFLOWS * (1 - 2.0**-6)
    missed = overflows & ~beyond
    error = np.where(judged, np.where(np.isnan(error), np.inf, error), np.where(missed, np.inf, 0.0))
    part = np.where(judged, judging.parts_of(error, bound, judged), np.where(missed, np.inf, -1.0))
    index = tuple(int(place) for place in np.unravel_index(int(np.argmax(part)), part.shape))
    page = page_of(stored, index)
    values, bounds, usual = value[judged], bound[judged], typical[judged]
    return OutputCheck(
        tensor=tensor,
        error=float(error[index]),
        allowed=float(bound[index]),
        judged=bool(np.any(judged | overflows))
        and (most_relative < np.inf or not judging.is_too_wide(values, bounds, stored_error(values, stored.dtype))),
        spread=judging.spread(values),
        width=judging.rms(bounds),
        deviation=judging.deviation(error[judged], usual),
        pcc=judging.correlation(actual.astype(np.float64)[judged], values),
        least_pcc=judging.least_correlation(values, usual),
        relative=judging.rms(error[judged]) / max(judging.rms(values), 2.0**-126),
        most_relative=most_relative,
        index=index,
        page=page,
        core=writer_of(plan, tensor, page),
        value=float(actual[index]),
        reference=float(value[index]),
        inputs=inputs,
        stage=stage,
        unbounded=int(np.sum(~judged & ~overflows)),
        overflows=int(np.sum(overflows)),
    )


def page_of(tensor: Tensor, index: tuple[int, ...]) -> int:
    """The page that holds an element: tiles in row-major order, batch by batch."""
    *batch, row, col = (0, *index) if len(index) == 1 else index
    *sizes, rows, cols = (1, *tensor.tiles) if len(tensor.tiles) == 1 else tensor.tiles
    matrix = 0
    for place, size in zip(batch, sizes, strict=True):
        matrix = matrix * size + place
    return (matrix * rows + row // TILE) * cols + col // TILE


def writer_of(plan: Plan, tensor: str, page: int) -> Coordinate | None:
    """The core whose kernel writes a page: on which the page's shard is, or else from the kernels' own indices."""
    stored = plan.tensor(tensor)
    for program in plan.programs:
        for kernel in program.kernels:
            places = {core for area in kernel.core_ranges for core in area.cores()}
            for core, values in ((core, own) for core, own in program.cores() if core in places):
                written = _written(kernel.body, tensor, {**kernel.named_compile_time_args, **values})
                if any(page == number for number in written):
                    return core
    row, col = divmod(page, stored.tiles[-1])
    return next((core for core, part in stored.parts() if not stored.in_dram and part.holds(row, col)), None)


def _written(body: Body, tensor: str, values: dict[str, int]) -> Iterator[int]:
    for statement in body:
        match statement:
            case Loop(var=var, extent=extent, body=inner) if _writes(inner, tensor):
                for trip in range(evaluate(extent, values)):
                    values[var] = trip
                    yield from _written(inner, tensor, values)
            case Let(name=name, index=index):
                values[name] = evaluate(index, values)
            case If(left=left, relation=relation, right=right, then=then, otherwise=otherwise):
                first, second = evaluate(left, values), evaluate(right, values)
                holds = first == second if relation == "==" else first < second
                yield from _written(then if holds else otherwise, tensor, values)
            case WritePage(tensor=name, page=page) if name == tensor:
                yield evaluate(page, values)


def _writes(body: Body, tensor: str) -> bool:
    return any(isinstance(item, WritePage) and item.tensor == tensor for item in walk(body))


def check_memory(plan: Plan, outcome: Outcome) -> Iterator[Finding]:
    """Pages that weren't written exactly once, and logical elements that nobody wrote."""
    for use in outcome.buffers:
        if use.order >= len(plan.tensors):
            continue
        tensor = plan.tensors[use.order]
        wanted = 0 if tensor.role == "input" else 1
        wrong = {times: pages for times, pages in use.times.items() if times != wanted}
        if wrong:
            yield _coverage(plan, tensor, wrong, use.exceptions, wanted)
        for page, first, count in use.undefined:
            element = first_logical(tensor, page, first, count)
            if element is not None:
                core = writer_of(plan, tensor.name, page) if wanted else None
                text = f"{tensor.name}{list(element)}, in tile {page}: not made of anything that was ever written"
                yield Finding(name="uninitialised-data", message=text, core=core)
                break


def _coverage(
    plan: Plan, tensor: Tensor, wrong: Mapping[int, int], exceptions: tuple[tuple[int, int], ...], wanted: int
) -> Finding:
    counts = ", ".join(f"{pages} of {tensor.pages} pages {times} times" for times, pages in sorted(wrong.items()))
    page = next((page for page, times in exceptions if times != wanted), 0)
    return Finding(
        name="output-coverage",
        message=f"{tensor.name}: every page has to be written {'once' if wanted else 'by no kernel'}; {counts}",
        core=writer_of(plan, tensor.name, page) if wanted else None,
    )


def first_logical(tensor: Tensor, page: int, first: int, count: int) -> tuple[int, ...] | None:
    """The first element of the tensor, not of its padding, that some bytes of a page hold."""
    element = _elements(tensor.dtype, first, count)
    face, inside = element // (_FACE * _FACE), element % (_FACE * _FACE)
    *sizes, rows, cols = (1, *tensor.tiles) if len(tensor.tiles) == 1 else tensor.tiles
    row = page // cols % rows * TILE + face // 2 * _FACE + inside // _FACE
    col = page % cols * TILE + face % 2 * _FACE + inside % _FACE
    height = tensor.shape[-2] if len(tensor.shape) > 1 else 1
    logical = np.flatnonzero((row < height) & (col < tensor.shape[-1]))
    if not logical.size:
        return None
    place = int(logical[0])
    if len(tensor.shape) == 1:
        return (int(col[place]),)
    batch = np.unravel_index(page // (rows * cols), tuple(sizes)) if sizes else ()
    return (*(int(axis) for axis in batch), int(row[place]), int(col[place]))


def _elements(dtype: DTypeName, first: int, count: int) -> NDArray[np.int64]:
    """The elements of a tile, in the order of memory, that some of its bytes have a part in."""
    byte = np.arange(first, first + count)
    exponents = TILE * TILE // EXPONENT_GROUP if DTYPES[dtype].shares_exponents else 0
    bits = (DTYPES[dtype].tile_bytes - exponents) * 8 // (TILE * TILE)
    inside = byte[byte >= exponents] - exponents
    own = np.concatenate([inside * 8 // bits, (inside * 8 + 7) // bits])
    shared = byte[byte < exponents, np.newaxis] * EXPONENT_GROUP + np.arange(EXPONENT_GROUP)
    return np.asarray(np.unique(np.concatenate([own, shared.ravel()])))


def check_counters(plan: Plan, counters: Sequence[Counters]) -> Iterator[Finding]:
    """Totals of programs that aren't those of the plan's costs."""
    for program, found in zip(plan.programs, counters, strict=False):
        of = f" of {program.name}" if len(plan.programs) > 1 else ""
        for name in ("dram_read_bytes", "dram_write_bytes", "noc_bytes", "tile_products"):
            planned, counted = getattr(program.cost, name), getattr(found, name)
            if planned != counted:
                text = f"{name}{of}: {counted} were counted, and the plan's cost says {planned}"
                yield Finding(name="counters", message=text)


def _put_back(program: Program, cb: str) -> int:
    """The pages that a kernel has room for before it frees those that it takes from the same buffer."""
    for kernel in program.kernels:
        own = [item for item in walk(kernel.body) if isinstance(item, (Reserve, Pop)) and item.cb == cb]
        if {type(item) for item in own} == {Reserve, Pop}:
            return max(evaluate(item.pages, kernel.named_compile_time_args) for item in own)
    return 0


def deeper_than_needed(plan: Plan, runs: Sequence[Sequence[Counters]]) -> Iterator[str]:
    """Circular buffers that were never full in any run."""
    for number, program in enumerate(plan.programs):
        of = f" of {program.name}" if len(plan.programs) > 1 else ""
        deepest: dict[int, int] = {}
        for run in runs:
            for ring in run[number].rings if number < len(run) else ():
                deepest[ring.index] = max(ring.deepest, deepest.get(ring.index, 0))
        guests = program.guests()
        for buffer in program.circular_buffers:
            if buffer.name in guests:
                continue  # as long as the one that it lies in
            most_filled = deepest.get(buffer.index, buffer.pages)
            if most_filled + _put_back(program, buffer.name) < buffer.pages:
                most = f"at most {most_filled} of {buffer.pages} pages were filled"
                yield f"circular buffer {buffer.name}{of}: {most}"
