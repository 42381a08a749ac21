"""The kernels of some cores run against each other: pages through rings, pages between cores, and counters.

What they do is monotone: who may go on may still do so whatever others do first. So one order shows whether anybody
waits for ever. That nobody writes into pages that aren't free, or hands over pages that haven't come, whatever the
order, is shown by runs in which one kernel is as late as can be: it only goes on where nobody else can.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import NoReturn, TypeAlias

from ttgen.analysis.errors import ProofError
from ttgen.analysis.steps import compiled, tokens
from ttgen.model.body import Body
from ttgen.model.grids import Coordinate, rectangle
from ttgen.records import dataclass

PLACES = ("core_x", "core_y")
"""What a core's place is called among its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A core: where it is, its arguments, its kernels, and the pages of its buffers."""

    place: Coordinate
    values: Mapping[str, int]
    bodies: Mapping[str, Body]
    rings: Mapping[str, int]


class _Ring:
    """One buffer.

    Attributes:
        place: where the pages that are reserved begin.
        come: those of them that other cores have sent, as their first slots and numbers.
        in_flight: kernels whose reads into it, or whose own multicasts, have had no barrier.
        leaving: kernels whose writes from it have had none.
        is_drained: whether nobody who runs takes pages out of it: it always has room.
        is_fed: whether nobody who runs puts pages into it: it always has some.
        waiting: kernels that wait for room or pages.
    """

    def __init__(self, pages: int, *, is_drained: bool, is_fed: bool, filled: bool) -> None:
        self.pages, self.is_drained, self.is_fed, self.filled = pages, is_drained, is_fed, filled
        self.held = self.reserved = self.waited = self.packed = self.place = 0
        self.come: dict[int, int] = {}
        self.in_flight: set[tuple[str, str]] = set()
        self.leaving: set[str] = set()
        self.waiting: list[Kernel] = []


class _Counter:
    """A semaphore of a core: its value, the last one that a kernel waited for, and who waits, each for a value."""

    def __init__(self) -> None:
        self.value = self.reached = 0
        self.waiting: list[tuple[int, Kernel]] = []


class _State:
    """A core while kernels run."""

    def __init__(self, rings: dict[str, _Ring]) -> None:
        self.rings = rings
        self.counters: dict[str, _Counter] = {}


_Queue: TypeAlias = "list[tuple[int, int, Kernel]]"
"""Kernels that may go on: a heap of their turns, their numbers, and themselves."""


