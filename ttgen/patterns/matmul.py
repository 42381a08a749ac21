"""Pattern `matmul`: one contraction with an elementwise epilogue; a unit is a tile or a block of the product.

The product of a unit of one tile accumulates in DST over all of K, and the epilogue works on it there. That of a block
is packed to a buffer in L1, whole where DST holds it, or else subblock by subblock and step by step of K, where the
packer adds it up; the epilogue reads it tile by tile. Without an epilogue it goes to the output's buffer directly.
"""

from __future__ import annotations

from collections import Counter

from ttgen.dtypes import TILE
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


def design(context: Context) -> Design:
    """The kernels of a contraction and its epilogue."""
    graph = context.graph
    contraction = graph.nodes[graph.contractions[0]]
    left, right = (graph.nodes[operand].tensor for operand in contraction.operands)
    epilogue = {
        index: node.tensor
        for index, node in enumerate(graph.nodes)
        if node.kind == "input" and _is_epilogue(context, index)
    }
    # A buffer is a stream of pages: a tensor that is used in several ways has one for each.
    uses = Counter((left, right, *epilogue.values()))

    def cb_of(tensor: str, use: str) -> str:
        return tensor if uses[tensor] == 1 else untaken(f"{tensor}_{use}", frozenset(context.dtypes))

    def tile(tensor: str, cb: str) -> Access:
        page = unit_page(context.shapes[tensor], context, rows=_MT, cols=_NT)
        resident = context.is_resident(tensor)
        return Access(tensor=tensor, cb=cb, axes=unit_axes(context, tensor), page=page, resident=resident)

    a, b = _left(context, left, cb_of(left, "left")), _right(context, right, cb_of(right, "right"))
    tiles = {index: tile(tensor, cb_of(tensor, "tile")) for index, tensor in epilogue.items()}
    leaves = {index: leaf(context, access) for index, access in tiles.items()}
    outputs = {output.tensor: output.node for output in graph.outputs}
    stores = tuple(tile(name, name) for name in outputs)
    taken = frozenset({*context.dtypes, a.cb, b.cb, *(access.cb for access in tiles.values())})
    accumulator: Access | None = None
    if context.blocked and not _packs_product(context):
        axes = (row_axis(context, resident=False), col_axis(context, resident=False))
        accumulator = Access(tensor="", cb=untaken("product", taken), page=ZERO, axes=axes)
        leaves[graph.contractions[0]] = Leaf(cb=accumulator.cb, exact=context.dst_bits == 32, slot=accumulator.slot)
        taken |= {accumulator.cb}
    lowering = lower(graph, leaves, outputs, dst_bits=context.dst_bits, slots=context.dst_slots, taken=taken)

    name = "matmul_transposed" if contraction.transposed[1] else "matmul"
    beside = tuple(tiles.values())
    if context.blocked:
        computes = product_of_block(context, a, b, accumulator or stores[0], name=f"{name}_block")
        if accumulator:
            computes += compute_units(context, lowering, (accumulator, *beside), stores)
    else:
        op = Op(name=name, sources=(Tile(a.cb, a.slot), Tile(b.cb, b.slot)), dst=ZERO)
        computes = compute_units(context, lowering, (*beside, a), stores, over_depth(context, a, b, (op,)))
    # A section that spills may come before the product's: the reader must not be stuck in K while compute waits for it.
    before = lowering.reads_before_contraction
    early, late = ([access for access in beside if (access.cb in before) == is_early] for is_early in (True, False))
    reads = over_steps(context, read_blocks((a, b)))
    return assemble(
        context,
        lowering,
        reads=(*read_blocks(early), *reads, *read_blocks(late)),
        computes=computes,
        inputs=(a, b, *beside),
        outputs=stores,
        sizes=sizes(context, tiles_of(_depth(context))),
        accumulator=accumulator,
        summaries=_summaries(context, a, b, beside, stores),
    )


def _depth(context: Context) -> int:
    """The size that is summed over: the last one of the left operand, which isn't transposed."""
    product = context.graph.nodes[context.graph.contractions[0]]
    return context.graph.nodes[product.operands[0]].shape[-1]


