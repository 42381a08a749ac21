"""How often things happen: exact counts by walking the tile program.

A count is a sum of products: of pages, and of the trips of the loops around. What doesn't change with a loop's variable
is taken out of its sum, and each sum that remains is a function of the names that it uses, which remembers its values:
the trips of units are run through once for all cores that have the same rows, and not again for every step of K. The
walk of a body is compiled once, and shared by all programs of its structure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import repeat
from math import prod
from operator import mul
from typing import Any, TypeAlias

from ttgen.analysis.slices import arguments, sliced
from ttgen.exhaustive import assert_never
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Reduction
from ttgen.model.body import Body, If, Let, Loop, Relation, Routine, Section
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Deliver,
    Effect,
    Fill,
    Operate,
    Page,
    Prepare,
    Raise,
    Reach,
    TakeDst,
    Token,
    Use,
    effects,
)
from ttgen.model.index import ONE, Index, names, product, to_python
from ttgen.model.plan import CircularBuffer, Cost, Tensor
from ttgen.model.tiles import ROW_PART_BYTES
from ttgen.operations import OPERATIONS
from ttgen.records import dataclass

Key = tuple[str, ...]
Count = Mapping[Key, int]
"""Times that something happens: pages pushed to or popped from a buffer, pages of a tensor, packs, operations."""
Weigh: TypeAlias = Callable[[Effect], tuple[tuple[Key, Index], ...]]
"""What an effect counts as, and how much each time."""


def count(body: Body, values: Mapping[str, int]) -> Count:
    """Counts what one core does; `values` has every argument."""
    return counter(body, _weigh)(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What all cores of a program do.

    Attributes:
        total: over all cores.
        most: on the core that does it most often.
    """

    total: Count
    most: Count


def tally(kernels: Iterable[tuple[Body, Sequence[Mapping[str, int]]]], values: Mapping[str, int]) -> Tally:
    """Counts what all cores do.

    Args:
        kernels: each with the runtime arguments of the cores that run it.
        values: every compile-time argument.
    """
    total: dict[Key, int] = defaultdict(int)
    most: dict[Key, int] = defaultdict(int)
    for body, cores in kernels:
        counted = counter(body, _weigh)
        first = cores[0] if cores else {}
        columns = [
            [core[name] for core in cores] if name in first else repeat(values[name], len(cores))
            for name in counted.names
        ]
        alike = Counter(zip(*columns, strict=True) if columns else [()] * len(cores))
        counts = zip(*(counted.run(*own) for own in alike), strict=True)
        for key, times in zip(counted.keys, counts, strict=bool(alike)):
            total[key] += sum(map(mul, times, alike.values()))
            most[key] = max(most[key], *times)
    return Tally(total=total, most=most)


def cost(total: Count, tensors: Iterable[Tensor], buffers: Iterable[CircularBuffer], graph: Graph) -> Cost:
    """The cost of a program.

    Args:
        total: what all cores do.
        tensors: for the bytes of their pages.
        buffers: for the bytes of pages between cores.
        graph: for the operations on logical elements.
    """
    stored = {tensor.name: tensor for tensor in tensors}
    moved = {
        (kind, stored[name]): times * (2 * ROW_PART_BYTES if kind == "read_row" else stored[name].page_bytes)
        for (kind, name), times in total.items()
        if kind in ("read", "read_row", "write")
    }
    reads, writes = (
        sum(bytes_ for (kind, tensor), bytes_ in moved.items() if kind in wanted and tensor.in_dram)
        for wanted in (("read", "read_row"), ("write",))
    )
    return Cost(
        flops=_flops(graph),
        tile_products=sum(
            times for (kind, name), times in total.items() if kind == "op" and OPERATIONS[name].contracts
        ),
        dram_read_bytes=reads,
        dram_write_bytes=writes,
        noc_bytes=sum(moved.values())
        + sum(total.get(("deliver", buffer.name), 0) * buffer.page_bytes for buffer in buffers),
    )


def _flops(graph: Graph) -> int:
    flops = 0
    for value in graph.values:
        match value:
            case Contraction(over=over):
                flops += 2 * prod(value.shape) * over.size
            case Elementwise():
                flops += prod(value.shape)
            case Reduction(operands=(operand,)):
                flops += prod(graph.values[operand].shape)
            case Input() | Number():
                pass
            case _:
                assert_never(value)
    return flops


@dataclass(frozen=True, slots=True)
class Counts:
    """The compiled walk of a body: counts by key, as a function of the arguments of these names."""

    names: tuple[str, ...]
    keys: tuple[Key, ...]
    run: Callable[..., tuple[int, ...]]

    def __call__(self, values: Mapping[str, int]) -> Count:
        """The counts under the values of all arguments."""
        return dict(zip(self.keys, self.run(*(values[name] for name in self.names)), strict=True))


def _weigh(effect: Effect) -> tuple[tuple[Key, Index], ...]:
    match effect:
        case Token(kind="push" | "pop" as kind, cb=cb, pages=pages):
            return (((kind, cb), pages),)
        case Page(kind=kind, tensor=tensor, pages=pages):
            return (((kind, tensor), pages),)
        case Fill(cb=cb, slot=slot, by="packer"):
            return ((("pack" if slot is None else "pack_at", cb), ONE),)
        case Deliver(cb=cb, pages=pages):
            return ((("deliver", cb), pages),)
        case Operate(op=op):
            return ((("op", op.name), ONE if op.block is None else product(op.block.rows, op.block.cols)),)
        case Token() | Fill() | Use() | Barrier() | TakeDst() | Accumulate() | Prepare() | Raise() | Reach():
            return ()
        case _:
            assert_never(effect)


