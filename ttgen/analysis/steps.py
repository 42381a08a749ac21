"""What a kernel does that others notice, step by step: its hand-overs, and what it has to do with other cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from ttgen.analysis.slices import arguments, sliced, used_names
from ttgen.exhaustive import assert_never
from ttgen.model.body import Body, If, Let, Loop, Routine, Section, walk
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
from ttgen.model.exchange import Area, Place
from ttgen.model.grids import Coordinate, rectangle
from ttgen.model.index import ONE, Index, add, sub, to_python
from ttgen.records import dataclass


def handed_over(effect: Effect) -> tuple[Index, ...]:
    """How many pages an effect hands over, packs one after another or sends, and what it has to do with counters."""
    match effect:
        case Token(pages=pages):
            return (pages,)
        case Fill(slot=None):
            return (ONE,)
        case Deliver(slot=slot, pages=pages, to=to):
            return (slot, pages, *corners(to))
        case Raise(value=value, to=to):
            return (value, *corners(to))
        case Reach(at_least=at_least):
            return (at_least,)
        case Fill() | Page() | Use() | Barrier() | Operate() | TakeDst() | Accumulate() | Prepare():
            return ()
        case _:
            assert_never(effect)


def at_home(effect: Effect) -> tuple[Index, ...]:
    """Of that, what it does wherever it goes: all but addresses of cores."""
    match effect:
        case Deliver(slot=slot, pages=pages):
            return (slot, pages)
        case Raise(value=value):
            return (value,)
        case _:
            return handed_over(effect)


def corners(to: Area | Place) -> tuple[Index, ...]:
    """Columns and rows of where something goes, of an area the first core's and the last one's."""
    ends = (to.first, to.last) if isinstance(to, Area) else (to,)
    return tuple(side for end in ends for side in (end.x, end.y))


@cache
def flow(body: Body) -> Body:
    """All that a body has to do with the pages that buffers hold, and with other cores."""
    return sliced(body, handed_over)


@dataclass(frozen=True, slots=True)
class Talk:
    """What a kernel has to do with other cores.

    Attributes:
        semaphores: that it raises or waits for.
        buffers: of other cores that it sends to.
        names: that decide with whom.
        run: the first cores of all places that it sends to or raises semaphores of, and last ones of areas.
    """

    semaphores: frozenset[str]
    buffers: frozenset[str]
    names: tuple[str, ...]
    run: Callable[..., Iterator[tuple[int, ...]]]

    def partners(self, values: Mapping[str, int]) -> set[Coordinate]:
        """The cores that it has to do with, from its core's arguments."""
        found: set[Coordinate] = set()
        for x0, y0, *rest in set(self.run(*(values[name] for name in self.names))):
            x1, y1 = rest[:2] or (x0, y0)
            found.update(rectangle((x0, y0), (x1, y1)))
        return found


@cache
def talk(body: Body) -> Talk:
    """What a kernel has to do with other cores."""
    own = tuple(_effects(body))
    semaphores = frozenset(effect.semaphore for effect in own if isinstance(effect, (Raise, Reach)))
    addressed = sliced(body, _addresses)
    names = tuple(sorted(arguments(addressed, _addresses)))
    buffers = frozenset(effect.cb for effect in own if isinstance(effect, Deliver))
    return Talk(semaphores, buffers, names, generator(addressed, names, _partner, _trips))


def _partner(effect: Effect) -> str:
    return f"yield ({', '.join(map(to_python, corners(effect.to)))})" if isinstance(effect, (Deliver, Raise)) else ""


def _addresses(effect: Effect) -> tuple[Index, ...]:
    return corners(effect.to) if isinstance(effect, (Deliver, Raise)) else ()


@cache
def compiled(body: Body) -> tuple[tuple[str, ...], Callable[..., Iterator[bool]]]:
    """The names that a kernel needs, and what it does; programs of one structure share it.

    It takes the number of trips that stand for all of a loop that hands over the same each time, an object with a
    method for each effect (`network.Kernel`), and the values of the names. It stops, in a `yield`, where a method says
    so: True where it has to wait, and False where others are to go on first.
    """
    own = sliced(body, _looked_at)
    names = tuple(sorted(arguments(own, _looked_at)))
    return names, generator(own, ("few", "kernel", *names), _step, _few_trips)


def generator(
    body: Body, parameters: Sequence[str], text: Callable[[Effect], str], trips: Callable[[Loop], str]
) -> Callable[..., Iterator[Any]]:
    """A function that runs the loops of a body.

    Args:
        body: a slice, without sections and routines.
        parameters: the function's.
        text: of an effect, the statement that it becomes; nothing where it is left out.
        trips: of a loop, the values that its variable takes.
    """
    lines = [f"def run({', '.join(parameters)}):", *_lines(body, "    ", text, trips), "    return", "    yield"]
    scope: dict[str, Any] = {}
    # The text is made of our own expressions, whose names are identifiers that the tile program declares.
    exec("\n".join(lines), scope)  # noqa: S102
    run: Callable[..., Iterator[Any]] = scope["run"]
    return run


