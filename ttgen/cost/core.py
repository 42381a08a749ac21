"""What the kernels of one core take, each by itself: what it moves, and what its engines do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from ttgen.cost.loads import SectionLoad, When, moves, packed, pages, sections, sent_to
from ttgen.cost.program import Program
from ttgen.dtypes import DTYPES
from ttgen.model.design import KernelDesign
from ttgen.model.grids import Coordinate
from ttgen.model.index import evaluate
from ttgen.operations import OPERATIONS
from ttgen.records import dataclass
from ttgen.target import PHASES, Rates, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """What a kernel that moves data takes on a core, in cycles.

    Attributes:
        kernel: which.
        rounds: blocks that it brings.
        feed: of all of them.
        first: of what it reads before the first round.
        read_bytes: of a round.
        shares: whether it sends what it reads to others.
        drains: blocks that it takes from the compute kernel.
        turns: units that it does so for.
        drain: of all of them.
        received: of what other cores send to this one.
        tells: how often it exchanges what cores of a line reduced.
    """

    kernel: KernelDesign
    rounds: int
    feed: float
    first: float
    read_bytes: float
    shares: bool
    drains: int
    turns: int
    drain: float
    received: float
    tells: int

    @property
    def round(self) -> float:
        """Of a block that it brings."""
        return self.feed / self.rounds if self.rounds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Cycles that the engines of a core's compute kernel are busy, and that it takes."""

    math: float = 0.0
    sfpu: float = 0.0
    unpack: float = 0.0
    pack: float = 0.0
    took: float = 0.0

    def and_then(self, other: Busy) -> Busy:
        """The cycles of both, one after the other."""
        return Busy(
            math=self.math + other.math,
            sfpu=self.sfpu + other.sfpu,
            unpack=self.unpack + other.unpack,
            pack=self.pack + other.pack,
            took=self.took + other.took,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What a core does.

    Attributes:
        movers: its kernels that move data.
        compute: its compute kernel.
        overlaps: whether the next block comes while one is worked on.
        puts_out: of the compute kernel's cycles those of sections that make outputs, where it has walked along a line
            before; otherwise none.
    """

    movers: tuple[Mover, ...]
    compute: Busy
    overlaps: bool
    puts_out: float


def core_of(program: Program, core: Coordinate, target: Target, rates: Rates) -> Core:
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
    busy, puts_out = Busy(), 0.0
    outputs = {buffer.name for buffer in design.buffers if buffer.role == "output"}
    wide = program.context.dst_bits == 32
    for kernel in computes:
        for section in sections(kernel.body):
            found = _section(section, values, tile_bytes, PHASES[program.fidelity], rates, wide=wide)
            busy = busy.and_then(found)
            puts_out += found.took if section.packs & outputs else 0.0
    movers = tuple(
        _mover(program, kernel, values, tile_bytes, made=made, sent=sent, target=target, rates=rates)
        for kernel in here
        if kernel.part != "compute"
    )
    # Meanwhile the compute kernel waits: all tell all that there is room, and that tiles are there.
    parts, tells = program.sizes.get("parts", 1), sum(mover.tells for mover in movers)
    tile = max(tile_bytes.values())
    exchange = 2 * (rates.ahead_latency + (parts - 1) * rates.page) + parts * tile / rates.multicast
    busy = replace(busy, took=busy.took + tells * exchange)
    rounds = max((mover.rounds for mover in movers), default=0)
    # What comes once keeps nothing waiting for room.
    streams = [
        buffer
        for buffer in design.buffers
        if buffer.role == "input" and program.tally.most.get(("push", buffer.name), 0) > buffer.block
    ]
    return Core(
        movers=movers,
        compute=busy,
        overlaps=rounds < 2 or all(buffer.blocks > 1 for buffer in streams if own.intersection(buffer.on)),
        puts_out=puts_out if _stays(program) else 0.0,
    )


def _stays(program: Program) -> bool:
    """Whether lines stay on a core: what is made of one begins when it has been reduced, not with its first tile."""
    return program.stage.graph.reduced is not None and program.context.keep != "nothing"


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
) -> Mover:
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
        """Bytes, and the cycles that they take one core: to ask for each page or run of pages, or to bring them."""
        bytes_, cycles = 0, 0.0
        count = loads.reads[when](values)
        for name, number in pages(count, "read"):
            size = number * DTYPES[tensors[name].dtype].tile_bytes
            bytes_ += size
            rate = rates.read[noc] if tensors[name].in_dram else link
            cycles += max(count["asks", name] * rates.page, size / rate)
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
    feed = rounds * latency + read_cycles + through("multicast", rates.multicast)
    if _stays(program):
        # A block is a line, however many steps it comes in.
        blocks = {buffer.name: buffer.block for buffer in program.design.buffers if buffer.role == "input"}
        rounds = max((number // blocks[cb] for cb, number in pages(count, "push") if cb in blocks), default=0)
    gathered = [buffer.name for buffer in program.design.buffers if buffer.role == "sent"]
    drains = max((count.get(("waits", cb), 0) for cb in made), default=0)
    return Mover(
        kernel=kernel,
        tells=sum(count.get(("waits", name), 0) for name in gathered),
        rounds=rounds,
        feed=feed,
        first=rates.read_latency + first_cycles if first_bytes else 0.0,
        read_bytes=(read_bytes + ahead_bytes) / rounds if rounds else 0.0,
        shares=any(True for _cb in pages(count, "multicast")),
        drains=drains,
        turns=min(drains, _units(values)),
        drain=written / link + through("send", link),
        received=sum(number * tile_bytes[cb] for cb, number in pages(count, "push") if cb in sent) / link,
    )


def _units(values: Mapping[str, int]) -> int:
    """The units of a core."""
    if "unit_count" in values:
        return values["unit_count"]
    return values["x_count"] * values["y_count"] * values["grid_z"]


def noc_of(kernel: KernelDesign, target: Target) -> Literal[0, 1]:
    """The NoC of a kernel that moves data."""
    return target.noc.read if kernel.noc == "read" else target.noc.write


def _section(
    section: SectionLoad, values: Mapping[str, int], tile_bytes: Mapping[str, int], phases: int, rates: Rates, *,
    wide: bool,
) -> Busy:  # fmt: skip
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
            sfpu += times * rates.sfpu[operation.name][wide]
        elif not operation.contracts:
            multiplies = operation.function == "mul" or operation.reduces == "sum"
            math += times * rates.elementwise * (phases if multiplies else 1)
            math += times * rates.reduce_max if operation.reduces == "max" else 0.0
            unpack += times * max(sizes) / rates.unpack
        else:
            block = section.block
            h, w = (evaluate(side, values) for side in (block.rows, block.cols)) if block else (1, 1)
            share = rates.unpack_shares.line if min(h, w) == 1 else rates.unpack_shares.block
            streamed = max(sizes) if block is None else sizes[0] if h > w else sizes[1]
            math += times * (rates.phase * phases + rates.product)
            unpack += times * streamed / (rates.unpack * share)
    return Busy(math=math, sfpu=sfpu, unpack=unpack, pack=pack, took=max(math + sfpu + waits, unpack, pack))
