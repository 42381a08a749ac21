"""Pattern `matmul`: one contraction with an elementwise epilogue; a unit is a tile or a block of the product.

The product of a unit of one tile accumulates in DST over all of K, and the epilogue works on it there. That of a block
is packed to a buffer in L1, whole where DST holds it, or else subblock by subblock and step by step of K, where the
packer adds it up; the epilogue reads it tile by tile. Where an output has the same format, that buffer lies in the
output's memory. Without an epilogue the product goes to the output's buffer directly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from ttgen.dtypes import DTYPES, TILE
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Value
from ttgen.model.body import Body, Op, Reserve, Tile
from ttgen.model.design import Design
from ttgen.model.grids import Operand
from ttgen.model.index import ZERO, Index, Var, add, evaluate, mul
from ttgen.model.plan import BlockSize, Padding, Subblock
from ttgen.operations import OPERATIONS
from ttgen.patterns.access import Access, Axis, col_axis, leaf, read_blocks, row_axis, streams, unit_axes
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
    product_with_epilogue,
    steps,
    whole_depth,
)
from ttgen.patterns.elementwise import Lowering, lower, untaken
from ttgen.patterns.groups import Sharing, group_of, sharing
from ttgen.patterns.kernels import assemble, compute_units
from ttgen.patterns.operands import Leaf
from ttgen.patterns.pages import COL, ROW, batch_index, sizes, unit_page
from ttgen.patterns.parts import partials_of, received, with_helpers
from ttgen.patterns.pattern import Pattern, Refusal, work_tiles
from ttgen.patterns.spreading import beside_made
from ttgen.patterns.summaries import reading, writing
from ttgen.patterns.units import BLOCK_K, FIRST_COL, FIRST_ROW, X, Y

_MT, _NT, _KT = Var("Mt"), Var("Nt"), Var("Kt")


def design(context: Context) -> Design:
    """The kernels of a contraction and its epilogue."""
    graph = context.graph
    product = _product(context)
    left, right = _operands(context)
    epilogue = {index: value for index in graph.beside if isinstance(value := graph.values[index], Input)}
    # A buffer is a stream of pages: a tensor that is used in several ways has one for each.
    uses = Counter(value.tensor for value in (left, right, *epilogue.values()))

    def cb_of(tensor: str, use: str) -> str:
        return tensor if uses[tensor] == 1 else untaken(f"{tensor}_{use}", frozenset(context.dtypes))

    def tile(value: Value, tensor: str, cb: str) -> Access:
        page = unit_page(value, context, rows=_MT, cols=_NT)
        resident = context.is_resident(tensor)
        axes = unit_axes(context, value, resident=resident)
        return Access(tensor=tensor, cb=cb, axes=axes, page=page, resident=resident)

    a, b = _left(context, cb_of(left.tensor, "left")), _right(context, cb_of(right.tensor, "right"))
    tiles = {index: tile(value, value.tensor, cb_of(value.tensor, "tile")) for index, value in epilogue.items()}
    leaves = {index: leaf(context, access) for index, access in tiles.items()}
    outputs = {output.tensor: output.value for output in graph.outputs}
    stores = tuple(tile(graph.values[value], name, name) for name, value in outputs.items())
    taken = frozenset({*context.dtypes, a.cb, b.cb, *(access.cb for access in tiles.values())})
    accumulator: Access | None = None
    partials: Access | None = None
    in_dst = _epilogue_in_dst(context, leaves, outputs, taken)
    if in_dst is None and context.blocked and (context.split > 1 or not _packs_product(context)):
        axes = (row_axis(context, resident=False), col_axis(context, resident=False))
        accumulator = Access(tensor="", cb=untaken("product", taken), page=ZERO, axes=axes)
        leaves[graph.contractions[0]] = Leaf(cb=accumulator.cb, exact=context.dst_bits == 32, slot=accumulator.slot)
        taken |= {accumulator.cb}
        if context.split > 1:
            partials = partials_of(accumulator, untaken("partials", taken))
            taken |= {partials.cb}
    lowering = in_dst or lower(
        graph, leaves, outputs, dst_bits=context.dst_bits, slots=context.dst_slots, taken=taken,
        beside=beside_made(graph, context.made),
    )  # fmt: skip

    host = _host(context, accumulator, lowering, stores) if accumulator else None
    # Kernels of roots alone know their part of K; those that all cores have find it out.
    root = replace(context, at_root=True)
    name = "matmul_transposed" if product.transposed[1] else "matmul"
    beside = tuple(tiles.values())
    if in_dst is not None:
        (section,) = in_dst.sections
        computes = product_with_epilogue(context, a, b, stores[0], section.ops, beside, name=f"{name}_block")
    elif context.blocked:
        computes = product_of_block(root, a, b, accumulator or stores[0], name=f"{name}_block", partials=partials)
        if accumulator:
            hosts = (host,) if host else ()
            note = "The product lies in these pages until the epilogue has read it."
            room = tuple(Reserve(cb=access.cb, pages=access.pages, note=note) for access in hosts)
            tiles_after = compute_units(context, lowering, (accumulator, *beside), stores, reserved=hosts)
            computes = (*room, *computes, *tiles_after)
    else:
        op = Op(name=name, sources=(Tile(a.cb, a.slot), Tile(b.cb, b.slot)), dst=ZERO)
        computes = compute_units(context, lowering, (*beside, a), stores, over_depth(context, a, b, (op,)))
    # A section that spills may come before the product's: the reader must not be stuck in K while compute waits for it.
    before = lowering.reads_before_contraction
    early, late = ([access for access in beside if (access.cb in before) == is_early] for is_early in (True, False))
    # Operands that cores share have a kernel each, on a NoC each: two that multicast on one hang (tt-mlir#7297).
    reads: Body = over_steps(context, read_blocks((a, b)))
    writes: Body = ()
    shared_a, shared_b = _shared(context, "a", a), _shared(root, "b", b)
    if context.exchanges:
        reads, writes = over_steps(context, shared_a.block), over_steps(root, shared_b.block)
    beside_reads = read_blocks(late)
    if partials is not None:
        # All parts of K have one reader, and the root alone has an epilogue.
        early, beside_reads, writes = [], (), (*writes, *beside_reads, *received(partials))
    ahead = [shared.ahead for shared in (shared_a, shared_b) if shared.ahead is not None]
    made = assemble(
        context,
        lowering,
        reads=(*read_blocks(early), *reads, *beside_reads),
        computes=computes,
        writes=writes,
        first=(shared_a.first, shared_b.first),
        ahead=ahead,
        inputs=(a, b, *beside),
        outputs=stores,
        sizes=sizes(context, tiles_of(product.over.size)),
        accumulator=accumulator,
        host=host,
        names=("reader_a", "reader_b_writer") if context.exchanges else ("reader", "writer"),
        summaries=_summaries(context, a, b, beside, stores),
    )
    if partials is None or accumulator is None:
        return made
    own = replace(accumulator, cb=untaken("partial", taken | frozenset(lowering.spills)))
    sent_b = _shared(context, "b", b)
    shares = _sharing(context, "b", f"blocks of columns of {b.tensor}")
    return with_helpers(
        made,
        context,
        partials=partials,
        own=own,
        moved=[access.cb for access in (a, b, *ahead)],
        product=product_of_block(context, a, b, own, name=f"{name}_block"),
        reads=over_steps(context, sent_b.block),
        first=sent_b.first,
        summaries=(
            "Accumulates each unit over this core's part of K.",
            f"{shares}. Sends this core's sums of each unit to the core that adds them up.",
        ),
    )


def _epilogue_in_dst(
    context: Context, leaves: Mapping[int, Leaf], outputs: Mapping[str, int], taken: frozenset[str]
) -> Lowering | None:
    """The epilogue of a tile of a block that is in DST, if it can be computed there, beside the block's other tiles.

    It can where it needs no more slots than the block leaves, and none that has to be zero: those are used again for
    the next tile. Its result takes the product's place.
    """
    if not context.blocked or context.split > 1 or not accumulates_in_dst(context) or _packs_product(context):
        return None
    spare = context.dst_slots - context.block.m * context.block.n
    lowering = lower(
        context.graph, leaves, outputs, dst_bits=context.dst_bits, slots=context.dst_slots, taken=taken,
        beside=beside_made(context.graph, context.made),
    )  # fmt: skip
    packs = [slot for section in lowering.sections for slot, _cb in section.packs]
    ops = [op for section in lowering.sections for op in section.ops]
    adds = any(OPERATIONS[op.name].result == "accumulates" for op in ops)
    if len(lowering.sections) > 1 or packs != [0] or not ops or lowering.spills or lowering.zeros or adds:
        return None
    return lowering if max(evaluate(op.dst, {}) for op in ops) <= spare else None


def _host(context: Context, accumulator: Access, lowering: Lowering, stores: tuple[Access, ...]) -> Access | None:
    """The output in whose buffer the product of a block can lie, until its own tiles are packed there.

    They have the same format, and whatever reads a tile of the product has done so when that of the output comes.
    """
    reads = [accumulator.cb in section.reads for section in lowering.sections]
    for store in streams(stores):
        packs = [any(cb == store.cb for _slot, cb in section.packs) for section in lowering.sections]
        if context.dtypes[store.tensor] == context.intermediate_dtype and True not in reads[packs.index(True) + 1 :]:
            return store
    return None


def _shared(context: Context, operand: Operand, access: Access) -> Sharing:
    """How the blocks of an operand come to a core: one of a group reads for all, or each for itself."""
    group = group_of(context, operand)
    if group is None:
        return Sharing(first=(), block=read_blocks((access,)), ahead=None)
    return sharing(context, group, access, steps(context))


def _product(context: Context) -> Contraction:
    """The contraction."""
    product = context.graph.contraction
    assert product is not None, "a formula of this pattern has one"
    return product


def _operands(context: Context) -> tuple[Input, Input]:
    """Its operands."""
    left, right = context.graph.operands_of(_product(context))
    assert isinstance(left, Input), "the left operand is a tensor"
    assert isinstance(right, Input), "the right operand is a tensor"
    return left, right


def _padding(context: Context, tensor: str) -> Padding:
    """With a whole last tile of K, padding of an operand only reaches rows and columns that are never written.

    Zeros of one operand make those of the other matter no more, if they are finite: inputs are uploaded with zeros.
    """
    if _product(context).over.size % TILE == 0:
        return "any"
    left, right = _operands(context)
    both = left.tensor in context.made and right.tensor in context.made
    return "finite" if tensor in context.made and not (both and tensor == left.tensor) else "zero"


def _along_k(context: Context) -> tuple[Index, tuple[Axis, ...]]:
    """The tile of K of a page, and the axis that its buffer has along a step of several."""
    if not in_steps(context):
        return K, ()
    return add(FIRST_K, K), (Axis(var=K, tiles=BLOCK_K, valid=DEPTH),)


def _left(context: Context, cb: str) -> Access:
    """The left operand, rows by depth: a stream, or the rows that are on the core with all of K."""
    left, _right = _operands(context)
    batch = batch_index(left, context.graph.work)
    k, depth = _along_k(context)
    row = add(FIRST_ROW, ROW) if context.blocked else Y
    rows = (row_axis(context, resident=False),) if context.blocked else ()
    resident = context.is_resident(left.tensor)
    return Access(
        tensor=left.tensor, cb=cb, padding=_padding(context, left.tensor), on_fpu=True, resident=resident,
        axes=(row_axis(context, resident=True), whole_depth(context)) if resident else (*rows, *depth),
        page=_page(batch, _MT, row, _KT, k), in_runs=not resident and context.in_runs(left.tensor, context.block.k),
    )  # fmt: skip


def _right(context: Context, cb: str) -> Access:
    """The right operand, depth by columns, whichever way it is stored."""
    _left, right = _operands(context)
    batch = batch_index(right, context.graph.work)
    k, depth = _along_k(context)
    col = add(FIRST_COL, COL) if context.blocked else X
    cols = (col_axis(context, resident=False),) if context.blocked else ()
    transposed = _product(context).transposed[1]
    return Access(
        tensor=right.tensor, cb=cb, padding=_padding(context, right.tensor), on_fpu=True, axes=(*depth, *cols),
        page=_page(batch, _NT, col, _KT, k) if transposed else _page(batch, _KT, k, _NT, col),
        in_runs=not transposed and context.in_runs(right.tensor, context.block.n),
    )  # fmt: skip


def _summaries(
    context: Context, a: Access, b: Access, beside: tuple[Access, ...], stores: tuple[Access, ...]
) -> tuple[str, str, str]:
    """What the reader, the compute and the writer kernel do."""
    columns = "rows" if _product(context).transposed[1] else "columns"
    if context.blocked:
        parts = [f"a block of rows of {a.tensor}", f"{'a block' if a.resident else 'one'} of {columns} of {b.tensor}"]
    else:
        parts = [f"a row of tiles of {a.tensor}", f"a {columns[:-1]} of tiles of {b.tensor}"]
    what = "blocks" if context.blocked else "tiles"
    then = f", then the {what} of the epilogue." if streams(beside) else "."
    reads = f"Reads, for each unit of this core, {' and '.join(parts[a.resident :])}{then}"
    writes = writing(context, stores)
    if context.exchanges:
        reads = f"{_sharing(context, 'a', f'blocks of rows of {a.tensor}')}{then}"
        writes = f"{_sharing(context, 'b', f'blocks of {columns} of {b.tensor}')}. {writes}"
    computes = "Accumulates each unit over K"
    if any(isinstance(value, Elementwise) for value in context.graph.values):
        computes += " and applies the epilogue before it leaves the core"
    return reading((a, b, *beside), reads), f"{computes}.", writes


def _sharing(context: Context, operand: Operand, blocks: str) -> str:
    """Who reads the blocks of an operand."""
    match context.groups.get(operand):
        case None:
            return f"Reads {blocks} for each unit of this core"
        case "row" | "column" as line:
            return f"The cores of a {line} take turns to read {blocks} and multicast them to the {line}"
        case "all":
            return f"All cores take turns to read {blocks} and multicast them to the others"


def _packs_product(context: Context) -> bool:
    """Whether the product goes to its output as it is: nothing is computed of it, and no step of K rounds it."""
    graph = context.graph
    if len(graph.outputs) > 1 or graph.outputs[0].value != graph.contractions[0]:
        return False
    if accumulates_in_dst(context) or context.dtypes[graph.outputs[0].tensor] == context.intermediate_dtype:
        return True
    return tiles_of(_product(context).over.size) <= context.block.k


def _page(batch: Index, rows: Index, row: Index, cols: Index, col: Index) -> Index:
    return add(mul(add(mul(batch, rows), row), cols), col)


def _refusals(graph: Graph) -> Iterator[Refusal]:
    product = graph.contraction
    if product is not None and product.transposed[0]:
        message = (
            "the left operand of '@' can't be transposed, only the right one: store it transposed, or compute the "
            "transposed result with the operands swapped"
        )
        yield Refusal(value=product, message=message)


def _limits(graph: Graph) -> BlockSize:
    rows, cols = work_tiles(graph)
    product = graph.contraction
    assert product is not None, "a formula of this pattern has one"
    return BlockSize(m=rows, n=cols, k=tiles_of(product.over.size))


def _subblock(graph: Graph, block: BlockSize, slots: int) -> Subblock:
    """The largest part of a block that DST holds; of equal ones the one that is fed fastest.

    `matmul_block` keeps a tile of the operand along its shorter side in a source register while it streams the other's
    past it (llk_unpack_AB_matmul.h: the first operand is kept where there are at least as many columns as rows), so
    fewer streamed bytes are better; then squarer ones, which measured GEMMs feed better than rows of tiles.
    """
    product = graph.contraction
    assert product is not None, "a formula of this pattern has one"
    left, right = (DTYPES[operand.dtype].tile_bytes for operand in graph.operands_of(product))
    sides = [
        (h, w)
        for h in range(1, min(slots, block.m) + 1)
        for w in range(1, min(slots // h, block.n) + 1)
        if block.m % h == 0 and block.n % w == 0
    ]
    h, w = min(sides, key=lambda side: _rank(side[0], side[1], left, right))
    return Subblock(h=h, w=w)


def _rank(h: int, w: int, left: int, right: int) -> tuple[int, int, int, int]:
    return (-h * w, right if w >= h else left, abs(w - h), -w)


PATTERN: Final = Pattern(
    is_for=lambda graph: bool(graph.contractions),
    refusals=_refusals,
    limits=_limits,
    subblock=_subblock,
    design=design,
    meaning="one contraction of two tensors, and an elementwise epilogue on its result",
)
