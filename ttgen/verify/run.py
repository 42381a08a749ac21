"""Runs a host program on files of inputs, and reads what the emulator reports of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.errors import VerifyError
from ttgen.model.body import Pop, walk
from ttgen.model.plan import Plan, Program, Tensor
from ttgen.records import dataclass
from ttgen.target import load as load_target
from ttgen.verify.toolchain import Builder, Built

EMULATOR_ERROR: Final = 86
COMPILE_ERROR: Final = 87
_SECONDS: Final = 1800
_COMPILE_ERROR: Final = re.compile(
    r"^(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<message>.*)$", re.MULTILINE
)

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong, and where.

    Attributes:
        name: of the kind of fault; the table in docs/verify.md has them all.
        kernel: the rendered file, relative to the kernel's folder; empty for none.
        thread: `reader`, `writer`, `unpack`, `math`, `pack` or `host`; empty for none.
        core: logical (x, y).
        file: where the statement is, relative like `kernel`.
        line: of the statement; 0 for none.
        details: further lines, such as who waits for what.
        inputs: of the run, `normal` or `hard`; empty for none.
        order: of the run; the emulator's seed.
    """

    name: str
    message: str
    kernel: str = ""
    thread: str = ""
    core: tuple[int, int] | None = None
    file: str = ""
    line: int = 0
    details: tuple[str, ...] = ()
    inputs: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """How a circular buffer was used, the deepest core counts."""

    index: int
    pages: int
    deepest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What a program moved and computed, over all cores."""

    dram_read_bytes: int
    dram_write_bytes: int
    noc_bytes: int
    tile_products: int
    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferUse:
    """What happened to a tensor's buffer.

    Attributes:
        order: its place among the buffers, that of its tensor in the plan.
        times: how many pages kernels wrote how often.
        exceptions: pages that were written another number of times than most, and that number.
        undefined: page, first byte and bytes that nobody wrote with defined values.
    """

    order: int
    times: Mapping[int, int]
    exceptions: tuple[tuple[int, int], ...]
    undefined: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run: what programs stored, if they ended, and what was reported; no more than that outside of the emulator.

    Attributes:
        stored: outputs, and scratch tensors.
        counters: of each program.
    """

    stored: Arrays
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    counters: tuple[Counters, ...] = ()
    buffers: tuple[BufferUse, ...] = ()


def emulate(
    plan: Plan, built: Built, inputs: Arrays, builder: Builder, *, order: int, jobs: int, poison: bool = True
) -> Outcome:
    """Runs a program in the emulator.

    Args:
        plan: the program.
        built: what was compiled of it.
        inputs: an array for each input.
        builder: knows the compiler and the cache, for kernels.
        order: in which cores and movements take turns; 0 is the plainest.
        jobs: compilers at a time.
        poison: whether padding that no use needs zero holds a large number.
    """
    with TemporaryDirectory(prefix="ttgen-verify-") as temporary:
        folder = Path(temporary)
        report = folder / "report.jsonl"
        compiler = builder.compiler
        device = load_target(plan.target.device)
        environment = {
            **os.environ,
            "TTEMU_INCLUDE": str(builder.include),
            "TTEMU_CXX": " ".join(compiler.command),
            "TTEMU_CXXFLAGS": " ".join(compiler.flags),
            "TTEMU_CACHE": str(builder.cache / "units"),
            "TTEMU_JOBS": str(jobs),
            "TTEMU_REPORT": str(report),
            "TTEMU_ARCH": plan.target.arch,
            "TTEMU_ROWS": str(device.grid.rows),
            "TTEMU_COLS": str(device.grid.cols),
            "TTEMU_SEED": str(order),
            "TTEMU_RESIDENT": ";".join(",".join(map(str, _resident(program))) for program in plan.programs),
        }
        if compiler.sanitize:
            environment["ASAN_OPTIONS"] = "detect_leaks=0:allow_user_segv_handler=1"
        outcome = _execute(plan, [str(built.executable)], inputs, folder, environment, built.folder, poison=poison)
        lines = report.read_text().splitlines() if report.exists() else []
        return _with_report(outcome, [json.loads(line) for line in lines])


def _resident(program: Program) -> list[int]:
    """The circular buffers that no kernel pops: they may hold pages at the end."""
    popped = {item.cb for kernel in program.kernels for item in walk(kernel.body) if isinstance(item, Pop)}
    return [buffer.index for buffer in program.circular_buffers if buffer.name not in popped]


def execute(plan: Plan, command: str, sets: Iterable[Arrays]) -> Iterator[Outcome]:
    """Runs any build of the host program, on a card or a simulator, on some sets of inputs; padding is as `emulate`'s.

    Raises:
        VerifyError: there is no such program.
    """
    words = shlex.split(command)
    for number, inputs in enumerate(sets):
        with TemporaryDirectory(prefix="ttgen-verify-") as folder:
            try:
                yield _execute(plan, words, inputs, Path(folder), dict(os.environ), poison=number % 2 == 0)
            except OSError as error:
                raise VerifyError(f"--exe {command}: {error.strerror or error}") from None


