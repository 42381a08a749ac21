"""The cycles that a program takes: launch, the first block, steps of what binds, and the last block's way out.

A core's kernels run side by side: while one block is worked on, the next one comes and the last one goes. So each step
takes as long as the slowest of them, and what isn't covered by another is added: what comes before the first step, and
what follows the last. docs/cost.md has the formulas, and how far they were off measured GEMMs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ttgen.analysis.counts import count
from ttgen.cost.bounds import Bound, bound
from ttgen.cost.core import Core, Mover, core_of, noc_of
from ttgen.cost.loads import pages, read_by
from ttgen.cost.program import Program
from ttgen.cost.timeline import beats
from ttgen.dtypes import DTYPES
from ttgen.model.grids import Coordinate
from ttgen.records import dataclass
from ttgen.target import Rates, Target, load_rates

Engine = Literal["math", "sfpu", "unpack", "pack", "noc", "dram"]
Part = Literal["launch", "fill", "steps", "turns", "tail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a program takes.

    Attributes:
        parts: cycles one after another: before the first read, until the first block is there, all steps, what cores
            wait for between units where one kernel both feeds and drains them, and the last block's way out.
        engines: cycles that each engine of the busiest core is busy, and that DRAM takes for all cores; they overlap.
        binding: the engine that the steps wait for.
        bound: what no schedule of the program beats.
        dram_read_bytes: by all cores.
        dram_write_bytes: by all cores.
        host_us: what a host sees of it, launched before.
        clock_ghz: of the card.
    """

    parts: Mapping[Part, float]
    engines: Mapping[Engine, float]
    binding: Engine
    bound: Bound
    dram_read_bytes: int
    dram_write_bytes: int
    host_us: float
    clock_ghz: float

    @property
    def device_cycles(self) -> float:
        """Cycles from the launch to the last write."""
        return sum(self.parts.values())

    @property
    def bound_us(self) -> float:
        """Microseconds that no schedule beats."""
        return self.bound.least / (self.clock_ghz * 1000)

    @property
    def device_us(self) -> float:
        """Microseconds from the launch to the last write."""
        return self.device_cycles / (self.clock_ghz * 1000)

    @property
    def compute_cycles(self) -> float:
        """Cycles until the last tile is computed: what a profile of the compute kernel shows."""
        return self.device_cycles - self.parts["tail"]


