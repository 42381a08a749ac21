"""Two circular buffers in one memory: a page has what one of them holds until that was read, and then the other's.

The product of a block lies in the pages of an output until the epilogue reads it and packs its results there. One
kernel fills both buffers and empties the one that lies in the other, so what can go wrong shows in the order of its
text. Who takes the output's pages away has freed those that the kernel has room for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from ttgen.analysis.errors import ProofError
from ttgen.analysis.slices import arguments, sliced, used_names
from ttgen.analysis.steps import every_trip, generator, tokens
from ttgen.model.body import Body, Loop
from ttgen.model.effects import Effect, Fill, Token, Use
from ttgen.model.index import ONE, Index, add, sub, to_python


def check(bodies: Iterable[Body], cores: Iterable[Mapping[str, int]], *, guest: str, host: str, pages: int) -> None:
    """Proves that what two buffers hold never meets in the memory that they share.

    Args:
        bodies: the kernels.
        cores: all arguments of each core that has the buffers.
        guest: the buffer that lies in the other one's memory.
        host: the other one.
        pages: of each of them.

    Raises:
        ProofError: naming the buffer and what is wrong with it.
    """
    users = [body for body in bodies if any(token.cb == guest for token in tokens(body))]
    if len(users) != 1:
        raise ProofError(f"{guest}: {len(users)} kernels have to do with a buffer in the memory of {host}")
    names, run = _compiled(users[0], guest, host)
    for own in {tuple(core[name] for name in names) for core in cores}:
        # Whatever is in the pages, the next trips find them so again.
        for _step in run(pages + 1, _Memory(guest, host, pages), *own):
            raise AssertionError("nothing waits")


class _Memory:
    """The pages of two buffers, and what a kernel that runs alone does with them.

    Attributes:
        held_by: the buffer that a page was packed through last; empty where that is over.
        begin: of each buffer, where the pages that are reserved begin.
        packed: of each buffer, the pages that were packed one after another since.
        front: where those begin that are read of the guest.
        room: the pages that are reserved of the host.
    """

    def __init__(self, guest: str, host: str, pages: int) -> None:
        self.guest, self.host = guest, host
        self.held_by = [""] * pages
        self.begin = {guest: 0, host: 0}
        self.packed = {guest: 0, host: 0}
        self.front = self.room = 0

    def reserve(self, cb: str, pages: int) -> None:
        """The next pages of the host are the kernel's."""
        if cb == self.host:
            self.room = pages

    def push(self, cb: str, pages: int) -> None:
        """Of the host they are so no more."""
        if cb == self.host:
            self._is_over(self.begin[cb], pages)
            self.room -= pages
        self.begin[cb] += pages
        self.packed[cb] = 0

    def pop(self, cb: str, pages: int) -> None:
        """What was read of the guest is over."""
        if cb == self.guest:
            self.front += pages

    def fill(self, cb: str, slot: int | None) -> None:
        """Packs the page at a slot of what is reserved, or the next one."""
        at = self.begin[cb] + (self.packed[cb] if slot is None else slot)
        self.packed[cb] += slot is None
        if (at - self.begin[self.host]) % len(self.held_by) >= self.room:
            raise ProofError(f"{cb} is packed where {self.host}, whose memory it lies in, has no room")
        if cb == self.guest and self._holder(at) == self.host:
            raise ProofError(f"{cb} is packed over {self.host}")
        self.held_by[at % len(self.held_by)] = cb

    def use(self, slot: int) -> None:
        """Reads the page at a slot of what was waited for of the guest."""
        holder = self._holder(self.front + slot)
        if holder != self.guest:
            why = f"after {holder} was packed over it" if holder else "where it isn't"
            raise ProofError(f"{self.guest} is used {why}")

    def _holder(self, at: int) -> str:
        return self.held_by[at % len(self.held_by)]

    def _is_over(self, first: int, pages: int) -> None:
        for at in range(first, first + pages):
            self.held_by[at % len(self.held_by)] = ""


@cache
def _compiled(body: Body, guest: str, host: str) -> tuple[tuple[str, ...], Callable[..., Iterator[bool]]]:
    """The names that a kernel needs, and what it does with the two buffers.

    It takes the number of trips that stand for all of a loop that hands over the same each time, the memory, and the
    values of the names.
    """
    both = (guest, host)

    def looked_at(effect: Effect) -> tuple[Index, ...]:
        match effect:
            case Token(cb=cb, pages=pages) if cb in both:
                return (pages,)
            case Fill(cb=cb, slot=slot, pages=pages) if cb in both:
                return (pages,) if slot is None else (slot, pages)
            case Use(cb=cb, first=first, last=last) if cb == guest:
                return (first, last)
            case _:
                return ()

    def step(effect: Effect) -> str:
        match effect:
            case Token(kind="reserve" | "push" | "pop" as kind, cb=cb, pages=pages) if cb in both:
                return f"memory.{kind}({cb!r}, {to_python(pages)})"
            case Fill(cb=cb, slot=None) if cb in both:
                return f"memory.fill({cb!r}, None)"
            case Fill(cb=cb, slot=slot, pages=pages) if cb in both and slot is not None:
                return f"for _at in {_run(slot, sub(add(slot, pages), ONE))}: memory.fill({cb!r}, _at)"
            case Use(cb=cb, first=first, last=last) if cb == guest:
                return f"for _at in {_run(first, last)}: memory.use(_at)"
            case _:
                return ""

    def trips(loop: Loop) -> str:
        hands_over = any(token.cb in both for token in tokens(loop.body))
        few = "[:few]" if hands_over and loop.var not in used_names(loop.body, looked_at) else ""
        return every_trip(loop) + few

    own = sliced(body, looked_at)
    names = tuple(sorted(arguments(own, looked_at)))
    run = generator(own, ("few", "memory", *names), step, trips)
    return names, run


def _run(first: Index, last: Index) -> str:
    return f"range({to_python(first)}, {to_python(last)} + 1)"