def _execute(
    plan: Plan,
    words: list[str],
    inputs: Arrays,
    folder: Path,
    environment: Mapping[str, str],
    directory: Path | None = None,
    *,
    poison: bool,
) -> Outcome:
    arguments = ["--poison"] if poison else []
    for tensor in plan.tensors:
        file = folder / f"{tensor.name}.bin"
        if tensor.role == "input":
            inputs[tensor.name].astype("<f4").tofile(file)
        arguments += ["--input" if tensor.role == "input" else "--output", f"{tensor.name}={file}"]
    try:
        done = subprocess.run(  # noqa: S603 - a program that was rendered here, or that the user named
            [*words, *arguments], env=environment, cwd=directory, capture_output=True, text=True, check=False,
            timeout=_SECONDS, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Outcome(stored={}, findings=(Finding(name="timeout", message=f"no end after {_SECONDS} seconds"),))
    if done.returncode == 0:
        found = {tensor.name: _read(folder, tensor) for tensor in plan.tensors if tensor.role != "input"}
        stored = {name: values for name, values in found.items() if values is not None}
        missing = tuple(
            Finding(name="missing-output", message=f"{name}: the program wrote no file of the right size")
            for name in found
            if name not in stored
        )
        return Outcome(stored=stored, findings=missing)
    if done.returncode in (EMULATOR_ERROR, COMPILE_ERROR):
        return Outcome(stored={})
    text = done.stderr.strip()
    if "Sanitizer" in text or "runtime error:" in text:
        name = "sanitizer"
    else:
        name = "crash" if done.returncode < 0 else "host-error"
    message = text.splitlines()[-1] if name == "host-error" and text else f"exit status {done.returncode}"
    return Outcome(stored={}, findings=(Finding(name=name, message=message, details=tuple(text.splitlines()[-40:])),))


def _read(folder: Path, tensor: Tensor) -> NDArray[np.float32] | None:
    file = folder / f"{tensor.name}.bin"
    values = np.fromfile(file, dtype="<f4") if file.exists() else np.zeros(0, dtype=np.float32)
    if values.size != int(np.prod(tensor.shape)):
        return None
    # The emulator's marks of undefined data are signalling NaNs, which NumPy would warn of.
    return np.where(np.isnan(values), np.float32(np.nan), values).astype(np.float32).reshape(tensor.shape)


def _with_report(outcome: Outcome, report: list[dict[str, Any]]) -> Outcome:
    findings = tuple(_finding(line) for line in report if line["kind"] in ("error", "hang", "compile"))
    if not outcome.stored and not outcome.findings and not findings:
        findings = (Finding(name="crash", message="the program ended without a word"),)
    return replace(
        outcome,
        findings=(*findings, *outcome.findings),
        notes=tuple(_finding(line) for line in report if line["kind"] == "note"),
        counters=tuple(_counters(line) for line in report if line["kind"] == "program"),
        buffers=tuple(_buffer(line) for line in report if line["kind"] == "buffer"),
    )


def _finding(line: Mapping[str, Any]) -> Finding:
    details: tuple[str, ...] = ()
    if line["kind"] == "hang":
        details = tuple(_waiting(line))
    message, file, number = str(line["message"]), line.get("file", ""), line.get("line", 0)
    if line["kind"] == "compile":
        details = tuple(message.splitlines())
        if place := _COMPILE_ERROR.search(message):
            file, number, message = place["file"], int(place["line"]), place["message"]
    return Finding(
        name=line.get("name", ""),
        message=message,
        kernel=line.get("kernel", ""),
        thread=line.get("thread", ""),
        core=tuple(line["core"]) if line.get("core") else None,
        file=file,
        line=number,
        details=details,
    )


def _waiting(line: Mapping[str, Any]) -> list[str]:
    """Who waits for what, and what buffers and semaphores hold on the cores that wait."""
    waiting = line.get("waiting", [])
    shown = [tuple(item["core"]) for item in waiting[:1]]
    lines = [
        f"{_place(item)} {item['thread']:7}{item.get('file', '')}:{item.get('line', 0)}: {item['on']}"
        for item in waiting
        if tuple(item["core"]) in shown
    ]
    for item in line.get("cbs", []):
        if tuple(item["core"]) in shown:
            held = item["pushed"] - item["popped"]
            lines.append(
                f"{_place(item)} cb {item['cb']}: {held} of {item['pages']} pages are filled; "
                f"{item['pushed']} pushed, {item['popped']} popped"
            )
    lines += [
        f"{_place(item)} semaphore {item['id']}: {item['value']}"
        for item in line.get("semaphores", [])
        if tuple(item["core"]) in shown
    ]
    others = line.get("total_waiting", len(waiting)) - sum(tuple(item["core"]) in shown for item in waiting)
    if others > 0:
        lines.append(f"and {others} more threads wait on other cores")
    return lines


def _place(item: Mapping[str, Any]) -> str:
    return f"core ({item['core'][0]}, {item['core'][1]})"


def _counters(line: Mapping[str, Any]) -> Counters:
    total = line["counters"]
    rings: dict[int, Ring] = {}
    for core in line["cores"]:
        for ring in core["cbs"]:
            known = rings.get(ring["cb"])
            deepest = max(ring["deepest"], known.deepest if known else 0)
            rings[ring["cb"]] = Ring(index=ring["cb"], pages=ring["pages"], deepest=deepest)
    return Counters(
        dram_read_bytes=total["dram_read_bytes"],
        dram_write_bytes=total["dram_write_bytes"],
        noc_bytes=total["noc_bytes"],
        tile_products=total["tile_products"],
        rings=tuple(rings[index] for index in sorted(rings)),
    )


def _buffer(line: Mapping[str, Any]) -> BufferUse:
    return BufferUse(
        order=line["order"],
        times={int(times): pages for times, pages in line["writes"]["times"].items()},
        exceptions=tuple((page, times) for page, times in line["writes"]["exceptions"]),
        undefined=tuple((page, first, count) for page, first, count in line["undefined"]),
    )