def _looked_at(effect: Effect) -> tuple[Index, ...]:
    """Every index of an effect that a run looks at; any for one that has none."""
    match effect:
        case Fill(slot=slot, pages=pages) if slot is not None:
            return (slot, pages)
        case Use(last=last):
            return (last,)
        case Barrier():
            return (ONE,)
        case _:
            return handed_over(effect)


def every_trip(loop: Loop) -> str:
    """All values that a loop's variable takes."""
    return f"range({to_python(loop.extent)})"


def _trips(loop: Loop) -> str:
    """Those that matter: trips that hand nothing over differ in slots only.

    The first stands for all, and for none where a block is beyond the tensor.
    """
    return every_trip(loop) if flow(loop.body) else "range(1)"


def _few_trips(loop: Loop) -> str:
    """A few of them, where all hand over the same."""
    own = flow(loop.body)
    return f"{_trips(loop)}[:few]" if own and loop.var not in used_names(own, handed_over) else _trips(loop)


def _lines(body: Body, indent: str, text: Callable[[Effect], str], trips: Callable[[Loop], str]) -> Iterator[str]:
    for item in body:
        match item:
            case Let(name=name, index=index):
                yield f"{indent}{name} = {to_python(index)}"
            case Loop(var=var, body=inner):
                yield f"{indent}for {var} in {trips(item)}:"
                yield from _lines(inner, indent + "    ", text, trips)
                yield f"{indent}    pass"
            case If(left=left, relation=relation, right=right, then=then, otherwise=otherwise):
                yield f"{indent}if {to_python(left)} {relation} {to_python(right)}:"
                yield from _lines(then, indent + "    ", text, trips)
                yield f"{indent}    pass"
                yield f"{indent}else:"
                yield from _lines(otherwise, indent + "    ", text, trips)
                yield f"{indent}    pass"
            case Routine() | Section():
                raise AssertionError("slices have no sections and no routines")
            case _:
                yield from (f"{indent}{step}" for effect in effects(item) if (step := text(effect)))


def _step(effect: Effect) -> str:
    """The text of a step; nothing where a run doesn't look at the effect."""
    match effect:
        case Token(kind="reserve" | "wait" as kind, cb=cb, pages=pages):
            return f"while kernel.{kind}({cb!r}, {to_python(pages)}): yield True"
        case Token(kind=kind, cb=cb, pages=pages):
            return f"if kernel.{kind}({cb!r}, {to_python(pages)}): yield False"
        case Fill(cb=cb, slot=slot, by=by, pages=pages):
            # Of pages that are filled together the last says whether there is room.
            last = "None" if slot is None else to_python(slot if pages == ONE else sub(add(slot, pages), ONE))
            return f"kernel.fill({cb!r}, {last}, {by!r})"
        case Use(cb=cb, last=last, by=by):
            return f"kernel.use({cb!r}, {to_python(last)}, {by!r})"
        case Barrier(of=of):
            return f"kernel.barrier({of!r})"
        case Deliver(source=source, cb=cb, slot=slot, pages=pages, to=to):
            return f"kernel.deliver({cb!r}, {source!r}, {to_python(slot)}, {to_python(pages)}, {_ends(to)})"
        case Raise(semaphore=semaphore, value=value, to=Area() as area):
            return f"if kernel.announce({semaphore!r}, {to_python(value)}, {_ends(area)}): yield False"
        case Raise(semaphore=semaphore, to=to):
            return f"if kernel.signal({semaphore!r}, {_ends(to)}): yield False"
        case Reach(semaphore=semaphore, at_least=at_least):
            return f"while kernel.reach({semaphore!r}, {to_python(at_least)}): yield True"
        case Page() | Operate() | TakeDst() | Accumulate() | Prepare():
            return ""
        case _:
            assert_never(effect)


def _ends(to: Area | Place) -> str:
    cores = f", {to_python(to.cores)}" if isinstance(to, Area) else ""
    return f"({', '.join(map(to_python, corners(to)))}{cores})"


@cache
def tokens(body: Body) -> tuple[Token, ...]:
    """Every hand-over of a body."""
    return tuple(effect for effect in _effects(body) if isinstance(effect, Token))


def _effects(body: Body) -> Iterator[Effect]:
    """What the statements of a body do, each once."""
    for item in walk(body):
        if not isinstance(item, (Loop, If, Routine, Let, Section)):
            yield from effects(item)
