"""The kernels of some cores run against each other: pages through rings, pages between cores, and counters.

What they do is monotone: who may go on may still do so whatever others do first. So one order shows whether anybody
waits for ever. That nobody writes into pages that aren't free, or hands over pages that haven't come, whatever the
order, is shown by runs in which one kernel is as late as can be: it only goes on where nobody else can.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field

from ttgen.analysis.errors import ProofError
from ttgen.analysis.steps import Step, compiled, tokens
from ttgen.model.body import Body
from ttgen.model.grids import Coordinate, rectangle
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A core: where it is, its arguments, its kernels, and the pages of its buffers."""

    place: Coordinate
    values: Mapping[str, int]
    bodies: Mapping[str, Body]
    rings: Mapping[str, int]


@dataclass(slots=True)
class _Ring:
    """One buffer.

    Attributes:
        place: where the pages that are reserved begin.
        come: those of them that other cores have sent, as their first slots and numbers.
        in_flight: kernels whose reads into it, or whose own multicasts, have had no barrier.
        leaving: kernels whose writes from it have had none.
        is_drained: whether nobody who runs takes pages out of it: it always has room.
        is_fed: whether nobody who runs puts pages into it: it always has some.
    """

    pages: int
    is_drained: bool
    is_fed: bool
    held: int = 0
    reserved: int = 0
    waited: int = 0
    filled: bool = False
    packed: int = 0
    place: int = 0
    come: dict[int, int] = field(default_factory=dict)
    in_flight: set[tuple[str, str]] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _State:
    """A core while kernels run: its rings, its semaphores, and the values that its kernels have waited for."""

    rings: dict[str, _Ring]
    counters: dict[str, int] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)


def run(
    cores: Sequence[Core], *, few: int | None, filled: Collection[str] = (), late: tuple[Coordinate, str] | None = None
) -> None:
    """Runs kernels until all have ended.

    Args:
        cores: that have to do with each other.
        few: trips of loops that hand over the same each time; None for all.
        filled: buffers whose pages nothing has to fill: they lie on shards of inputs.
        late: a kernel that goes on only where no other can.

    Raises:
        ProofError: naming what is wrong.
    """
    states = {core.place: _State(_rings(core, filled)) for core in cores}
    running: list[_Runner] = []
    last: _Runner | None = None
    for core in cores:
        for name, body in core.bodies.items():
            names, steps = compiled(body)
            runner = _Runner(name, core.place, states, steps(few, *(core.values[value] for value in names)))
            if (core.place, name) == late:
                last = runner
            else:
                running.append(runner)
    while running or last:
        moved = False
        for runner in running:
            while runner.go_on():
                moved = True
        ended = [runner for runner in running if runner.ended]
        if ended:
            running = [runner for runner in running if not runner.ended]
            moved = True
        if not moved and last is not None:
            moved = last.go_on()
            if last.ended:
                last, moved = None, True
        if not moved:
            stuck = ", ".join(str(runner) for runner in (*running, *([last] if last else []))[:3])
            raise ProofError(f"the kernels wait for each other: {stuck}")
    for place, state in states.items():
        for name, value in state.counters.items():
            if state.reached.get(name, 0) != value:
                raise ProofError(
                    f"core {place}: {name} ends at {value}, and {state.reached.get(name, 0)} was waited for"
                )


def _rings(core: Core, filled: Collection[str]) -> dict[str, _Ring]:
    ends = {(token.kind, token.cb) for body in core.bodies.values() for token in tokens(body)}
    return {
        cb: _Ring(
            pages,
            is_drained=("pop", cb) not in ends,
            is_fed=("push", cb) not in ends,
            filled=cb in filled,
        )
        for cb, pages in core.rings.items()
    }