class Kernel:
    """A kernel that runs until it has to wait.

    Its steps call the methods below, one an effect, and stop where one says so: where it has to wait, which
    `reserve`, `wait` and `reach` say, and, of a late one, after what may let others go on.

    Attributes:
        queue: of those that may go on; whoever does what it waits for puts it there.
        turn: in which it goes on: in each, all that may do so, in order.
        begun: the rings that it has read into, or written from.
        owes: what it sent to other cores without a barrier since.
        sent_to: the rings that it sent to before, by buffer and ends.
        announced_to: the counters that it set before, by name and ends.
    """

    steps: Iterator[bool]

    def __init__(
        self, number: int, name: str, core: Core, states: Mapping[Coordinate, _State], queue: _Queue, *, is_late: bool
    ) -> None:
        self.number, self.name, self.body, self.place = number, name, core.bodies[name], core.place
        self.states, self.state, self.queue, self.is_late = states, states[core.place], queue, is_late
        self.turn, self.ended = 0, False
        self.pending: tuple[str, str, int] | None = None
        self.begun: dict[str, _Ring] = {}
        self.owes: set[str] = set()
        self.sent_to: dict[tuple[str, tuple[int, ...]], list[tuple[Coordinate, _Ring]]] = {}
        self.announced_to: dict[tuple[str, tuple[int, ...]], list[_Counter]] = {}

    def __str__(self) -> str:
        at = f"{self.pending[0]} {self.pending[1]} ({self.pending[2]})" if self.pending else "its beginning"
        return f"{self.name} of core {self.place} at {at}"

    def go_on(self, turn: int) -> None:
        """Runs until it has to wait, or others may go on before it."""
        self.turn = turn
        waits = next(self.steps, None)
        if waits is None:
            self.end()
            self.ended = True
        elif not waits:
            self.wakes(self)

    def wakes(self, other: Kernel) -> None:
        """Lets another one go on, in this turn where it comes after it."""
        heappush(other.queue, (self.turn + (other.number <= self.number), other.number, other))

    def end(self) -> None:
        """Whatever a kernel began has to be over before it ends."""
        for cb, ring in self.begun.items():
            self._expect((self.name, "read") not in ring.in_flight, cb, "still being read at the end of the kernel")
            self._expect(self.name not in ring.leaving, cb, "still being written from at the end of the kernel")
        for what in sorted(self.owes):
            raise ProofError(f"{self.name}: ends before its {what}s to other cores are there")

    def reserve(self, cb: str, pages: int) -> bool:
        """Whether it has to wait for room."""
        ring = self.state.rings[cb]
        if ring.held + pages > ring.pages and not ring.is_drained:
            self.pending = ("reserve", cb, pages)
            ring.waiting.append(self)
            return True
        ring.reserved = pages
        return False

    def wait(self, cb: str, pages: int) -> bool:
        """Whether it has to wait for pages."""
        ring = self.state.rings[cb]
        if ring.held < pages and not ring.is_fed:
            self.pending = ("wait", cb, pages)
            ring.waiting.append(self)
            return True
        ring.waited = pages
        return False

    def push(self, cb: str, pages: int) -> bool:
        """Hands over what is reserved."""
        ring = self.state.rings[cb]
        if ring.reserved < pages:
            self._fail(cb, "pushed beyond what is reserved")
        if ring.in_flight:
            self._fail(cb, f"pushed before its {min(of for _name, of in ring.in_flight)} barrier")
        # A block at an edge has places that nothing fills; what others send is whole.
        if not ring.filled:
            self._fail(cb, "pushed before it is filled")
        if ring.come:
            if sum(ring.come.values()) != pages:
                self._fail(cb, "pushed before all of it has come")
            ring.come = {}
        ring.held += pages
        ring.reserved -= pages
        ring.place = (ring.place + pages) % ring.pages
        ring.filled = False
        ring.packed = 0
        return self._goes_on(ring)

    def pop(self, cb: str, pages: int) -> bool:
        """Frees what it waited for."""
        ring = self.state.rings[cb]
        if ring.waited < pages:
            self._fail(cb, "popped beyond what was waited for")
        if ring.leaving:
            self._fail(cb, "popped before its write barrier")
        ring.held -= pages
        ring.waited -= pages
        return self._goes_on(ring)

    def _goes_on(self, ring: _Ring) -> bool:
        """Lets those go on who wait for a ring; whether it stops itself."""
        if ring.waiting:
            for kernel in ring.waiting:
                self.wakes(kernel)
            ring.waiting = []
            return self.is_late
        return False

    def fill(self, cb: str, slot: int | None, by: str) -> None:
        """Fills the page at a slot of what is reserved, or the next one."""
        ring = self.state.rings[cb]
        if (ring.packed if slot is None else slot) >= ring.reserved:
            self._fail(cb, "filled beyond what is reserved")
        ring.packed += slot is None
        ring.filled = True
        if by == "noc":
            ring.in_flight.add((self.name, "read"))
            self.begun[cb] = ring

    def use(self, cb: str, slot: int, by: str) -> None:
        """Reads the page at a slot of what was waited for."""
        ring = self.state.rings[cb]
        if slot >= ring.waited:
            self._fail(cb, f"{'written' if by == 'noc' else 'used'} before it was waited for")
        if by == "noc":
            ring.leaving.add(self.name)
            self.begun[cb] = ring

    def barrier(self, of: str) -> None:
        """Waits until what it began is over."""
        for ring in self.begun.values():
            ring.in_flight.discard((self.name, of))
            if of == "write":
                ring.leaving.discard(self.name)
        self.owes.discard({"read": "", "write": "write", "atomic": "signal"}[of])

    def deliver(self, cb: str, source: str, slot: int, pages: int, ends: tuple[int, ...]) -> None:
        """Pages to other cores, each of which must have room for them at the same address."""
        own = self.state.rings
        if source == cb:
            self._expect(own[cb].reserved >= pages, cb, "sent beyond what is reserved")
            self._expect(not own[cb].in_flight, cb, "sent before its read barrier")
            self._expect(own[cb].filled, cb, "sent before it is filled")
        else:
            self._expect(own[source].waited >= pages, source, "sent before it was waited for")
            own[source].leaving.add(self.name)
            self.begun[source] = own[source]
            if len(ends) > 2:
                own[cb].in_flight.add((self.name, "write"))
                self.begun[cb] = own[cb]
        self.owes.add("write")
        first = own[cb].place
        for place, ring in self._rings_at(cb, ends):
            if source == cb and place == self.place:
                continue
            if not 0 <= slot <= ring.reserved - pages:
                self._fail(cb, f"sent to core {place}, which has no room for it")
            if ring.place != first:
                self._fail(cb, f"sent to core {place}, where it is at another address")
            if any(at < slot + pages and slot < at + number for at, number in ring.come.items()):
                self._fail(cb, f"sent twice to the same pages of core {place}")
            ring.come[slot] = pages
            ring.filled = True

    def _rings_at(self, cb: str, ends: tuple[int, ...]) -> list[tuple[Coordinate, _Ring]]:
        """A buffer on one core, or on those of a rectangle."""
        found = self.sent_to.get((cb, ends))
        if found is None:
            found = []
            for place in ((ends[0], ends[1]),) if len(ends) == 2 else self._area(cb, ends):
                there = self.states.get(place)
                ring = there.rings.get(cb) if there else None
                if ring is None:
                    self._fail(cb, f"sent to core {place}, which hasn't that buffer")
                found.append((place, ring))
            self.sent_to[cb, ends] = found
        return found

    def _area(self, what: str, ends: tuple[int, ...]) -> tuple[Coordinate, ...]:
        """The cores of a rectangle."""
        x0, y0, x1, y1, number = ends
        cores = rectangle((x0, y0), (x1, y1))
        self._expect(len(cores) == number, what, f"multicast to {len(cores)} cores, not to {number}")
        self._expect(number > 1, what, "multicast to no other core")
        self._expect(self.place in cores, what, "multicast to an area that its core isn't in")
        return cores

    def announce(self, name: str, value: int, ends: tuple[int, ...]) -> bool:
        """Sets a counter of all cores of a rectangle."""
        counters = self.announced_to.get((name, ends))
        if counters is None:
            counters = [self._counter(place, name) for place in self._area(name, ends)]
            self.announced_to[name, ends] = counters
        for counter in counters:
            self._raise(counter, name, value)
        self.state.counters[name].reached = value
        self.owes.add("write")
        return self.is_late

    def signal(self, name: str, place: Coordinate) -> bool:
        """Adds 1 to a counter of a core."""
        for cb, ring in self.begun.items():
            self._expect(self.name not in ring.leaving, cb, "signalled before it is there")
        counter = self._counter(place, name)
        self._raise(counter, name, counter.value + 1)
        self.owes.add("signal")
        return self.is_late

    def reach(self, name: str, at_least: int) -> bool:
        """Whether it has to wait for a counter of its core."""
        counter = self.state.counters.get(name) or self.state.counters.setdefault(name, _Counter())
        if counter.value < at_least:
            self.pending = ("reach", name, at_least)
            counter.waiting.append((at_least, self))
            return True
        counter.reached = at_least
        return False

    def _counter(self, place: Coordinate, name: str) -> _Counter:
        """A counter of a core."""
        there = self.states.get(place)
        if there is None:
            self._fail(name, f"raised on core {place}, which has no part in it")
        return there.counters.get(name) or there.counters.setdefault(name, _Counter())

    def _raise(self, counter: _Counter, name: str, value: int) -> None:
        """A counter goes up to a value."""
        if value <= counter.value:
            self._fail(name, f"lowered to {value}")
        counter.value = value
        if counter.waiting:
            for waiting in [waiting for waiting in counter.waiting if waiting[0] <= value]:
                counter.waiting.remove(waiting)
                self.wakes(waiting[1])

    def _expect(self, condition: bool, cb: str, what: str) -> None:
        if not condition:
            self._fail(cb, what)

    def _fail(self, cb: str, what: str) -> NoReturn:
        raise ProofError(f"{self.name}: {cb} is {what}")


