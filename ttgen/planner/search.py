"""`schedule: auto`: the candidate that the cost model finds fastest among those that are legal.

Candidates are ordered by what they take at least: products, bytes from DRAM, and what goes between cores. The best of
those are designed and predicted, as long as one may still be faster than the best so far. The same spec gives the same
schedule; what the model can't tell apart goes to larger subblocks, then to less L1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from ttgen.cost import Prediction, predict
from ttgen.dtypes import DTYPES
from ttgen.errors import SpecError, refuse
from ttgen.formula.values import Input
from ttgen.model.plan import BlockSize
from ttgen.model.schedule import Decided, Schedule
from ttgen.planner import l1
from ttgen.planner.candidate import Candidate, candidate
from ttgen.planner.choices import choices, left_open
from ttgen.planner.precision import Exactness
from ttgen.planner.schedule import schedule_of
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import Block
from ttgen.spec import Schedule as ScheduleSpec
from ttgen.target import PHASES, Target, load_rates

_DESIGNED: Final = 5
"""Candidates of each of the best families that are designed beside the first: one takes two to four milliseconds."""
_FAMILIES: Final = 3
"""Families of which more than the first candidate is designed."""
_REFUSED: Final = 6
"""Candidates of a family that may turn out to be illegal before the family is given up."""
_ALIKE: Final = 1.02
"""Predictions that are nearer than this are the same to the model, whose error is five percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A candidate and what is predicted of it."""

    made: Candidate
    prediction: Prediction
    l1_bytes: int

    @property
    def cycles(self) -> float:
        """Cycles on the device."""
        return self.prediction.device_cycles


def best(stage: Stage, pattern: str, limits: BlockSize, exactness: Exactness, target: Target) -> Candidate:
    """The fastest candidate of a stage, by the model.

    Raises:
        SpecError: none is legal beside what is said; with what excludes the nearest.
    """
    ranked = rank(stage, pattern, limits, exactness, target)
    winner, *others = ranked
    return replace(winner.made, schedule=_explained(winner, others, left_open(stage)))


def rank(
    stage: Stage, pattern: str, limits: BlockSize, exactness: Exactness, target: Target, *, designed: int = _DESIGNED
) -> list[Found]:
    """The candidates of a stage that were designed, the fastest first.

    Candidates of one family (how K is cut, whether blocks are read ahead, how many lines of units there are) differ in
    their blocks only. The most promising of each family is designed, and then more of the best families.

    Args:
        stage: what is computed.
        pattern: that serves it.
        limits: the largest block that its formula has.
        exactness: of the math.
        target: the card.
        designed: how many more are designed of a good family.

    Raises:
        SpecError: none is legal.
    """
    families: dict[tuple[object, ...], list[ScheduleSpec]] = {}
    least: dict[ScheduleSpec, float] = {}
    beyond = math.inf
    for choice in dict.fromkeys(choices(stage, limits, target)):
        bytes_ = _roughly(stage, choice, exactness)
        if bytes_ > target.l1.usable:
            beyond = min(beyond, bytes_)
            continue
        least[choice] = _least(stage, choice, limits, exactness, target)
        families.setdefault(_family(choice, limits), []).append(choice)
    refused: list[SpecError] = []

    def designs(family: tuple[object, ...], number: int, slowest: float) -> Iterator[Found]:
        """The next legal candidates of a family, as long as they may be fast enough."""
        waiting, failures = families[family], 0
        while waiting and number and failures < _REFUSED and least[waiting[0]] < slowest:
            try:
                made = _designed(replace(stage, schedule=waiting.pop(0)), pattern, limits, exactness, target)
            except SpecError as error:
                refused.append(error)
                failures += 1
                continue
            number -= 1
            yield replace(made, made=replace(made.made, stage=stage))

    found: list[tuple[tuple[object, ...], Found]] = []
    for members in families.values():
        members.sort(key=least.__getitem__)
    for family in sorted(families, key=lambda name: least[families[name][0]]):
        slowest = min((item.cycles for _family_, item in found), default=math.inf)
        found += ((family, item) for item in designs(family, 1, slowest))
    for family in list(dict.fromkeys(name for name, _item in sorted(found, key=lambda pair: pair[1].cycles)))[
        :_FAMILIES
    ]:
        found += ((family, item) for item in designs(family, designed, math.inf))
    if not found:
        if refused:
            raise refused[0]
        text = f"L1: no schedule fits: the smallest that was tried takes {beyond:,} of {target.l1.usable:,} bytes"
        raise refuse(f"{text}; leave more open, or fewer tensors in L1", *stage.path)
    every = [item for _family_, item in found]
    return sorted(every, key=_order(every))


def _designed(stage: Stage, pattern: str, limits: BlockSize, exactness: Exactness, target: Target) -> Found:
    """A candidate, if it is legal and fits L1."""
    schedule = schedule_of(stage, limits)
    made = candidate(stage, pattern, schedule, schedule.block.value, exactness, target)
    bytes_ = l1.need(made.design.buffers, made.stage.tensors.values(), made.shards, target).total
    if bytes_ > target.l1.usable:
        raise refuse(f"L1: {bytes_:,} of {target.l1.usable:,} bytes", *stage.path)
    return Found(made=made, prediction=predict(made, target), l1_bytes=bytes_)


def _family(choice: ScheduleSpec, limits: BlockSize) -> tuple[object, ...]:
    """What candidates have in common that differ in blocks only."""
    block = choice.block
    assert isinstance(block, Block), "nothing is left open"
    lines = (block.m == limits.m, block.n == limits.n)
    return (choice.policy, choice.multicast, choice.prefetch, choice.split, *lines)


def _order(found: Sequence[Found]) -> Callable[[Found], tuple[float, int, int]]:
    """Fastest first; what the model can't tell apart by larger subblocks, then by less L1."""
    fastest = min(item.cycles for item in found)

    def key(item: Found) -> tuple[float, int, int]:
        cycles = item.cycles
        subblock = item.made.context.subblock
        return (fastest if cycles < fastest * _ALIKE else cycles, -subblock.h * subblock.w, item.l1_bytes)

    return key