@dataclass(slots=True)
class _Runner:
    """A kernel that runs until it has to wait."""

    name: str
    place: Coordinate
    states: Mapping[Coordinate, _State]
    steps: Iterator[Step]
    pending: Step | None = None
    ended: bool = False
    owes: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        at = f"{self.pending[0]} {self.pending[1]} ({self.pending[2]})" if self.pending else "its beginning"
        return f"{self.name} of core {self.place} at {at}"

    def go_on(self) -> bool:
        """Does one step; False where it has to wait, or at the end."""
        step = self.pending or next(self.steps, None)
        if step is None:
            if not self.ended:
                self._end()
                self.ended = True
            return False
        self.pending = None if self._does(step) else step
        return self.pending is None

    def _end(self) -> None:
        """Whatever a kernel began has to be over before it ends."""
        for cb, ring in self.states[self.place].rings.items():
            self._expect((self.name, "read") not in ring.in_flight, cb, "still being read at the end of the kernel")
            self._expect(self.name not in ring.leaving, cb, "still being written from at the end of the kernel")
        for what in sorted(self.owes):
            raise ProofError(f"{self.name}: ends before its {what}s to other cores are there")

    def _does(self, step: Step) -> bool:
        state = self.states[self.place]
        match step:
            case ("reserve" | "wait" | "push" | "pop") as kind, cb, pages:
                return self._token(kind, cb, state.rings[cb], pages)
            case "fill", cb, slot, by:
                self._fill(cb, state.rings[cb], slot)
                if by == "noc":
                    state.rings[cb].in_flight.add((self.name, "read"))
            case "use", cb, slot, by:
                what = "written" if by == "noc" else "used"
                self._expect(slot < state.rings[cb].waited, cb, f"{what} before it was waited for")
                if by == "noc":
                    state.rings[cb].leaving.add(self.name)
            case "barrier", of:
                for ring in state.rings.values():
                    ring.in_flight.discard((self.name, of))
                    if of == "write":
                        ring.leaving.discard(self.name)
                self.owes.discard({"read": "", "write": "write", "atomic": "signal"}[of])
            case "deliver", cb, source, slot, pages, ends:
                self._deliver(cb, source, slot, pages, ends)
            case "set", name, value, ends:
                for place in self._area(name, ends):
                    self._raise(place, name, value)
                state.reached[name] = value
                self.owes.add("write")
            case "add", name, place:
                for cb, ring in state.rings.items():
                    self._expect(self.name not in ring.leaving, cb, "signalled before it is there")
                self._raise(place, name, self.states[place].counters.get(name, 0) + 1 if place in self.states else 0)
                self.owes.add("signal")
            case "reach", name, at_least:
                if state.counters.get(name, 0) < at_least:
                    return False
                state.reached[name] = at_least
        return True

    def _token(self, kind: str, cb: str, ring: _Ring, pages: int) -> bool:
        match kind:
            case "reserve":
                if ring.held + pages > ring.pages and not ring.is_drained:
                    return False
                ring.reserved = pages
            case "wait":
                if ring.held < pages and not ring.is_fed:
                    return False
                ring.waited = pages
            case "push":
                self._expect(ring.reserved >= pages, cb, "pushed beyond what is reserved")
                self._expect(not ring.in_flight, cb, f"pushed before its {self._missing(ring)} barrier")
                # A block at an edge has places that nothing fills; what others send is whole.
                self._expect(ring.filled, cb, "pushed before it is filled")
                self._expect(sum(ring.come.values()) in (0, pages), cb, "pushed before all of it has come")
                ring.held += pages
                ring.reserved -= pages
                ring.place = (ring.place + pages) % ring.pages
                ring.filled = False
                ring.packed = 0
                ring.come = {}
            case _:
                self._expect(ring.waited >= pages, cb, "popped beyond what was waited for")
                self._expect(not ring.leaving, cb, "popped before its write barrier")
                ring.held -= pages
                ring.waited -= pages
        return True

    @staticmethod
    def _missing(ring: _Ring) -> str:
        return min((of for _name, of in ring.in_flight), default="")

    def _fill(self, cb: str, ring: _Ring, place: int | None) -> None:
        """Fills the page at a slot of what is reserved, or the next one."""
        self._expect((ring.packed if place is None else place) < ring.reserved, cb, "filled beyond what is reserved")
        ring.packed += place is None
        ring.filled = True

    def _deliver(self, cb: str, source: str, slot: int, pages: int, ends: tuple[int, ...]) -> None:
        """Pages to other cores, each of which must have room for them at the same address."""
        own = self.states[self.place].rings
        if source == cb:
            self._expect(own[cb].reserved >= pages, cb, "sent beyond what is reserved")
            self._expect(not own[cb].in_flight, cb, "sent before its read barrier")
            self._expect(own[cb].filled, cb, "sent before it is filled")
        else:
            self._expect(own[source].waited >= pages, source, "sent before it was waited for")
            own[source].leaving.add(self.name)
            if len(ends) > 2:
                own[cb].in_flight.add((self.name, "write"))
        self.owes.add("write")
        cores = ((ends[0], ends[1]),) if len(ends) == 2 else self._area(cb, ends)
        for place in cores:
            if source == cb and place == self.place:
                continue
            there = self.states.get(place)
            ring = there.rings.get(cb) if there else None
            self._expect(ring is not None, cb, f"sent to core {place}, which hasn't that buffer")
            assert ring is not None
            self._expect(0 <= slot <= ring.reserved - pages, cb, f"sent to core {place}, which has no room for it")
            self._expect(ring.place == own[cb].place, cb, f"sent to core {place}, where it is at another address")
            taken = any(first < slot + pages and slot < first + number for first, number in ring.come.items())
            self._expect(not taken, cb, f"sent twice to the same pages of core {place}")
            ring.come[slot] = pages
            ring.filled = True

    def _area(self, what: str, ends: tuple[int, ...]) -> tuple[Coordinate, ...]:
        """The cores of a rectangle."""
        x0, y0, x1, y1, number = ends
        cores = rectangle((x0, y0), (x1, y1))
        self._expect(len(cores) == number, what, f"multicast to {len(cores)} cores, not to {number}")
        self._expect(number > 1, what, "multicast to no other core")
        self._expect(self.place in cores, what, "multicast to an area that its core isn't in")
        return cores

    def _raise(self, place: Coordinate, name: str, value: int) -> None:
        """A counter goes up."""
        there = self.states.get(place)
        self._expect(there is not None, name, f"raised on core {place}, which has no part in it")
        assert there is not None
        self._expect(value > there.counters.get(name, 0), name, f"lowered to {value}")
        there.counters[name] = value

    def _expect(self, condition: bool, cb: str, what: str) -> None:
        if not condition:
            raise ProofError(f"{self.name}: {cb} is {what}")
