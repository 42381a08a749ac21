"""Circular buffers: what is pushed is popped, rings wrap exactly, nobody waits for ever, nothing is used too early.

Totals are exact, by counting. That the kernels can't block each other, and that pages are written before they are
pushed and read before they are popped, is shown by running the statements of the kernels against each other, on every
core whose values make a difference to what is handed over. Loops are cut to a few trips where all of them hand over the
same: each leaves every ring as full as it found it, so after as many trips as the deepest ring has steps, further ones
only repeat states that were seen. Slots that differ from trip to trip, or from core to core, are `coverage`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import InitVar, field
from functools import cache

from ttgen.analysis.counts import count
from ttgen.analysis.errors import ProofError
from ttgen.analysis.slices import arguments, sliced, used_names
from ttgen.exhaustive import assert_never
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
from ttgen.model.index import ONE, Index, evaluate
from ttgen.records import dataclass


@dataclass(slots=True)
class _Ring:
    """One buffer while kernels run against each other.

    Attributes:
        in_flight: kernels whose reads into it have had no barrier.
        leaving: kernels whose writes from it have had none.
    """

    pages: int
    held: int = 0
    reserved: int = 0
    waited: int = 0
    filled: bool = False
    packed: int = 0
    in_flight: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)


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
    wanted = sorted({name for body in bodies.values() for name in arguments(_handed_over(body), _flow)})
    alike: dict[tuple[int | None, ...], Mapping[str, int]] = {}
    for core in cores:
        alike.setdefault(tuple(core.get(name) for name in wanted), core)
    for core in alike.values():
        _check_totals(bodies, rings, {**values, **core})
        _run(bodies, rings, {**values, **core}, filled, trips=depth + 1)


def _flow(effect: Effect) -> tuple[Index, ...]:
    """How many pages an effect hands over, or packs one after another: what the totals of a core are about."""
    match effect:
        case Token(pages=pages):
            return (pages,)
        case Fill(slot=None):
            return (ONE,)
        case Fill() | Page() | Use() | Barrier() | Operate() | TakeDst() | Accumulate() | Prepare():
            return ()
        case _:
            assert_never(effect)


@cache
def _handed_over(body: Body) -> Body:
    """All that a body has to do with the pages that buffers hold."""
    return sliced(body, _flow)


def _check_totals(bodies: Mapping[str, Body], rings: Mapping[str, int], values: Mapping[str, int]) -> None:
    totals = [count(_handed_over(body), values) for body in bodies.values()]
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
        for token in _tokens(body):
            if token.cb not in rings:
                raise ProofError(f"{name}: no buffer {token.cb}")
            pages = evaluate(token.pages, values)
            if rings[token.cb] % pages:
                raise ProofError(f"{token.cb}: steps of {pages} don't wrap at {rings[token.cb]}")
            depth = max(depth, rings[token.cb] // pages)
            end = "producer" if token.kind in ("reserve", "push") else "consumer"
            ends.setdefault((token.cb, end), set()).add(name)
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


@cache
def _tokens(body: Body) -> tuple[Token, ...]:
    """Every hand-over of a body."""
    return tuple(
        effect
        for item in walk(body)
        if not isinstance(item, (Loop, Let, Section))
        for effect in effects(item)
        if isinstance(effect, Token)
    )


@dataclass(frozen=True, slots=True)
class _Trips:
    """A loop of a kernel that is run.

    Attributes:
        hands_over: whether its trips have anything to do with the pages that buffers hold.
        alike: whether all of them hand over the same.
    """

    var: str
    extent: Index
    hands_over: bool
    alike: bool
    steps: tuple[_Step, ...]


_Step = _Trips | Let | tuple[Action, tuple[Effect, ...]]
"""What a kernel is while it is run: each statement with its effects, worked out once."""


@cache
def _program(body: Body) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    for item in body:
        match item:
            case Loop(var=var, extent=extent, body=inner):
                own = _handed_over(inner)
                alike = var not in used_names(own, _flow)
                steps.append(_Trips(var, extent, bool(own), alike, _program(inner)))
            case Let():
                steps.append(item)
            case Section(math=math, pack=pack):
                steps += (*_program(math), *_program(pack))
            case _:
                steps.append((item, effects(item)))
    return tuple(steps)


def _run_through(
    program: tuple[_Step, ...], values: dict[str, int], trips: int
) -> Iterator[tuple[Action, tuple[Effect, ...]]]:
    for step in program:
        match step:
            case _Trips(var=var, extent=extent, steps=inner):
                every = range(evaluate(extent, values))
                # Trips that hand nothing over differ in slots only, and the first stands for all.
                few = every if not step.alike else every[: trips if step.hands_over else 1]
                for trip in few:
                    values[var] = trip
                    yield from _run_through(inner, values, trips)
            case Let(name=name, index=index):
                values[name] = evaluate(index, values)
            case _:
                yield step


@dataclass(slots=True)
class _Runner:
    """A kernel that runs until it has to wait."""

    name: str
    values: dict[str, int]
    body: InitVar[Body]
    trips: InitVar[int]
    steps: Iterator[tuple[Action, tuple[Effect, ...]]] = field(init=False)
    current: Action | None = None
    pending: list[Effect] = field(default_factory=list)
    done: bool = False

    def __post_init__(self, body: Body, trips: int) -> None:
        self.steps = _run_through(_program(body), self.values, trips)

    def step(self, rings: Mapping[str, _Ring]) -> bool:
        """Runs one statement; False where it has to wait, or at the end."""
        if not self.pending:
            found = next(self.steps, None)
            if found is None:
                self._end(rings)
                self.done = True
                return False
            self.current = found[0]
            self.pending = list(found[1])
        while self.pending:
            if not self._apply(self.pending[0], rings):
                return False
            del self.pending[0]
        return True

    def _end(self, rings: Mapping[str, _Ring]) -> None:
        """Whatever a kernel began has to be over before it ends."""
        for cb, ring in rings.items():
            self._expect(self.name not in ring.in_flight, cb, "still being read at the end of the kernel")
            self._expect(self.name not in ring.leaving, cb, "still being written from at the end of the kernel")

    def _apply(self, effect: Effect, rings: Mapping[str, _Ring]) -> bool:
        match effect:
            case Token(cb=cb):
                return self._token(effect, rings[cb])
            case Fill(cb=cb, slot=slot, by=by):
                self._fill(cb, rings[cb], slot)
                if by == "noc":
                    rings[cb].in_flight.add(self.name)
            case Use(cb=cb, last=last, by=by):
                what = "written" if by == "noc" else "used"
                self._expect(evaluate(last, self.values) < rings[cb].waited, cb, f"{what} before it was waited for")
                if by == "noc":
                    rings[cb].leaving.add(self.name)
            case Barrier(of=of):
                for ring in rings.values():
                    (ring.in_flight if of == "read" else ring.leaving).discard(self.name)
            case Page() | Operate() | TakeDst() | Accumulate() | Prepare():
                pass
            case _:
                assert_never(effect)
        return True

    def _token(self, token: Token, ring: _Ring) -> bool:
        cb, pages = token.cb, evaluate(token.pages, self.values)
        match token.kind:
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
                self._expect(not ring.in_flight, cb, "pushed before its read barrier")
                # A block at an edge has places that nothing fills.
                self._expect(ring.filled, cb, "pushed before it is filled")
                ring.held += pages
                ring.reserved -= pages
                ring.filled = False
                ring.packed = 0
            case "pop":
                self._expect(ring.waited >= pages, cb, "popped beyond what was waited for")
                self._expect(not ring.leaving, cb, "popped before its write barrier")
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
