"""Pages: every output page is written exactly once, and nothing outside a tensor, a shard or a block is touched.

The units of all cores are run through the kernels' own index expressions. For what is written every trip of every
loop counts. For bounds of what is read, loops whose trips differ by a multiple of a stride only are cut to the first,
the second and the last, and those where a `min` changes from one side to the other; what goes through `//` or `%` is
run through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

from ttgen.analysis.errors import ProofError
from ttgen.analysis.slices import Switch, arguments, sliced, switches, wanted_indices
from ttgen.analysis.steps import tokens
from ttgen.exhaustive import assert_never
from ttgen.model.body import AccumulateInL1, Body, If, Let, Loop, Routine, Section, walk
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
from ttgen.model.index import ONE, Const, Expr, Index, add, evaluate, names, sub, to_python
from ttgen.records import dataclass

Kind = Literal["read", "read_row", "write", "use", "fill", "pack"]
"""Pages of a tensor that are read or written; slots of a buffer that are used, filled, or packed anew."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is looked at: the pages of a tensor, or the slots of a buffer."""

    kind: Kind
    name: str

    def __call__(self, effect: Effect) -> tuple[Index, ...]:
        """The pages or slots that an effect has of it; of a run of slots the first and the last."""
        match effect:
            case Page(kind=kind, tensor=name, page=page, pages=pages):
                return _run_of(page, pages) if (kind, name) == (self.kind, self.name) else ()
            case Use(cb=cb, first=first, last=last):
                return (first, last) if ("use", cb) == (self.kind, self.name) else ()
            case Fill(cb=cb, slot=slot, by=by, pages=pages):
                wanted = self.kind == "fill" or (self.kind == "pack" and by == "packer")
                return _run_of(slot, pages) if slot is not None and wanted and cb == self.name else ()
            case Accumulate(index=index):
                # What is added to a page was packed to it before.
                return (index,) if self.kind == "pack" else ()
            case Token() | Barrier() | Deliver() | Raise() | Reach() | Operate() | TakeDst() | Prepare():
                return ()
            case _:
                assert_never(effect)

    @property
    def is_exact(self) -> bool:
        """Whether every trip counts."""
        return self.kind in ("write", "pack")