def _padding(context: Context) -> Padding:
    """With a whole last tile of K, padding of an operand only reaches rows and columns that are never written."""
    return "zero" if _depth(context) % TILE else "any"


def _along_k(context: Context) -> tuple[Index, tuple[Axis, ...]]:
    """The tile of K of a page, and the axis that its buffer has along a step of several."""
    if not in_steps(context):
        return K, ()
    return add(FIRST_K, K), (Axis(var=K, tiles=BLOCK_K, valid=DEPTH),)


def _left(context: Context, tensor: str, cb: str) -> Access:
    """The left operand, rows by depth: a stream, or the rows that are on the core with all of K."""
    batch = batch_index(batch_of(context.shapes[tensor]), batch_of(context.work_shape))
    k, depth = _along_k(context)
    row = add(FIRST_ROW, ROW) if context.blocked else Y
    rows = (row_axis(context, resident=False),) if context.blocked else ()
    resident = context.is_resident(tensor)
    return Access(
        tensor=tensor, cb=cb, padding=_padding(context), on_fpu=True, resident=resident,
        axes=(row_axis(context, resident=True), whole_depth(context)) if resident else (*rows, *depth),
        page=_page(batch, _MT, row, _KT, k),
    )  # fmt: skip


def _right(context: Context, tensor: str, cb: str) -> Access:
    """The right operand, depth by columns, whichever way it is stored."""
    batch = batch_index(batch_of(context.shapes[tensor]), batch_of(context.work_shape))
    k, depth = _along_k(context)
    col = add(FIRST_COL, COL) if context.blocked else X
    cols = (col_axis(context, resident=False),) if context.blocked else ()
    transposed = context.graph.nodes[context.graph.contractions[0]].transposed[1]
    return Access(
        tensor=tensor, cb=cb, padding=_padding(context), on_fpu=True, axes=(*depth, *cols),
        page=_page(batch, _NT, col, _KT, k) if transposed else _page(batch, _KT, k, _NT, col),
    )  # fmt: skip


def _summaries(
    context: Context, a: Access, b: Access, beside: tuple[Access, ...], stores: tuple[Access, ...]
) -> tuple[str, str, str]:
    """What the reader, the compute and the writer kernel do."""
    graph = context.graph
    columns = "rows" if graph.nodes[graph.contractions[0]].transposed[1] else "columns"
    if context.blocked:
        parts = [f"a block of rows of {a.tensor}", f"{'a block' if a.resident else 'one'} of {columns} of {b.tensor}"]
    else:
        parts = [f"a row of tiles of {a.tensor}", f"a {columns[:-1]} of tiles of {b.tensor}"]
    reads = f"Reads, for each unit of this core, {' and '.join(parts[a.resident :])}"
    what = "blocks" if context.blocked else "tiles"
    reads += f", then the {what} of the epilogue." if streams(beside) else "."
    computes = "Accumulates each unit over K"
    if any(node.operands and node.kind != "matmul" for node in graph.nodes):
        computes += " and applies the epilogue before it leaves the core"
    return reading((a, b, *beside), reads), f"{computes}.", writing(context, stores)


def _packs_product(context: Context) -> bool:
    """Whether the product goes to its output as it is: nothing is computed of it, and no step of K rounds it."""
    graph = context.graph
    product_node = graph.contractions[0]
    if len(graph.outputs) > 1 or graph.outputs[0].node != product_node:
        return False
    if accumulates_in_dst(context) or context.dtypes[graph.outputs[0].tensor] == context.intermediate_dtype:
        return True
    return tiles_of(_depth(context)) <= context.block.k


def _is_epilogue(context: Context, index: int) -> bool:
    """Whether an input is used by anything but the contraction."""
    users = [node for node in context.graph.nodes if index in node.operands and node.kind != "matmul"]
    return bool(users) or any(output.node == index for output in context.graph.outputs)


def _page(batch: Index, rows: Index, row: Index, cols: Index, col: Index) -> Index:
    return add(mul(add(mul(batch, rows), row), cols), col)
