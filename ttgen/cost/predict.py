"""The cycles that a program takes: launch, the first block, steps of what binds, and the last block's way out.

A core's kernels run side by side: while one block is worked on, the next one comes and the last one goes. So each step
takes as long as the slowest of them, and what isn't covered by another is added: what comes before the first step, and
what follows the last. docs/cost.md has the formulas, and how far they were off measured GEMMs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ttgen.cost.bounds import PHASES, Bound, bound
from ttgen.cost.loads import SectionLoad, When, moves, packed, pages, read_by, sections, sent_to
from ttgen.cost.program import Program
from ttgen.dtypes import DTYPES
from ttgen.model.design import KernelDesign
from ttgen.model.grids import Coordinate
from ttgen.model.index import evaluate
from ttgen.operations import OPERATIONS
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
    """

    parts: Mapping[Part, float]
    engines: Mapping[Engine, float]
    binding: Engine
    bound: Bound
    dram_read_bytes: int
    dram_write_bytes: int
    host_us: float

    @property
    def device_cycles(self) -> float:
        """Cycles from the launch to the last write."""
        return sum(self.parts.values())

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
    cores = [_core(program, core, target, rates) for core in _representatives(program)]
    traffic = _traffic(program, cores[0], target, rates)
    slowest = max((_pipelined(core, traffic, rates) for core in cores), key=lambda found: sum(found.parts.values()))
    cycles = sum(slowest.parts.values())
    host = rates.host
    warm = max(0.0, cycles - host.warm_cycles)
    return Prediction(
        parts=slowest.parts,
        engines=slowest.engines,
        binding=slowest.binding,
        bound=bound(program.stage.graph, program.stage.tensors.values(), program.fidelity, target, rates),
        dram_read_bytes=traffic.read_bytes,
        dram_write_bytes=traffic.write_bytes,
        host_us=(cycles - warm + warm / host.warm_clock) / (target.clock_ghz * 1000) + host.overhead_us,
    )


