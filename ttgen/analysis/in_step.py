"""That kernels of many cores never all wait, from runs of one core and of single groups.

Who may go on may still do so whatever others do first, so one order in which all kernels end shows that they do in
each. Where all cores do the same, there is one that is made of small parts: all cores go in step. A kernel goes from
one `reserve` or `wait` to the next on all cores, while no other kernel moves. That the kernels of a group come there
by themselves, and hand over the same on each core, is shown by a run of the group whose kernels meet at each. Then
what a core does between its kernels is what it does alone, where all that it waits for of others has come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

from ttgen.analysis.errors import ProofError
from ttgen.analysis.network import PLACES, Core, Kernel, run
from ttgen.analysis.slices import arguments
from ttgen.analysis.steps import at_home, flow, handed_over, talk


def all_end(cores: Sequence[Core], groups: Iterable[tuple[Core, ...]], filled: Collection[str]) -> bool:
    """Whether all kernels are shown to end; where they aren't, they may do so in other steps, or not at all.

    Args:
        cores: that do the same but for their places.
        groups: of them that share semaphores, one of those that do the same in other places.
        filled: buffers whose pages nothing has to fill.
    """
    first = cores[0]
    if any(core.rings != first.rings for core in cores):
        return False
    for body in first.bodies.values():
        if not talk(body).semaphores and not arguments(flow(body), handed_over).isdisjoint(PLACES):
            return False
    known: set[str] = set()
    try:
        for group in groups:
            names = {name for core in group for name in core.bodies}
            if len(names) > 1 or names & known or _tells_groups_apart(group, cores):
                return False
            known |= names
            run(group, few=None, filled=filled, kind=_in_step(len(group)))
        run((first,), few=None, filled=filled, kind=_Alone)
    except ProofError:
        return False
    return True


def _tells_groups_apart(group: Sequence[Core], cores: Sequence[Core]) -> bool:
    """Whether what kernels do, and not only where to, depends on something that differs between groups."""
    needed = {name for body in group[0].bodies.values() for name in arguments(flow(body), at_home)}
    return any(
        name in needed and len({core.place[axis] for core in group}) < len({core.place[axis] for core in cores})
        for axis, name in enumerate(PLACES)
    )


class _Alone(Kernel):
    """A kernel for which all that it waits for of other cores has come."""

    def reach(self, name: str, at_least: int) -> bool:  # noqa: ARG002
        """Never waits: pages that others send are there."""
        for cb in talk(self.body).buffers:
            self.state.rings[cb].filled = True
        return False

    def deliver(self, cb: str, source: str, slot: int, pages: int, ends: tuple[int, ...]) -> None:
        """Nobody is there."""

    def announce(self, name: str, value: int, ends: tuple[int, ...]) -> bool:  # noqa: ARG002
        """Nobody is there."""
        return False

    def signal(self, name: str, place: tuple[int, int]) -> bool:  # noqa: ARG002
        """Nobody is there."""
        return False


class _Gate:
    """Where all kernels of a group meet.

    Attributes:
        number: of kernels.
        come: those that are there.
        ended: what those that have ended did since they met.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.come: list[_InStep] = []
        self.ended: list[list[tuple[str, str, int]]] = []


class _InStep(Kernel):
    """A kernel that meets those of the other cores before it reserves or waits.

    Attributes:
        gate: where they meet.
        done: what it has handed over to other kernels of its core since.
        is_through: whether they have met where it is.
    """

    def __init__(self, *core: Any, gate: _Gate, is_late: bool) -> None:
        super().__init__(*core, is_late=is_late)
        self.gate = gate
        self.done: list[tuple[str, str, int]] = []
        self.is_through = False

    def reserve(self, cb: str, pages: int) -> bool:
        """Whether it has to wait for others, or for room."""
        return self._meets("reserve", cb, pages) or super().reserve(cb, pages)

    def wait(self, cb: str, pages: int) -> bool:
        """Whether it has to wait for others, or for pages."""
        return self._meets("wait", cb, pages) or super().wait(cb, pages)

    def push(self, cb: str, pages: int) -> bool:
        """Hands over what is reserved."""
        self._notes("push", cb, pages)
        return super().push(cb, pages)

    def pop(self, cb: str, pages: int) -> bool:
        """Frees what it waited for."""
        self._notes("pop", cb, pages)
        return super().pop(cb, pages)

    def end(self) -> None:
        """All end alike."""
        super().end()
        self.gate.ended.append(self.done)
        if self.gate.ended[0] != self.done:
            raise ProofError(f"{self} doesn't end as others do")

    def _notes(self, kind: str, cb: str, pages: int) -> bool:
        """Whether another kernel of its core has to do with a buffer; if so, notes what it does with it."""
        ring = self.state.rings[cb]
        concerns_others = ring.is_drained or ring.is_fed
        if concerns_others:
            self.done.append((kind, cb, pages))
        return concerns_others

    def _meets(self, kind: str, cb: str, pages: int) -> bool:
        """Whether it has to wait until all others of its group are about to do what it does."""
        if self.is_through:
            self.is_through = False
            return False
        if not self._notes(kind, cb, pages):
            return False
        come = self.gate.come
        come.append(self)
        if len(come) < self.gate.number:
            self.pending = (kind, cb, pages)
            return True
        for kernel in come:
            if kernel.done != self.done:
                raise ProofError(f"{kernel} isn't in step with {self}")
        for kernel in come:
            kernel.done = []
            if kernel is not self:
                kernel.is_through = True
                self.wakes(kernel)
        self.gate.come = []
        return False


def _in_step(number: int) -> Callable[..., Kernel]:
    """What makes the kernels of a group."""
    return partial(_InStep, gate=_Gate(number))