def _run_of(first: Index, pages: Index) -> tuple[Index, ...]:
    """The first and the last of pages that follow each other."""
    return (first,) if pages == ONE else (first, sub(add(first, pages), ONE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A kernel, its compile-time arguments, and all arguments of each core that runs it."""

    body: Body
    arguments: Mapping[str, int]
    cores: tuple[Mapping[str, int], ...]


def check(
    kernels: Iterable[Run], pages: Mapping[str, int], rings: Mapping[str, int], shards: Mapping[str, int]
) -> None:
    """Proves the page numbers and the slots of all cores.

    Args:
        kernels: that run.
        pages: pages of each tensor.
        rings: pages of each buffer.
        shards: pages of each buffer that lies on a shard.

    Raises:
        ProofError: naming the tensor or the buffer.
    """
    for kernel in kernels:
        body, values, cores = kernel.body, kernel.arguments, kernel.cores
        for subject in _subjects(body):
            match subject.kind:
                case "write":
                    numbers = _run(body, subject, cores, values)
                    if sorted(numbers) != list(range(pages[subject.name])):
                        raise ProofError(f"{subject.name}: pages are not written exactly once")
                case "read" | "read_row":
                    _check_range(_run(body, subject, cores, values), pages[subject.name], subject)
                case "use" | "fill":
                    in_hand = _in_hand(body, subject, values, rings[subject.name])
                    _check_range(_run(body, subject, cores, values), in_hand, subject)
                case "pack":
                    if subject.name in shards:
                        for core in cores:
                            if sorted(_run(body, subject, (core,), values)) != list(range(shards[subject.name])):
                                raise ProofError(f"{subject.name}: pages of its shard are not packed exactly once")
                case _:
                    assert_never(subject.kind)


@cache
def _subjects(body: Body) -> tuple[_Subject, ...]:
    """Every tensor and buffer whose pages or slots a body computes; slots that are literals need no walk."""
    found: dict[_Subject, None] = {}
    for item in walk(body):
        if isinstance(item, (Loop, If, Routine, Let, Section)):
            continue
        for effect in effects(item):
            match effect:
                case Page(kind=kind, tensor=tensor):
                    found[_Subject(kind, tensor)] = None
                case Use(cb=cb, first=first, last=last):
                    if not (isinstance(first, Const) and isinstance(last, Const)):
                        found[_Subject("use", cb)] = None
                case Fill(cb=cb, slot=slot, by=by):
                    if slot is not None and not (isinstance(slot, Const) and effect.pages == ONE):
                        found[_Subject("fill", cb)] = None
                    if slot is not None and by == "packer":
                        found[_Subject("pack", cb)] = None
                case Token() | Barrier() | Deliver() | Raise() | Reach():
                    pass
                case Operate() | TakeDst() | Accumulate() | Prepare():
                    pass
                case _:
                    assert_never(effect)
    return tuple(found)


def _in_hand(body: Body, subject: _Subject, values: Mapping[str, int], ring: int) -> int:
    """The most pages of a buffer that a kernel has reserved or waited for at once."""
    kind = "wait" if subject.kind == "use" else "reserve"
    return max((
        evaluate(token.pages, values) if set(names(token.pages)) <= values.keys() else ring
        for token in tokens(body) if (token.kind, token.cb) == (kind, subject.name)
    ), default=ring)  # fmt: skip


def _check_range(numbers: list[int], pages: int, subject: _Subject) -> None:
    for number in (min(numbers, default=0), max(numbers, default=0)):
        if not 0 <= number < pages:
            verb = {"read": "read", "read_row": "read", "use": "read", "fill": "filled"}[subject.kind]
            raise ProofError(f"{subject.name}: page {number} is {verb} of {pages}")


def _run(body: Body, subject: _Subject, cores: tuple[Mapping[str, int], ...], values: Mapping[str, int]) -> list[int]:
    """The page numbers that all cores use of a tensor or a buffer."""
    runtime, constants, run = _compiled(body, subject, tuple(cores[0]) if cores else ())
    # Cores whose values are the same do the same, unless each of them writes.
    columns = [[core[name] for core in cores] for name in runtime]
    rows: Iterable[tuple[int, ...]] = list(zip(*columns, strict=True)) if columns else [()] * len(cores)
    return run(rows if subject.is_exact else dict.fromkeys(rows), *(values[name] for name in constants))


@cache
def _compiled(
    body: Body, subject: _Subject, per_core: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], Callable[..., list[int]]]:
    """The names of the values a core and of the arguments that a walk needs, and the walk.

    Programs of one structure share it.
    """
    relevant = sliced(body, subject)
    wanted = sorted(arguments(relevant, subject))
    runtime = tuple(name for name in wanted if name in per_core)
    constants = tuple(name for name in wanted if name not in per_core)
    lines = [f"def run({', '.join(('cores', *constants))}):", "    found, adds = [], 0"]
    lines += [f"    for {''.join(f'{name}, ' for name in runtime) or '_core'} in cores:"]
    lines += _lines(relevant, "        ", subject)
    lines += ["        pass", "    return found"]
    scope: dict[str, Any] = {"few": _few}
    # The text is made of our own expressions, whose names are identifiers that the tile program declares.
    exec("\n".join(lines), scope)  # noqa: S102
    return runtime, constants, scope["run"]


def _lines(body: Body, indent: str, subject: _Subject) -> Iterator[str]:
    for item in body:
        match item:
            case Let(name=own, index=index):
                yield f"{indent}{own} = {to_python(index)}"
            case Loop(var=var, extent=extent, body=inner):
                trips = f"range({to_python(extent)})"
                turns = None if subject.is_exact else switches(item, subject)
                if turns is not None:
                    trips = f"few({trips}, {''.join(f'{_difference(turn, var)}, ' for turn in turns)})"
                yield f"{indent}for {var} in {trips}:"
                yield from _lines(inner, indent + "    ", subject)
            case If(left=left, relation=relation, right=right, then=then, otherwise=otherwise):
                yield f"{indent}if {to_python(left)} {relation} {to_python(right)}:"
                yield from _lines(then, indent + "    ", subject)
                yield f"{indent}    pass"
                if otherwise:
                    yield f"{indent}else:"
                    yield from _lines(otherwise, indent + "    ", subject)
                    yield f"{indent}    pass"
            case Routine() | Section():
                raise AssertionError("slices have no sections and no routines")
            case AccumulateInL1(index=index):
                yield f"{indent}adds = {to_python(index)}"
            case _:
                yield from (
                    f"{indent}if not adds: found.append({to_python(index)})" for index in wanted_indices(item, subject)
                )


def _difference(turn: Switch, var: str) -> str:
    """What is to be compared, as a function of the loop's variable."""
    return f"lambda {var}: {to_python(Expr('-', turn.left, turn.right))}"


def _few(trips: range, *differences: Callable[[int], int]) -> list[int]:
    """The first, the second and the last of trips, and those beside where a linear difference changes its sign."""
    if len(trips) < 4:
        return list(trips)
    last = len(trips) - 1
    chosen = {0, 1, last}
    for difference in differences:
        first, slope = difference(0), difference(1) - difference(0)
        if slope:
            turn = -first // slope
            chosen.update((turn - 1, turn, turn + 1, turn + 2))
    return [trip for trip in sorted(chosen) if 0 <= trip <= last]
