"""The process that has the device, as the one that asks it sees it: what it answers, and that it may not answer."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ttgen.errors import UserError
from ttgen.records import dataclass
from ttgen.run.card import serve
from ttgen.run.messages import Absent, Answer, Began, Failed, MeshDevices, Opened, Order, Stored, Timed
from ttgen.run.profile import Log

_SHOWN: Final = 40
_END: Final = 10
"""Seconds that closing a device may take."""


class DeviceError(UserError):
    """There is nothing to run programs on, or not what they need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why an order ended early.

    Attributes:
        name: `timeout`, `crash` or `host-error`.
        program: that was running; empty for none.
        details: the last lines of what libraries printed.
    """

    name: str
    message: str
    program: str
    details: tuple[str, ...]


class Card:
    """A device, opened when it is first asked for, in a process that is started anew where it ended.

    Args:
        device: its number.
        timeout: seconds that opening it, and each run of a program, may take; kernels are compiled in the first one.
        profiled: whether the device profiler is on.
    """

    def __init__(self, device: int, timeout: float, *, profiled: bool) -> None:
        self._device = device
        self._timeout = timeout
        self._profiled = profiled
        self._folder = TemporaryDirectory(prefix="ttgen-run-")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._opened: Opened | None = None
        self._mesh: MeshDevices | None = None
        self._profile: Log | None = None

    def close(self) -> None:
        """Closes the device, and ends the process."""
        self._end()
        self._folder.cleanup()

    def _end(self) -> None:
        if self._connection is not None and self._process is not None:
            self._connection.close()
            self._process.join(_END)
        self._kill()

    def open(self, mesh: MeshDevices | None = None) -> Opened:
        """What the device is; the one that was open before is closed where it is another.

        Args:
            mesh: the devices that are opened together; None for one.

        Raises:
            DeviceError: there is none, or it doesn't answer.
        """
        if self._opened is not None and mesh != self._mesh:
            self._end()
        if self._opened is None:
            self._mesh = mesh
            self._start()
            answer = self._answer()
            if isinstance(answer, Opened):
                self._opened = answer
            else:
                why = reason(answer.why) if isinstance(answer, Absent) else _message(answer)
                self._kill()
                if self._profiled and "Tracy" in why:
                    why = f"--profile is for a ttnn that was built with the device profiler, which PyPI's isn't ({why})"
                raise DeviceError(f"no device: {why}")
        return self._opened

    def run(self, order: Order) -> Iterator[Stored | Timed | Fault]:
        """What each round stored, and how long the timed runs took; or the fault that ended them.

        Raises:
            DeviceError: there is no device, or not what the programs need.
        """
        check(order, self.open(order.mesh))
        assert self._connection is not None, "an open device is connected"
        # Where the process ended meanwhile, there is no answer either.
        with suppress(OSError):
            self._connection.send(order)
        running = ""
        while True:
            match self._answer():
                case Began(program=running):
                    continue
                case Stored() as stored:
                    yield stored
                case Failed(text=text):
                    details = tuple(text.splitlines()[:_SHOWN])
                    yield Fault(name="host-error", message=reason(text), program=running, details=details)
                    return
                case Timed() as timed:
                    yield timed
                    return
                case Fault() as fault:
                    self._kill()
                    where = f"program {running}: " if running else ""
                    yield replace(fault, message=f"{where}{fault.message}", program=running)
                    return

    @property
    def profile(self) -> Log | None:
        """What the device profiler has written since the process began; none where it isn't on."""
        return self._profile

    def _start(self) -> None:
        if self._profiled:
            path = Path(self._folder.name, ".logs", "profile_log_device.csv")
            path.unlink(missing_ok=True)
            self._profile = Log(path)
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, self._log, self._device, self._mesh, self._environment()), daemon=True
        )
        self._process.start()
        theirs.close()

    def _environment(self) -> Mapping[str, str]:
        """Variables for the libraries, beside those of this process."""
        if not self._profiled:
            return {}
        # The sum is what compute kernels wait for.
        folder = self._folder.name
        return {"TT_METAL_DEVICE_PROFILER": "1", "TT_METAL_PROFILER_SUM": "1", "TT_METAL_PROFILER_DIR": folder}

    def watched(self) -> str | None:
        """The log of tt-metal's watcher; none where it isn't on."""
        if not os.environ.get("TT_METAL_WATCHER"):
            return None
        folder = os.environ.get("TT_METAL_LOGS_PATH") or self._folder.name
        path = Path(folder, "generated", "watcher", "watcher.log")
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def _log(self) -> Path:
        return Path(self._folder.name, "log")

    def _answer(self) -> Answer | Fault:
        """The next message, or why none comes."""
        assert self._connection is not None, "it is started"
        assert self._process is not None, "it is started"
        try:
            if not self._connection.poll(self._timeout):
                text = f"no end within {self._timeout:g} seconds"
                return Fault(name="timeout", message=text, program="", details=self._last_lines())
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            self._process.join(_END)
            text = f"the process that has the device ended, with exit status {self._process.exitcode}"
            return Fault(name="crash", message=text, program="", details=self._last_lines())
        return answer

    def _last_lines(self) -> tuple[str, ...]:
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return tuple(text.splitlines()[-_SHOWN:])

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = self._opened = None


@contextmanager
def card_of(device: int, timeout: float, *, profiled: bool = False) -> Iterator[Card]:
    """A device; the arguments are those of `Card`.

    Raises:
        DeviceError: there is no ttnn.
    """
    if find_spec("ttnn") is None:
        raise DeviceError("run needs the Python package ttnn (Python 3.10 or 3.12): pip install 'ttgen[ttnn]'")
    found = Card(device, timeout, profiled=profiled)
    try:
        yield found
    finally:
        found.close()


def check(order: Order, found: Opened) -> None:
    """Refuses a device that isn't what programs were planned for.

    Raises:
        DeviceError: it is of another architecture, or smaller.
    """
    target = order.target
    if found.arch != target.arch:
        raise DeviceError(f"{order.kernel} was planned for {target.arch}, and the device is {found.arch}")
    rows, cols, banks = target.grid.rows, target.grid.cols, target.dram_banks
    if found.rows < rows or found.cols < cols or found.dram_banks < banks:
        needed, there = _size(rows, cols, banks), _size(found.rows, found.cols, found.dram_banks)
        raise DeviceError(f"{order.kernel} needs {needed}, and the device has {there}")


def _size(rows: int, cols: int, banks: int) -> str:
    return f"{rows} x {cols} cores and {banks} banks of DRAM"


def is_simulated(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what runs programs is no card, so that times say nothing."""
    return any(environment.get(name) for name in ("TT_METAL_SIMULATOR", "TT_METAL_MOCK_CLUSTER_DESC_PATH"))


def reason(text: str) -> str:
    """The line of an error of tt-metal that says what is wrong: what follows the last `info:`, or else the first one.

    Errors are inside of others: the innermost is the last one before the first call of a backtrace.
    """
    lines = [line.strip() for line in text.split("backtrace:")[0].splitlines() if line.strip()]
    after = [line for before, line in pairwise(lines) if before == "info:"]
    return after[-1] if after else lines[0] if lines else "no reason was given"


def _message(answer: Answer | Fault) -> str:
    return answer.message if isinstance(answer, Fault) else "it doesn't answer as it should"
