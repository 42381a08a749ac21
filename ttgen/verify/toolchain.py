"""The C++ compiler, and a cache of what it made, addressed by content: the emulator's library and host programs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Final

from ttgen import resources
from ttgen.errors import ToolchainError
from ttgen.model.artifact import Artifact
from ttgen.records import dataclass

_UNITS: Final = ("unit_launch", "unit_host", "unit_device", "unit_compute")
"""The emulator's translation units, the slowest first."""

SHARED: Final = "host"
"""The folder of what all kernels of an output folder share."""

_FEW_PROGRAMS: Final = 4
"""As many host programs are compiled before a precompiled header pays."""

_COMPILERS: Final = ("c++", "g++", "clang++")
_COMMON: Final = ("-std=c++20", "-ffp-contract=off", "-fno-math-errno")
_SANITIZERS: Final = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-g")
# zig's compiler checks for undefined behaviour unless it is told not to.
_NO_SANITIZERS: Final = ("-fno-sanitize=undefined",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """A C++ compiler.

    Attributes:
        command: its words.
        sanitize: whether everything is compiled with the address and undefined-behaviour sanitizers.
    """

    command: tuple[str, ...]
    sanitize: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """What every compilation and every link is given."""
        return _SANITIZERS if self.sanitize else _NO_SANITIZERS


def find_compiler(given: str | None = None, *, sanitize: bool = False) -> Compiler:
    """The compiler that was asked for, $CXX, the first on the path, or zig's from PyPI.

    Raises:
        ToolchainError: there is none, or the one that was asked for isn't there.
    """
    for origin, words in (("--cxx", given), ("$CXX", os.environ.get("CXX"))):
        if words:
            command = tuple(shlex.split(words))
            if not command or shutil.which(command[0]) is None:
                raise ToolchainError(f"{origin} '{words}': no such program")
            if os.sep in command[0]:
                # Kernels are compiled in the folder of their program.
                command = (str(Path(command[0]).absolute()), *command[1:])
            return Compiler(command=command, sanitize=sanitize)
    for name in _COMPILERS:
        if shutil.which(name):
            return Compiler(command=(name,), sanitize=sanitize)
    if find_spec("ziglang"):
        if sanitize:
            raise ToolchainError("--sanitize needs g++ or clang++: zig's compiler has no address sanitizer")
        return Compiler(command=(sys.executable, "-m", "ziglang", "c++"))
    raise ToolchainError(
        "no C++ compiler (c++, g++ or clang++): install one (apt install g++), or zig's from PyPI "
        "(pip install 'ttgen[zig]'), or name one (--cxx)"
    )


def cache_folder() -> Path:
    """Where compiled files are kept: `ttgen/emulator` in the user's cache folder.

    Raises:
        ToolchainError: it can't be written.
    """
    folder = resources.cache_folder() / "emulator"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolchainError(
            f"{folder}: {error.strerror}; set XDG_CACHE_HOME to a folder that can be written"
        ) from None
    return folder


@cache
def _emulator_digest() -> str:
    root = resources.folder("emulator")
    digest = hashlib.sha256(Path(__file__).read_bytes())  # how it is compiled
    for path in sorted(path for part in ("include", "runtime") for path in (root / part).rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _used(folder: Path) -> None:
    """Notes the time: what wasn't used for long is pruned."""
    with suppress(OSError):
        os.utime(folder)


@cache
def _version(command: tuple[str, ...]) -> str:
    """What a compiler says that it is; nothing where it can't run, which compiling says."""
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - as below
    except OSError:
        return ""
    return done.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A host program that is ready to run.

    Attributes:
        folder: the rendered files, as they were rendered; to be run in.
        executable: the host program.
    """

    folder: Path
    executable: Path


class Builder:
    """Compiles host programs and the emulator's library, each file once, for any number of threads and processes."""

    def __init__(self, compiler: Compiler, cache: Path, jobs: int) -> None:
        self.compiler = compiler
        self.cache = cache.resolve()
        self.include = resources.folder("emulator") / "include"
        self._pool = ThreadPoolExecutor(jobs)
        self._lock = Lock()
        self._programs = 0
        self._made: dict[Path, Future[None]] = {}
        self._key = "\0".join((_emulator_digest(), _version(compiler.command), *compiler.command, *compiler.flags))
        self._library = self.cache / f"library-{self._hash([])}"

    def program(self, files: Iterable[Artifact]) -> Built:
        """Writes the rendered files of one kernel into the cache, and compiles their host program.

        Args:
            files: the kernel's, and those that all kernels of a folder share.

        Raises:
            ToolchainError: the compiler refuses it.
        """
        texts: dict[str, str] = {}
        shared: dict[str, str] = {}
        for file in files:
            folder, name = file.path.split("/", 1)
            (shared if folder == SHARED else texts)[name] = file.text
        program = self._written("program", texts)
        host = {name: text for name, text in texts.items() if name.startswith("host/")}
        executable = self._host(program / "host", self._written("shared", shared), self._hash_of(host | shared))
        return Built(folder=program, executable=executable)

    def _written(self, kind: str, texts: dict[str, str]) -> Path:
        """A folder of the cache that has some files."""
        folder = self.cache / f"{kind}-{self._hash_of(texts)}"
        _used(folder)
        if not folder.exists():
            self._write(folder, texts)
        return folder

    def library(self) -> Path:
        """The folder of the emulator's library, which is compiled if it has to be.

        Raises:
            ToolchainError: the compiler refuses it.
        """
        target = self._library / "libttemu.so"
        _used(self._library)
        if not target.exists():
            with self._locked():
                self._wait([self._library_object(unit) for unit in _UNITS])
                objects = [str(self._library / f"{unit}.o") for unit in _UNITS]
                self._link(target, ["-shared", *objects, "-ldl"])
        return self._library

    def _library_object(self, unit: str) -> Future[None]:
        source = resources.folder("emulator") / "runtime" / f"{unit}.cpp"
        # Sanitizers make the optimizer slow: only what computes is worth it.
        light, heavy = ("-O0", "-O1") if self.compiler.sanitize else ("-O1", "-O2")
        level = heavy if unit == "unit_compute" else light
        return self._object(source, self._library / f"{unit}.o", level, "-fPIC")

    def _host(self, own: Path, shared: Path, key: str) -> Path:
        """Compiles a host program. It finds its kernels in the folder that it is run in, so that others can use it.

        Args:
            own: the folder of the sources that this kernel has of its own.
            shared: of those that all kernels have; they are compiled once.
            key: of all sources.
        """
        folder = self.cache / f"host-{key}"
        executable, parts = folder / "main", shared / "libparts.so"
        _used(folder)
        flags = ("-O0", "-I", str(shared), '-DTTGEN_PROGRAM_DIR=""')
        compiled: list[Future[None]] = []
        if not executable.exists():
            folder.mkdir(parents=True, exist_ok=True)
            # One translation unit: most of what a compiler does for one, it does for the other too.
            main, others = own / "main.cpp", sorted(set(own.glob("*.cpp")) - {own / "main.cpp"})
            included = (word for source in others for word in ("-include", str(source)))
            compiled.append(self._object(main, folder / "main.o", *flags, *self._precompiled(), *included))
        if not parts.exists():
            compiled += [self._object(each, each.with_suffix(".o"), *flags, "-fPIC") for each in shared.glob("*.cpp")]
        library = self.library()
        self._wait(compiled)
        # A library of what all kernels share: the link of each program is short then.
        self._link(parts, ["-shared", *(str(path) for path in sorted(shared.glob("*.o")))])
        libraries = [word for path in (shared, library) for word in ("-L", str(path), f"-Wl,-rpath,{path}")]
        self._link(executable, [str(folder / "main.o"), *libraries, "-lparts", "-lttemu"])
        return executable

    def close(self) -> None:
        """Lets the compilers go."""
        self._pool.shutdown(cancel_futures=True)

    def _hash_of(self, texts: Mapping[str, str]) -> str:
        return self._hash(f"{name}\0{text}" for name, text in sorted(texts.items()))

    def _hash(self, parts: Iterable[str]) -> str:
        digest = hashlib.sha256(self._key.encode())
        for part in parts:
            digest.update(b"\0" + part.encode())
        return digest.hexdigest()[:24]

    def _write(self, folder: Path, texts: dict[str, str]) -> None:
        """Writes a folder beside its place and then renames it: whoever finds it finds it whole."""
        self.cache.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".program-", dir=self.cache))
        for name, text in texts.items():
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            (beside / name).write_text(text, encoding="utf-8", newline="")
        try:
            beside.rename(folder)
        except OSError:
            shutil.rmtree(beside)
            if not folder.exists():
                raise

    def _precompiled(self) -> tuple[str, ...]:
        """Flags with which a host program begins with a precompiled header, once there are enough programs."""
        self._programs += 1
        header = self._library / "host.hpp"
        target = header.with_suffix(".hpp.gch")
        few = self._programs <= _FEW_PROGRAMS and not target.exists()
        if few or "Free Software Foundation" not in _version(self.compiler.command):
            return ()
        if not target.exists():
            with self._locked():
                # GCC takes what is beside the header; an empty one costs nothing where that doesn't fit any more.
                header.touch()
                self._object(self.include / "ttemu" / "host.hpp", target, "-O0", "-x", "c++-header").result()
        return ("-include", str(header))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lets one of several processes that begin at the same time compile what they share."""
        self._library.mkdir(parents=True, exist_ok=True)
        with (self._library / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _object(self, source: Path, target: Path, *flags: str) -> Future[None]:
        def compile_it() -> None:
            if not target.exists():
                self._run(target, [*_COMMON, "-I", str(self.include), *flags, "-c", str(source)])

        return self._once(target, compile_it)

    def _once(self, target: Path, make: Callable[[], None]) -> Future[None]:
        with self._lock:
            if target not in self._made:
                self._made[target] = self._pool.submit(make)
            return self._made[target]

    @staticmethod
    def _wait(futures: Sequence[Future[None]]) -> None:
        for future in futures:
            future.result()

    def _link(self, target: Path, words: Sequence[str]) -> None:
        if not target.exists():
            self._run(target, words)

    def _run(self, target: Path, words: Sequence[str]) -> None:
        handle, beside = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        os.close(handle)
        command = [*self.compiler.command, *self.compiler.flags, *words, "-o", beside]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the user's compiler
        if done.returncode:
            Path(beside).unlink(missing_ok=True)
            raise ToolchainError(f"{shlex.join(command)}\n{(done.stdout + done.stderr).strip()}")
        Path(beside).replace(target)
