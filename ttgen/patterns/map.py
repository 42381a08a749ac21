"""Pattern `map`: elementwise formulas with broadcasting; a unit is a tile of every output."""

from __future__ import annotations

from ttgen.model.design import Design
from ttgen.model.index import Var
from ttgen.patterns.context import Context
from ttgen.patterns.elementwise import lower
from ttgen.patterns.kernels import Access, assemble, read_tiles
from ttgen.patterns.pages import batch_sizes, grid_sizes, unit_page
from ttgen.patterns.section import Leaf


def design(context: Context) -> Design:
    """The kernels of an elementwise program."""
    graph = context.graph

    def access(tensor: str) -> Access:
        page = unit_page(
            context.shapes[tensor],
            context.work_shape,
            order=context.order,
            rows=Var("grid_y"),
            cols=Var("grid_x"),
        )
        return Access(tensor=tensor, cb=tensor, page=page)

    inputs = {index: access(node.tensor) for index, node in enumerate(graph.nodes) if node.kind == "input"}
    leaves = {index: Leaf(cb=tile.cb, exact=context.dtypes[tile.tensor] == "float32") for index, tile in inputs.items()}
    outputs = {output.tensor: output.node for output in graph.outputs}
    lowering = lower(
        graph,
        leaves,
        outputs,
        dst_bits=context.dst_bits,
        slots=context.dst_slots,
        taken=frozenset(context.dtypes),
    )
    return assemble(
        context,
        lowering,
        reads=read_tiles(tuple(inputs.values())),
        contraction=(),
        inputs=tuple(inputs.values()),
        outputs=tuple(access(name) for name in outputs),
        sizes={**grid_sizes(context.work_shape), **batch_sizes(context.work_shape)},
        summaries=(
            "Reads the tiles of each unit of this core.",
            "Computes the formula on the tiles of each unit.",
            "Writes the tile of each unit of this core.",
        ),
    )
