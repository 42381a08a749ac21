"""Pages: every page of every output is written exactly once, and nothing outside a tensor or a shard is touched.

The units of all cores are run through the kernels' own index expressions. Of loops on which nothing depends but a page
number, which grows with each of them, only the first and the last trip are looked at for reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

from ttgen.analysis.errors import ProofError
from ttgen.model.body import (
    AccumulateInL1,
    Body,
    Let,
    Loop,
    Op,
    Pack,
    ReadPage,
    Statement,
    WritePage,
    children,
    needed,
    walk,
)
from ttgen.model.index import Index, names, to_python

_Kind = Literal["read_page", "write_page", "op", "pack"]
"""Pages of a tensor that are read or written; pages of a buffer that operations read, or that are packed anew."""


def check(
    bodies: Mapping[str, Body],
    pages: Mapping[str, int],
    cores: Iterable[Mapping[str, int]],
    arguments: Mapping[str, Mapping[str, int]],
    shards: Mapping[str, int],
) -> None:
    """Proves the page numbers of all cores.

    Args:
        bodies: the kernels.
        pages: pages of each tensor.
        cores: the runtime arguments of each core.
        arguments: the compile-time arguments of each kernel.
        shards: pages of each buffer that lies on a shard.

    Raises:
        ProofError: naming the tensor or the buffer.
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
            _check_range(_run(body, "read_page", tensor, cores, arguments[name]), pages[tensor], tensor)
        if not shards:
            continue
        used = {tile.cb for item in walk(body) if isinstance(item, Op) for tile in item.tiles}
        for cb in sorted(used & shards.keys()):
            _check_range(_run(body, "op", cb, cores, arguments[name]), shards[cb], cb)
        packed = {item.cb for item in walk(body) if isinstance(item, Pack)}
        for cb in sorted(packed & shards.keys()):
            for core in cores:
                if sorted(_run(body, "pack", cb, (core,), arguments[name])) != list(range(shards[cb])):
                    raise ProofError(f"{cb}: pages of its shard are not packed exactly once")


def _check_range(numbers: list[int], pages: int, name: str) -> None:
    for number in (min(numbers, default=0), max(numbers, default=0)):
        if not 0 <= number < pages:
            raise ProofError(f"{name}: page {number} is read of {pages}")


def _run(
    body: Body, kind: _Kind, name: str, cores: tuple[Mapping[str, int], ...], values: Mapping[str, int]
) -> list[int]:
    """The page numbers that all cores use of a tensor or a buffer."""
    runtime, arguments, run = _compiled(body, kind, name, tuple(cores[0]) if cores else ())
    rows = [tuple(core[name] for name in runtime) for core in cores]
    return run(rows, *(values[name] for name in arguments))


@cache
def _compiled(
    body: Body, kind: _Kind, name: str, per_core: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], Callable[..., list[int]]]:
    """The names of the values a core and of the arguments that a walk needs, and the walk.

    Programs of one structure share it.
    """
    relevant = _relevant(body, kind, name)
    used = _used(relevant, kind, name)
    local = {item.var for item in walk(relevant) if isinstance(item, Loop)}
    local |= {item.name for item in walk(relevant) if isinstance(item, Let)}
    wanted = sorted(used - local)
    runtime = tuple(name for name in wanted if name in per_core)
    arguments = tuple(name for name in wanted if name not in per_core)
    lines = [f"def run({', '.join(('cores', *arguments))}):", "    found, adds = [], 0"]
    lines += [f"    for {''.join(f'{name}, ' for name in runtime) or '_core'} in cores:"]
    lines += _lines(relevant, "        ", kind, name)
    lines += ["        pass", "    return found"]
    scope: dict[str, Any] = {}
    # The text is made of our own expressions, whose names are identifiers that the tile program declares.
    exec("\n".join(lines), scope)  # noqa: S102
    return runtime, arguments, scope["run"]


def _numbers(item: Statement, kind: _Kind, name: str) -> tuple[Index, ...]:
    """The pages of a kind that a statement itself uses of a tensor or a buffer; of a run of them the first and last."""
    match item:
        case ReadPage(tensor=tensor, page=page) | WritePage(tensor=tensor, page=page):
            return (page,) if (item.kind, tensor) == (kind, name) else ()
        case Pack(cb=cb, slot=slot) if (kind, cb) == ("pack", name) and slot is not None:
            return (slot,)
        case Op() if kind == "op":
            runs = zip(item.tiles, item.last_slots, strict=True)
            return tuple(slot for tile, last in runs if tile.cb == name for slot in (tile.slot, last))
    return ()


def _relevant(body: Body, kind: _Kind, name: str) -> Body:
    """What uses pages of a kind, the loops around it, and what their expressions name."""
    kept: list[Statement] = []
    for item in body:
        match item:
            case Loop(var=var, extent=extent, body=inner):
                rest = _relevant(inner, kind, name)
                if not all(isinstance(child, (Let, AccumulateInL1)) for child in rest):
                    kept.append(Loop(var=var, extent=extent, body=rest))
            case Let():
                kept.append(item)
            case AccumulateInL1() if kind == "pack":
                kept.append(item)
            case _:
                if _numbers(item, kind, name):
                    kept.append(item)
                for inner in children(item):
                    kept.extend(_relevant(inner, kind, name))
    used = _used(tuple(kept), kind, name)
    return tuple(item for item in kept if not isinstance(item, Let) or item.name in used)


def _used(body: Body, kind: _Kind, name: str) -> set[str]:
    """Every name that page numbers and extents depend on."""
    used: set[str] = set()
    for item in walk(body):
        match item:
            case Loop(extent=index):
                used.update(names(index))
            case AccumulateInL1(index=index) if kind == "pack":
                used.update(names(index))
            case _:
                used.update(found for index in _numbers(item, kind, name) for found in names(index))
    needed((item for item in walk(body) if isinstance(item, Let)), used)
    return used


def _lines(body: Body, indent: str, kind: _Kind, name: str) -> Iterator[str]:
    for item in body:
        match item:
            case Let(name=own, index=index):
                yield f"{indent}{own} = {to_python(index)}"
            case AccumulateInL1(index=index):
                yield f"{indent}adds = {to_python(index)}"
            case Loop(var=var, extent=extent, body=inner):
                trips = f"range({to_python(extent)})"
                is_exact = kind in ("write_page", "pack")
                if not is_exact and not any(isinstance(child, Let) for child in walk(inner)):
                    trips = f"{{0, {to_python(extent)} - 1}}"
                yield f"{indent}for {var} in {trips}:"
                yield from _lines(inner, indent + "    ", kind, name)
            case _:
                # What is added to a page was packed to it before.
                yield from (
                    f"{indent}if not adds: found.append({to_python(index)})" for index in _numbers(item, kind, name)
                )