def predict(program: Program, target: Target, rates: Rates | None = None) -> Prediction:
    """What a program takes on a card.

    Args:
        program: the program under a schedule.
        target: the card.
        rates: how fast it is; None for what is known of its architecture.
    """
    rates = rates or load_rates(target.arch)
    cores = [core_of(program, core, target, rates) for core in _representatives(program)]
    traffic = _traffic(program, cores[0], target, rates)
    slowest = max(
        (_pipelined(core, traffic, rates) for core in cores), key=lambda found: sum(found.pace.parts.values())
    )
    parts = slowest.pace.parts
    cycles = sum(parts.values())
    host = rates.host
    warm = max(0.0, cycles - host.warm_cycles)
    return Prediction(
        parts=parts,
        engines=slowest.engines,
        binding=slowest.binding,
        bound=bound(program.stage.graph, program.stage.tensors, program.fidelity, target, rates),
        dram_read_bytes=traffic.read_bytes,
        dram_write_bytes=traffic.write_bytes,
        host_us=(cycles - warm + warm / host.warm_clock) / (target.clock_ghz * 1000) + host.overhead_us,
        clock_ghz=target.clock_ghz,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """All cores of a program, and what they share.

    Attributes:
        cores: what each does, and its pace.
        traffic: of all of them.
    """

    cores: Mapping[Coordinate, tuple[Core, Pace]]
    traffic: Traffic


def paced(program: Program, target: Target) -> Paced:
    """Every core of a program by itself, as `predict` sees the first of each role."""
    rates = load_rates(target.arch)
    places = [core for areas in program.divided.roles.values() for area in areas for core in area.cores()]
    cores = {core: core_of(program, core, target, rates) for core in dict.fromkeys(places)}
    traffic = _traffic(program, cores[_representatives(program)[0]], target, rates)
    return Paced(
        cores={place: (core, _pipelined(core, traffic, rates).pace) for place, core in cores.items()}, traffic=traffic
    )


def _representatives(program: Program) -> tuple[Coordinate, ...]:
    """The first core of each role, and of the part of K that has most steps: no core has more work."""
    found = [areas[0].start for areas in program.divided.roles.values() if areas]
    if "keys_beyond" in program.sizes:
        # Later queries have more keys.
        found.append(_busiest(program))
    parts, steps = program.sizes.get("parts", 1), program.sizes.get("k_blocks", 1)
    most = max(range(parts), key=lambda part: (part + 1) * steps // parts - part * steps // parts)
    if most and (wide := program.sizes.get("group_cols")):
        found.append((most % wide, most // wide))
    elif most:
        found.append((0, most * program.sizes["core_rows"]))
    return tuple(dict.fromkeys(found))


def _busiest(program: Program) -> Coordinate:
    """The core whose compute kernel does most."""
    (body,) = (kernel.body for kernel in program.design.kernels if kernel.part == "compute")
    places = [core for areas in program.divided.roles.values() for area in areas for core in area.cores()]
    tables = program.divided.tables
    # Cores whose arguments are the same do the same.
    own = {place: tuple((name, table[place[1]][place[0]] or 0) for name, table in tables.items()) for place in places}
    done = {
        values: sum(number for key, number in count(body, {**program.sizes, **dict(values)}).items() if key[0] == "op")
        for values in set(own.values())
    }
    return max(places, key=lambda place: done[own[place]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What all cores move to and from DRAM: bytes, and the cycles that this takes at least."""

    read_bytes: int
    write_bytes: int
    read_cycles: float
    write_cycles: float

    @property
    def cycles(self) -> float:
        """Of reads and writes side by side."""
        return max(self.read_cycles, self.write_cycles)


def _traffic(program: Program, core: Core, target: Target, rates: Rates) -> Traffic:
    """All traffic: reads of each NoC get a share of DRAM's peak, and together not more than the better NoC's.

    Tiles that every core reads from the L1 of others get no more of a NoC than those from DRAM: ttnn's GEMM of one tile
    at a time is as slow with an operand in L1.

    Args:
        program: whose.
        core: for how much its kernels read at once.
        target: the card.
        rates: how fast it is.
    """
    tensors, total = program.stage.tensors, program.tally.total
    peak = target.dram.gigabytes_per_second / target.clock_ghz

    def moved(kind: str) -> dict[str, int]:
        return {name: number * DTYPES[tensors[name].dtype].tile_bytes for name, number in pages(total, kind)}

    reads, writes = moved("read"), moved("write")
    left, cycles, together, beside = dict(reads), [0.0, 0.0], 0.0, 0.0
    for mover in core.movers:
        noc = noc_of(mover.kernel, target)
        # From a page to a burst at a time.
        large = min(1.0, mover.read_bytes / target.noc.burst_bytes)
        share = rates.dram.read_page[noc] + (rates.dram.read[noc] - rates.dram.read_page[noc]) * large
        for name in sorted(read_by(mover.kernel.body) & left.keys()):
            number = left.pop(name)
            if tensors[name].layout == "dram_sharded" and program.context.local is not None:
                # Each bank is read by the core beside it, in each other's way nowhere.
                beside += number / (rates.dram.beside * peak)
            elif tensors[name].in_dram or not mover.shares:
                cycles[noc] += number / (share * peak)
                together += number / (max(rates.dram.read) * peak) if tensors[name].in_dram else 0.0
    read_bytes, write_bytes = (
        sum(number for name, number in found.items() if tensors[name].in_dram) for found in (reads, writes)
    )
    return Traffic(
        read_bytes=read_bytes,
        write_bytes=write_bytes,
        read_cycles=max(*cycles, together) + beside,
        write_cycles=write_bytes / (rates.dram.write * peak),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A core's kernels side by side, in cycles.

    Attributes:
        launch: before the first read.
        first: of what is read before the first block.
        brought: until a block is there, where nothing is computed.
        computed: of a block.
        step: from block to block of a unit.
        turn: from unit to unit, where one kernel both brings and writes.
        out: of that kernel, what it writes first.
        received: of what other cores send.
        tail: of the last block's way out.
        rounds: blocks.
        units: in which a turn follows each but the last; 1 where there are no turns.
        turning: the kernel that both brings and writes.
    """

    launch: float
    first: float
    brought: float
    computed: float
    step: float
    turn: float
    out: float
    received: float
    tail: float
    rounds: int
    units: int
    turning: Mover | None

    @property
    def parts(self) -> Mapping[Part, float]:
        """What a core takes: its first block, then steps of what is slowest, then the way out of the last block."""
        return {
            "launch": self.launch,
            "fill": self.first + self.brought,
            "steps": (self.rounds - self.units) * self.step + self.units * self.computed,
            "turns": (self.units - 1) * self.turn + self.received,
            "tail": self.tail,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pipelined:
    """What a core takes, and what keeps it waiting."""

    pace: Pace
    engines: Mapping[Engine, float]
    binding: Engine


def _pipelined(core: Core, traffic: Traffic, rates: Rates) -> _Pipelined:
    """What a core takes."""
    movers, compute = core.movers, core.compute
    rounds = max((mover.rounds for mover in movers), default=0) or 1
    turning = next((mover for mover in movers if mover.rounds and mover.drains), None)
    drain = max(sum(mover.drain for mover in movers), traffic.write_cycles)
    noc, dram = max(mover.round for mover in movers), traffic.read_cycles / rounds
    computed = compute.took / rounds
    waits: dict[Engine, float] = {
        "math": computed if compute.took > max(compute.unpack, compute.pack) else 0.0,
        "unpack": computed if compute.unpack >= compute.took else 0.0,
        "pack": computed if compute.pack >= compute.took else 0.0,
        "noc": noc,
        "dram": dram if turning is not None else max(dram, drain / rounds),
    }
    binding = max(waits, key=waits.__getitem__)
    if binding == "math" and compute.sfpu > compute.math:
        binding = "sfpu"
    others = max((mover.round for mover in movers if mover is not turning), default=0.0)
    units, own = (1, 0.0) if turning is None else (turning.turns, turning.round)
    beat = beats(
        rounds=rounds, computed=compute.took, fed=noc, read=traffic.read_cycles, drained=drain,
        turns=None if turning is None else (units, own, others), overlaps=core.overlaps,
    )  # fmt: skip
    return _Pipelined(
        pace=Pace(
            launch=rates.launch,
            first=max(mover.first for mover in movers),
            brought=beat.brought,
            computed=computed,
            step=beat.step,
            turn=beat.turn,
            out=beat.out,
            received=sum(mover.received for mover in movers),
            # A line's outputs go while they are made, the last ones behind.
            tail=max(
                drain / (max((mover.drains for mover in movers), default=0) or 1),
                (drain - core.puts_out) / rounds if core.puts_out else 0.0,
            ),
            rounds=rounds,
            units=units,
            turning=turning,
        ),
        engines={
            "math": compute.math,
            "sfpu": compute.sfpu,
            "unpack": compute.unpack,
            "pack": compute.pack,
            "noc": max(mover.feed for mover in movers),
            "dram": traffic.cycles,
        },
        binding=binding,
    )
