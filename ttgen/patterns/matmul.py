"""Pattern `matmul`: one contraction with an elementwise epilogue; a unit is a tile of the product.

The product of a unit accumulates in DST over all of K, and the epilogue works on it there, before it leaves the core.
"""

from __future__ import annotations

from collections import Counter

from ttgen.dtypes import TILE
from ttgen.formula.graph import Shape
from ttgen.model.body import Body, Loop, Op, Pop, Tile, Wait
from ttgen.model.design import Design
from ttgen.model.index import Index, Var, add, mul
from ttgen.model.plan import Padding
from ttgen.patterns.context import Context, tiles_of
from ttgen.patterns.elementwise import lower, untaken
from ttgen.patterns.kernels import Access, assemble, read_tiles
from ttgen.patterns.pages import batch_index, batch_of, batch_sizes, grid_sizes, unit_page
from ttgen.patterns.section import Leaf
from ttgen.planner.loop import X, Y

_MT, _NT, _KT, _K = Var("Mt"), Var("Nt"), Var("Kt"), Var("k")


def contraction_size(left: Shape) -> int:
    """The size that is summed over, of a left operand that isn't transposed."""
    return left[-1]


def design(context: Context) -> Design:
    """The kernels of a contraction and its epilogue."""
    graph = context.graph
    product = graph.nodes[graph.contractions[0]]
    left, right = (graph.nodes[operand].tensor for operand in product.operands)
    transposed = product.transposed[1]
    shape = context.work_shape
    depth = contraction_size(context.shapes[left])
    # With a whole last tile of K, padding only reaches rows and columns that are never written.
    padding: Padding = "zero" if depth % TILE else "any"

    epilogue = {
        index: node.tensor
        for index, node in enumerate(graph.nodes)
        if node.kind == "input" and _is_epilogue(context, index)
    }
    # A buffer is a stream of pages: a tensor that is used in several ways has one for each.
    uses = Counter((left, right, *epilogue.values()))

    def cb_of(tensor: str, use: str) -> str:
        return tensor if uses[tensor] == 1 else untaken(f"{tensor}_{use}", frozenset(context.dtypes))

    batch = batch_of(shape)
    left_batch, right_batch = (batch_index(batch_of(context.shapes[name]), batch) for name in (left, right))
    a = Access(
        tensor=left, cb=cb_of(left, "left"), padding=padding, on_fpu=True,
        page=_page(left_batch, _MT, Y, _KT, _K),
    )  # fmt: skip
    b = Access(
        tensor=right, cb=cb_of(right, "right"), padding=padding, on_fpu=True,
        page=_page(right_batch, _NT, X, _KT, _K) if transposed else _page(right_batch, _KT, _K, _NT, X),
    )  # fmt: skip
    tiles = {
        index: Access(
            tensor=tensor, cb=cb_of(tensor, "tile"),
            page=unit_page(context.shapes[tensor], shape, order=context.order, rows=_MT, cols=_NT),
        )
        for index, tensor in epilogue.items()
    }  # fmt: skip
    leaves = {index: Leaf(cb=tile.cb, exact=context.dtypes[tile.tensor] == "float32") for index, tile in tiles.items()}
    outputs = {output.tensor: output.node for output in graph.outputs}
    taken = frozenset({*context.dtypes, a.cb, b.cb, *(tile.cb for tile in tiles.values())})
    lowering = lower(graph, leaves, outputs, dst_bits=context.dst_bits, slots=context.dst_slots, taken=taken)
    contraction: Body = (
        Loop(
            var="k",
            extent=_KT,
            body=(
                Wait(cb=a.cb),
                Wait(cb=b.cb),
                Op(
                    name="matmul_transposed" if transposed else "matmul",
                    sources=(Tile(a.cb), Tile(b.cb)),
                    dst=0,
                ),
                Pop(cb=a.cb),
                Pop(cb=b.cb),
            ),
            note="DST is zero when it is acquired: the products of all steps add up in it.",
        ),
    )
    epilogue_tiles = tuple(tiles.values())
    # A section that spills may come before the product's: the reader must not be stuck in K while compute waits for it.
    before = lowering.reads_before_contraction
    early, late = ([tile for tile in epilogue_tiles if (tile.cb in before) == is_early] for is_early in (True, False))
    return assemble(
        context,
        lowering,
        reads=(*read_tiles(early), Loop(var="k", extent=_KT, body=read_tiles((a, b))), *read_tiles(late)),
        contraction=contraction,
        inputs=(a, b, *epilogue_tiles),
        outputs=tuple(
            Access(tensor=name, cb=name, page=unit_page(shape, shape, order=context.order, rows=_MT, cols=_NT))
            for name in outputs
        ),
        sizes={
            "Mt": tiles_of(shape[-2]),
            "Nt": tiles_of(shape[-1]),
            "Kt": tiles_of(depth),
            **grid_sizes(shape),
            **batch_sizes(shape),
        },
        summaries=(
            f"Reads, for each unit of this core, a row of tiles of {left} and a {'row' if transposed else 'column'} "
            f"of tiles of {right}" + (", then the tiles of the epilogue." if tiles else "."),
            "Accumulates each unit over K"
            + (" and applies the epilogue before it leaves the core." if lowering.has_epilogue else "."),
            "Writes the tile of each unit of this core.",
        ),
    )


def _is_epilogue(context: Context, index: int) -> bool:
    """Whether an input is used by anything but the contraction."""
    users = [node for node in context.graph.nodes if index in node.operands and node.kind != "matmul"]
    return bool(users) or any(output.node == index for output in context.graph.outputs)


def _page(batch: Index, rows: Index, row: Index, cols: Index, col: Index) -> Index:
    return add(mul(add(mul(batch, rows), row), cols), col)
