"""Cores that share an operand: each block is read by one of them, which multicasts it to the others.

The sender rotates: rank r of a group sends blocks r, r + ranks, …, so that all cores run one text, and reads are spread
over cores and banks. Who receives a block has reserved room for it and says so to the sender (`ready`); the sender says
that it has come by the number of the round (`arrived`). Both counters only grow: nothing is reset between rounds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ttgen.model.body import Body, If, Let, ReadBarrier, Routine, WriteBarrier, names_in, needed
from ttgen.model.exchange import Announce, Area, Await, Multicast, Place, Signal
from ttgen.model.grids import GroupShape, Operand
from ttgen.model.index import ONE, ZERO, Expr, Index, Var, add, floor_div, mul, sub, substituted
from ttgen.model.index import names as index_names
from ttgen.patterns.access import Access, pop, push, read_pages, reserve, wait
from ttgen.patterns.context import Context
from ttgen.patterns.contraction import DEPTH, FIRST_K, STEP, step_lets
from ttgen.patterns.units import CORE_COLS, CORE_ROWS, CORE_X, CORE_Y, PART, TRIP, block_lets
from ttgen.records import dataclass

ROUND: Final = Var("round")
SENDER: Final = Var("sender")
NEXT: Final = Var("next")
TOP: Final = Var("top")
RANKS: Final = Var("ranks")
SENDER_X, SENDER_Y = Var("sender_x"), Var("sender_y")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The cores that share an operand with this one.

    Attributes:
        operand: what they share, by which their counters are called.
        area: where they are.
        rank: of this core.
        sender: the core whose turn it is, of rank `SENDER`.
        lets: names for where that is.
    """

    operand: str
    area: Area
    rank: Index
    sender: Place
    lets: tuple[Let, ...]

    @property
    def ready(self) -> str:
        """The counter of receivers that have room."""
        return f"{self.operand}_ready"

    @property
    def arrived(self) -> str:
        """The counter of blocks that have come."""
        return f"{self.operand}_arrived"

    @property
    def ranks(self) -> Index:
        """Its cores."""
        return self.area.cores


def group_of(context: Context, operand: Operand) -> Group | None:
    """The cores that share an operand with this one, in its part of K; None where each reads its own."""
    shape = context.groups.get(operand)
    return None if shape is None else _group(operand, shape, TOP if context.in_any_part else ZERO)


def _top(group: Group) -> tuple[Let, ...]:
    """Names the first row of a part of K, where there are several and the group isn't a row of its own."""
    places = (group.rank, group.area.first.y, group.sender.y, *(let.index for let in group.lets))
    used = any(TOP.name in index_names(index) for index in places)
    return (Let(name=TOP.name, index=mul(PART, CORE_ROWS)),) if used else ()


