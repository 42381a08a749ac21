"""Compiles the runtime and host programs, and runs them. Follows the contract of ttgen/emulator/README.md."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ttgen import resources
from ttgen.verify.toolchain import Builder, Compiler, find_compiler

ROOT = Path(__file__).resolve().parents[2] / "ttgen/emulator"
TESTS = Path(__file__).resolve().parent
# That of `ttgen verify`, and its cache: libraries and host programs are compiled once for all tests of all checkouts.
CACHE = resources.cache_folder() / "emulator"
COMPILER = list(find_compiler().command)
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


@cache
def builder(sanitize: bool, compiler: tuple[str, ...]) -> Builder:
    """The one that `ttgen verify` uses: its library, in the same cache as that of the tests of verify."""
    return Builder(Compiler(command=compiler, sanitize=sanitize), CACHE, jobs=2)


def build_runtime(sanitize: bool = False, compiler: Sequence[str] = tuple(COMPILER)) -> Path:
    """The folder of libttemu.so."""
    return builder(sanitize, tuple(compiler)).library()


def build_host(source: Path, sanitize: bool = False, compiler: Sequence[str] = tuple(COMPILER)) -> Path:
    """The program, with the runtime that it needs."""
    library = build_runtime(sanitize, compiler)
    files = [source, *sorted(source.parent.glob("*.hpp"))]
    define = f'-DKERNELS="{TESTS / "kernels"}"'
    # A program has both paths in it: one of a checkout that was moved since isn't this one.
    program = CACHE / f"{source.stem}-{_digest(files, f'{library}{define}')}"
    if not program.exists():
        flags = [*SANITIZE] if sanitize else []
        scratch = f"{program}.{os.getpid()}"
        warnings = ["-Wall", "-Wextra", "-std=c++20", "-O0"]
        link = ["-L", str(library), "-lttemu", f"-Wl,-rpath,{library}"]
        _run([*compiler, *flags, *warnings, "-I", str(ROOT / "include"), define, str(source), *link, "-o", scratch])
        Path(scratch).replace(program)
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
