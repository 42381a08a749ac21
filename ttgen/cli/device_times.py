"""What the device profiler says of programs that ran, beside what was predicted: in words, as JSON, and for `tune`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from ttgen.cost import predict
from ttgen.errors import OutputError
from ttgen.model.plan import Kernel
from ttgen.output import Change, read, write
from ttgen.planner.candidate import Planned
from ttgen.records import dataclass
from ttgen.run.profile import CoreTimes, Launch, processor_of
from ttgen.target import load
from ttgen.tuning.measured import row, with_rows
from ttgen.tuning.trials import as_said


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTimes:
    """A program that ran some times.

    Attributes:
        predicted: microseconds on the device.
        microseconds: of each run.
        kernels: each, and the core on which it took longest in the run that is the median.
    """

    program: str
    predicted: float
    microseconds: tuple[float, ...]
    kernels: tuple[tuple[Kernel, CoreTimes], ...]


def device_times(item: Planned, launches: Sequence[Sequence[Launch]]) -> tuple[DeviceTimes, ...]:
    """What was measured of each program, from the programs of each run."""
    target = load(item.plan.target.device)
    return tuple(
        _of_program(item, number, predict(chosen, target).device_us, [run[number] for run in launches])
        for number, chosen in enumerate(item.programs)
    )


def _of_program(item: Planned, number: int, predicted: float, runs: Sequence[Launch]) -> DeviceTimes:
    program = item.plan.programs[number]
    middle = sorted(runs, key=lambda run: run.microseconds)[len(runs) // 2]
    longest = ((kernel, middle.longest(processor_of(kernel))) for kernel in program.kernels)
    return DeviceTimes(
        program=program.name,
        predicted=predicted,
        microseconds=tuple(run.microseconds for run in runs),
        kernels=tuple((kernel, core) for kernel, core in longest if core is not None),
    )


def lines(times: DeviceTimes) -> Iterator[str]:
    """A program's time beside the predicted one, and each kernel's."""
    yield f"  {times.program} on the device: {against(times.microseconds, times.predicted)}"
    for kernel, core in times.kernels:
        us = core.kernels[processor_of(kernel)]
        waits = f", {core.input:.1f} waiting for input and {core.room:.1f} for room" if kernel.config else ""
        yield f"    {kernel.name} {us:.1f} us on its longest core, ({core.core[0]}, {core.core[1]}) on the NoC{waits}"


def against(microseconds: Sequence[float], predicted: float) -> str:
    """What was measured, beside what was predicted."""
    middle = median(microseconds)
    many = f" ({min(microseconds):.1f} to {max(microseconds):.1f}, {len(microseconds)} runs)"
    text = f"{middle:.1f} us{many if len(microseconds) > 1 else ''}"
    return f"{text}, {middle / predicted:.0%} of the predicted {predicted:.1f} us"


def summary(microseconds: Sequence[float]) -> dict[str, float]:
    """Times as JSON has them."""
    return {
        "min": min(microseconds),
        "median": median(microseconds),
        "max": max(microseconds),
        "runs": len(microseconds),
    }


def as_json(times: DeviceTimes) -> dict[str, Any]:
    """All of it."""
    return {
        "program": times.program,
        "device_us": summary(times.microseconds),
        "predicted_device_us": round(times.predicted, 2),
        "kernels": [
            {
                "kernel": kernel.name,
                "us": core.kernels[processor_of(kernel)],
                "noc_core": list(core.core),
                **({"input_wait_us": core.input, "room_wait_us": core.room} if kernel.config else {}),
            }
            for kernel, core in times.kernels
        ],
    }


def write_measured(path: Path, item: Planned, times: Sequence[DeviceTimes]) -> None:
    """Adds the schedule of each program, and how long it took, to a file of measured times.

    Raises:
        OutputError: the file is another one, or can't be written.
    """
    chosen = (candidate.schedule for candidate in item.programs)
    rows = [
        row(item.loaded, found.program, as_said(schedule), found.microseconds)
        for found, schedule in zip(times, chosen, strict=True)
    ]
    write(path.parent, [measured_change(path, rows)])


def measured_change(path: Path, rows: Sequence[Mapping[str, str]] = ()) -> Change:
    """What adding lines to a file of measured times, or to a new one, changes.

    Raises:
        OutputError: the file is another one, or can't be read.
    """
    before = read(path)
    after = with_rows(before, rows)
    if after is None:
        raise OutputError(f"{path}: exists, and has other columns than measured times; choose another name")
    return Change(path=path.name, before=before, after=after)
