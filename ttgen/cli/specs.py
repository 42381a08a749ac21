"""Specs on the command line: files, folders and globs; all of them loaded and planned, all problems reported."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from ttgen.errors import OutputError, ToolchainError, UserError, counted, refuse
from ttgen.results import WORTH, Result, Results
from ttgen.spec_file import read_bytes

if TYPE_CHECKING:
    from ttgen.model.plan import Plan
    from ttgen.planner.candidate import Planned
    from ttgen.spec import LoadedSpec

T = TypeVar("T")
Complain = Callable[[Path, UserError], None]
"""What becomes of the problems of a spec."""

SUFFIXES: Final = (".yaml", ".yml")
RENDERED: Final = Path("rendered")
"""Where specs are rendered to, unless another folder is named."""
SPECS_A_WORKER: Final = 100
"""Fewer are made before another process has begun."""
MOST_SEARCHED: Final = 16
"""New specs of a command, at most, for which it is looked what `schedule: auto` would give."""
MOST_WORKERS: Final = 32
"""Windows can't wait for twice as many, and writing what they make is for one process."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what all commands that take specs have."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec file, a folder of them, or a glob")
    parser.add_argument("--no-cache", action="store_true", help="make everything anew, and keep nothing of it")
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what is wrong")


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds the folder that specs are rendered to; `what` it is for the command."""
    parser.add_argument(
        "-o", "--output", type=Path, default=RENDERED, metavar="DIR", help=f"{what} (default: {RENDERED})"
    )


def require_numpy(command: str, extra: str = "verify", packages: Iterable[str] = ("numpy", "ml_dtypes")) -> None:
    """Says what a command needs beside ttgen, where it isn't there, and the extra that has it.

    Raises:
        ToolchainError: a package is missing.
    """
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise ToolchainError(f"{command} needs the Python package {package}: pip install 'ttgen[{extra}]'")


def find(words: Iterable[str]) -> list[Path]:
    """The files that the words name, each once, in order; those of a folder or a glob sorted.

    Raises:
        OutputError: a word that names nothing.
    """
    found: dict[Path, Path] = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
        elif has_magic(word) and not path.exists():
            files = [Path(name) for name in sorted(glob(word, recursive=True)) if Path(name).is_file()]  # noqa: PTH207
        else:
            found.setdefault(path.resolve(), path)
            continue
        if not files:
            raise OutputError(f"{word}: no spec there (*.yaml or *.yml)")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def folders(words: Iterable[str]) -> set[Path]:
    """The folders all of whose specs the words name."""
    return {Path(word) for word in words if Path(word).is_dir()}


class _Names:
    """The kernels so far, of which no two may have one name."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Path]] = {}

    def claim(self, kernel: str, path: Path) -> None:
        """Takes a name for the spec of a path.

        Raises:
            SpecError: another spec has it.
        """
        other, before = self._known.setdefault(kernel.lower(), (kernel, path))
        if before == path:
            return
        from ttgen.loading import load
        from ttgen.source import located

        text = f"kernel '{kernel}' is also that of {before}: each needs a name of its own"
        if other != kernel:
            text = (
                f"kernel '{kernel}' differs from '{other}' of {before} in case only: some file systems don't tell "
                "their folders apart"
            )
        with located(load(path).source):
            raise refuse(text, "kernel")


def _print(_path: Path, error: UserError) -> None:
    from ttgen.cli.terminal import complain

    complain(error)


def _each(paths: Iterable[Path], serve: Callable[[Path, _Names], T], complain: Complain) -> tuple[list[T], int]:
    """Serves every spec; complains of those that can't be, and counts them."""
    served: list[T] = []
    wrong = 0
    names = _Names()
    for path in paths:
        try:
            served.append(serve(path, names))
        except UserError as error:
            complain(path, error)
            wrong += 1
    return served, wrong


def plan_all(words: Iterable[str], complain: Complain = _print) -> tuple[list[tuple[LoadedSpec, Plan]], int]:
    """Plans every spec; complains of those that can't be, and counts them."""
    planned, wrong = planned_all(words, complain)
    return [(item.loaded, item.plan) for item in planned], wrong


def planned_all(words: Iterable[str], complain: Complain = _print) -> tuple[list[Planned], int]:
    """Plans every spec, for commands that predict them too; prints and counts problems as `plan_all` does."""
    from ttgen.loading import load
    from ttgen.planner.resolve import planned

    def serve(path: Path, names: _Names) -> Planned:
        loaded = load(path)
        names.claim(loaded.spec.kernel, path)
        return planned(loaded)

    return _each(find(words), serve, complain)


class Rendered(NamedTuple):
    """A spec, its bytes, and what was made of it."""

    path: Path
    raw: bytes
    result: Result


