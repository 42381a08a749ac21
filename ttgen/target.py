"""Targets: what a card offers, as data under `targets/`, each value with its source."""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

import yaml

from ttgen import resources
from ttgen.records import dataclass

Arch = Literal["wormhole_b0", "blackhole"]
Fidelity = Literal["LoFi", "HiFi2", "HiFi3", "HiFi4"]
TargetName = Literal["n150", "n300", "p100", "p150"]

TARGETS: tuple[TargetName, ...] = get_args(TargetName)


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
class Target:
    """A card, or one chip of it.

    Attributes:
        fidelity: the math fidelity where a spec asks for none.
        circular_buffers: circular buffers a core can have.
    """

    name: TargetName
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

    def dst_tiles(self, *, bits: Literal[16, 32]) -> int:
        """Tiles that a half-synchronised DST section holds (tt-metal's DEST_AUTO_LIMIT)."""
        return 8 if bits == 16 else 4


@cache
def load(name: TargetName) -> Target:
    """The target of that name."""
    from ttgen.structuring import CONVERTER

    text = (resources.folder("targets") / f"{name}.yaml").read_text(encoding="utf-8")
    data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe loader
    return CONVERTER.structure({"name": name, **data}, Target)
