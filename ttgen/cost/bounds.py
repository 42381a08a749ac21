"""What no schedule of a program beats on a card: each byte moved once, each product made once, all cores busy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import prod, sqrt
from typing import Final, Literal

from ttgen.cost.program import Stored
from ttgen.dtypes import DTYPES, TILE
from ttgen.exhaustive import assert_never
from ttgen.formula.functions import PLACED
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Reduction, Value
from ttgen.operations import OPERATIONS, Operation
from ttgen.records import dataclass
from ttgen.target import PHASES, Fidelity, Rates, Target

Limit = Literal["dram", "pack", "math", "noc"]

_SUMS: Final = frozenset({"add", "sub"})
_PRODUCTS: Final = frozenset({"mul", "square", "div"})
"""Functions of tiles that the matrix unit has, too; what divides a line is multiplied with as its reciprocal."""


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
    cores, wide = target.grid.cores, graph.values[graph.outputs[0].value].dtype == "float32"
    computed = sum(_least(value, graph, PHASES[fidelity], rates, wide=wide) for value in graph.values)
    if computed:
        cycles["math"] = computed / cores
    contraction = graph.contraction
    if contraction is not None:
        *batch, rows, cols = contraction.shape
        sides = (rows, cols, contraction.over.size)
        tile_bytes = min(DTYPES[operand.dtype].tile_bytes for operand in graph.operands_of(contraction))
        held, share = target.l1.usable * TILE**2 / tile_bytes, prod(batch) * prod(sides) / cores
        others = max(0.0, share / (2 * sqrt(2 * held)) - held)
        cycles["noc"] = others * tile_bytes / TILE**2 / target.noc.bytes_per_clock.link
    return Bound(cycles=cycles, dram_bytes=dram_bytes)


def _least(value: Value, graph: Graph, phases: int, rates: Rates, *, wide: bool) -> float:
    """Cycles of one core's matrix and vector units, which take turns, to compute a value by its fastest operations."""
    match value:
        case Contraction(over=over):
            return _tiles(value) * -(-over.size // TILE) * rates.phase * phases
        case Reduction(function=function, operands=(operand,)):
            # By the matrix unit, or tile onto tile.
            of_tile = rates.sfpu[f"fold_{function}"][wide]
            if function != "min":
                own = rates.elementwise * phases if function == "sum" else rates.elementwise + rates.reduce_max
                of_tile = min(of_tile, own)
            return _tiles(graph.values[operand]) * of_tile
        case Elementwise(function=function) if function not in PLACED:
            return _tiles(value) * _least_of(function, phases, rates, wide=wide)
        case Elementwise() | Input() | Number():
            return 0.0
        case _:
            assert_never(value)


@cache
def _rows_of(function: str) -> tuple[Operation, ...]:
    return tuple(row for row in OPERATIONS.values() if row.function == function and row.reduces is None)


def _least_of(function: str, phases: int, rates: Rates, *, wide: bool) -> float:
    """Cycles of the fastest operation that computes a function of a tile."""
    if function in _SUMS | _PRODUCTS:
        return rates.elementwise * (phases if function in _PRODUCTS else 1)
    return min(rates.sfpu[row.name][wide] for row in _rows_of(function) if row.engine == "sfpu")


def _tiles(value: Value) -> int:
    *batch, rows, cols = (1, 1, *value.shape)
    return prod(batch) * (-(-rows // TILE)) * (-(-cols // TILE))


def _bytes(tensor: Stored) -> int:
    """Bytes of its tiles."""
    *batch, rows, cols = (1, 1, *tensor.shape)
    return prod(batch) * (-(-rows // TILE)) * (-(-cols // TILE)) * DTYPES[tensor.dtype].tile_bytes
