"""Targets: what a card offers, as data under `targets/`, each value with its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, Literal, TypeVar, get_args

import yaml

from ttgen import resources
from ttgen.records import dataclass

Arch = Literal["wormhole_b0", "blackhole"]
Fidelity = Literal["LoFi", "HiFi2", "HiFi3", "HiFi4"]
TargetName = Literal["n150", "n300", "p100", "p150"]

TARGETS: tuple[TargetName, ...] = get_args(TargetName)

PHASES: Final[Mapping[Fidelity, int]] = {"LoFi": 1, "HiFi2": 2, "HiFi3": 3, "HiFi4": 4}
"""Passes of the matrix unit over a product (Tenstorrent's ISA documentation, MVMUL)."""

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A grid of cores."""

    rows: int
    cols: int

    @property
    def cores(self) -> int:
        """How many cores the grid has."""
        return self.rows * self.cols


@dataclass(frozen=True, slots=True, kw_only=True)
class L1:
    """Memory of one core, in bytes.

    Attributes:
        usable: what circular buffers and L1 tensors share.
        kernel_config: what the kernels' code, arguments and descriptors of buffers share.
    """

    bytes: int
    usable: int
    kernel_config: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dram:
    """Device memory; bytes of a bank, and the peak rate of all banks.

    Attributes:
        readers: the logical core (x, y) beside each bank, which reads from it with the least way on the NoC.
    """

    banks: int
    bank_bytes: int
    gigabytes_per_second: int
    readers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Bytes that an address must be a multiple of."""

    l1: int
    dram_read: int
    dram_write: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NocRates:
    """Bytes a clock: of a link, and measured from a worker's L1 and from DRAM."""

    link: float
    worker: float
    dram: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NocPreferences:
    """Which network reads and which writes, and what they carry."""

    read: Literal[0, 1]
    write: Literal[0, 1]
    bytes_per_clock: NocRates
    burst_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DramShares:
    """Parts of DRAM's peak that cores which don't wait for each other get, by NoC.

    Attributes:
        read: reads of a burst's bytes or more between two barriers.
        read_page: reads of a single tile before each barrier.
        beside: reads of each bank by the core beside it.
        write: writes of blocks by all cores at once.
    """

    read: tuple[float, float]
    read_page: tuple[float, float]
    beside: float
    write: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackShares:
    """Parts of the unpackers' peak that a product's streamed operand gets, by the shape of the subblock.

    Attributes:
        line: one row or column of tiles.
        block: several of both.
    """

    line: float
    block: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRates:
    """What a host sees of a program that it has launched before.

    Attributes:
        overhead_us: before and after the program.
        warm_cycles: a program that is longer slows the clock down,
        warm_clock: to this part of it.
    """

    overhead_us: float
    warm_cycles: int
    warm_clock: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How fast a chip's cores, NoCs and DRAM are: the numbers of the cost model. Cycles, and bytes a clock.

    Attributes:
        launch: cycles before the first kernel of a program reads.
        read_latency: cycles of a round of reads and of handing it over, beside its bytes.
        ahead_latency: the same where the reads were begun long before.
        page: cycles to ask for a page.
        read: bytes a clock of one core's reads from DRAM, by NoC.
        multicast: bytes a clock of a block to many cores.
        dram: what all cores together get.
        phase: cycles of a fidelity phase of a product of two tiles.
        product: cycles of a product of two tiles beside its phases.
        unpack: bytes a clock of each unpacker.
        unpack_shares: what of that products get.
        pack: bytes a clock of the packer.
        pack_overhead: cycles of a tile that the matrix unit waits for the packer.
        elementwise: cycles of a fidelity phase of an elementwise operation on two tiles.
        reduce_max: cycles of the matrix unit for the maximum of a tile, beside what was there.
        sfpu: cycles of an operation of the vector unit on a tile, with 16-bit and with 32-bit DST.
        host: what a host sees.
    """

    launch: float
    read_latency: float
    ahead_latency: float
    page: float
    read: tuple[float, float]
    multicast: float
    dram: DramShares
    phase: float
    product: float
    unpack: float
    unpack_shares: UnpackShares
    pack: float
    pack_overhead: float
    elementwise: float
    reduce_max: float
    sfpu: Mapping[str, tuple[float, float]]
    host: HostRates


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where cores and banks of DRAM are on NoC 0, as (x, y).

    Attributes:
        columns: of logical columns of cores.
        rows: of logical rows.
        dram: of each bank the port that cores use, by NoC.
    """

    columns: tuple[int, ...]
    rows: tuple[int, ...]
    dram: tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A card, or one chip of it.

    Attributes:
        fidelity: the math fidelity where a spec asks for none.
        circular_buffers: circular buffers a core can have.
        harvested: the smaller grids of cards on which rows or columns of cores are switched off.
    """

    name: str
    description: str
    arch: Arch
    grid: Grid
    clock_ghz: float
    fidelity: Fidelity
    l1: L1
    circular_buffers: int
    semaphores: int
    dram: Dram
    alignment: Alignment
    noc: NocPreferences
    harvested: tuple[Grid, ...] = ()

    @property
    def product(self) -> TargetName:
        """The name that a spec has for it."""
        return next(name for name in TARGETS if name == self.name.partition("-")[0])

    def dst_tiles(self, *, bits: Literal[16, 32]) -> int:
        """Tiles that a half-synchronised DST section holds (tt-metal's DEST_AUTO_LIMIT)."""
        return 8 if bits == 16 else 4


@cache
def load(name: str) -> Target:
    """The target of that name: a product, or one with fewer rows or columns of cores, such as `p150-10x12`."""
    product, _dash, size = name.partition("-")
    target = _structured({"name": product, **_read(f"{product}.yaml")}, Target)
    if not size:
        return target
    grid = next(grid for grid in target.harvested if _size(grid) == size)
    dram = replace(target.dram, readers=_within(target.dram.readers, grid))
    description = f"{target.description}, of which {grid.rows} rows and {grid.cols} cols are there"
    return replace(target, name=name, description=description, grid=grid, dram=dram, harvested=())


def grids() -> tuple[str, ...]:
    """The names of all products, and of each with the cores that it may have less."""
    return tuple(
        found for name in TARGETS for found in (name, *(f"{name}-{_size(grid)}" for grid in load(name).harvested))
    )


def _size(grid: Grid) -> str:
    return f"{grid.rows}x{grid.cols}"


def _within(readers: Iterable[tuple[int, int]], grid: Grid) -> tuple[tuple[int, int], ...]:
    """The core beside each bank, or where that isn't there the nearest that reads no other one."""
    found: list[tuple[int, int]] = []
    kept = {(x, y) for x, y in readers if x < grid.cols and y < grid.rows}
    for x, y in readers:
        free = ((col, row) for row in range(grid.rows) for col in range(grid.cols) if (col, row) not in {*kept, *found})
        found.append((x, y) if (x, y) in kept else min(free, key=lambda core: abs(core[0] - x) + abs(core[1] - y)))
    return tuple(found)


@cache
def load_rates(arch: Arch) -> Rates:
    """How fast the chips of an architecture are; apart from targets, which need them only to compare schedules."""
    return _structured(_read(f"rates/{arch}.yaml"), Rates)


@cache
def load_places(arch: Arch) -> Places:
    """Where things are on the chips of an architecture; apart from targets, which need it only to show traffic."""
    return _structured(_read(f"places/{arch}.yaml"), Places)


def _read(file: str) -> dict[str, Any]:
    text = (resources.folder("targets") / file).read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe
    return data


def _structured(data: dict[str, Any], kind: type[Record]) -> Record:
    from ttgen.structuring import CONVERTER

    return CONVERTER.structure(data, kind)
