"""What the device profiler of tt-metal wrote: how long each program and each kernel took, and what compute waited for.

Columns and names are those of 0.81: of `profile_log_device.csv`, of the zones of kernels' processors, and of the sums
that TT_METAL_PROFILER_SUM adds in `llk_io_unpack.h` and `llk_io_pack.h`. All cores of a chip have one clock.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from ttgen.errors import UserError, counted, printable
from ttgen.model.grids import Coordinate
from ttgen.model.plan import Kernel
from ttgen.records import dataclass

Processor = Literal["BRISC", "NCRISC", "TRISC"]

_FREQUENCY: Final = re.compile(r"ARCH: \w+, CHIP_FREQ\[MHz\]: ([0-9.]+)\b")
_COLUMNS: Final = (
    "core_x", "core_y", "RISC processor type", "time[cycles since reset]", "data", "run host ID", "zone name", "type",
)  # fmt: skip
_KERNELS: Final[Mapping[str, Processor]] = {
    "BRISC-KERNEL": "BRISC", "NCRISC-KERNEL": "NCRISC", "TRISC-KERNEL": "TRISC",
}  # fmt: skip
_INPUT: Final = "CB-COMPUTE-WAIT-FRONT"
_ROOM: Final = "CB-COMPUTE-RESERVE-BACK"


class ProfileError(UserError):
    """A log that isn't one, or not all of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreTimes:
    """One core in one run of a program, in microseconds.

    Attributes:
        core: where it is, as the log has it: on the NoC.
        kernels: of each processor, from its first cycle in a kernel to its last.
        input: that the compute kernel waited for pages,
        room: and for room to store them.
    """

    core: Coordinate
    kernels: Mapping[Processor, float]
    input: float
    room: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One run of a program, in microseconds from the first kernel's begin to the last one's end."""

    microseconds: float
    cores: tuple[CoreTimes, ...]

    def longest(self, processor: Processor) -> CoreTimes | None:
        """The core on which a processor's kernel takes longest; none where there is no such kernel."""
        own = [core for core in self.cores if processor in core.kernels]
        return max(own, key=lambda core: core.kernels[processor], default=None)


def processor_of(kernel: Kernel) -> Processor:
    """The processor that runs a kernel, as the log calls it; the three of a compute kernel have one name."""
    match kernel.processor:
        case "riscv_0":
            return "BRISC"
        case "riscv_1":
            return "NCRISC"
        case None:
            return "TRISC"


class Log:
    """A log to which programs of one device are added as they run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[int] = set()

    def added(self, runs: int, programs: int) -> tuple[tuple[Launch, ...], ...]:
        """The programs of each run that were added since the last time.

        Args:
            runs: how many there were,
            programs: of as many programs.

        Raises:
            ProfileError: there is no log, it is no such log, or it hasn't all of these.
        """
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise self._wrong(f"the device profiler wrote no log: {error.strerror or error}") from None
        found = {number: launch for number, launch in self._launches(text) if number not in self._seen}
        self._seen |= found.keys()
        if len(found) != runs * programs:
            raise self._wrong(f"has {counted(len(found), 'program')} more than before, and {runs * programs} ran")
        launches = [found[number] for number in sorted(found)]
        return tuple(tuple(launches[begin : begin + programs]) for begin in range(0, len(launches), programs))

    def _launches(self, text: str) -> Iterator[tuple[int, Launch]]:
        """Each run of a program, with its number: later ones have larger ones."""
        head, _newline, rest = text.partition("\n")
        clock = _FREQUENCY.match(head)
        if clock is None or float(clock[1]) <= 0:
            raise self._wrong("is no log of the device profiler: its first line doesn't say the chip's clock")
        by_program: dict[int, list[_Row]] = {}
        for row in self._rows(rest):
            if row.zone in _KERNELS or row.kind == "ZONE_TOTAL":
                by_program.setdefault(row.program, []).append(row)
        for number, rows in by_program.items():
            if any(row.zone in _KERNELS for row in rows):
                yield number, self._launch(rows, float(clock[1]))

    def _rows(self, text: str) -> Iterator[_Row]:
        reader = csv.reader(text.splitlines())
        columns = [cell.strip() for cell in next(reader, [])]
        for name in _COLUMNS:
            if name not in columns:
                raise self._wrong(f"is no log of the device profiler: it has no column '{name}'")
        places = [columns.index(name) for name in _COLUMNS]
        for line, cells in enumerate(reader, 3):
            if len(cells) < len(columns):
                raise self._wrong(f"line {line} is cut off: {len(cells)} cells of {len(columns)}")
            x, y, processor, time, data, program, zone, kind = (cells[place].strip() for place in places)
            try:
                numbers = int(x), int(y), int(time), int(data or 0), int(program or 0)
            except ValueError:
                raise self._wrong(f"line {line} has no numbers where they belong") from None
            yield _Row(
                core=numbers[:2], processor=processor, time=numbers[2], data=numbers[3], program=numbers[4],
                zone=zone, kind=kind,
            )  # fmt: skip

    def _launch(self, rows: Sequence[_Row], megahertz: float) -> Launch:
        begins: dict[tuple[Coordinate, Processor], int] = {}
        ends: dict[tuple[Coordinate, Processor], int] = {}
        waits: dict[tuple[Coordinate, str], int] = {}
        for row in rows:
            if row.kind == "ZONE_TOTAL":
                waits[row.core, row.zone] = waits.get((row.core, row.zone), 0) + row.data
                continue
            key = row.core, _KERNELS[row.zone]
            if row.kind == "ZONE_START":
                begins[key] = min(row.time, begins.get(key, row.time))
            elif row.kind == "ZONE_END":
                ends[key] = max(row.time, ends.get(key, row.time))
        for core, processor in begins.keys() ^ ends.keys():
            raise self._wrong(
                f"{processor} of core {core} has no begin or no end: the log, or its buffer, was too short"
            )
        kernels: dict[Coordinate, dict[Processor, float]] = {}
        for (core, processor), begin in begins.items():
            kernels.setdefault(core, {})[processor] = (ends[core, processor] - begin) / megahertz
        cores = tuple(
            CoreTimes(
                core=core,
                kernels=own,
                input=waits.get((core, _INPUT), 0) / megahertz,
                room=waits.get((core, _ROOM), 0) / megahertz,
            )
            for core, own in kernels.items()
        )
        return Launch(microseconds=(max(ends.values()) - min(begins.values())) / megahertz, cores=cores)

    def _wrong(self, message: str) -> ProfileError:
        return ProfileError(f"{printable(str(self._path))}: {message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of the log."""

    core: Coordinate
    processor: str
    time: int
    data: int
    program: int
    zone: str
    kind: str