def _representatives(program: Program) -> tuple[Coordinate, ...]:
    """The first core of each role: policies and shards give it as much work as any."""
    return tuple(dict.fromkeys(areas[0].start for areas in program.divided.roles.values() if areas))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mover:
    """What a kernel that moves data takes on a core, in cycles.

    Attributes:
        kernel: which.
        rounds: blocks that it brings.
        feed: of all of them.
        first: of what it reads before the first round.
        read_bytes: of a round.
        drains: blocks that it takes from the compute kernel.
        drain: of all of them.
        received: of what other cores send to this one.
    """

    kernel: KernelDesign
    rounds: int
    feed: float
    first: float
    read_bytes: float
    drains: int
    drain: float
    received: float

    @property
    def round(self) -> float:
        """Of a block that it brings."""
        return self.feed / self.rounds if self.rounds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Busy:
    """Cycles that the engines of a core's compute kernel are busy, and that it takes."""

    math: float = 0.0
    sfpu: float = 0.0
    unpack: float = 0.0
    pack: float = 0.0
    took: float = 0.0

    def and_then(self, other: _Busy) -> _Busy:
        """The cycles of both, one after the other."""
        return _Busy(
            math=self.math + other.math,
            sfpu=self.sfpu + other.sfpu,
            unpack=self.unpack + other.unpack,
            pack=self.pack + other.pack,
            took=self.took + other.took,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Core:
    """What a core does.

    Attributes:
        movers: its kernels that move data.
        compute: its compute kernel.
        overlaps: whether the next block comes while one is worked on.
    """

    movers: tuple[_Mover, ...]
    compute: _Busy
    overlaps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traffic:
    """What all cores move to and from DRAM: bytes, and the cycles that this takes at least."""

    read_bytes: int
    write_bytes: int
    read_cycles: float
    write_cycles: float

    @property
    def cycles(self) -> float:
        """Of reads and writes side by side."""
        return max(self.read_cycles, self.write_cycles)


def _core(program: Program, core: Coordinate, target: Target, rates: Rates) -> _Core:
    """What the kernels of a core take when nothing keeps them waiting."""
    x, y = core
    divided, design = program.divided, program.design
    own = {role for role, areas in divided.roles.items() if any(core in area.cores() for area in areas)}
    here = [kernel for kernel in design.kernels if own.intersection(kernel.on)]
    values = {**program.sizes, **{name: table[y][x] or 0 for name, table in divided.tables.items()}}
    tile_bytes = {buffer.name: DTYPES[buffer.dtype].tile_bytes for buffer in design.buffers}
    computes = [kernel for kernel in here if kernel.part == "compute"]
    made = frozenset(cb for kernel in computes for cb in packed(kernel.body))
    sent = frozenset(cb for kernel in design.kernels for cb in sent_to(kernel.body))
    busy = _Busy()
    for kernel in computes:
        for section in sections(kernel.body):
            busy = busy.and_then(_section(section, values, tile_bytes, PHASES[program.fidelity], rates))
    movers = tuple(
        _mover(program, kernel, values, tile_bytes, made=made, sent=sent, target=target, rates=rates)
        for kernel in here
        if kernel.part != "compute"
    )
    rounds = max((mover.rounds for mover in movers), default=0)
    streams = [buffer for buffer in design.buffers if buffer.role == "input" and buffer.tensor is None]
    return _Core(
        movers=movers,
        compute=busy,
        overlaps=rounds < 2 or all(buffer.blocks > 1 for buffer in streams if own.intersection(buffer.on)),
    )


def _mover(
    program: Program,
    kernel: KernelDesign,
    values: Mapping[str, int],
    tile_bytes: Mapping[str, int],
    *,
    made: frozenset[str],
    sent: frozenset[str],
    target: Target,
    rates: Rates,
) -> _Mover:
    """What a kernel that moves data takes: each round its reads, their latency, and sending them to others.

    Args:
        program: whose tensors it moves.
        kernel: it.
        values: the arguments of its core.
        tile_bytes: of the pages of each buffer.
        made: buffers that the compute kernel fills.
        sent: buffers that kernels fill on other cores.
        target: the card.
        rates: how fast it is.
    """
    link = target.noc.bytes_per_clock.worker
    loads = moves(kernel.body)
    count = loads.all(values)
    tensors = program.stage.tensors
    noc = noc_of(kernel, target)

    def reading(when: When) -> tuple[int, float]:
        """Bytes, and the cycles that they take one core."""
        bytes_, cycles = 0, 0.0
        for name, number in pages(loads.reads[when](values), "read"):
            size = number * DTYPES[tensors[name].dtype].tile_bytes
            bytes_ += size
            cycles += size / (rates.read[noc] if tensors[name].in_dram else link)
        return bytes_, cycles

    def through(kind: str, rate: float) -> float:
        return sum(number * tile_bytes[cb] for cb, number in pages(count, kind)) / rate

    rounds = count.get(("rounds",), 0)
    read_bytes, read_cycles = reading("round")
    ahead_bytes, _hidden = reading("ahead")
    first_bytes, first_cycles = reading("first")
    # What is read ahead comes while the others of the group send; that cores don't read faster is DRAM's share.
    latency = rates.ahead_latency if ahead_bytes else rates.read_latency
    written = sum(number * DTYPES[tensors[name].dtype].tile_bytes for name, number in pages(count, "write"))
    return _Mover(
        kernel=kernel,
        rounds=rounds,
        feed=rounds * latency + read_cycles + through("multicast", rates.multicast),
        first=rates.read_latency + first_cycles if first_bytes else 0.0,
        read_bytes=(read_bytes + ahead_bytes) / rounds if rounds else 0.0,
        drains=max((count.get(("waits", cb), 0) for cb in made), default=0),
        drain=written / link + through("send", link),
        received=sum(number * tile_bytes[cb] for cb, number in pages(count, "push") if cb in sent) / link,
    )


def noc_of(kernel: KernelDesign, target: Target) -> Literal[0, 1]:
    """The NoC of a kernel that moves data."""
    return target.noc.read if kernel.part == "reader" else target.noc.write


def _section(
    section: SectionLoad, values: Mapping[str, int], tile_bytes: Mapping[str, int], phases: int, rates: Rates
) -> _Busy:
    """A section, as often as it runs: the engines work side by side, but for what the matrix unit waits for the packer.

    A product on a subblock keeps a tile of one operand in a source register and streams the other's past it: a tile of
    those for each product. The longer side of the subblock is the streamed one (llk_unpack_AB_matmul.h).
    """
    math = sfpu = unpack = pack = waits = 0.0
    for key, times in section.counts(values).items():
        if key[0] == "pack":
            pack += times * tile_bytes[key[1]] / rates.pack
            waits += times * rates.pack_overhead
            continue
        operation, sizes = OPERATIONS[key[1]], [tile_bytes[cb] for cb in key[2:]]
        if operation.engine == "sfpu":
            sfpu += times * rates.sfpu
        elif not operation.contracts:
            math += times * rates.elementwise * (phases if operation.function == "mul" else 1)
            unpack += times * max(sizes) / rates.unpack
        else:
            block = section.block
            h, w = (evaluate(side, values) for side in (block.rows, block.cols)) if block else (1, 1)
            share = rates.unpack_shares.line if min(h, w) == 1 else rates.unpack_shares.block
            streamed = max(sizes) if block is None else sizes[0] if h > w else sizes[1]
            math += times * (rates.phase * phases + rates.product)
            unpack += times * streamed / (rates.unpack * share)
    return _Busy(math=math, sfpu=sfpu, unpack=unpack, pack=pack, took=max(math + sfpu + waits, unpack, pack))


def _traffic(program: Program, core: _Core, target: Target, rates: Rates) -> _Traffic:
    """All DRAM traffic: reads of each NoC get a share of the peak, and together not more than the better NoC's.

    Args:
        program: whose.
        core: for how much its kernels read at once.
        target: the card.
        rates: how fast it is.
    """
    shares, tensors, total = rates.dram, program.stage.tensors, program.tally.total
    peak = target.dram.gigabytes_per_second / target.clock_ghz

    def moved(kind: str) -> dict[str, int]:
        return {
            name: number * DTYPES[tensors[name].dtype].tile_bytes
            for name, number in pages(total, kind)
            if tensors[name].in_dram
        }

    reads, writes = moved("read"), moved("write")
    cycles = [0.0, 0.0]
    left = dict(reads)
    for mover in core.movers:
        noc = noc_of(mover.kernel, target)
        # From a page to a burst at a time.
        large = min(1.0, mover.read_bytes / target.noc.burst_bytes)
        share = shares.read_page[noc] + (shares.read[noc] - shares.read_page[noc]) * large
        for name in read_by(mover.kernel.body) & left.keys():
            cycles[noc] += left.pop(name) / (share * peak)
    read_bytes, write_bytes = sum(reads.values()), sum(writes.values())
    return _Traffic(
        read_bytes=read_bytes,
        write_bytes=write_bytes,
        read_cycles=max(*cycles, read_bytes / (max(shares.read) * peak)),
        write_cycles=write_bytes / (shares.write * peak),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pipelined:
    """A core's kernels side by side."""

    parts: Mapping[Part, float]
    engines: Mapping[Engine, float]
    binding: Engine


def _pipelined(core: _Core, traffic: _Traffic, rates: Rates) -> _Pipelined:
    """What a core takes: its first block, then steps of what is slowest, then the way out of the last block."""
    movers, compute = core.movers, core.compute
    rounds = max((mover.rounds for mover in movers), default=0) or 1
    # A kernel that brings and takes waits for the last step of a unit, and brings nothing while it writes.
    turning = next((mover for mover in movers if mover.rounds and mover.drains), None)
    units = turning.drains if turning is not None else 1
    drain = max(sum(mover.drain for mover in movers), traffic.write_cycles)
    noc, dram = max(mover.round for mover in movers), traffic.read_cycles / rounds
    brought = max(noc, dram)
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
    step = waits["dram"] if binding == "dram" else max(computed, brought)
    if not core.overlaps:
        step = max(step, computed + brought)
    out = drain / units
    others = max((mover.round for mover in movers if mover is not turning), default=0.0)
    turn = 0.0 if turning is None else out + max(turning.round, others - out)
    received = sum(mover.received for mover in movers)
    drains = max((mover.drains for mover in movers), default=0) or 1
    return _Pipelined(
        parts={
            "launch": rates.launch,
            "fill": max(mover.first for mover in movers) + brought,
            "steps": (rounds - units) * step + units * computed,
            "turns": (units - 1) * turn + received,
            "tail": drain / drains,
        },
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
