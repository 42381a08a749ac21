"""Compiles the runtime and host programs, and runs them. Follows the contract of ttgen/emulator/README.md."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2] / "ttgen/emulator"
TESTS = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("TTEMU_TEST_CACHE", TESTS.parents[1] / ".cache/emulator"))
COMPILER = os.environ.get("CXX", "g++").split()
UNITS = ("unit_launch", "unit_host", "unit_device", "unit_compute")
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-g"]


@dataclass(frozen=True)
class Result:
    status: int
    report: tuple[dict[str, Any], ...]
    stderr: str

    def names(self) -> list[str]:
        """Names of errors and hangs, in order."""
        return [str(r["name"]) for r in self.report if r["kind"] in ("error", "hang", "compile")]

    def first(self, kind: str) -> dict[str, Any]:
        return next(r for r in self.report if r["kind"] == kind)


def _digest(paths: Sequence[Path], extra: str) -> str:
    h = hashlib.sha256(extra.encode())
    for path in paths:
        h.update(path.name.encode() + path.read_bytes())
    return h.hexdigest()[:16]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _flags(sanitize: bool) -> list[str]:
    return [
        "-std=c++20",
        "-ffp-contract=off",
        "-fno-math-errno",
        "-Wall",
        "-Wextra",
        "-I",
        str(ROOT / "include"),
        *(SANITIZE if sanitize else []),
    ]


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def _compile(job: tuple[Sequence[str], Path, Path]) -> None:
    command, source, target = job
    scratch = f"{target}.{os.getpid()}"
    _run([*command, "-c", str(source), "-o", scratch])
    Path(scratch).replace(target)


def _build(source: Path | None, sanitize: bool, compiler: Sequence[str]) -> tuple[Path, Path | None]:
    """The folder of libttemu.so and the program: all objects that are missing compile together, the slowest first."""
    key = " ".join(compiler) + str(sanitize)
    folder = CACHE / f"runtime-{_digest([*_files(ROOT / 'runtime'), *_files(ROOT / 'include')], key)}"
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "libttemu.so"
    jobs: list[tuple[Sequence[str], Path, Path]] = []
    objects = [folder / f"{unit}.o" for unit in UNITS]
    if not library.exists():
        for unit, target in zip(UNITS, objects, strict=True):
            level = "-O2" if unit == "unit_compute" else "-O1"
            jobs.append(([*compiler, *_flags(sanitize), "-fPIC", level], ROOT / f"runtime/{unit}.cpp", target))
    program = host = None
    if source is not None:
        program = (
            CACHE
            / f"{source.stem}-{_digest([source, *sorted(source.parent.glob('*.hpp')), *_files(ROOT / 'include')], key + folder.name)}"
        )
        host = program.with_suffix(".o")
        if not program.exists():
            kernels = f'-DKERNELS="{TESTS / "kernels"}"'
            jobs.insert(2, ([*compiler, *_flags(sanitize), "-O1", kernels], source, host))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_compile, jobs))
    extra = SANITIZE if sanitize else []
    if not library.exists():
        scratch = str(folder / f"libttemu.{os.getpid()}.so")
        _run([*compiler, "-shared", *extra, *map(str, objects), "-ldl", "-o", scratch])
        Path(scratch).replace(library)
    if program is not None and not program.exists():
        scratch = f"{program}.{os.getpid()}"
        _run([*compiler, *extra, str(host), "-L", str(folder), "-lttemu", f"-Wl,-rpath,{folder}", "-o", scratch])
        Path(scratch).replace(program)
    return folder, program


def build_runtime(sanitize: bool = False, compiler: Sequence[str] = tuple(COMPILER)) -> Path:
    """The folder of libttemu.so."""
    return _build(None, sanitize, compiler)[0]


def build_host(source: Path, sanitize: bool = False, compiler: Sequence[str] = tuple(COMPILER)) -> Path:
    """The program, with the runtime that it needs."""
    program = _build(source, sanitize, compiler)[1]
    assert program is not None
    return program


def run(
    program: Path,
    arguments: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str] = {},
    sanitize: bool = False,
    timeout: float = 300,
) -> Result:
    report = folder / "report.jsonl"
    report.unlink(missing_ok=True)
    variables = {
        **os.environ,
        "TTEMU_INCLUDE": str(ROOT / "include"),
        "TTEMU_CXX": " ".join(COMPILER),
        "TTEMU_CACHE": str(CACHE / "units"),
        "TTEMU_REPORT": str(report),
        **(
            {"TTEMU_CXXFLAGS": " ".join(SANITIZE), "ASAN_OPTIONS": "detect_leaks=0:allow_user_segv_handler=1"}
            if sanitize
            else {}
        ),
        **env,
    }
    done = subprocess.run(
        [str(program), *arguments], env=variables, capture_output=True, text=True, check=False, timeout=timeout
    )
    lines = report.read_text().splitlines() if report.exists() else []
    return Result(done.returncode, tuple(json.loads(line) for line in lines), done.stderr)
