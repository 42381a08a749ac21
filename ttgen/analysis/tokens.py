"""Circular buffers: what is pushed is popped, rings wrap exactly, nobody waits for ever, nothing is used too early.

Totals are exact, by counting. That the kernels can't block each other, and that pages are written before they are
pushed and read before they are popped, is shown by running the statements of the kernels against each other with every
loop cut to a few trips: the trips of a loop are alike, and each leaves every ring as full as it found it, so after as
many trips as the deepest ring has pages, further ones only repeat states that were seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ttgen.analysis.counts import count
from ttgen.analysis.errors import ProofError
from ttgen.model.body import (
    Body,
    FillZeros,
    Loop,
    Op,
    Pack,
    Pop,
    Push,
    ReadPage,
    Reserve,
    Section,
    Statement,
    Wait,
    WritePage,
    walk,
)
from ttgen.model.index import evaluate


@dataclass(slots=True)
class _Ring:
    """One buffer while kernels run against each other."""

    pages: int
    held: int = 0
    reserved: int = 0
    waited: int = 0
    filled: int = 0
    in_flight: int = 0
    leaving: int = 0


def check(
    bodies: Mapping[str, Body], rings: Mapping[str, int], values: Mapping[str, int], units: Collection[int]
) -> None:
    """Proves the flow through the buffers of every core.

    Args:
        bodies: the kernels that run on each core.
        rings: pages of each buffer.
        values: every argument but `unit_count`.
        units: the unit counts of all cores.

    Raises:
        ProofError: naming the buffer and what is wrong with it.
    """
    _check_ends(bodies, rings)
    for number in set(units):
        totals = [count(body, {**values, "unit_count": number}) for body in bodies.values()]
        for cb in rings:
            pushed, popped = (sum(total[kind, cb] for total in totals) for kind in ("push", "pop"))
            if pushed != popped or pushed == 0:
                raise ProofError(f"{cb}: {pushed} pages pushed and {popped} popped")
    trips = max(rings.values()) + 1
    for number in {min(number, trips) for number in units}:
        _run(bodies, rings, {**values, "unit_count": number}, trips=trips)


def _check_ends(bodies: Mapping[str, Body], rings: Mapping[str, int]) -> None:
    """One producer and one consumer a buffer; every step divides its capacity."""
    ends: dict[tuple[str, str], set[str]] = {}
    for name, body in bodies.items():
        for statement in walk(body):
            if isinstance(statement, (Reserve, Push, Wait, Pop)):
                if statement.cb not in rings:
                    raise ProofError(f"{name}: no buffer {statement.cb}")
                if rings[statement.cb] % statement.pages:
                    raise ProofError(f"{statement.cb}: steps of {statement.pages} don't wrap at {rings[statement.cb]}")
                end = "producer" if isinstance(statement, (Reserve, Push)) else "consumer"
                ends.setdefault((statement.cb, end), set()).add(name)
    for (cb, end), names in ends.items():
        if len(names) != 1:
            raise ProofError(f"{cb}: {len(names)} kernels are its {end}")


def _run(bodies: Mapping[str, Body], rings: Mapping[str, int], values: Mapping[str, int], *, trips: int) -> None:
    state = {cb: _Ring(pages) for cb, pages in rings.items()}
    running = {name: _Runner(name, _steps(body, values, trips)) for name, body in bodies.items()}
    while running:
        progress = False
        for name, runner in list(running.items()):
            while runner.step(state):
                progress = True
            if runner.done:
                del running[name]
                progress = True
        if not progress:
            stuck = ", ".join(f"{name} at {runner.current}" for name, runner in running.items())
            raise ProofError(f"the kernels wait for each other: {stuck}")


def _steps(body: Body, values: Mapping[str, int], trips: int) -> Iterator[Statement]:
    for statement in body:
        match statement:
            case Loop(extent=extent, body=inner):
                for _trip in range(min(evaluate(extent, values), trips)):
                    yield from _steps(inner, values, trips)
            case Section(math=math, pack=pack):
                yield from _steps(math, values, trips)
                yield from _steps(pack, values, trips)
            case _:
                yield statement


@dataclass(slots=True)
class _Runner:
    """A kernel that runs until it has to wait."""

    name: str
    steps: Iterator[Statement]
    current: Statement | None = None
    done: bool = False

    def step(self, rings: Mapping[str, _Ring]) -> bool:
        """Runs one statement; False where it has to wait, or at the end."""
        if self.current is None:
            self.current = next(self.steps, None)
        if self.current is None:
            self.done = True
            return False
        if not self._apply(self.current, rings):
            return False
        self.current = None
        return True

    def _apply(self, statement: Statement, rings: Mapping[str, _Ring]) -> bool:
        match statement.kind:
            case "reserve" | "wait" | "push" | "pop":
                assert isinstance(statement, (Reserve, Wait, Push, Pop))
                return self._token(statement, rings[statement.cb])
            case "read_page":
                assert isinstance(statement, ReadPage)
                self._fill(statement.cb, rings[statement.cb])
                rings[statement.cb].in_flight += 1
            case "fill_zeros" | "pack":
                assert isinstance(statement, (FillZeros, Pack))
                self._fill(statement.cb, rings[statement.cb])
            case "write_page":
                assert isinstance(statement, WritePage)
                self._expect(rings[statement.cb].waited >= 1, statement.cb, "written before it was waited for")
                rings[statement.cb].leaving += 1
            case "read_barrier":
                for ring in rings.values():
                    ring.in_flight = 0
            case "write_barrier":
                for ring in rings.values():
                    ring.leaving = 0
            case "op":
                assert isinstance(statement, Op)
                for tile in statement.tiles:
                    self._expect(tile.slot < rings[tile.cb].waited, tile.cb, "used before it was waited for")
        return True

    def _token(self, statement: Reserve | Wait | Push | Pop, ring: _Ring) -> bool:
        cb, pages = statement.cb, statement.pages
        match statement.kind:
            case "reserve":
                if ring.held + pages > ring.pages:
                    return False
                ring.reserved = pages
            case "wait":
                if ring.held < pages:
                    return False
                ring.waited = pages
            case "push":
                self._expect(ring.reserved >= pages, cb, "pushed beyond what is reserved")
                self._expect(ring.in_flight == 0, cb, "pushed before its read barrier")
                self._expect(ring.filled >= pages, cb, "pushed before it is filled")
                ring.held += pages
                ring.reserved -= pages
                ring.filled -= pages
            case "pop":
                self._expect(ring.waited >= pages, cb, "popped beyond what was waited for")
                self._expect(ring.leaving == 0, cb, "popped before its write barrier")
                ring.held -= pages
                ring.waited -= pages
        return True

    def _fill(self, cb: str, ring: _Ring) -> None:
        self._expect(ring.filled < ring.reserved, cb, "filled beyond what is reserved")
        ring.filled += 1

    def _expect(self, condition: bool, cb: str, what: str) -> None:
        if not condition:
            raise ProofError(f"{self.name}: {cb} is {what}")