def run(
    cores: Sequence[Core],
    *,
    few: int | None,
    filled: Collection[str] = (),
    late: tuple[Coordinate, str] | None = None,
    kind: Callable[..., Kernel] = Kernel,
) -> None:
    """Runs kernels until all have ended.

    Args:
        cores: that have to do with each other.
        few: trips of loops that hand over the same each time; None for all.
        filled: buffers whose pages nothing has to fill: they lie on shards of inputs.
        late: a kernel that goes on only where no other can.
        kind: of kernels.

    Raises:
        ProofError: naming what is wrong.
    """
    states = {core.place: _State(_rings(core, filled)) for core in cores}
    ready: _Queue = []
    last: _Queue = []
    kernels: list[Kernel] = []
    for core in cores:
        for name, body in core.bodies.items():
            names, steps = compiled(body)
            queue = last if (core.place, name) == late else ready
            kernel = kind(len(kernels), name, core, states, queue, is_late=queue is last)
            kernel.steps = steps(few, kernel, *(core.values[value] for value in names))
            queue.append((0, kernel.number, kernel))
            kernels.append(kernel)
    while ready or last:
        turn, _number, kernel = heappop(ready or last)
        kernel.go_on(turn)
    stuck = [kernel for kernel in kernels if not kernel.ended]
    if stuck:
        raise ProofError(f"the kernels wait for each other: {', '.join(map(str, stuck[:3]))}")
    for place, state in states.items():
        for name, counter in state.counters.items():
            if counter.reached != counter.value:
                raise ProofError(f"core {place}: {name} ends at {counter.value}, and {counter.reached} was waited for")


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
