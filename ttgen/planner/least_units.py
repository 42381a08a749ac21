"""What schedules with units of some tiles take at least, by the depth of a step: movers, compute and L1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ttgen.cost.timeline import fill_steps_turns_tail
from ttgen.model.grids import Local
from ttgen.planner import nocs
from ttgen.planner.least import Dealt, Least, Read, Way


class _Mover:
    """A kernel that reads, in numbers.

    Attributes:
        noc: that it reads by.
        beside: cycles of what it reads beside operands, for the first core.
        has_beside: whether it reads something in rounds of its own.
        reads: whether it reads anything.
        unit_bytes: of that, a unit.
        tile_bytes: of operands, a tile of K.
        page: cycles to read its operands, a tile of K.
        sent: cycles to send a step's blocks to the others, a tile of K.
        first: cycles to read the first block, a tile of K.
        cores: that share what it reads.
        dram: bytes over DRAM's peak, of what is read at the NoC's share.
        together: the same at the better NoC's share, and what has no NoC in its way.
    """

    def __init__(self, least: Least, noc: Literal[0, 1], cores: int) -> None:
        self.least, self.noc, self.cores = least, noc, cores
        self.beside = self.page = self.sent = self.first = self.unit_bytes = self.tile_bytes = 0.0
        self.dram = self.together = self.banked = 0.0
        self.has_beside = self.reads = False

    def read(self, item: Read, bytes_: float, *, local: bool, by: _Mover | None = None) -> float:
        """Adds what all cores read of a tensor, all of it by the first kernel that does; the cycles of a tile."""
        least, self.reads, first = self.least, True, by or self
        if item.banked and local:
            first.banked += bytes_ / (least.rates.dram.beside * least.peak)
        elif item.in_dram or first.cores == 1:
            first.dram += bytes_ / least.peak
            first.together += bytes_ / (max(least.rates.dram.read) * least.peak) if item.in_dram else 0.0
        rate = least.rates.read[self.noc] if item.in_dram else least.link
        # Runs of tiles in a shard are asked for at once.
        return max(0.0 if item.sharded else least.rates.page, item.bytes / rate)

    def share(self, k: int) -> float:
        """What it gets of DRAM's peak, reading steps of so many tiles of K."""
        dram = self.least.rates.dram
        page, burst = dram.read_page[self.noc], dram.read[self.noc]
        if page == burst:
            return burst
        large = min(1.0, (self.tile_bytes * k + self.unit_bytes) / self.least.target.noc.burst_bytes)
        return page + (burst - page) * large


