"""What no schedule of a program beats on a card: each byte moved once, each product made once, all cores busy."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod, sqrt
from typing import Literal

from ttgen.cost.program import Stored
from ttgen.dtypes import DTYPES, TILE
from ttgen.formula.values import Graph
from ttgen.records import dataclass
from ttgen.target import PHASES, Fidelity, Rates, Target

Limit = Literal["dram", "pack", "math", "noc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Cycles that a program takes at least.

    Attributes:
        cycles: by what limits it.
        dram_bytes: that have to be moved: every tensor in DRAM once.
    """

    cycles: Mapping[Limit, float]
    dram_bytes: int

    @property
    def limit(self) -> Limit:
        """What limits it most."""
        return max(self.cycles, key=self.cycles.__getitem__)

    @property
    def least(self) -> float:
        """Cycles that no schedule beats."""
        return self.cycles[self.limit]


def bound(graph: Graph, tensors: Mapping[str, Stored], fidelity: Fidelity, target: Target, rates: Rates) -> Bound:
    """What a program takes at least: DRAM at its peak, packers and matrix units of all cores, what a core is sent.

    A core whose L1 holds S elements gets at least products / (2 sqrt(2 S)) - S others for its share of the products
    (Irony, Toledo and Tiskin 2004), over its link.
    """
    dram_bytes = sum(_bytes(tensor) for tensor in tensors.values() if tensor.in_dram)
    cycles: dict[Limit, float] = {"dram": dram_bytes * target.clock_ghz / target.dram.gigabytes_per_second}
    packed = sum(_bytes(tensors[output.tensor]) for output in graph.outputs)
    cycles["pack"] = packed / (rates.pack * target.grid.cores)
    contraction = graph.contraction
    if contraction is not None:
        *batch, rows, cols = contraction.shape
        sides = (rows, cols, contraction.over.size)
        products = prod(batch) * prod(-(-side // TILE) for side in sides)
        cores = target.grid.cores
        cycles["math"] = products * rates.phase * PHASES[fidelity] / cores
        tile_bytes = min(DTYPES[operand.dtype].tile_bytes for operand in graph.operands_of(contraction))
        held, share = target.l1.usable * TILE**2 / tile_bytes, prod(batch) * prod(sides) / cores
        others = max(0.0, share / (2 * sqrt(2 * held)) - held)
        cycles["noc"] = others * tile_bytes / TILE**2 / target.noc.bytes_per_clock.link
    return Bound(cycles=cycles, dram_bytes=dram_bytes)


def _bytes(tensor: Stored) -> int:
    """Bytes of its tiles."""
    *batch, rows, cols = (1, 1, *tensor.shape)
    return prod(batch) * (-(-rows // TILE)) * (-(-cols // TILE)) * DTYPES[tensor.dtype].tile_bytes
