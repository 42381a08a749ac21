"""Pages: every page of every output is written exactly once, and nothing outside a tensor is touched.

The units of all cores are run through the kernels' own index expressions. Of loops on which nothing depends but a page
number, which grows with each of them, only the first and the last trip are looked at for reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from ttgen.analysis.errors import ProofError
from ttgen.model.body import Body, Let, Loop, ReadPage, Statement, WritePage, children, needed, walk
from ttgen.model.index import names, to_python


def check(
    bodies: Mapping[str, Body],
    pages: Mapping[str, int],
    cores: Iterable[Mapping[str, int]],
    arguments: Mapping[str, Mapping[str, int]],
) -> None:
    """Proves the page numbers of all cores.

    Args:
        bodies: the kernels.
        pages: pages of each tensor.
        cores: the runtime arguments of each core.
        arguments: the compile-time arguments of each kernel.

    Raises:
        ProofError: naming the tensor.
    """
    cores = tuple(cores)
    for name, body in bodies.items():
        written = {item.tensor for item in walk(body) if isinstance(item, WritePage)}
        for tensor in sorted(written):
            numbers = _run(body, "write_page", tensor, cores, arguments[name])
            if sorted(numbers) != list(range(pages[tensor])):
                raise ProofError(f"{tensor}: pages are not written exactly once")
        read = {item.tensor for item in walk(body) if isinstance(item, ReadPage)}
        for tensor in sorted(read):
            numbers = _run(body, "read_page", tensor, cores, arguments[name])
            if numbers and (min(numbers) < 0 or max(numbers) >= pages[tensor]):
                raise ProofError(f"{tensor}: page {max(numbers)} is read of {pages[tensor]}")


def _run(
    body: Body, kind: str, tensor: str, cores: tuple[Mapping[str, int], ...], values: Mapping[str, int]
) -> list[int]:
    """The page numbers that all cores use of a tensor."""
    runtime, arguments, run = _compiled(body, kind, tensor, tuple(cores[0]) if cores else ())
    rows = [tuple(core[name] for name in runtime) for core in cores]
    return run(rows, *(values[name] for name in arguments))


@cache
def _compiled(
    body: Body, kind: str, tensor: str, per_core: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], Callable[..., list[int]]]:
    """The names of the values a core and of the arguments that a walk needs, and the walk.

    Programs of one structure share it.
    """
    relevant = _relevant(body, kind, tensor)
    used = _used(relevant)
    local = {item.var for item in walk(relevant) if isinstance(item, Loop)}
    local |= {item.name for item in walk(relevant) if isinstance(item, Let)}
    wanted = sorted(used - local)
    runtime = tuple(name for name in wanted if name in per_core)
    arguments = tuple(name for name in wanted if name not in per_core)
    lines = [f"def run({', '.join(('cores', *arguments))}):", "    found = []"]
    lines += [f"    for {''.join(f'{name}, ' for name in runtime) or '_core'} in cores:"]
    lines += _lines(relevant, "        ", exact=kind == "write_page")
    lines += ["        pass", "    return found"]
    scope: dict[str, Any] = {}
    # The text is made of our own expressions, whose names are identifiers that the tile program declares.
    exec("\n".join(lines), scope)  # noqa: S102
    return runtime, arguments, scope["run"]


def _relevant(body: Body, kind: str, tensor: str) -> Body:
    """The accesses of one kind to one tensor, the loops around them, and what their expressions name."""
    kept: list[Statement] = []
    for item in body:
        match item:
            case Loop(var=var, extent=extent, body=inner):
                rest = _relevant(inner, kind, tensor)
                if not all(isinstance(child, Let) for child in rest):
                    kept.append(Loop(var=var, extent=extent, body=rest))
            case ReadPage(tensor=name) | WritePage(tensor=name) if name == tensor and item.kind == kind:
                kept.append(item)
            case Let():
                kept.append(item)
    used = _used(tuple(kept))
    return tuple(item for item in kept if not isinstance(item, Let) or item.name in used)


def _used(body: Body) -> set[str]:
    """Every name that page numbers and extents depend on."""
    used: set[str] = set()
    for item in walk(body):
        match item:
            case Loop(extent=index) | ReadPage(page=index) | WritePage(page=index):
                used.update(names(index))
    needed((item for item in walk(body) if isinstance(item, Let)), used)
    return used


def _lines(body: Body, indent: str, *, exact: bool) -> Iterator[str]:
    for item in body:
        match item:
            case Let(name=name, index=index):
                yield f"{indent}{name} = {to_python(index)}"
            case ReadPage(page=page) | WritePage(page=page):
                yield f"{indent}found.append({to_python(page)})"
            case Loop(var=var, extent=extent, body=inner):
                trips = f"range({to_python(extent)})"
                if not exact and not any(isinstance(child, Let) for child in walk(inner)):
                    trips = f"{{0, {to_python(extent)} - 1}}"
                yield f"{indent}for {var} in {trips}:"
                yield from _lines(inner, indent + "    ", exact=exact)
            case _:
                for nested in children(item):
                    yield from _lines(nested, indent, exact=exact)
