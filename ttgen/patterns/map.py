"""Pattern `map`: elementwise formulas with broadcasting; a unit is a tile, or a block of tiles, of every output."""

from __future__ import annotations

from ttgen.model.design import Design
from ttgen.model.index import Var
from ttgen.patterns.context import Context
from ttgen.patterns.elementwise import lower
from ttgen.patterns.kernels import Access, assemble, block_axes, compute_block, compute_unit, leaf, read_blocks
from ttgen.patterns.pages import sizes, unit_page


def design(context: Context) -> Design:
    """The kernels of an elementwise program."""
    graph = context.graph

    def access(tensor: str) -> Access:
        shape = context.shapes[tensor]
        numbers = (Var("Mt"), Var("Nt")) if context.blocked else (Var("grid_y"), Var("grid_x"))
        page = unit_page(shape, context, rows=numbers[0], cols=numbers[1])
        return Access(tensor=tensor, cb=tensor, page=page, axes=block_axes(context, shape))

    inputs = {index: access(node.tensor) for index, node in enumerate(graph.nodes) if node.kind == "input"}
    leaves = {index: leaf(context, tile) for index, tile in inputs.items()}
    outputs = {output.tensor: output.node for output in graph.outputs}
    lowering = lower(
        graph,
        leaves,
        outputs,
        dst_bits=context.dst_bits,
        slots=context.dst_slots,
        taken=frozenset(context.dtypes),
    )
    reads, writes = tuple(inputs.values()), tuple(access(name) for name in outputs)
    if context.blocked:
        blocks = [{block.cb: block.pages for block in blocks} for blocks in (reads, writes)]
        computes = compute_block(lowering, *blocks)
    else:
        computes = compute_unit(lowering, (), {})
    tiles = "tiles" if context.blocked else "tile"
    return assemble(
        context,
        lowering,
        reads=read_blocks(reads),
        computes=computes,
        inputs=reads,
        outputs=writes,
        sizes=sizes(context),
        summaries=(
            "Reads the tiles of each unit of this core.",
            "Computes the formula on the tiles of each unit.",
            f"Writes the {tiles} of each unit of this core.",
        ),
    )