def _least(stage: Stage, choice: ScheduleSpec, limits: BlockSize, exactness: Exactness, target: Target) -> float:
    """Cycles that a schedule takes at least: of products, of DRAM, and of what a core gets."""
    block, split = choice.block, int(choice.split)
    assert isinstance(block, Block), "nothing is left open"
    m, n, k = int(block.m), int(block.n), int(block.k)
    rows, cols = -(-limits.m // m), -(-limits.n // n)
    batches = math.prod(axis.size for axis in stage.graph.work[:-2])
    rates = load_rates(target.arch)
    shared = choice.multicast != "none" and choice.policy == "rectangular"
    lines, across = max(target.grid.rows // split, 1), target.grid.cols
    if choice.policy == "rectangular" and 1 not in (rows, cols):
        down, right = min(lines, rows), min(across, cols)
    else:
        cores = min(lines * across if choice.policy == "rectangular" else target.grid.cores, rows * cols)
        down, right = (1, cores) if rows == 1 else (cores, 1)
    dealt = -(-rows // down) * -(-cols // right)
    trips = batches * (dealt if choice.policy == "rectangular" else -(-rows * cols // (down * right)))
    product = stage.graph.contraction
    out = sum(DTYPES[stage.tensors[item.tensor].dtype].tile_bytes for item in stage.graph.outputs)
    peak = target.dram.gigabytes_per_second / target.clock_ghz
    written = limits.m * limits.n * batches * out / (peak * rates.dram.write)
    if product is None:
        return written + trips * m * n * 100.0
    left, right_value = stage.graph.operands_of(product)
    a, b = (DTYPES[value.dtype].tile_bytes if isinstance(value, Input) else 2048 for value in (left, right_value))
    depth = -(-limits.k // split)
    math_cycles = trips * m * n * depth * (16.0 * PHASES[exactness.fidelity.value] + rates.product)
    times = (-(-cols // right), -(-rows // down)) if shared else (cols, rows)
    read = batches * (limits.m * limits.k * a * times[0] + limits.k * limits.n * b * times[1])
    dram = read / (peak * rates.dram.read[0]) + written
    rate = rates.multicast if shared else rates.read[0]
    come = trips * depth * max(m * a, n * b) / rate
    if shared and not choice.prefetch:
        come += trips * depth * max(m * a, n * b) / rates.read[0]
    waits = trips * -(-depth // k) * (rates.ahead_latency if choice.prefetch else rates.read_latency)
    return rates.launch + max(math_cycles, dram, come) + 0.5 * waits


def _roughly(stage: Stage, choice: ScheduleSpec, exactness: Exactness) -> int:
    """Bytes of L1 that the rings of a contraction take, a little less than they do."""
    product = stage.graph.contraction
    if product is None:
        return 0
    block, buffers = choice.block, int(choice.buffers)
    assert isinstance(block, Block), "nothing is left open"
    m, n, k = int(block.m), int(block.n), int(block.k)
    a, b = (DTYPES[value.dtype].tile_bytes for value in stage.graph.operands_of(product))
    rings = (buffers + bool(choice.prefetch)) * (m * k * a + k * n * b)
    if isinstance(stage.graph.operands_of(product)[0], Input) and choice.multicast == "none":
        rings = min(rings, 2 * (m * k * a + k * n * b))
    wide = 4096 if exactness.dst_bits == 32 else 2048
    sums = m * n * wide * int(choice.split) if int(choice.split) > 1 else 0
    out = min(DTYPES[stage.tensors[item.tensor].dtype].tile_bytes for item in stage.graph.outputs)
    return rings + sums + m * n * out


def _explained(winner: Found, others: Sequence[Found], free: Sequence[str]) -> Schedule:
    """The winner's schedule, whose open choices say that they were found, and beside what."""
    because = f"the fastest of {len(others) + 1} by the cost model; it waits for {winner.prediction.binding}"
    if others:
        because += f"; next {_words(others[0].made.schedule)}"
    schedule = winner.made.schedule
    said = "block" if "block" in free else free[0]
    found = {}
    for name in free:
        decided = getattr(schedule, name)
        found[name] = Decided(
            value=decided.value, origin="search", because=because if name == said else decided.because
        )
    return replace(schedule, **found)


def _words(schedule: Schedule) -> str:
    """A schedule in a few words."""
    block = schedule.block.value
    words = f"{block.m}x{block.n}x{block.k}"
    if schedule.multicast.value != "none":
        words += f" multicast {schedule.multicast.value}"
    words += " prefetch" if schedule.prefetch.value else ""
    return words + (f" split {schedule.split.value}" if schedule.split.value > 1 else "")
