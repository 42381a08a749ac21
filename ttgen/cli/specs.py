"""Specs on the command line: files, folders and globs; all of them loaded and planned, all problems reported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from ttgen.diagnostics import describe
from ttgen.errors import OutputError, UserError, refuse
from ttgen.loading import load
from ttgen.model.plan import Plan
from ttgen.planner.resolve import resolve
from ttgen.source import located
from ttgen.spec import LoadedSpec
from ttgen.target import load as load_target

_SUFFIXES = (".yaml", ".yml")


def add_specs(parser: argparse.ArgumentParser, *, many: bool = True) -> None:
    """Adds the argument SPEC."""
    if many:
        parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec file, a folder of them, or a glob")
    else:
        parser.add_argument("specs", nargs=1, metavar="SPEC", help="a spec file")


def find(words: Iterable[str]) -> list[Path]:
    """The files that the words name, each once, in order; those of a folder or a glob sorted.

    Raises:
        OutputError: a word that names nothing.
    """
    found: dict[Path, Path] = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
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


def plan_all(words: Iterable[str]) -> tuple[list[tuple[LoadedSpec, Plan]], int]:
    """Plans every spec; prints the problems of those that can't be, and counts them."""
    planned: list[tuple[LoadedSpec, Plan]] = []
    wrong = 0
    names: dict[str, LoadedSpec] = {}
    for path in find(words):
        try:
            loaded = load(path)
            if (other := names.setdefault(loaded.spec.kernel.lower(), loaded)) is not loaded:
                text = (
                    f"kernel '{loaded.spec.kernel}' is also that of {other.source.name}: each needs a name of its own"
                )
                if other.spec.kernel != loaded.spec.kernel:
                    text = (
                        f"kernel '{loaded.spec.kernel}' differs from '{other.spec.kernel}' of {other.source.name} in "
                        "case only: some file systems don't tell their folders apart"
                    )
                with located(loaded.source):
                    raise refuse(text, "kernel")
            planned.append((loaded, resolve(loaded)))
        except UserError as error:
            print(describe(error), file=sys.stderr)
            wrong += 1
    return planned, wrong


def headline(plan: Plan) -> Iterator[str]:
    """What matters most of a plan: programs, cores, balance, L1, and DRAM reads over what must be read."""
    programs = plan.programs
    if len(programs) > 1:
        yield f"{len(programs)} programs"
    grid = load_target(plan.target.device).grid
    yield f"{max(program.work.cores for program in programs)} of {grid.cores} cores"
    yield f"balance {min(program.balance for program in programs):.0%}"
    yield f"L1 {max(program.l1.bytes for program in programs) / 1024:.0f} of {programs[0].l1.limit / 1024:.0f} KiB"
    yield from (f"code {item.value} of what a core holds" for item in plan.decisions if item.name.endswith("code"))
    inputs = (tensor for tensor in plan.tensors if tensor.role == "input" and tensor.in_dram)
    compulsory = sum(tensor.pages * tensor.page_bytes for tensor in inputs)
    reads = sum(program.cost.dram_read_bytes for program in programs)
    yield f"DRAM reads {reads / compulsory:.1f}x compulsory" if compulsory else "no DRAM reads"
