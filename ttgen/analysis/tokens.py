"""Circular buffers and semaphores: all that is pushed is popped, nobody waits for ever, nothing is used too early.

Totals are exact, by counting. That the kernels can't block each other, and that pages are written before they are
pushed and read before they are popped, is shown by running the statements of the kernels against each other
(`network`): on every core whose values make a difference to what is handed over, or, where cores have to do with each
other, on those of a group, and on all of them that don't go in step (`in_step`). Of a core alone, loops are cut to a
few trips where all of them hand over the same: each leaves every ring as full as it found it, so after as many trips as
the deepest ring has steps, further ones only repeat states that were seen. Slots that differ from trip to trip, or from
core to core, are `coverage`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from ttgen.analysis.counts import Key, count, counter
from ttgen.analysis.errors import ProofError
from ttgen.analysis.network import PLACES, Core, run
from ttgen.analysis.slices import arguments, wanted_indices
from ttgen.analysis.steps import flow, handed_over, talk, tokens
from ttgen.model.body import Body, If, Let, Loop, Routine, Section, Statement, children, walk
from ttgen.model.effects import Effect, Token, effects
from ttgen.model.grids import Coordinate
from ttgen.model.index import ONE, ZERO, Const, Expr, Index, evaluate
from ttgen.model.index import names as names_of


def check(cores: Sequence[Core], filled: Collection[str] = ()) -> None:
    """Proves the flow through the buffers of every core.

    Args:
        cores: with every argument of their kernels.
        filled: buffers whose pages nothing has to fill: they lie on shards of inputs.

    Raises:
        ProofError: naming the buffer and what is wrong with it.
    """
    alike: dict[tuple[object, ...], Core] = {}
    for core in cores:
        alike.setdefault(tuple(_work(core, core.bodies)), core)
    depth = 1
    for core in alike.values():
        depth = max(depth, _check_ends(core))
        _check_totals(core)
    if not any(talk(body).semaphores for core in alike.values() for body in core.bodies.values()):
        for core in alike.values():
            _run_alone(core, depth + 1, filled)
        return
    # Most programs have no cores that do.
    from ttgen.analysis import in_step

    groups = list(_groups(cores))
    if len(alike) > 1 or not in_step.all_end(cores, groups, filled):
        run(cores, few=None, filled=filled)
    for group in groups:
        for core in _few(group):
            for name in core.bodies:
                run(group, few=None, filled=filled, late=(core.place, name))


def _run_alone(core: Core, few: int, filled: Collection[str]) -> None:
    """Runs the kernels of a core against each other, a few trips of each loop if all of them have as many."""
    try:
        run((core,), few=few, filled=filled)
    except ProofError:
        # One kernel may go through all units, because what it hands over differs, while others hand over the same.
        run((core,), few=None, filled=filled)


def _check_totals(core: Core) -> None:
    totals = [count(flow(body), core.values) for body in core.bodies.values()]
    elsewhere = _elsewhere(core)
    for cb in (cb for cb in core.rings if cb not in elsewhere):
        pushed, popped, packed = (sum(total.get((kind, cb), 0) for total in totals) for kind in ("push", "pop", "pack"))
        if pushed != popped or (pushed == 0 and cb not in _at_times(core)):
            raise ProofError(f"{cb}: {pushed} pages pushed and {popped} popped")
        if packed not in (0, pushed):
            raise ProofError(f"{cb}: {packed} pages packed and {pushed} pushed")


def _at_times(core: Core) -> set[str]:
    """Buffers that are only used in loops that may be empty: this core may have none of what goes through them."""
    used = {token.cb for body in core.bodies.values() for token in tokens(body)}
    return used.difference(*map(_always, core.bodies.values()))


@cache
def _always(body: Body) -> frozenset[str]:
    """The buffers that a body uses outside of loops that may be empty."""
    found: set[str] = set()
    for item in body:
        match item:
            case Loop(may_be_empty=True):
                pass
            case Loop() | If() | Section() | Routine():
                found |= frozenset[str]().union(*(_always(inner) for inner in children(item)))
            case Let():
                pass
            case _:
                found |= {effect.cb for effect in effects(item) if isinstance(effect, Token)}
    return frozenset(found)


def _elsewhere(core: Core) -> set[str]:
    """Buffers that a core has only to know where others have them."""
    used = {token.cb for body in core.bodies.values() for token in tokens(body)}
    return {cb for body in core.bodies.values() for cb in talk(body).buffers} - used


def _check_ends(core: Core) -> int:
    """One producer and one consumer a buffer; every step divides its capacity. Returns the most steps of a ring."""
    ends: dict[tuple[str, str], set[str]] = {}
    depth = 1
    for name, body in core.bodies.items():
        for token in tokens(body):
            if token.cb not in core.rings:
                raise ProofError(f"{name}: no buffer {token.cb}")
            end = "producer" if token.kind in ("reserve", "push") else "consumer"
            ends.setdefault((token.cb, end), set()).add(name)
            if token.kind == "wait" and not set(names_of(token.pages)) <= core.values.keys():
                # It waits for more and more of what it takes at once: only what is taken has to wrap.
                continue
            pages = evaluate(token.pages, core.values)
            if core.rings[token.cb] % pages:
                raise ProofError(f"{token.cb}: steps of {pages} don't wrap at {core.rings[token.cb]}")
            depth = max(depth, core.rings[token.cb] // pages)
    for (cb, end), kernels in ends.items():
        if len(kernels) != 1:
            raise ProofError(f"{cb}: {len(kernels)} kernels are its {end}")
    return depth


def _groups(cores: Sequence[Core]) -> Iterator[tuple[Core, ...]]:
    """The cores and kernels that have to do with each other, once for all that do the same in other places.

    Kernels of a core that share no semaphore are groups of their own: what else they wait for only makes them later.
    """
    by_place = {core.place: core for core in cores}
    seen: set[tuple[object, ...]] = set()
    for names in _together(cores):
        pending = dict.fromkeys(core.place for core in cores if names & core.bodies.keys())
        while pending:
            found: dict[Coordinate, None] = {}
            reached = [next(iter(pending))]
            while reached:
                place = reached.pop()
                if place in found or place not in by_place:
                    continue
                found[place] = None
                own = by_place[place]
                for name in names & own.bodies.keys():
                    reached += talk(own.bodies[name]).partners(own.values)
            for place in found:
                pending.pop(place, None)
            group = [by_place[place] for place in sorted(found, key=lambda place: place[::-1])]
            x0, y0 = group[0].place
            kind = tuple((core.place[0] - x0, core.place[1] - y0, *_work(core, names)) for core in group)
            if kind not in seen:
                seen.add(kind)
                yield tuple(
                    replace(core, bodies={name: body for name, body in core.bodies.items() if name in names})
                    for core in group
                )


def _work(core: Core, kernels: Collection[str]) -> Iterator[object]:
    """What some kernels of a core do, wherever it is: the values that make a difference to what they hand over."""
    for name, body in core.bodies.items():
        if name in kernels:
            yield name
            yield from map(core.values.__getitem__, _names(body))


@cache
def _names(body: Body) -> tuple[str, ...]:
    """Of what a kernel hands over, the values that this depends on, but for its place."""
    return tuple(sorted(arguments(flow(body), handed_over) - set(PLACES)))


def _together(cores: Sequence[Core]) -> list[set[str]]:
    """The kernels that share semaphores, directly or through others."""
    sets: list[tuple[set[str], set[str]]] = []
    for name, body in {name: body for core in cores for name, body in core.bodies.items()}.items():
        own = talk(body).semaphores
        if not own:
            continue
        names, semaphores = {name}, set(own)
        for other in [other for other in sets if other[1] & semaphores]:
            sets.remove(other)
            names |= other[0]
            semaphores |= other[1]
        sets.append((names, semaphores))
    return [names for names, _semaphores in sets]


_ALL = 16
"""The cores of a group each of which is late once where a text may tell any two apart: those of a row or a column."""


def _few(group: tuple[Core, ...]) -> Iterator[Core]:
    """Cores of a group that stand for all.

    They run one text, which compares their places with the ends of lines and their ranks with whose turn it is. So
    there are those at the ends of rows and columns, and the second ones; and of all that do as many steps, which ranks
    with a turn more than others don't, the first and the last.
    """
    if len(group) <= _ALL and any(_holds_numbers(body) for core in group for body in core.bodies.values()):
        yield from group
        return
    lines = [sorted({core.place[axis] for core in group}) for axis in (0, 1)]
    ends = [{*line[:2], line[-1]} for line in lines]
    alike: dict[int, list[Core]] = {}
    for core in group:
        alike.setdefault(_steps(core), []).append(core)
    turns = {core.place for cores in alike.values() for core in (cores[0], cores[-1])}
    yield from (
        core
        for core in group
        if core.place in turns or all(at in end for at, end in zip(core.place, ends, strict=True))
    )


@cache
def _holds_numbers(body: Body) -> bool:
    """Whether a kernel holds other numbers than 0 and 1, by which it may tell one rank from all others."""

    def has(index: Index) -> bool:
        match index:
            case Const():
                return index not in (ZERO, ONE)
            case Expr(left=left, right=right):
                return has(left) or has(right)
            case _:
                return False

    def indices(item: Statement) -> Iterable[Index]:
        match item:
            case Let(index=index):
                return (index,)
            case Loop(extent=extent):
                return (extent,)
            case If(left=left, right=right):
                return (left, right)
            case _:
                return wanted_indices(item, handed_over)

    return any(has(index) for item in walk(flow(body)) for index in indices(item))


def _steps(core: Core) -> int:
    """How much a core does that others notice."""
    return sum(counter(flow(body), _notice)(core.values).get(("step",), 0) for body in core.bodies.values())


def _notice(effect: Effect) -> tuple[tuple[Key, Index], ...]:
    """Each step of what `flow` leaves counts once."""
    return ((("step",), ONE),) if handed_over(effect) else ()
