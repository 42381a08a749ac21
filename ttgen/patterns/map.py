"""Pattern `map`: elementwise formulas with broadcasting; a unit is a tile, or a block of tiles, of every output."""

from __future__ import annotations

from typing import Final

from ttgen.formula.values import Graph, Input, Value
from ttgen.model.design import Design
from ttgen.model.index import Var
from ttgen.model.plan import BlockSize, Subblock
from ttgen.patterns.access import Access, leaf, read_blocks, unit_axes
from ttgen.patterns.context import Context
from ttgen.patterns.elementwise import lower
from ttgen.patterns.kernels import assemble, compute_units
from ttgen.patterns.pages import sizes, unit_page
from ttgen.patterns.pattern import Pattern, work_tiles
from ttgen.patterns.spreading import beside_made, columns_put_out, made_wide, spread_axes
from ttgen.patterns.summaries import reading, writing


def design(context: Context) -> Design:
    """The kernels of an elementwise program."""
    graph = context.graph

    def access(tensor: str, value: Value) -> Access:
        numbers = (Var("Mt"), Var("Nt")) if context.blocked else (Var("grid_y"), Var("grid_x"))
        page = unit_page(value, context, rows=numbers[0], cols=numbers[1])
        resident = context.is_resident(tensor)
        axes = unit_axes(context, value, resident=resident)
        return Access(tensor=tensor, cb=tensor, page=page, axes=axes, resident=resident)

    inputs = {
        index: access(value.tensor, value) for index, value in enumerate(graph.values) if isinstance(value, Input)
    }
    leaves = {index: leaf(context, tile) for index, tile in inputs.items()}
    outputs = {output.tensor: output.value for output in graph.outputs}
    axes, beside = spread_axes(graph.work), beside_made(graph, context.made)
    lowering = lower(
        graph,
        leaves,
        outputs,
        dst_bits=context.dst_bits,
        slots=context.dst_slots,
        taken=frozenset(context.dtypes),
        wide=made_wide(graph, columns_put_out(graph, axes), axes, beside),
        beside=beside,
    )
    reads, writes = tuple(inputs.values()), tuple(access(name, graph.values[value]) for name, value in outputs.items())
    return assemble(
        context,
        lowering,
        reads=read_blocks(reads),
        computes=compute_units(context, lowering, reads, writes),
        inputs=reads,
        outputs=writes,
        sizes=sizes(context),
        summaries=(
            reading(reads, "Reads the tiles of each unit of this core."),
            "Computes the formula on the tiles of each unit.",
            writing(context, writes),
        ),
    )


def _limits(graph: Graph) -> BlockSize:
    rows, cols = work_tiles(graph)
    return BlockSize(m=rows, n=cols, k=0)


PATTERN: Final = Pattern(
    is_for=lambda graph: not graph.contractions,
    refusals=lambda _graph: iter(()),
    limits=_limits,
    # Every tile is on its own.
    subblock=lambda _graph, _block, _slots: Subblock(h=1, w=1),
    design=design,
    meaning="elementwise formulas with NumPy's broadcasting",
)
