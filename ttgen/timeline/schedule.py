"""When the engines of each core are busy: the cost model's schedule, as docs/cost.md has it, block by block.

A core's first block comes, and then while one block is worked on the next one comes. Times are cycles from the launch
of the first program; programs follow each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ttgen.cost import Prediction, predict
from ttgen.cost.core import Core, Mover, noc_of
from ttgen.cost.predict import Pace, Paced, paced
from ttgen.cost.program import Program
from ttgen.model.grids import Coordinate
from ttgen.records import dataclass
from ttgen.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A time in which something is busy with one thing."""

    name: str
    start: float
    cycles: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What one engine does, one thing after the other."""

    name: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSchedule:
    """When a core does what.

    Attributes:
        core: its engines.
        pace: how they follow each other.
        launched: when the program was launched.
    """

    core: Core
    pace: Pace
    launched: float

    def computes(self, block: int) -> float:
        """When the core begins to work on a block."""
        pace = self.pace
        turns = self._unit(block)
        before = pace.launch + pace.first + pace.brought
        return self.launched + before + (block - turns) * pace.step + turns * (pace.computed + pace.turn)

    def brings(self, mover: Mover, block: int) -> float:
        """When a kernel begins to bring a block."""
        pace = self.pace
        if block == 0:
            return self.launched + pace.launch + pace.first
        done = self.computes(block - 1) + pace.computed
        if self._unit(block) != self._unit(block - 1):
            return done + (pace.out if mover is pace.turning else 0.0)
        return done - pace.computed if self.core.overlaps else done

    def takes(self, mover: Mover, drain: int) -> float:
        """When a kernel begins to write, or to send, what was computed of a unit."""
        last = max((drain + 1) * self.pace.rounds // mover.drains - 1, 0)
        return self.computes(last) + self.pace.computed

    def _unit(self, block: int) -> int:
        return block * self.pace.units // self.pace.rounds

    def tracks(self, target: Target, most: int) -> Iterator[Track]:
        """The tracks of a core: its kernels that move data, and the engines of its compute kernel.

        Args:
            target: the card.
            most: slices of a track; where there are more blocks, several together are a slice.
        """
        rounds = self.pace.rounds
        for mover in self.core.movers:
            yield Track(
                name=f"{mover.kernel.name} (NoC {noc_of(mover.kernel, target)})", slices=self._moved(mover, most)
            )
        engines = self.core.compute
        busy = {"compute kernel": engines.took, "unpacker": engines.unpack, "matrix unit": engines.math}
        for name, cycles in {**busy, "vector unit": engines.sfpu, "packer": engines.pack}.items():
            if cycles:
                slices = (
                    Slice(name=_named("block", part), start=self.computes(part[0]), cycles=len(part) * cycles / rounds)
                    for part in _parts(rounds, most)
                )
                yield Track(name=name, slices=tuple(slices))

    def _moved(self, mover: Mover, most: int) -> tuple[Slice, ...]:
        """What a kernel that moves data does, in the order in which it does it."""
        found = []
        if mover.first:
            start = self.launched + self.pace.launch
            found.append(Slice(name="read what all blocks need", start=start, cycles=mover.first))
        if mover.rounds:
            verb = "read and multicast block" if mover.shares else "read block"
            found += (
                Slice(name=_named(verb, part), start=self.brings(mover, part[0]), cycles=len(part) * mover.round)
                for part in _parts(mover.rounds, most)
            )
        if mover.drains and mover.drain:
            found += (
                Slice(
                    name=_named("write unit", part),
                    start=self.takes(mover, part[0]),
                    cycles=len(part) * mover.drain / mover.drains,
                )
                for part in _parts(mover.drains, most)
            )
        if mover.received:
            start = self.computes(self.pace.rounds - 1) + self.pace.computed
            found.append(Slice(name="get sums of others", start=start, cycles=mover.received))
        return tuple(_one_after_another(sorted(found, key=lambda item: item.start)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSchedule:
    """When the cores of a program do what.

    Attributes:
        name: of the program.
        prediction: what it takes.
        launched: when it is launched.
        cores: when each does what.
        reads: cycles that DRAM reads take.
        writes: cycles that DRAM writes take.
    """

    name: str
    prediction: Prediction
    launched: float
    cores: Mapping[Coordinate, CoreSchedule]
    reads: float
    writes: float

    @property
    def end(self) -> float:
        """When the last write is done."""
        return self.launched + self.prediction.device_cycles

    def parts(self) -> Iterator[Slice]:
        """The parts of the prediction, one after another."""
        start = self.launched
        for name, cycles in self.prediction.parts.items():
            if cycles:
                yield Slice(name=name, start=start, cycles=cycles)
                start += cycles

    def dram(self) -> Iterator[Track]:
        """DRAM's reads, from the first one on, and its writes, up to the last one."""
        begin = self.launched + self.prediction.parts["launch"]
        for name, start, cycles in (("reads", begin, self.reads), ("writes", self.end - self.writes, self.writes)):
            if cycles:
                yield Track(name=f"DRAM {name}", slices=(Slice(name=name, start=start, cycles=cycles),))


def schedules(programs: Iterable[Program], names: Sequence[str], target: Target) -> tuple[ProgramSchedule, ...]:
    """When the programs of a spec do what, one after another.

    Args:
        programs: in the order that they run in.
        names: of them.
        target: the card.
    """
    found: list[ProgramSchedule] = []
    for program, name in zip(programs, names, strict=True):
        launched = found[-1].end if found else 0.0
        found.append(_schedule(paced(program, target), predict(program, target), name, launched))
    return tuple(found)


def _schedule(program: Paced, prediction: Prediction, name: str, launched: float) -> ProgramSchedule:
    return ProgramSchedule(
        name=name,
        prediction=prediction,
        launched=launched,
        cores={
            place: CoreSchedule(core=core, pace=pace, launched=launched)
            for place, (core, pace) in program.cores.items()
        },
        reads=program.traffic.read_cycles,
        writes=program.traffic.write_cycles,
    )


def _parts(number: int, most: int) -> Iterator[range]:
    """Numbers from 0 on in at most so many parts that follow each other."""
    parts = min(number, most)
    for part in range(parts):
        yield range(part * number // parts, (part + 1) * number // parts)


def _named(what: str, part: range) -> str:
    return f"{what} {part[0] + 1}" if len(part) == 1 else f"{what} {part[0] + 1} to {part[-1] + 1}"


def _one_after_another(slices: Iterable[Slice]) -> Iterator[Slice]:
    """An engine begins nothing before it has done what it did before."""
    end = 0.0
    for item in slices:
        start = max(item.start, end)
        end = start + item.cycles
        yield Slice(name=item.name, start=start, cycles=item.cycles)
