"""How often things happen: exact counts by walking the tile program.

Loops whose trips are alike are multiplied out; the others, such as those over units with edges, are run through. The
walk of a body is compiled once, and shared by all programs of its structure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

from ttgen.analysis.slices import arguments, sliced, used_names
from ttgen.exhaustive import assert_never
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number
from ttgen.model.body import Action, Body, Let, Loop, Section, walk
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Effect,
    Fill,
    Operate,
    Page,
    Prepare,
    TakeDst,
    Token,
    Use,
    effects,
)
from ttgen.model.index import ONE, Index, product, to_python
from ttgen.model.plan import Cost, Tensor
from ttgen.operations import OPERATIONS

Key = tuple[str, str]
Count = Mapping[Key, int]
"""Times that something happens: pages pushed to or popped from a buffer, pages of a tensor, packs, operations."""


def count(body: Body, values: Mapping[str, int]) -> Count:
    """Counts what one core does; `values` has every argument."""
    return _compiled(body)(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What all cores of a program do.

    Attributes:
        total: over all cores.
        most: on the core that does it most often.
    """

    total: Count
    most: Count


def tally(bodies: Iterable[Body], values: Mapping[str, int], cores: Iterable[Mapping[str, int]]) -> Tally:
    """Counts what all cores do.

    Args:
        bodies: the kernels, which run on each core.
        values: every compile-time argument.
        cores: the runtime arguments of each core.
    """
    cores = tuple(cores)
    total: dict[Key, int] = defaultdict(int)
    most: dict[Key, int] = defaultdict(int)
    for body in bodies:
        counter = _compiled(body)
        alike = Counter(tuple(core[name] for name in counter.names if name in core) for core in cores)
        runtime = [name for name in counter.names if cores and name in cores[0]]
        for own, number in alike.items():
            for key, times in counter({**values, **dict(zip(runtime, own, strict=True))}).items():
                total[key] += number * times
                most[key] = max(most[key], times)
    return Tally(total=total, most=most)


def cost(total: Count, tensors: Iterable[Tensor], graph: Graph) -> Cost:
    """The cost of a program.

    Args:
        total: what all cores do.
        tensors: for the bytes of their pages.
        graph: for the operations on logical elements.
    """
    stored = {tensor.name: tensor for tensor in tensors}
    moved = {
        (kind, stored[name]): times * stored[name].page_bytes
        for (kind, name), times in total.items()
        if kind in ("read", "write")
    }
    reads, writes = (
        sum(bytes_ for (kind, tensor), bytes_ in moved.items() if kind == wanted and tensor.in_dram)
        for wanted in ("read", "write")
    )
    return Cost(
        flops=_flops(graph),
        tile_products=sum(
            times for (kind, name), times in total.items() if kind == "op" and OPERATIONS[name].contracts
        ),
        dram_read_bytes=reads,
        dram_write_bytes=writes,
        noc_bytes=sum(moved.values()),
    )


def _flops(graph: Graph) -> int:
    flops = 0
    for value in graph.values:
        match value:
            case Contraction(over=over):
                flops += 2 * prod(value.shape) * over.size
            case Elementwise():
                flops += prod(value.shape)
            case Input() | Number():
                pass
            case _:
                assert_never(value)
    return flops


@dataclass(frozen=True, slots=True)
class _Counter:
    """The compiled walk of a body: counts by key, as a function of the arguments of these names."""

    names: tuple[str, ...]
    keys: tuple[Key, ...]
    run: Callable[..., tuple[int, ...]]

    def __call__(self, values: Mapping[str, int]) -> Count:
        return dict(zip(self.keys, self.run(*(values[name] for name in self.names)), strict=True))


def _weight(effect: Effect) -> tuple[Key, Index] | None:
    """What an effect counts as, and how often each time."""
    match effect:
        case Token(kind="push" | "pop" as kind, cb=cb, pages=pages):
            return (kind, cb), pages
        case Page(kind=kind, tensor=tensor):
            return (kind, tensor), ONE
        case Fill(cb=cb, slot=slot, by="packer"):
            return ("pack" if slot is None else "pack_at", cb), ONE
        case Operate(op=op):
            return ("op", op.name), ONE if op.block is None else product(op.block.rows, op.block.cols)
        case Token() | Fill() | Use() | Barrier() | TakeDst() | Accumulate() | Prepare():
            return None
        case _:
            assert_never(effect)


def _weights(statement: Action) -> tuple[tuple[Key, Index], ...]:
    return tuple(weight for effect in effects(statement) if (weight := _weight(effect)) is not None)


def _counted(effect: Effect) -> tuple[Index, ...]:
    weight = _weight(effect)
    return () if weight is None else (weight[1],)


@cache
def _compiled(body: Body) -> _Counter:
    body = sliced(body, _counted)
    keys = tuple(dict.fromkeys(key for item in walk(body) if not isinstance(item, (Loop, Let, Section))
                               for key, _times in _weights(item)))  # fmt: skip
    places = {key: place for place, key in enumerate(keys)}
    lines = [f"    n{place} = 0" for place in range(len(keys))]
    lines += _lines(body, places, (), "    ")
    names = tuple(sorted(arguments(body, _counted)))
    text = "\n".join(
        [
            f"def run({', '.join(names)}):",
            *lines,
            f"    return ({''.join(f'n{place}, ' for place in places.values())})",
        ]
    )
    scope: dict[str, Any] = {}
    # The text is made of our own expressions, whose names are identifiers that the tile program declares.
    exec(text, scope)  # noqa: S102
    return _Counter(names, keys, scope["run"])


def _lines(body: Body, places: Mapping[Key, int], factors: tuple[Index, ...], indent: str) -> Iterator[str]:
    for item in body:
        match item:
            case Let(name=name, index=index):
                yield f"{indent}{name} = {to_python(index)}"
            case Loop(var=var, extent=extent, body=inner) if var in used_names(inner, _counted):
                yield f"{indent}for {var} in range({to_python(extent)}):"
                yield from _lines(inner, places, factors, indent + "    ")
                yield f"{indent}    pass"
            case Loop(extent=extent, body=inner):
                yield from _lines(inner, places, (*factors, extent), indent)
            case Section():
                raise AssertionError("slices have no sections")
            case _:
                for key, times in _weights(item):
                    yield f"{indent}n{places[key]} += {to_python(product(*factors, times))}"
