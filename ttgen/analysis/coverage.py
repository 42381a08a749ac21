"""Pages: every page of every output is written exactly once, and nothing outside a tensor is touched.

The unit numbers of all cores are run through the kernels' own index expressions; what the inner loops add to a read is
bounded by intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from ttgen.analysis.errors import ProofError
from ttgen.model.body import Body, Let, Loop, ReadPage, WritePage
from ttgen.model.index import Index, Interval, bounds, evaluate, names, to_python

Runs = Iterable[tuple[int, int]]
"""The first unit and the number of units of each core."""


def check(
    bodies: Mapping[str, Body],
    pages: Mapping[str, int],
    runs: Runs,
    arguments: Mapping[str, Mapping[str, int]],
) -> None:
    """Proves the page numbers of all cores.

    Args:
        bodies: the kernels.
        pages: pages of each tensor.
        runs: the units of each core.
        arguments: the compile-time arguments of each kernel.

    Raises:
        ProofError: naming the tensor.
    """
    runs = tuple(runs)
    for name, body in bodies.items():
        for statement in body:
            if isinstance(statement, Loop):
                _check_loop(statement, pages, runs, arguments[name])


def _check_loop(loop: Loop, pages: Mapping[str, int], runs: Runs, values: Mapping[str, int]) -> None:
    lets = [statement for statement in loop.body if isinstance(statement, Let)]
    ranges: dict[str, Interval] = {name: (value, value) for name, value in values.items()}
    wanted = [let.name for let in lets]
    seen = _run(lets, wanted, runs, values)
    for name, column in zip(wanted, seen, strict=True):
        ranges[name] = (min(column), max(column))
    for access in _accesses(loop.body, ranges, values):
        low, high = bounds(access.page, ranges)
        if isinstance(access, WritePage):
            written = _values(access.page, lets, runs, values)
            if sorted(written) != list(range(pages[access.tensor])):
                raise ProofError(f"{access.tensor}: pages are not written exactly once")
        elif low < 0 or high >= pages[access.tensor]:
            raise ProofError(f"{access.tensor}: page {high} is read of {pages[access.tensor]}")


def _accesses(body: Body, ranges: dict[str, Interval], values: Mapping[str, int]) -> Iterator[ReadPage | WritePage]:
    """Reads and writes, with the ranges of the loop variables around them added to `ranges`."""
    for statement in body:
        match statement:
            case Loop(var=var, extent=extent, body=inner):
                ranges[var] = (0, evaluate(extent, values) - 1)
                yield from _accesses(inner, ranges, values)
            case ReadPage() | WritePage():
                yield statement


def _values(index: Index, lets: list[Let], runs: Runs, values: Mapping[str, int]) -> list[int]:
    return _run([*lets, Let(name="page_", index=index)], ["page_"], runs, values)[0]


def _run(lets: list[Let], wanted: list[str], runs: Runs, values: Mapping[str, int]) -> list[list[int]]:
    """The values that the wanted names take over all units, as one compiled loop."""
    used = {name for let in lets for name in names(let.index)}
    steps = tuple((let.name, to_python(let.index)) for let in lets)
    run = _compiled(steps, tuple(wanted), tuple(name for name in values if name in used))
    return run(runs, *(value for name, value in values.items() if name in used))


@cache
def _compiled(
    steps: tuple[tuple[str, str], ...], wanted: tuple[str, ...], arguments: tuple[str, ...]
) -> Callable[..., list[list[int]]]:
    """A function of the runs and the arguments; specs of one structure share it."""
    lines = [
        f"def run({', '.join(('runs', *arguments))}):",
        f"    columns = [[] for _ in range({len(wanted)})]",
    ]
    lines += ["    for unit_start, unit_count in runs:", "        for i in range(unit_count):"]
    lines += [f"            {name} = {expression}" for name, expression in steps]
    lines += [f"            columns[{position}].append({name})" for position, name in enumerate(wanted)]
    lines += ["            pass", "    return columns"]
    scope: dict[str, Any] = {}
    # The text is made of our own expressions, whose names are identifiers that the tile program declares.
    exec("\n".join(lines), scope)  # noqa: S102
    run: Callable[..., list[list[int]]] = scope["run"]
    return run
