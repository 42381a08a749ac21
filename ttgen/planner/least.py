"""What a schedule takes at least, from its numbers alone: no kernel is designed for it.

The formulas and the rates are the cost model's; counts are the fewest that kernels of such a schedule come with: each
block of an operand is brought once a step, each tile of a sum is packed once. So the search can leave out schedules
without designing them. Kernels of other patterns than those of products and elementwise formulas aren't counted.
"""

from __future__ import annotations

import math
from typing import Final

from ttgen.dtypes import DTYPES
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, spans
from ttgen.model.grids import Local
from ttgen.model.plan import BlockSize, Subblock
from ttgen.operations import OPERATIONS
from ttgen.patterns import PATTERNS
from ttgen.planner import division, nocs, shards
from ttgen.planner.precision import Exactness
from ttgen.planner.stages import Stage
from ttgen.planner.tensors import tiled
from ttgen.records import dataclass
from ttgen.spec import PolicyName, Shared
from ttgen.target import PHASES, Grid, Target, load_rates

_COUNTED: Final = ("map", "matmul")
"""The patterns whose kernels are counted here."""
_ON_FPU: Final = frozenset({"add", "sub", "mul"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What a schedule says beside its block, whether blocks are read ahead, and how many of them there are.

    Attributes:
        policy: how units are dealt.
        shared: the operands that cores may share.
        split: parts of K.
        cores: how many there are.
        band: the rectangle of them that a part of K has.
        in_rows: whether units are numbered along rows.
    """

    policy: PolicyName
    shared: Shared
    split: int
    cores: int
    band: Grid
    in_rows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A tensor that kernels read.

    Attributes:
        name: its own.
        tall: whether it has tiles for each row of the output's.
        wide: whether it has tiles for each column.
        bytes: of a tile.
        whole: of all tiles.
        in_dram: whether it lies in DRAM.
        banked: whether each bank has columns of its own.
        sharded: whether it has shards, in which tiles follow each other.
        least_cycles: of DRAM to read all of it once.
    """

    name: str
    tall: bool
    wide: bool
    bytes: int
    whole: int
    in_dram: bool
    banked: bool
    sharded: bool
    least_cycles: float


@dataclass(frozen=True, slots=True)
class Dealt:
    """The units of the first core, which has as many as any, and how often operands are read.

    Attributes:
        units: of the first core.
        a: rows of tiles inside the output, unit by unit.
        b: columns of tiles.
        out: tiles of the output.
        across: columns of units.
        down: rows of units.
        a_times: how often all of the left operand is read.
        b_times: how often the right one is.
        a_cores: cores that share the left operand.
        b_cores: cores that share the right one.
    """

    units: int
    a: float
    b: float
    out: float
    across: int
    down: int
    a_times: int
    b_times: int
    a_cores: int = 1
    b_cores: int = 1


class Least:
    """What all schedules of a stage have in common, and what they take at least by their units alone."""

    def __init__(self, stage: Stage, pattern: str, limits: BlockSize, exactness: Exactness, target: Target) -> None:
        graph = stage.graph
        self.target, self.rates, self.limits = target, load_rates(target.arch), limits
        self.batches = math.prod(axis.size for axis in graph.work[:-2])
        self.wide = exactness.dst_bits == 32
        self.phases = PHASES[exactness.fidelity.value]
        self.sum_bytes = DTYPES["float32" if exactness.dst_bits == 32 else "bfloat16"].tile_bytes
        self.counted = pattern in _COUNTED
        names = [output.tensor for output in graph.outputs]
        self.outputs = {name: DTYPES[stage.tensors[name].dtype].tile_bytes for name in names}
        self.out_bytes = sum(self.outputs.values())
        self.peak = target.dram.gigabytes_per_second / target.clock_ghz
        self.tiles = self.batches * limits.m * limits.n
        in_dram = sum(bytes_ for name, bytes_ in self.outputs.items() if stage.tensors[name].in_dram)
        self.writes = self.tiles * in_dram / (self.rates.dram.write * self.peak)

        dram, sharded = self.rates.dram, shards.grids(stage, BlockSize(m=1, n=1, k=1), target)
        # How many times slower than at best each NoC gets what is read of DRAM.
        self.slower = [max(dram.beside, *dram.read) / max(dram.read[noc], dram.read_page[noc]) for noc in (0, 1)]

        def read(index: int) -> Read:
            value = graph.values[index]
            assert isinstance(value, Input), "what is read is a tensor"
            stored, sides = stage.tensors[value.tensor], spans(value, graph.work)
            bytes_ = DTYPES[value.dtype].tile_bytes
            whole = math.prod(tiled(stored.shape)) * bytes_
            least = whole / (max(dram.beside, *dram.read) * self.peak)
            return Read(
                name=value.tensor, tall=sides[0], wide=sides[1], bytes=bytes_, whole=whole, in_dram=stored.in_dram,
                banked=stored.layout == "dram_sharded", sharded=stored.name in sharded,
                least_cycles=least if stored.in_dram else 0.0,
            )  # fmt: skip

        self.beside = [read(index) for index in graph.beside]
        product = graph.contraction if self.counted else None
        self.operands = None if product is None else (read(product.operands[0]), read(product.operands[1]))
        operations = self._operations(graph) if self.counted else 0.0
        self.has_epilogue = operations > 0 or len(self.outputs) > 1
        self.epilogue = operations + self.rates.pack_overhead * len(self.outputs)
        self.packed_bytes = min(self.sum_bytes, *self.outputs.values())
        self.unpack = max((item.bytes for item in self.beside), default=0) / self.rates.unpack
        # Of a tile: to finish its sum, and to add another core's to it before that.
        rates, sum_bytes = self.rates, self.sum_bytes
        self.after = max(self.epilogue, sum_bytes / rates.unpack, self.out_bytes / rates.pack)
        self.copied = max(rates.elementwise + rates.pack_overhead, sum_bytes / min(rates.unpack, rates.pack))
        self.link = target.noc.bytes_per_clock.worker
        if self.operands is not None:
            share = max(self.rates.unpack_shares.line, self.rates.unpack_shares.block)
            self.product_unpack = min(item.bytes for item in self.operands) / (self.rates.unpack * share)
            self.product = self.rates.phase * self.phases + self.rates.product
        self._subblocks: dict[tuple[int, int], Subblock] = {}
        self._graph, self._pattern, self._slots = graph, PATTERNS[pattern], target.dst_tiles(bits=exactness.dst_bits)

    def _operations(self, graph: Graph) -> float:
        """Cycles of the elementwise part of a tile: an operation a value."""
        cycles = 0.0
        for value in graph.values:
            if isinstance(value, Elementwise):
                operands = graph.operands_of(value)
                if value.function in _ON_FPU and all(isinstance(item, Input | Contraction) for item in operands):
                    cycles += self.rates.elementwise * (self.phases if value.function == "mul" else 1)
                else:
                    # What comes from a buffer is copied to DST.
                    cycles += self._of_function(value.function)
                    cycles += self.rates.elementwise * sum(isinstance(item, Input) for item in operands)
        return cycles

    def _of_function(self, function: str) -> float:
        """The fewest cycles of an operation that computes a function in DST."""
        rows = (row for row in OPERATIONS.values() if row.engine == "sfpu" and row.function == function)
        return min(self.rates.sfpu[row.name][self.wide] for row in rows)

    def subblock(self, m: int, n: int) -> Subblock:
        """Tiles of a block that are in DST at once."""
        found = self._subblocks.get((m, n))
        if found is None:
            found = self._pattern.subblock(self._graph, BlockSize(m=m, n=n, k=1), self._slots)
            self._subblocks[(m, n)] = found
        return found

    def roughly(self, way: Way, m: int, n: int, dealt: Dealt) -> float:
        """Cycles that schedules with such units take at least, however deep their blocks are."""
        if self.operands is None:
            return 0.0
        rates, units, depth, noc = self.rates, dealt.units, self.limits.k / way.split, self.target.noc
        a, b = self.operands
        reads = a.least_cycles * dealt.a_times, b.least_cycles * dealt.b_times
        tile = max(depth * self.product + (self.epilogue if way.split == 1 else 0.0), depth * self.product_unpack)
        if way.split > 1 or dealt.a_cores > 1 or dealt.b_cores > 1:
            # A tile deep of each operand before anything is computed, and a round of each unit at least.
            fed_a = (m * units * a.bytes / rates.multicast) if dealt.a_cores > 1 else dealt.a * self._page(a)
            fed_b = (n * units * b.bytes / rates.multicast) if dealt.b_cores > 1 else dealt.b * self._page(b)
            first, waits = max(fed_a, fed_b) / units + rates.ahead_latency, units * rates.ahead_latency
            lead = nocs.first(a.whole * dealt.a_times, b.whole * dealt.b_times, self.tiles * self.out_bytes)
            of_a, of_b = (
                self.slower[side] for side in ((noc.read, noc.write) if lead == "a" else (noc.write, noc.read))
            )
            read = max(reads[0] * of_a, reads[1] * (of_a if a.name == b.name else of_b), sum(reads))
            computed = units * m * n * max(tile, self._root(way.split))
            # Many steps read while it is computed, a single one before that.
            read = max(read + self.writes / units, min(read, read / units + computed) + self.writes)
            return rates.launch + max(
                read,
                computed + first + self.writes,
                fed_b * depth + waits + self.writes,
                fed_a * depth + waits + self.writes / units,
            )
        read = sum(
            cycles * (1.0 if item.banked else self.slower[noc.read])
            for item, cycles in zip(self.operands, reads, strict=True)
        )
        computed = units * m * n * tile
        fed = (dealt.a * self._page(a) + dealt.b * self._page(b)) * depth + units * rates.read_latency
        return rates.launch + max(computed + rates.read_latency, fed, read, self.writes)

    def _root(self, split: int) -> float:
        """Cycles of a tile at the core that adds up so many parts of K, the first of which may be the shortest."""
        if split == 1:
            return 0.0
        own, others = self.limits.k / (2 * split - 1), split - 1
        return own * self.product + others * (self.copied + self.sum_bytes / self.link) + self.after

    def _page(self, item: Read) -> float:
        """Cycles of a tile that a core reads, at least."""
        rate = max(self.rates.read) if item.in_dram else self.link
        return max(0.0 if item.sharded else self.rates.page, item.bytes / rate)

    def dealt_by(self, local: Local, m: int, n: int) -> Dealt:
        """The first core's units of so many tiles of the part of the output that its shard belongs to."""
        part = local.parts[min(local.parts, key=lambda core: core[::-1])]
        x, y = -(-part.cols // n), -(-part.rows // m)
        across, down = -(-self.limits.n // n), -(-self.limits.m // m)
        return Dealt(x * y, part.rows * x, part.cols * y, part.rows * part.cols, across, down, across, down)

    def dealt(self, way: Way, m: int, n: int) -> Dealt:
        """The first core's units of so many tiles."""
        rows, cols, batches = self.limits.m, self.limits.n, self.batches
        across, down = -(-cols // n), -(-rows // m)
        if way.policy != "rectangular":
            units = -(-across * down * batches // way.cores)
            if way.policy == "strided" or not way.in_rows:
                # It may have units at edges only.
                width, height = cols - (across - 1) * n, rows - (down - 1) * m
                return Dealt(
                    units, units * height, units * width, units * height * width, across, down, across, down
                )  # fmt: skip
            # A run from the first unit on: whole rows of units, of whole batches, and the beginning of another.
            lines, rest = divmod(units, across)
            whole, more = divmod(lines, down)
            height, width = whole * rows + min(more * m, rows), min(rest * n, cols)
            edge = min(m, rows - more * m)
            return Dealt(
                units, height * across + edge * rest, lines * cols + width, height * cols + edge * width,
                across, down, across, down,
            )  # fmt: skip
        sides = division.sides(way.shared, across, down, way.band)
        at_once, lines = min(sides.across, across), min(sides.down, down)
        x, y = -(-across // at_once), -(-down // lines)
        height = batches * (y * m - max(0, ((y - 1) * lines + 1) * m - rows))
        width = batches * (x * n - max(0, ((x - 1) * at_once + 1) * n - cols))
        a_cores, b_cores = sides.sharing("a"), sides.sharing("b")
        return Dealt(
            batches * x * y, height * x, width * y, height * width / batches, across, down,
            x if a_cores > 1 else across, y if b_cores > 1 else down, a_cores, b_cores,
        )  # fmt: skip