@cache
def _counted(weigh: Weigh) -> Callable[[Effect], tuple[Index, ...]]:
    """The expressions of an effect that a count needs; one function a way of counting, by which others remember."""
    return lambda effect: tuple(times for _key, times in weigh(effect))


@cache
def counter(body: Body, weigh: Weigh) -> Counts:
    """The compiled walk of a body that counts what effects weigh."""
    counted = _counted(weigh)
    body = sliced(body, counted)
    sums = _Sums(weigh)
    lets, terms = sums.terms(body)
    keys = tuple(dict.fromkeys(term.key for term in terms))
    totals = (" + ".join(term.text for term in terms if term.key == key) for key in keys)
    used = tuple(sorted(arguments(body, counted)))
    lines = [
        *sums.functions,
        f"def run({', '.join(used)}):",
        *(f"    {let.name} = {let.value.text}" for let in lets),
        f"    return ({''.join(f'{total}, ' for total in totals)})",
    ]
    scope: dict[str, Any] = {"remembered": lru_cache(maxsize=4096)}
    # The text is made of our own expressions, whose names are identifiers that the tile program declares.
    exec("\n".join(lines), scope)  # noqa: S102
    return Counts(used, keys, scope["run"])


@dataclass(frozen=True, slots=True)
class _Factor:
    """An expression in Python, and the names that it uses."""

    text: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Value:
    """A name and what it stands for."""

    name: str
    value: _Factor


@dataclass(frozen=True, slots=True)
class _Term:
    """Something that is counted, as often as the product of some factors."""

    key: Key
    factors: tuple[_Factor, ...]

    @property
    def text(self) -> str:
        """The product."""
        return " * ".join(f"({factor.text})" for factor in self.factors)


class _Sums:
    """Sums over loops, as functions of what they use."""

    def __init__(self, weigh: Weigh) -> None:
        self._weigh = weigh
        self.functions: list[str] = []
        self._known: dict[tuple[str, ...], str] = {}

    def terms(self, body: Body) -> tuple[list[_Value], list[_Term]]:
        """What a body counts, and the names that this takes."""
        lets: list[_Value] = []
        terms: list[_Term] = []
        for item in body:
            match item:
                case Let(name=name, index=index):
                    lets.append(_Value(name, _factor(index)))
                case Loop(var=var, extent=extent, body=inner):
                    inside, counted = self.terms(inner)
                    varying, own = {var}, list[_Value]()
                    for let in inside:
                        taken = any(let.name == other.name and let != other for other in lets)
                        if let.value.names & varying or taken:
                            varying.add(let.name)
                            own.append(let)
                        elif let not in lets:
                            lets.append(let)
                    for term in counted:
                        inner_factors = tuple(factor for factor in term.factors if factor.names & varying)
                        others = tuple(factor for factor in term.factors if not factor.names & varying)
                        trips = self._sum(var, extent, own, inner_factors) if inner_factors else _factor(extent)
                        terms.append(_Term(term.key, (*others, trips)))
                case If(left=left, relation=relation, right=right, then=then, otherwise=otherwise):
                    holds = _comparison(left, relation, right)
                    for side, condition in ((then, holds), (otherwise, _Factor(f"not ({holds.text})", holds.names))):
                        inside, counted = self.terms(side)
                        lets.extend(let for let in inside if let not in lets)
                        terms.extend(_Term(term.key, (condition, *term.factors)) for term in counted)
                case Routine() | Section():
                    raise AssertionError("slices have no sections and no routines")
                case _:
                    weights = (weight for effect in effects(item) for weight in self._weigh(effect))
                    terms.extend(_Term(key, (_factor(times),)) for key, times in weights)
        return lets, terms

    def _sum(self, var: str, extent: Index, lets: list[_Value], factors: tuple[_Factor, ...]) -> _Factor:
        """The sum of a product over a loop, as a call of a function."""
        needed: set[str] = set().union(*(factor.names for factor in factors))
        own: list[_Value] = []
        for let in reversed(lets):
            if let.name in needed:
                own.insert(0, let)
                needed |= let.value.names
        trips = _factor(extent)
        free = sorted((needed | trips.names) - {var} - {let.name for let in own})
        lines = (
            "    total = 0",
            f"    for {var} in range({trips.text}):",
            *(f"        {let.name} = {let.value.text}" for let in own),
            f"        total += {' * '.join(f'({factor.text})' for factor in factors)}",
            "    return total",
        )
        if lines not in self._known:
            self._known[lines] = f"sum_{len(self._known)}"
            self.functions += ["@remembered", f"def {self._known[lines]}({', '.join(free)}):", *lines]
        return _Factor(f"{self._known[lines]}({', '.join(free)})", frozenset(free))


def _comparison(left: Index, relation: Relation, right: Index) -> _Factor:
    """1 where it holds, and 0 where it doesn't."""
    return _Factor(f"{to_python(left)} {relation} {to_python(right)}", frozenset((*names(left), *names(right))))


def _factor(index: Index) -> _Factor:
    return _Factor(to_python(index), frozenset(names(index)))