def render_all(words: Iterable[str], results: Results, complain: Complain = _print) -> tuple[list[Rendered], int]:
    """Renders every spec, or finds what was rendered; complains of those that can't be, and counts them.

    What was found imports nothing of what plans and renders.
    """
    paths = find(words)
    made: dict[Path, tuple[str | None, Result | UserError]] = {}
    raws: dict[Path, bytes] = {}
    missing: dict[Path, bytes] = {}
    for path in paths:
        try:
            raw = read_bytes(path)
        except OutputError as error:
            made[path] = (None, error)
            continue
        raws[path] = raw
        if found := results.get(path.name, raw):
            made[path] = (found.kernel, found)
        else:
            missing[path] = raw
    if missing:
        made.update(zip(missing, _make_all(missing), strict=True))

    def serve(path: Path, names: _Names) -> Rendered:
        kernel, outcome = made[path]
        if kernel is not None:
            names.claim(kernel, path)
        if isinstance(outcome, UserError):
            raise outcome
        if path in missing:
            results.put(path.name, missing[path], outcome)
        return Rendered(path, raws[path], outcome)

    served = _each(paths, serve, complain)
    results.prune()
    return served


def _make_all(raws: Mapping[Path, bytes]) -> Iterator[tuple[str | None, Result | UserError]]:
    """Makes specs from their bytes, in order; many of them in as many processes as there are cores."""
    # Imported before processes part, so that they share it.
    import ttgen.loading
    import ttgen.planner.resolve
    import ttgen.rendering.artifacts  # noqa: F401

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, len(raws) // SPECS_A_WORKER, MOST_WORKERS)
    if workers < 2:
        yield from map(_make, raws, raws.values())
        return
    import signal
    from concurrent.futures import ProcessPoolExecutor

    # Ctrl-C is for this process, which then ends the others.
    with ProcessPoolExecutor(workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.map(_make, raws, raws.values(), chunksize=16)


def _make(path: Path, raw: bytes) -> tuple[str | None, Result | UserError]:
    """The kernel that a spec names, where that can be read, and what is made of it, or why nothing is."""
    from ttgen.loading import loads
    from ttgen.planner.resolve import resolve
    from ttgen.rendering.artifacts import artifacts

    kernel = None
    try:
        loaded = loads(raw, name=str(path))
        kernel = loaded.spec.kernel
        plan = resolve(loaded)
        return kernel, Result(kernel, ", ".join(headline(plan)), artifacts(plan))
    except UserError as error:
        return kernel, error


def advise_all(rendered: Iterable[Rendered], results: Results) -> list[Rendered]:
    """What was rendered, with how much faster `schedule: auto` would be, where that isn't known yet.

    A search takes as long as everything else: where many specs are new, nothing is searched.
    """
    every = list(rendered)
    if sum(item.result.gain is None for item in every) > MOST_SEARCHED:
        return every
    return [item if item.result.gain is not None else _advised(item, results) for item in every]


def _advised(item: Rendered, results: Results) -> Rendered:
    from ttgen.loading import loads
    from ttgen.planner.advice import gain
    from ttgen.planner.resolve import candidates

    loaded = loads(item.raw, name=str(item.path))
    result = item.result._replace(gain=gain(loaded, candidates(loaded), worth=WORTH))
    results.put(item.path.name, item.raw, result)
    return item._replace(result=result)


def render_shared(results: Results) -> Result:
    """The files that all kernels of an output folder share, which no spec says anything of."""
    found = results.get("", b"")
    if found is None:
        from ttgen.rendering.artifacts import folder_artifacts

        found = Result("host", "", folder_artifacts())
        results.put("", b"", found)
    return found


def headline(plan: Plan) -> Iterator[str]:
    """What matters most of a plan: programs, cores, balance, L1, and DRAM reads over what must be read."""
    from ttgen.target import load as load_target

    programs = plan.programs
    if plan.mesh is not None:
        yield f"mesh of {plan.mesh.rows}x{plan.mesh.cols}"
    if len(programs) > 1:
        yield f"{len(programs)} programs"
    if plan.collectives:
        yield counted(len(plan.collectives), "collective")
    grid = load_target(plan.target.device).grid
    yield f"{max(program.work.cores for program in programs)} of {grid.cores} cores"
    yield f"balance {min(program.balance for program in programs):.0%}"
    yield f"L1 {max(program.l1.bytes for program in programs) / 1024:.0f} of {programs[0].l1.limit / 1024:.0f} KiB"
    yield from (f"code {item.value} of what a core holds" for item in plan.decisions if item.name.endswith("code"))
    ratio = plan.dram_read_ratio
    yield "no DRAM reads" if ratio is None else f"DRAM reads {ratio:.1f}x compulsory"
