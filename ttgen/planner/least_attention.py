"""What schedules of an attention take at least, from their numbers alone: no kernel is designed for them."""

from __future__ import annotations

import math
from math import prod

from ttgen.dtypes import DTYPES, TILE
from ttgen.formula.online import Online
from ttgen.formula.values import Contraction, Input
from ttgen.model.plan import BlockSize, Subblock
from ttgen.operations import OPERATIONS
from ttgen.patterns import PATTERNS
from ttgen.patterns.context import tiles_of
from ttgen.patterns.operands import Leaf
from ttgen.patterns.scaling import scaling
from ttgen.planner import division
from ttgen.planner.least import Way
from ttgen.planner.precision import Exactness
from ttgen.planner.stages import Stage
from ttgen.target import PHASES, Target, load_rates

_FLOAT32 = DTYPES["float32"].tile_bytes


class AttentionLeast:
    """What all schedules of an attention have in common."""

    def __init__(self, stage: Stage, pattern: str, online: Online, exactness: Exactness, target: Target) -> None:
        graph = stage.graph
        self.stage, self.online, self.target, self.pattern = stage, online, target, PATTERNS[pattern]
        self.slots = target.dst_tiles(bits=exactness.dst_bits)
        scores, summed = graph.values[online.scores], graph.values[online.summed]
        assert isinstance(scores, Contraction), "it is one"
        assert isinstance(summed, Contraction), "it is one"
        *batch, rows, keys = scores.shape
        self.heads, self.rows, self.keys = prod(batch), tiles_of(rows), tiles_of(keys)
        self.behind = (keys - rows) // TILE if online.is_causal else self.keys
        self.deep, self.wide = tiles_of(scores.over.size), tiles_of(summed.shape[-1])
        operands = (*graph.operands_of(scores), graph.operands_of(summed)[1])
        self.bytes = [DTYPES[value.dtype].tile_bytes for value in operands if isinstance(value, Input)]
        self.out_bytes = DTYPES[stage.tensors[graph.outputs[0].tensor].dtype].tile_bytes
        exact = "float32" in {tensor.dtype for tensor in stage.tensors.values()}
        self.weight_bytes = DTYPES["float32" if exact else "bfloat16"].tile_bytes
        self.rates, phases = load_rates(target.arch), PHASES[exactness.fidelity.value]
        sfpu = {name: cycles[True] for name, cycles in self.rates.sfpu.items()}
        product = self.rates.phase * phases + self.rates.product
        # Of a place for a tile of scores and weights, beyond the last keys too.
        self.of_place = self.deep * product + self.rates.elementwise + 2 * self.rates.pack_overhead
        # Of a tile of keys: its weights, their largest and their sum, and the product with values.
        self.of_tile = self.wide * product + self.rates.elementwise * (1 + phases) + self.rates.reduce_max
        self.of_tile += sfpu["exp"]
        ops = scaling(graph, online, self.slots, lambda index: Leaf(cb=str(index), exact=True), masked=False).ops
        self.of_tile += sum(sfpu[op.name] for op in ops if OPERATIONS[op.name].engine == "sfpu")
        # Of a row of tiles and a step: the largest so far, and what sum and output become by it.
        self.of_step = sfpu["exp"] + sfpu["max_dst"] + sfpu["sub_dst"] + sfpu["mul_dst"] + sfpu["add_dst"]
        self.of_step += self.wide * sfpu["mul_dst_cols"] + (self.wide + 4) * self.rates.pack_overhead
        # Of a row: its output over the sum of its weights.
        self.of_row = sfpu["reciprocal"] + self.wide * (sfpu["mul_dst"] + self.rates.pack_overhead)

    def units(self, way: Way, m: int) -> AttentionUnits:
        """Schedules with units of so many rows of tiles."""
        return AttentionUnits(self, way, m)


class AttentionUnits:
    """What schedules with units of some rows take at least, by the keys of a step."""

    def __init__(self, least: AttentionLeast, way: Way, m: int) -> None:
        self.least, self.way, self.m = least, way, m
        down = -(-least.rows // m)
        self.sharers = 1
        if way.policy == "rectangular":
            sides = division.sides("a" if way.shared != "none" else "none", down, least.heads, way.band)
            self.units = -(-down // sides.across) * -(-least.heads // sides.down)
            self.sharers = sides.sharing("a")
        else:
            self.units = -(-down * least.heads * way.split // way.cores)
        # Of each head the last unit may have fewer.
        self.core_rows = self.units * m - self.units // down * (down * m - least.rows)
        self.read_times = -(-down // self.sharers) if self.sharers > 1 else down

    @property
    def subblock(self) -> Subblock:
        """Scores that are in DST at once."""
        return self._subblock(self.least.keys)

    def _subblock(self, k: int) -> Subblock:
        return self.least.pattern.subblock(self.least.stage.graph, BlockSize(m=self.m, n=1, k=k), self.least.slots)

    def l1_bytes(self, k: int, *, ahead: bool, buffers: int) -> int:
        """Bytes of a core's L1 that buffers take."""
        del ahead
        least, m = self.least, self.m
        steps = -(-least.keys // k) // self.way.split * self.units
        held, units = min(buffers, max(steps, 1)), min(buffers, self.units)
        bytes_ = units * m * least.deep * least.bytes[0]
        bytes_ += held * k * (least.deep * least.bytes[1] + least.wide * least.bytes[2])
        bytes_ += k * (_FLOAT32 + least.weight_bytes) + (m + 1) * (least.wide + 2) * _FLOAT32 + 2 * _FLOAT32
        bytes_ += min(buffers, self.units * m) * least.wide * least.out_bytes
        if self.way.split > 1:
            bytes_ += (self.way.split + 1) * (least.wide + 2) * _FLOAT32
        return bytes_

    def cycles(self, k: int, *, ahead: bool, buffers: int) -> float:
        """Cycles of schedules with such steps at least; infinite where there are fewer steps than parts."""
        del ahead, buffers
        least, way = self.least, self.way
        steps = -(-least.keys // k)
        if steps < way.split:
            return math.inf
        share = self._share() / way.split
        places = least.keys if least.online.is_causal else steps * k
        computed = share * (places * least.of_place + least.keys * least.of_tile + (least.keys // k) * least.of_step)
        computed += least.of_row
        computed *= self.core_rows
        keys = least.keys * (least.deep * least.bytes[1] + least.wide * least.bytes[2])
        read = least.heads * (self.read_times * keys * self._share() + least.rows * least.deep * least.bytes[0])
        rates = least.rates
        peak = least.target.dram.gigabytes_per_second / least.target.clock_ghz
        # The first step's keys come before anything is computed.
        first = rates.read_latency + k * least.deep * min(least.bytes[1:]) / max(rates.read)
        return rates.launch + max(computed + first, read / (max(rates.dram.read) * peak))

    def _share(self) -> float:
        """The part of all keys that queries have on average; of GQA's heads all have their own."""
        least = self.least
        if not least.online.is_causal:
            return 1.0
        first = least.behind / least.keys
        return first + (1 - first) / 2
