"""Circular buffers: what is pushed is popped, rings wrap exactly, nobody waits for ever, nothing is used too early.

Totals are exact, by counting. That the kernels can't block each other, and that pages are written before they are
pushed and read before they are popped, is shown by running the statements of the kernels against each other with every
loop cut to a few trips: the trips of a loop are alike, and each leaves every ring as full as it found it, so after as
many trips as the deepest ring has steps, further ones only repeat states that were seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from functools import cache

from ttgen.analysis.counts import count
from ttgen.analysis.errors import ProofError
from ttgen.model.body import (
    Body,
    FillZeros,
    Let,
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
from ttgen.model.index import ZERO, Index, evaluate


@dataclass(slots=True)
class _Ring:
    """One buffer while kernels run against each other."""

    pages: int
    held: int = 0
    reserved: int = 0
    waited: int = 0
    filled: bool = False
    packed: int = 0
    in_flight: int = 0
    leaving: int = 0


def check(
    bodies: Mapping[str, Body],
    rings: Mapping[str, int],
    values: Mapping[str, int],
    cores: Iterable[Mapping[str, int]],
    filled: Collection[str] = (),
) -> None:
    """Proves the flow through the buffers of every core.

    Args:
        bodies: the kernels that run on each core.
        rings: pages of each buffer.
        values: every compile-time argument.
        cores: the runtime arguments of each core.
        filled: buffers whose pages nothing has to fill: they lie on shards of inputs.

    Raises:
        ProofError: naming the buffer and what is wrong with it.
    """
    depth = _check_ends(bodies, rings, values)
    trips = depth + 1
    # Only how many units a core has makes a difference to its rings.
    alike: dict[tuple[int, ...], Mapping[str, int]] = {}
    for core in cores:
        alike.setdefault(tuple(value for name, value in core.items() if name.endswith("_count")), core)
    short: dict[tuple[int, ...], Mapping[str, int]] = {}
    for counted, core in alike.items():
        _check_totals(bodies, rings, {**values, **core})
        short.setdefault(tuple(min(number, trips) for number in counted), core)
    for core in short.values():
        _run(bodies, rings, {**values, **core}, filled, trips=trips)


def _check_totals(bodies: Mapping[str, Body], rings: Mapping[str, int], values: Mapping[str, int]) -> None:
    totals = [count(body, values) for body in bodies.values()]
    for cb in rings:
        pushed, popped, packed = (sum(total.get((kind, cb), 0) for total in totals) for kind in ("push", "pop", "pack"))
        if pushed != popped or pushed == 0:
            raise ProofError(f"{cb}: {pushed} pages pushed and {popped} popped")
        if packed not in (0, pushed):
            raise ProofError(f"{cb}: {packed} pages packed and {pushed} pushed")


def _check_ends(bodies: Mapping[str, Body], rings: Mapping[str, int], values: Mapping[str, int]) -> int:
    """One producer and one consumer a buffer; every step divides its capacity. Returns the most steps of a ring."""
    ends: dict[tuple[str, str], set[str]] = {}
    depth = 1
    for name, body in bodies.items():
        for statement in walk(body):
            if isinstance(statement, (Reserve, Push, Wait, Pop)):
                if statement.cb not in rings:
                    raise ProofError(f"{name}: no buffer {statement.cb}")
                pages = evaluate(statement.pages, values)
                if rings[statement.cb] % pages:
                    raise ProofError(f"{statement.cb}: steps of {pages} don't wrap at {rings[statement.cb]}")
                depth = max(depth, rings[statement.cb] // pages)
                end = "producer" if isinstance(statement, (Reserve, Push)) else "consumer"
                ends.setdefault((statement.cb, end), set()).add(name)
    for (cb, end), names in ends.items():
        if len(names) != 1:
            raise ProofError(f"{cb}: {len(names)} kernels are its {end}")
    return depth


def _run(
    bodies: Mapping[str, Body],
    rings: Mapping[str, int],
    values: Mapping[str, int],
    filled: Collection[str],
    *,
    trips: int,
) -> None:
    state = {cb: _Ring(pages, filled=cb in filled) for cb, pages in rings.items()}
    running = {name: _Runner(name, dict(values), body, trips) for name, body in bodies.items()}
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


def _steps(body: Body, values: dict[str, int], trips: int) -> Iterator[Statement]:
    for statement in body:
        match statement:
            case Loop(var=var, extent=extent, body=inner):
                number = evaluate(extent, values)
                # Trips that hand nothing over differ in slots only, which grow from the first to the last.
                ends = sorted({0, number - 1}) if number and not _hands_over(inner) else range(min(number, trips))
                for trip in ends:
                    values[var] = trip
                    yield from _steps(inner, values, trips)
            case Let(name=name, index=index):
                values[name] = evaluate(index, values)
            case Section(math=math, pack=pack):
                yield from _steps(math, values, trips)
                yield from _steps(pack, values, trips)
            case _:
                yield statement


@cache
def _hands_over(body: Body) -> bool:
    """Whether a body has anything to do with the pages that a buffer holds."""
    return any(isinstance(item, (Reserve, Push, Wait, Pop)) for item in walk(body))


@dataclass(slots=True)
class _Runner:
    """A kernel that runs until it has to wait."""

    name: str
    values: dict[str, int]
    body: InitVar[Body]
    trips: InitVar[int]
    steps: Iterator[Statement] = field(init=False)
    current: Statement | None = None
    done: bool = False

    def __post_init__(self, body: Body, trips: int) -> None:
        self.steps = _steps(body, self.values, trips)

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
                self._fill(statement.cb, rings[statement.cb], statement.slot)
                rings[statement.cb].in_flight += 1
            case "fill_zeros" | "pack":
                assert isinstance(statement, (FillZeros, Pack))
                self._fill(statement.cb, rings[statement.cb], statement.slot if isinstance(statement, Pack) else ZERO)
            case "write_page":
                assert isinstance(statement, WritePage)
                slot = evaluate(statement.slot, self.values)
                self._expect(slot < rings[statement.cb].waited, statement.cb, "written before it was waited for")
                rings[statement.cb].leaving += 1
            case "read_barrier":
                for ring in rings.values():
                    ring.in_flight = 0
            case "write_barrier":
                for ring in rings.values():
                    ring.leaving = 0
            case "op":
                assert isinstance(statement, Op)
                for tile, last in zip(statement.tiles, statement.last_slots, strict=True):
                    slot = evaluate(last, self.values)
                    self._expect(slot < rings[tile.cb].waited, tile.cb, "used before it was waited for")
        return True

    def _token(self, statement: Reserve | Wait | Push | Pop, ring: _Ring) -> bool:
        cb, pages = statement.cb, evaluate(statement.pages, self.values)
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
                # A block at an edge has places that nothing fills.
                self._expect(ring.filled, cb, "pushed before it is filled")
                ring.held += pages
                ring.reserved -= pages
                ring.filled = False
                ring.packed = 0
            case "pop":
                self._expect(ring.waited >= pages, cb, "popped beyond what was waited for")
                self._expect(ring.leaving == 0, cb, "popped before its write barrier")
                ring.held -= pages
                ring.waited -= pages
        return True

    def _fill(self, cb: str, ring: _Ring, place: Index | None) -> None:
        """Fills the page at a slot of what is reserved, or the next one."""
        slot = ring.packed if place is None else evaluate(place, self.values)
        self._expect(slot < ring.reserved, cb, "filled beyond what is reserved")
        ring.packed += place is None
        ring.filled = True

    def _expect(self, condition: bool, cb: str, what: str) -> None:
        if not condition:
            raise ProofError(f"{self.name}: {cb} is {what}")