def _group(operand: Operand, shape: GroupShape, first_y: Index) -> Group:
    last_x, last_y = sub(CORE_COLS, ONE), sub(add(first_y, CORE_ROWS), ONE)
    row: Index = CORE_Y if first_y == ZERO else sub(CORE_Y, first_y)
    cores: Index
    rank: Index
    lets: tuple[Let, ...] = ()
    match shape:
        case "row":
            ends = Place(x=ZERO, y=CORE_Y), Place(x=last_x, y=CORE_Y)
            cores, rank, sender = CORE_COLS, CORE_X, Place(x=SENDER, y=CORE_Y)
        case "column":
            ends = Place(x=CORE_X, y=first_y), Place(x=CORE_X, y=last_y)
            cores, rank, sender = CORE_ROWS, row, Place(x=CORE_X, y=add(first_y, SENDER))
        case "all":
            ends = Place(x=ZERO, y=first_y), Place(x=last_x, y=last_y)
            cores, rank = RANKS, add(mul(row, CORE_COLS), CORE_X)
            sender = Place(x=SENDER_X, y=SENDER_Y)
            lets = (
                Let(name=SENDER_X.name, index=Expr("%", SENDER, CORE_COLS)),
                Let(name=SENDER_Y.name, index=add(first_y, floor_div(SENDER, CORE_COLS))),
            )
    return Group(
        operand=operand, area=Area(first=ends[0], last=ends[1], cores=cores), rank=rank, sender=sender, lets=lets
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """How a stream comes to all cores of a group.

    Attributes:
        first: what a core does before all units.
        block: what it does for each block.
        ahead: the buffer that its next block is read into meanwhile, if there is one.
    """

    first: Body
    block: Body
    ahead: Access | None


def sharing(context: Context, group: Group, access: Access, steps: Index) -> Sharing:
    """How one block of a stream after the other comes to all cores of a group.

    Args:
        context: whether blocks are read ahead.
        group: the cores.
        access: the stream.
        steps: blocks of a unit.
    """
    others = sub(group.ranks, ONE)
    after = add(ROUND, ONE)
    turns = add(floor_div(ROUND, group.ranks), ONE)
    ahead = replace(access, cb=f"{access.cb}_ahead") if context.prefetch else None
    heard = Await(semaphore=group.ready, at_least=mul(turns, others))
    told = Announce(semaphore=group.arrived, value=after, to=group.area)
    send: Body
    if ahead is None:
        cast = Multicast(source=access.cb, cb=access.cb, pages=access.pages, to=group.area)
        send = (*read_pages((access,)), ReadBarrier(), heard, cast, told)
    else:
        cast = Multicast(source=ahead.cb, cb=access.cb, pages=access.pages, to=group.area)
        send = (
            ReadBarrier(),
            *push((ahead,)),
            *wait((ahead,)),
            heard,
            cast,
            told,
            WriteBarrier(),
            *pop((ahead,)),
            _read_ahead(context, ahead, add(ROUND, group.ranks), steps),
        )
    receive: Body = (
        *group.lets,
        Signal(semaphore=group.ready, to=group.sender),
        Await(semaphore=group.arrived, at_least=after),
    )
    return Sharing(
        first=(*_top(group), *(() if ahead is None else (_read_ahead(context, ahead, group.rank, steps),))),
        block=(
            *((Let(name=RANKS.name, index=mul(CORE_ROWS, CORE_COLS)),) if group.ranks == RANKS else ()),
            Let(name=ROUND.name, index=add(mul(TRIP, steps), STEP)),
            Let(name=SENDER.name, index=Expr("%", ROUND, group.ranks)),
            *reserve((access,)),
            If(left=SENDER, relation="==", right=group.rank, then=send, otherwise=receive),
            *push((access,)),
        ),
        ahead=ahead,
    )


def _read_ahead(context: Context, ahead: Access, number: Index, steps: Index) -> Routine:
    """Begins to read the block of a later round, if there is one; its number says where it is."""
    trip, step = floor_div(NEXT, steps), Expr("%", NEXT, steps)
    fast, slow = ("y", "x") if context.order == "column_major" else ("x", "y")
    counts = Var(f"{fast}_count"), Var(f"{slow}_count")
    over_fast = floor_div(trip, counts[0])
    trips = {fast: Expr("%", trip, counts[0]), slow: Expr("%", over_fast, counts[1]) if context.batched else over_fast}
    trips_of_batch = mul(counts[0], counts[1])
    named = ("x", "y", "z", "first_row", "first_col", "rows", "cols", FIRST_K.name, DEPTH.name)
    names: dict[str, Index] = {name: Var(f"next_{name}") for name in named}
    lets = (
        *(
            Let(name=f"next_{axis}", index=add(Var(f"{axis}_start"), mul(trips[axis], Var(f"{axis}_step"))))
            for axis in ("x", "y")
        ),
        Let(name="next_z", index=floor_div(trip, trips_of_batch)),
        *(
            Let(name=f"next_{let.name}", index=substituted(let.index, names))
            for let in (*block_lets(beyond=True), *step_lets(context, step))
            if let.name in named
        ),
    )
    read = (*reserve((ahead,)), *read_pages((ahead.renamed(names),)))
    used = names_in(read)
    rounds = mul(mul(Var("grid_z"), trips_of_batch) if context.batched else trips_of_batch, steps)
    inside = If(left=NEXT, relation="<", right=rounds, then=(*needed(lets, used), *read))
    return Routine(
        name="read_ahead", parameter=NEXT.name, argument=number, body=(inside,),
        note="Begins to read the block of a round, if there is one, while others send theirs.",
    )  # fmt: skip