class Units:
    """What schedules with units of some tiles take at least, by the depth of a step."""

    def __init__(self, least: Least, way: Way, m: int, n: int, dealt: Dealt, local: Local | None = None) -> None:
        self.least, self.way, self.m, self.n, self.dealt = least, way, m, n, dealt
        self.exchanges = least.counted and (way.split > 1 or dealt.a_cores > 1 or dealt.b_cores > 1)
        self.resident = frozenset[str]() if local is None else local.resident
        beside = [item for item in least.beside if item.name not in self.resident]
        self.out_bytes = sum(bytes_ for name, bytes_ in least.outputs.items() if name not in self.resident)
        self.movers: tuple[_Mover, ...]
        self.helpers: tuple[_Mover, ...] = ()
        if self.exchanges:
            self.movers = self._pair(beside)
            self.helpers = self._pair(()) if way.split > 1 and beside else self.movers
        else:
            reader = _Mover(least, least.target.noc.read, 1)
            self._add_beside(reader, beside, {}, local=local is not None)
            for item, tiles, side, times in self._operands():
                if item.name not in self.resident:
                    reader.page += tiles * reader.read(item, item.whole * times, local=local is not None)
                    reader.tile_bytes += side * item.bytes
            self.movers = (reader,)
        subblock = self.subblock = least.subblock(m, n)
        self.in_dst = (subblock.h, subblock.w) == (m, n)
        if least.operands is not None:
            a, b = least.operands
            line = min(subblock.h, subblock.w) == 1
            shares = least.rates.unpack_shares
            streamed = a.bytes if subblock.h > subblock.w else b.bytes
            self.unpack = m * n * streamed / (least.rates.unpack * (shares.line if line else shares.block))

    def l1_bytes(self, k: int, *, ahead: bool, buffers: int) -> int:
        """Bytes of a core's L1 that buffers take at least; those that lie on shards take none."""
        least, dealt, parts = self.least, self.dealt, self.way.split - 1
        # A core that makes one step has one block of each.
        held = 1 if dealt.units * -(-least.limits.k // k) // self.way.split < 2 else buffers
        bytes_ = self.m * self.n * (self.out_bytes + parts * least.sum_bytes)
        for (item, _tiles, side, _times), cores in zip(self._operands(), (dealt.a_cores, dealt.b_cores), strict=False):
            if item.name not in self.resident:
                bytes_ += (held + (ahead and cores > 1)) * side * k * item.bytes
        return bytes_

    def cycles(self, k: int, *, ahead: bool, buffers: int) -> float:
        """Cycles of schedules with such steps of K at least; infinite where there are fewer steps than parts."""
        least, split = self.least, self.way.split
        if not least.counted:
            return 0.0
        depth = least.limits.k
        all_steps = -(-depth // k) if depth else 1
        steps, more = divmod(all_steps, split)
        if not steps:
            return math.inf
        own = min(steps * k, depth)
        taken = self._core(k, steps, own, ahead=ahead, overlaps=buffers > 1, root=True)
        if more:
            # Some helpers make a step more, the last one among them; K may fill its last step in part.
            longest = min(own + k, depth - (all_steps - steps - 1) * k) if more == 1 else own + k
            helper = self._core(k, steps + 1, longest, ahead=ahead, overlaps=buffers > 1, root=False)
            taken = max(taken, helper)
        return taken

    def _core(self, k: int, steps: int, depth: int, *, ahead: bool, overlaps: bool, root: bool) -> float:
        """Cycles of a core for so many steps and tiles of K a unit; a root adds up the parts of others."""
        least, units, parts = self.least, self.dealt.units, self.way.split - 1
        rates = least.rates
        rounds, fed, first, dram, together, banked = 1, [0.0, 0.0], 0.0, [0.0, 0.0], 0.0, 0.0
        for place, mover in enumerate(self.movers if root else self.helpers):
            own = units * steps
            cycles, latency = mover.beside, rates.read_latency
            if mover.cores > 1:
                cycles += own * k * mover.sent
            if mover.cores > 1 and ahead:
                first = max(first, rates.read_latency + min(k, depth) * mover.first)
                if own > mover.cores:
                    latency = rates.ahead_latency
            else:
                cycles += depth * mover.page
            own += units * mover.has_beside if least.operands is not None else 0
            if mover.reads:
                fed[place] = latency + cycles / own
                rounds = max(rounds, own)
            dram[mover.noc] += mover.dram / mover.share(k)
            together += mover.together
            banked += mover.banked
        sums = units * self.m * self.n * least.sum_bytes
        drain = self.dealt.out * self.out_bytes if root else sums
        times = fill_steps_turns_tail(
            rounds=rounds,
            computed=units * self._computed(steps, depth, root=root),
            first=first,
            fed=max(fed),
            read=max(*dram, together) + banked,
            drained=max(drain / least.link, least.writes),
            drains=units,
            turns=(units, fed[1], fed[0]) if self.exchanges else None,
            received=parts * sums / least.link if root else 0.0,
            overlaps=overlaps,
        )
        return rates.launch + sum(times)

    def _computed(self, steps: int, depth: int, *, root: bool) -> float:
        """Cycles of the compute kernel for a unit."""
        least, split = self.least, self.way.split
        rates, tiles = least.rates, self.m * self.n
        if least.operands is None:
            return tiles * max(least.epilogue, least.unpack, least.out_bytes / rates.pack)
        summed, unpack = tiles * depth * (rates.phase * least.phases + rates.product), depth * self.unpack
        if self.in_dst and split == 1:
            # The epilogue may follow in the same section.
            return max(summed + tiles * least.epilogue, unpack, tiles * least.out_bytes / rates.pack)
        packs = tiles if self.in_dst else tiles * steps
        taken = max(summed + packs * rates.pack_overhead, unpack, packs * least.packed_bytes / rates.pack)
        if root and (least.has_epilogue or split > 1 or (steps > 1 and least.out_bytes != least.sum_bytes)):
            taken += tiles * least.after
        if root and split > 1:
            taken += tiles * (split - 1) * least.copied
        return taken

    def _operands(self) -> Iterator[tuple[Read, float, int, int]]:
        """The operands: tiles that a core reads a tile of K, one side of their blocks, and how often all is read."""
        if self.least.operands is not None:
            a, b = self.least.operands
            yield a, self.dealt.a, self.m, self.dealt.a_times
            yield b, self.dealt.b, self.n, self.dealt.b_times

    def _pair(self, beside: Sequence[Read]) -> tuple[_Mover, _Mover]:
        """The kernels of a core that shares what it reads, one for each operand; one of them reads the rest too."""
        least, dealt = self.least, self.dealt
        noc = least.target.noc
        (a, *_a, a_times), (b, *_b, b_times) = self._operands()
        first = nocs.first(a.whole * a_times, b.whole * b_times, least.tiles * least.out_bytes)
        nocs_ = (noc.read, noc.write) if first == "a" else (noc.write, noc.read)
        left, right = _Mover(least, nocs_[0], dealt.a_cores), _Mover(least, nocs_[1], dealt.b_cores)
        # A tensor in two places is one for DRAM.
        firsts = {b.name: right, a.name: left}
        self._add_beside(left if self.way.split == 1 else right, beside, firsts, local=False)
        for mover, (item, tiles, side, times) in zip((left, right), self._operands(), strict=True):
            page = mover.read(item, item.whole * times, local=False, by=firsts[item.name])
            mover.page, mover.first, mover.tile_bytes = tiles * page, side * page, side * item.bytes
            mover.sent = side * item.bytes / least.rates.multicast
        return left, right

    def _add_beside(self, mover: _Mover, beside: Sequence[Read], firsts: Mapping[str, _Mover], *, local: bool) -> None:
        """Adds what is read for each unit beside operands, and by whom its tensor is read first, if it is another."""
        dealt, least = self.dealt, self.least
        own = {(True, True): dealt.out, (True, False): dealt.a, (False, True): dealt.b, (False, False): dealt.units}
        for item in beside:
            tiles = (least.limits.m if item.tall else dealt.down) * (least.limits.n if item.wide else dealt.across)
            page = mover.read(item, least.batches * tiles * item.bytes, local=local, by=firsts.get(item.name))
            mover.beside += own[item.tall, item.wide] * page
            mover.has_beside = True
            mover.unit_bytes += self.m * self.n * item.bytes
