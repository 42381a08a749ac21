"""Parts of a line: cores that each reduced a part tell each other what they have, and all put it together.

Each of a rectangle of cores has a place in a buffer that all of them have, and multicasts its tiles to that place of
everybody's, when all have said that there is room. Counters only grow, and each line adds as much to them.
"""

from __future__ import annotations

from ttgen.model.body import Body, Let, Loop, Pop, Push, Reserve, Wait, WriteBarrier
from ttgen.model.exchange import Area, Await, Multicast, Place, Signal
from ttgen.model.index import ONE, Expr, Index, Var, add, floor_div, mul, sub
from ttgen.patterns.along import GROUP_COLS, GROUP_ROWS, GROUP_X, GROUP_Y
from ttgen.patterns.units import PART, PARTS
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the cores of a line exchange after a walk.

    Attributes:
        own: the buffer of what a core has reduced.
        all: that of what all have.
        pages: tiles of a core.
    """

    own: str
    all: str
    pages: int

    @property
    def room(self) -> str:
        """The counter of cores that have room."""
        return f"{self.own}_room"

    @property
    def arrived(self) -> str:
        """The counter of cores whose tiles are there."""
        return f"{self.own}_arrived"

    @property
    def all_pages(self) -> Index:
        """Tiles of all cores."""
        return mul(PARTS, Var(f"{self.own}_tiles")) if self.pages > 1 else PARTS

    @property
    def own_pages(self) -> Index:
        """Tiles of a core."""
        return Var(f"{self.own}_tiles") if self.pages > 1 else ONE


def exchanged(gathered: Gathered, line: Index) -> Body:
    """What the kernel that moves tiles does, for a line of this number."""
    others = sub(PARTS, ONE)
    area = Area(
        first=Place(x=GROUP_X, y=GROUP_Y),
        last=Place(x=sub(add(GROUP_X, GROUP_COLS), ONE), y=sub(add(GROUP_Y, GROUP_ROWS), ONE)),
        cores=PARTS,
    )
    rounds = mul(add(line, ONE), others)
    return (
        Reserve(cb=gathered.all, pages=gathered.all_pages),
        _told(gathered.room),
        Await(semaphore=gathered.room, at_least=rounds),
        Wait(cb=gathered.own, pages=gathered.own_pages),
        Multicast(
            source=gathered.own, cb=gathered.all, slot=mul(PART, gathered.own_pages), pages=gathered.own_pages, to=area
        ),
        WriteBarrier(),
        _told(gathered.arrived),
        Await(semaphore=gathered.arrived, at_least=rounds),
        Pop(cb=gathered.own, pages=gathered.own_pages),
        Push(cb=gathered.all, pages=gathered.all_pages),
    )


def _told(semaphore: str) -> Loop:
    """Raises a counter of all others, those behind this core first."""
    other, rank = Var("other"), Var("rank")
    lets = (
        Let(name=rank.name, index=Expr("%", add(add(PART, other), ONE), PARTS)),
        Let(name="other_x", index=add(GROUP_X, Expr("%", rank, GROUP_COLS))),
        Let(name="other_y", index=add(GROUP_Y, floor_div(rank, GROUP_COLS))),
    )
    signal = Signal(semaphore=semaphore, to=Place(x=Var("other_x"), y=Var("other_y")))
    return Loop(var=other.name, extent=sub(PARTS, ONE), body=(*lets, signal))
