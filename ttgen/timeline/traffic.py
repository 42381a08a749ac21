"""What goes over the NoCs: every page that is read or written and every block that goes from core to core, by whom.

The kernels of all cores are run through their own index expressions, as far as they move data. Counters aren't there:
their few bytes are no part of a plan's cost either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal

from ttgen.analysis.counts import counter
from ttgen.analysis.slices import arguments, sliced
from ttgen.analysis.steps import corners, every_trip, generator
from ttgen.exhaustive import assert_never
from ttgen.model.body import Body
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
)
from ttgen.model.grids import Coordinate
from ttgen.model.index import ONE, Index, to_python
from ttgen.model.plan import Kernel, Plan, Program, Tensor
from ttgen.model.tiles import ROW_PART_BYTES
from ttgen.records import dataclass
from ttgen.target import Places, Target, load_places, load_rates
from ttgen.timeline.schedule import CoreSchedule, ProgramSchedule

MOST: Final = 100_000
"""Transfers of a workload, about: what moves alike in one part of the program is one."""
PACKET: Final = 8192
"""Bytes of a packet at most: the largest burst of Wormhole's NoC; more are several packets."""

What = Literal["READ", "WRITE", "WRITE_MULTICAST"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Packets from one place to another one, or to a rectangle of places, on NoC 0's coordinates (x, y).

    Attributes:
        what: why they move.
        noc: which NoC carries them.
        source: where the bytes come from: of a read that is the memory.
        first: where they go to; of a multicast the corner with the lowest coordinates.
        last: the opposite corner; the same where it is no multicast.
        from_dram: whether they come from DRAM.
        to_dram: whether they go there.
        packet_bytes: of each packet.
        packets: how many.
        begin: cycles from the first launch, at the earliest.
    """

    what: What
    noc: int
    source: Coordinate
    first: Coordinate
    last: Coordinate
    from_dram: bool
    to_dram: bool
    packet_bytes: int
    packets: int
    begin: float


def transfers(plan: Plan, program: Program, schedule: ProgramSchedule, target: Target) -> Iterator[Transfer]:
    """What a program moves, and when.

    Args:
        plan: for its tensors.
        program: one of its programs.
        schedule: of the program.
        target: the card.
    """
    places, rates = load_places(target.arch), load_rates(target.arch)
    given = dict(program.cores())
    running = [
        (kernel, core)
        for kernel in program.kernels if kernel.role == "data_movement"
        for area in kernel.core_ranges
        for core in area.cores()
    ]  # fmt: skip
    world = _World(
        tensors={tensor.name: _Stored(tensor, target, places) for tensor in plan.tensors},
        pages={buffer.name: buffer.page_bytes for buffer in program.circular_buffers},
        places=places,
        multicast=rates.multicast,
        most=max(1, MOST // (len(running) * (target.dram.banks + 1))),
    )
    for kernel, core in running:
        values = {**kernel.named_compile_time_args, **given.get(core, {})}
        yield from _moved(kernel, core, values, schedule.cores[core], world)


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What a kernel moves things in.

    Attributes:
        tensors: by name.
        pages: bytes of the pages of each buffer.
        places: where cores are.
        multicast: bytes a clock.
        most: parts of a kernel's run that are told apart.
    """

    tensors: Mapping[str, _Stored]
    pages: Mapping[str, int]
    places: Places
    multicast: float
    most: int

    def at(self, x: int, y: int) -> Coordinate:
        """Where a core is."""
        return self.places.columns[x], self.places.rows[y]


class _Stored:
    """Where the pages of a tensor are."""

    def __init__(self, tensor: Tensor, target: Target, places: Places) -> None:
        grid = target.grid
        cores = tuple((places.columns[x], places.rows[y]) for y in range(grid.rows) for x in range(grid.cols))
        banks = target.dram.banks
        self.page_bytes = tensor.page_bytes
        self.in_dram = tensor.in_dram
        self._ports = tuple(ports[:banks] for ports in places.dram) if tensor.in_dram else (cores, cores)
        self._shards: dict[int, int] = {
            page: x if tensor.in_dram else y * grid.cols + x
            for (x, y), part in tensor.parts()
            for page in part.pages(tensor.tiles[-1])
        }

    def place(self, page: int, noc: int) -> Coordinate:
        """Where a page is: in its shard, or dealt to the banks, or to the cores, in turns."""
        ports = self._ports[noc]
        return ports[self._shards[page] if self._shards else page % len(ports)]


def _moved(
    kernel: Kernel, core: Coordinate, values: Mapping[str, int], schedule: CoreSchedule, world: _World
) -> Iterator[Transfer]:
    """What a kernel moves on a core; what moves alike in one part of its run is counted together."""
    assert kernel.noc is not None, "a kernel that moves data has a NoC"
    own, noc = world.at(*core), kernel.noc
    mover = next(mover for mover in schedule.core.movers if mover.kernel.name == kernel.name)
    handed = counter(kernel.body, _handed)(values)
    names, run = _compiled(kernel.body)
    found: Counter[tuple[What, int, Coordinate, Coordinate, Coordinate, bool, bool, int]] = Counter()
    seen = {"push": 0, "pop": 0}
    parts = {kind: min(rounds, world.most) or 1 for kind, rounds in (("push", mover.rounds), ("pop", mover.drains))}

    def part(kind: str) -> int:
        """In which part of the run something is that goes with what is pushed, or popped, next."""
        return seen[kind] * parts[kind] // max(handed.get((kind,), 0), seen[kind] + 1)

    for kind, name, *rest in run(*(values[name] for name in names)):
        match kind:
            case "push" | "pop":
                seen[kind] += 1
            case "read":
                tensor, (page, pages) = world.tensors[name], rest
                where, now = tensor.place(page, noc), part("push")
                for size, number in _packets(pages * tensor.page_bytes):
                    found["READ", now, where, own, own, tensor.in_dram, False, size] += number
            case "read_row":
                tensor, (page, _pages) = world.tensors[name], rest
                where, now = tensor.place(page, noc), part("push")
                found["READ", now, where, own, own, tensor.in_dram, False, ROW_PART_BYTES] += 2
            case "write":
                tensor, (page, _pages) = world.tensors[name], rest
                where, now = tensor.place(page, noc), part("pop")
                for size, number in _packets(tensor.page_bytes):
                    found["WRITE", now, own, where, where, False, tensor.in_dram, size] += number
            case _:
                pages, x, y, *corner = rest
                first, last = world.at(x, y), world.at(*(corner or (x, y)))
                what: What = "WRITE_MULTICAST" if corner else "WRITE"
                now = part("push" if corner else "pop")
                for size, number in _packets(pages * world.pages[name]):
                    found[what, now, own, first, last, False, False, size] += number
    for (what, now, source, first, last, from_dram, to_dram, size), number in found.items():
        if what == "WRITE":
            begin = schedule.takes(mover, now * mover.drains // parts["pop"])
        else:
            begin = schedule.brings(mover, now * mover.rounds // parts["push"])
        if what == "WRITE_MULTICAST":
            # A block is sent when it is there.
            begin += max(0.0, mover.round - size * number / world.multicast)
        yield Transfer(
            what=what, noc=noc, source=source, first=first, last=last, from_dram=from_dram, to_dram=to_dram,
            packet_bytes=size, packets=number, begin=begin,
        )  # fmt: skip


def _packets(bytes_: int) -> Iterator[tuple[int, int]]:
    """Bytes of packets, and how many of them: full ones, and what is left."""
    full, left = divmod(bytes_, PACKET)
    if full:
        yield PACKET, full
    if left:
        yield left, 1


def _handed(effect: Effect) -> tuple[tuple[tuple[str, ...], Index], ...]:
    """How often pages are handed over."""
    return (((effect.kind,), ONE),) if isinstance(effect, Token) and effect.kind in ("push", "pop") else ()


def _wanted(effect: Effect) -> tuple[Index, ...]:
    """Every index of an effect that moves something, or says how far the kernel is."""
    match effect:
        case Token(kind="push" | "pop"):
            return (ONE,)
        case Page(page=page, pages=pages):
            return (page, pages)
        case Deliver(pages=pages, to=to):
            return (pages, *corners(to))
        case (
            Token() | Fill() | Use() | Barrier() | Raise() | Reach() | Operate() | TakeDst() | Accumulate() | Prepare()
        ):
            return ()
        case _:
            assert_never(effect)


@cache
def _compiled(body: Body) -> tuple[tuple[str, ...], Callable[..., Iterator[tuple[Any, ...]]]]:
    """The names that a kernel needs, and what it moves, step by step."""
    own = sliced(body, _wanted)
    names = tuple(sorted(arguments(own, _wanted)))
    return names, generator(own, names, lambda effect: f"yield {step}" if (step := _step(effect)) else "", every_trip)


def _step(effect: Effect) -> str:
    """The text of a step: its kind, the tensor or the buffer, and its numbers."""
    match effect:
        case Token(kind=kind, cb=name):
            return f"({kind!r}, {name!r})" if _wanted(effect) else ""
        case Page(kind=kind, tensor=name):
            return f"({kind!r}, {name!r}, {', '.join(map(to_python, _wanted(effect)))})"
        case Deliver(cb=name):
            return f"('deliver', {name!r}, {', '.join(map(to_python, _wanted(effect)))})"
        case Fill() | Use() | Barrier() | Raise() | Reach() | Operate() | TakeDst() | Accumulate() | Prepare():
            return ""
        case _:
            assert_never(effect)
