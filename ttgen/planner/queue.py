"""The candidates of a search, those first that may be fastest: each is made of numbers, none is designed."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, product

from ttgen.errors import SpecError
from ttgen.formula.online import attention_of
from ttgen.model.grids import Local
from ttgen.model.plan import BlockSize
from ttgen.planner import shards
from ttgen.planner.choices import Family, families
from ttgen.planner.least import Dealt, Least
from ttgen.planner.least_attention import AttentionLeast, AttentionUnits
from ttgen.planner.least_units import Units
from ttgen.planner.precision import Exactness
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import Schedule
from ttgen.target import Target


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate: the block, whether it is read ahead, and how many a stream holds."""

    family: Family
    block: BlockSize
    ahead: bool
    buffers: int

    @property
    def schedule(self) -> Schedule:
        """As a spec would say it."""
        return self.family.schedule(self.block, ahead=self.ahead, buffers=self.buffers)


Rank = tuple[int, int]
"""What decides among the fastest: tiles of a subblock, negative, and bytes of L1."""
_Sides = tuple[Family, int, int, Dealt]


class Queue:
    """The candidates of a stage.

    Attributes:
        number: of all that there are.
        beyond: the one that would take least of those whose buffers don't fit L1, and how much.
        free: bytes of L1 for buffers.
        refused: why shards don't go with the first blocks that they don't go with.
    """

    def __init__(
        self, stage: Stage, pattern: str, limits: BlockSize, exactness: Exactness, target: Target, *, free: int
    ) -> None:
        self._stage, self._target, self.free = stage, target, free
        self._least = Least(stage, pattern, limits, exactness, target)
        online = attention_of(stage.graph)
        self._attention = None if online is None else AttentionLeast(stage, pattern, online, exactness, target)
        self._is_sharded = online is None and bool(shards.grids(stage, BlockSize(m=1, n=1, k=1), target))
        self._serial = count()
        self.number = 0
        self.refused: SpecError | None = None
        self.beyond: tuple[int, Choice] | None = None
        # By cycles at least, then by rank: candidates, and sides of blocks whose candidates are not made yet.
        self._waiting: list[tuple[float, Rank, int, Choice | _Sides]] = []
        seen = set()
        for family in families(stage, limits, target):
            way = family.way
            for m, n in family.sides:
                dealt = self._least.dealt(way, m, n)
                # Cores of a line have one operand to share, whatever is allowed.
                known = (way.policy, way.split, dealt.a_cores, dealt.b_cores, m, n)
                if known not in seen:
                    seen.add(known)
                    self.number += len(family.depths) * len(family.ahead)
                    self._push(self._least.roughly(way, m, n, dealt), (0, 0), (family, m, n, dealt))

    @property
    def least(self) -> float:
        """Cycles that all that wait take at least; infinite where none is possible."""
        self._open()
        return self._waiting[0][0] if self._waiting else math.inf

    @property
    def is_empty(self) -> bool:
        """Whether none waits."""
        self._open()
        return not self._waiting

    @property
    def first(self) -> Choice:
        """The one that may be fastest."""
        self._open()
        choice = self._waiting[0][-1]
        assert isinstance(choice, Choice), "what comes first is open"
        return choice

    def take(self) -> Choice:
        """Takes the one that may be fastest."""
        choice = self.first
        heapq.heappop(self._waiting)
        return choice

    def alike(self, slowest: float, rank: Rank) -> Iterator[Choice]:
        """Those that may take so many cycles at most and rank before something, in this order."""
        found = [item for item in self._waiting if item[0] <= slowest and item[1] < rank]
        for *_key, choice in sorted(found, key=lambda item: item[1:3]):
            if isinstance(choice, Choice):
                yield choice

    def _push(self, cycles: float, rank: Rank, item: Choice | _Sides) -> None:
        heapq.heappush(self._waiting, (cycles, rank, next(self._serial), item))

    def _open(self) -> None:
        """Makes candidates of sides, as long as those are first."""
        while self._waiting and not isinstance(item := self._waiting[0][-1], Choice):
            heapq.heappop(self._waiting)
            self._make(*item)

    def _make(self, family: Family, m: int, n: int, dealt: Dealt) -> None:
        """All candidates with blocks of some sides."""
        try:
            local = self._local(family, m, n) if self._is_sharded else None
        except SpecError as error:
            self.refused = self.refused or error
            return
        units: Units | AttentionUnits
        if self._attention is not None:
            units = self._attention.units(family.way, m)
        else:
            dealt = dealt if local is None else self._least.dealt_by(local, m, n)
            units = Units(self._least, family.way, m, n, dealt, local)
        tiles = units.subblock.h * units.subblock.w
        for k, ahead in product(family.depths, family.ahead):
            for buffers in family.buffers:
                bytes_ = units.l1_bytes(k, ahead=ahead, buffers=buffers)
                choice = Choice(family, BlockSize(m=m, n=n, k=k), ahead, buffers)
                if bytes_ <= self.free:
                    self._push(units.cycles(k, ahead=ahead, buffers=buffers), (-tiles, bytes_), choice)
                    break
                if self.beyond is None or bytes_ < self.beyond[0]:
                    self.beyond = bytes_, choice

    def _local(self, family: Family, m: int, n: int) -> Local | None:
        """The division that shards make of blocks of some sides, if they do.

        Raises:
            SpecError: they can't be divided so.
        """
        if family.way.shared != "none" or family.way.split > 1:
            return None
        block = BlockSize(m=m, n=n, k=1)
        stage = replace(self._stage, schedule=family.schedule(block, ahead=False, buffers=1))
        return shards.divide(stage, shards.grids(stage, block, self._target), block, self._target)
