"""Pattern `matmul`: one contraction with an elementwise epilogue; a unit is a tile or a block of the product.

The product of a unit of one tile accumulates in DST over all of K, and the epilogue works on it there. That of a block
is packed to a buffer in L1, whole where DST holds it, or else subblock by subblock and step by step of K, where the
packer adds it up; the epilogue reads it tile by tile. Without an epilogue it goes to the output's buffer directly.
"""

from __future__ import annotations

from collections import Counter

from ttgen.dtypes import TILE
from ttgen.formula.graph import Shape
from ttgen.model.body import Op, Tile
from ttgen.model.design import Design
from ttgen.model.index import ZERO, Index, Var, add, mul
from ttgen.model.plan import Padding
from ttgen.patterns.context import Context, tiles_of
from ttgen.patterns.contraction import (
    DEPTH,
    FIRST_K,
    K,
    accumulates_in_dst,
    in_steps,
    over_depth,
    over_steps,
    product_of_block,
    whole_depth,
)
from ttgen.patterns.elementwise import lower, untaken
from ttgen.patterns.kernels import (
    Access,
    Axis,
    assemble,
    col_axis,
    compute_units,
    leaf,
    read_blocks,
    row_axis,
    streams,
    unit_axes,
)
from ttgen.patterns.pages import COL, ROW, batch_index, batch_of, sizes, unit_page
from ttgen.patterns.section import Leaf
from ttgen.patterns.summaries import reading, writing
from ttgen.planner.loop import BLOCK_K, FIRST_COL, FIRST_ROW, X, Y

_MT, _NT, _KT = Var("Mt"), Var("Nt"), Var("Kt")


def contraction_size(left: Shape) -> int:
    """The size that is summed over, of a left operand that isn't transposed."""
    return left[-1]


def design(context: Context) -> Design:
    """The kernels of a contraction and its epilogue."""
    graph = context.graph
    contraction = graph.nodes[graph.contractions[0]]
    left, right = (graph.nodes[operand].tensor for operand in contraction.operands)
    transposed = contraction.transposed[1]
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
    row: Index = Y
    col: Index = X
    k: Index = K
    whole: tuple[Axis, ...] = ()
    if context.blocked:
        row, col = add(FIRST_ROW, ROW), add(FIRST_COL, COL)
        whole = (row_axis(context, resident=False), col_axis(context, resident=False))
    rows, cols = whole[:1], whole[1:]
    depth_axis: tuple[Axis, ...] = ()
    if in_steps(context):
        k = add(FIRST_K, K)
        depth_axis = (Axis(var=K, tiles=BLOCK_K, valid=DEPTH),)
    resident = context.is_resident(left)
    a = Access(
        tensor=left, cb=cb_of(left, "left"), padding=padding, on_fpu=True, resident=resident,
        axes=(row_axis(context, resident=True), whole_depth(context)) if resident else (*rows, *depth_axis),
        page=_page(left_batch, _MT, row, _KT, k),
    )  # fmt: skip
    b = Access(
        tensor=right, cb=cb_of(right, "right"), padding=padding, on_fpu=True, axes=(*depth_axis, *cols),
        page=_page(right_batch, _NT, col, _KT, k) if transposed else _page(right_batch, _KT, k, _NT, col),
    )  # fmt: skip

    def tile(tensor: str, cb: str) -> Access:
        page = unit_page(context.shapes[tensor], context, rows=_MT, cols=_NT)
        return Access(
            tensor=tensor, cb=cb, axes=unit_axes(context, tensor), page=page,
            resident=context.is_resident(tensor),
        )  # fmt: skip

    tiles = {index: tile(tensor, cb_of(tensor, "tile")) for index, tensor in epilogue.items()}
    leaves = {index: leaf(context, tile) for index, tile in tiles.items()}
    outputs = {output.tensor: output.node for output in graph.outputs}
    stores = tuple(tile(name, name) for name in outputs)
    taken = frozenset({*context.dtypes, a.cb, b.cb, *(access.cb for access in tiles.values())})
    accumulator: Access | None = None
    if context.blocked and not _packs_product(context):
        accumulator = Access(tensor="", cb=untaken("product", taken), page=ZERO, axes=whole)
        leaves[graph.contractions[0]] = Leaf(cb=accumulator.cb, exact=context.dst_bits == 32, slot=accumulator.slot)
        taken |= {accumulator.cb}
    lowering = lower(graph, leaves, outputs, dst_bits=context.dst_bits, slots=context.dst_slots, taken=taken)
    name = "matmul_transposed" if transposed else "matmul"
    epilogue_tiles = tuple(tiles.values())
    if context.blocked:
        computes = product_of_block(context, a, b, accumulator or stores[0], name=f"{name}_block")
        if accumulator:
            computes += compute_units(context, lowering, (accumulator, *epilogue_tiles), stores)
    else:
        op = Op(name=name, sources=(Tile(a.cb, a.slot), Tile(b.cb, b.slot)), dst=ZERO)
        computes = compute_units(context, lowering, (*epilogue_tiles, a), stores, over_depth(context, a, b, (op,)))
    has_epilogue = any(node.operands and node.kind != "matmul" for node in graph.nodes)
    # A section that spills may come before the product's: the reader must not be stuck in K while compute waits for it.
    before = lowering.reads_before_contraction
    early, late = ([tile for tile in epilogue_tiles if (tile.cb in before) == is_early] for is_early in (True, False))
    reads = over_steps(context, read_blocks((a, b)))
    columns = "rows" if transposed else "columns"
    parts = [f"a block of rows of {left}", f"one of {columns} of {right}"]
    if not context.blocked:
        parts = [f"a row of tiles of {left}", f"a {columns[:-1]} of tiles of {right}"]
    elif resident:
        parts[1] = f"a block of {columns} of {right}"
    what = " and ".join(parts[resident:])
    late_tiles = "blocks" if context.blocked else "tiles"
    return assemble(
        context,
        lowering,
        reads=(*read_blocks(early), *reads, *read_blocks(late)),
        computes=computes,
        inputs=(a, b, *epilogue_tiles),
        outputs=stores,
        sizes=sizes(context, tiles_of(depth)),
        accumulator=accumulator,
        summaries=(
            reading(
                (a, b, *epilogue_tiles),
                f"Reads, for each unit of this core, {what}"
                + (f", then the {late_tiles} of the epilogue." if streams(epilogue_tiles) else "."),
            ),
            "Accumulates each unit over K"
            + (" and applies the epilogue before it leaves the core." if has_epilogue else "."),
            writing(context, stores),
        ),
    )


def _packs_product(context: Context) -> bool:
    """Whether the product goes to its output as it is: nothing is computed of it, and no step of K rounds it."""
    graph = context.graph
    product_node = graph.contractions[0]
    if len(graph.outputs) > 1 or graph.outputs[0].node != product_node:
        return False
    if accumulates_in_dst(context) or context.dtypes[graph.outputs[0].tensor] == context.intermediate_dtype:
        return True
    left = graph.nodes[graph.nodes[product_node].operands[0]].tensor
    return tiles_of(contraction_size(context.shapes[left])) <= context.block.k


def _is_epilogue(context: Context, index: int) -> bool:
    """Whether an input is used by anything but the contraction."""
    users = [node for node in context.graph.nodes if index in node.operands and node.kind != "matmul"]
    return bool(users) or any(output.node == index for output in context.graph.outputs)


def _page(batch: Index, rows: Index, row: Index, cols: Index, col: Index) -> Index:
    return add(mul(add(mul(batch, rows), row), cols), col)
