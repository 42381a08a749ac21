"""What the process that has the device is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ttgen.model.plan import PlanTarget
from ttgen.records import dataclass
from ttgen.target import Arch

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshDevices:
    """A mesh to open.

    Attributes:
        rows: of devices,
        cols: and columns.
        exchanges: whether they exchange something, for which they need their fabric.
    """

    rows: int
    cols: int
    exchanges: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Programs to run.

    Attributes:
        kernel: whose they are.
        target: what they need.
        mesh: what they run on; None for one device.
        files: the kernel's rendered files, by their paths in its folder.
        rounds: the tensors of each run whose outputs are wanted, in whole tiles; those of each device of a mesh, row
            by row.
        repeat: runs after them that are timed.
    """

    kernel: str
    target: PlanTarget
    mesh: MeshDevices | None
    files: Mapping[str, str]
    rounds: tuple[tuple[Arrays, ...], ...]
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The device is there.

    Attributes:
        arch: its architecture, as targets call it; another word for others.
        rows: of cores that programs can have,
        cols: and columns.
        dram_banks: that it has.
    """

    arch: Arch | str
    rows: int
    cols: int
    dram_banks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """There is no device, or no ttnn that works."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A program begins; the one before it has ended."""

    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a round left in the tensors of each device that aren't inputs, in whole tiles."""

    values: tuple[Arrays, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """All that was asked is done: microseconds of each timed run of all programs, as this machine sees it."""

    microseconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What ttnn said of a program that it refused."""

    text: str


Answer = Opened | Absent | Began | Stored | Timed | Failed
