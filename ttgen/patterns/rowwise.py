"""Pattern `rowwise`: formulas that reduce along one axis; a unit is some lines of tiles along it.

A line is gone through in walks (`passes`). A walk packs what is kept, reduces, and computes the flat values that
follow, with all of a line's tiles in one hand-over of DST; the last one computes outputs tile by tile (`reducing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ttgen.dtypes import TILE, DTypeName
from ttgen.errors import refuse
from ttgen.formula.values import Graph, Input, Value
from ttgen.model.body import (
    Body,
    Op,
    Pop,
    Push,
    Reserve,
    Tile,
    Wait,
    walk,
)
from ttgen.model.design import BufferDesign, BufferRole, Design, KernelDesign
from ttgen.model.index import ONE, Const, Index, Var, add, evaluate, mul
from ttgen.model.plan import BlockSize, Padding, Subblock
from ttgen.model.tiles import Content, FillTile
from ttgen.patterns.along import KT, in_part, is_one_by_one, line_pages
from ttgen.patterns.configure import configure
from ttgen.patterns.context import Context, tiles_of
from ttgen.patterns.elementwise import untaken
from ttgen.patterns.exchange import Gathered
from ttgen.patterns.held import Places
from ttgen.patterns.kernels import awaited, settled
from ttgen.patterns.lines import Moving
from ttgen.patterns.operands import Spill
from ttgen.patterns.pages import COL, ROW, SHARD_M, SHARD_N, sizes
from ttgen.patterns.passes import Passes, prepared
from ttgen.patterns.pattern import Pattern, work_tiles
from ttgen.patterns.reducing import Computed, line_of
from ttgen.patterns.spreading import columns_put_out, padding_of_columns, spreads_columns
from ttgen.patterns.units import (
    BLOCK_K,
    SHARD_COL,
    SHARD_ROW,
    X_TRIP,
    Y_TRIP,
)

_VALID = Var("valid")
_EXCHANGES = "Tells the other cores of a line what this one reduced of its part, and gets the same of theirs. "
_LINES = {"row": "row of tiles", "col": "column of tiles", "batch": "tile of all batches"}


def design(context: Context) -> Design:
    """The kernels of a program that reduces."""
    passes, places, computed = _computed(context)
    fills = tuple(_fills(passes, places, computed.body))
    moving = Moving(context, passes, places)
    once = [index for index in passes.inputs if passes.is_read_once(index) and not moving.is_resident(index)]
    held: dict[str, Index] = {}
    for fill in fills:
        held[fill.cb] = Const(sum(other.cb == fill.cb for other in fills))
    line_tiles = KT if is_one_by_one(context) else line_pages(context)
    held |= {places.cbs[index]: line_tiles if passes.is_whole(index) else ONE for index in once}
    # Shards stay where they are, and are handed over before and after all lines.
    whole = {output.tensor: passes.is_whole(output.value) for output in passes.graph.outputs}
    whole |= {places.cbs[index]: passes.is_whole(index) for index in passes.inputs}
    shards = {cb: _shard_pages(context, passes, is_whole=whole[cb]) for cb in places.resident}
    outputs = {output.tensor for output in passes.graph.outputs}
    there = {cb: pages for cb, pages in shards.items() if cb not in outputs}
    made = {cb: pages for cb, pages in shards.items() if cb in outputs}
    held |= there
    line = _LINES[passes.line]
    values = sizes(context, _along(context.graph)) | _more_sizes(context, passes, places)
    bodies = (
        (
            *_filled(fills),
            *(Reserve(cb=cb, pages=pages) for cb, pages in there.items()),
            *(Push(cb=cb, pages=pages) for cb, pages in there.items()),
            *moving.read_once(once),
            *moving.for_units(moving.reads()),
        ),
        (
            *(Wait(cb=cb, pages=pages) for cb, pages in held.items()),
            *(Reserve(cb=cb, pages=pages) for cb, pages in made.items()),
            *moving.for_units(computed.body),
            *(Push(cb=cb, pages=pages) for cb, pages in made.items()),
            *(Pop(cb=cb, pages=pages) for cb, pages in held.items()),
        ),
        (
            *moving.for_units(moving.writes()),
            *(Wait(cb=cb, pages=pages) for cb, pages in made.items()),
            *(Pop(cb=cb, pages=pages) for cb, pages in made.items()),
        ),
    )
    reads, computes, writes = (in_part(context, body) for body in bodies)
    columns: Mapping[str, Padding] = {}
    # Another program may spread the columns that this one puts out.
    spread = spreads_columns(item for item in walk(computed.body) if isinstance(item, Op))
    if spread or columns_put_out(context.graph, passes.spread_axes):
        columns = padding_of_columns(context.graph, passes.spread_axes, context.made)
    part = "its part of " if context.split > 1 else ""
    kernels = (
        KernelDesign(
            name="reader", part="reader", noc="read",
            summary=f"Reads {part}each {line} of this core{_times(passes)}.", body=reads,
        ),
        KernelDesign(
            name="compute", part="compute", body=configure(computes),
            summary=f"Goes along {part}each {line}{_walks(passes)}: reduces it, and computes what follows.",
        ),
        KernelDesign(
            name="writer", part="writer", noc="write", body=settled(writes),
            summary=f"{_EXCHANGES if context.split > 1 else ''}{_written(passes, made)}",
        ),
    )  # fmt: skip
    return Design(
        kernels=kernels,
        semaphores=awaited([kernel.body for kernel in kernels]),
        buffers=tuple(_buffers(context, passes, places, computed, held, values)),
        sizes=values,
        numbers=computed.numbers,
        padding={value.tensor: (columns.get(value.tensor, "any"),) for value in _inputs(passes)},
        dst_tiles=computed.dst_tiles,
        accumulator="",
        spills=computed.spills,
    )


def _more_sizes(context: Context, passes: Passes, places: Places) -> dict[str, int]:
    """What lines need beside the sizes of all patterns: the columns of a last tile, and of parts the most steps."""
    found = {"valid": passes.axis.size % TILE} if passes.is_ragged else {}
    if context.split > 1:
        steps = -(-_along(context.graph) // context.block.k)
        found["part_blocks"] = max(
            (part + 1) * steps // context.split - part * steps // context.split for part in range(context.split)
        )
        found["parts"] = context.split
        found |= {f"{one.own}_tiles": one.pages for one in places.gathered.values() if one.pages > 1}
    return found


def _shard_pages(context: Context, passes: Passes, *, is_whole: bool) -> Index:
    """The tiles of a shard, of a tensor that varies along the lines or not."""
    across = SHARD_M if passes.line == "row" else SHARD_N if passes.line == "col" else mul(SHARD_M, SHARD_N)
    return mul(across, _line_in_shard(context)) if is_whole and passes.line != "batch" else across


def _line_in_shard(context: Context) -> Index:
    """The tiles of a line that lie on a core."""
    return line_pages(context) if context.split > 1 else KT


def _written(passes: Passes, made: Mapping[str, Index]) -> str:
    """What the writer does."""
    names = ", ".join(made)
    line = _LINES[passes.line]
    if len(made) == len(passes.graph.outputs):
        return f"Takes the shard of {names} on this core from compute: packed in place, nothing is written."
    return f"Writes what is made of each {line} of this core."


def _inputs(passes: Passes) -> Iterator[Input]:
    for index in passes.inputs:
        value = passes.graph.values[index]
        assert isinstance(value, Input), "inputs are"
        yield value


def _computed(context: Context) -> tuple[Passes, Places, Computed]:
    """The walks along a line: as few as DST has room for.

    Raises:
        SpecError: it has none for a single reduction.
    """
    graph, exact = prepared(context.graph), "float32" in context.dtypes.values()
    for apart in (False, True):
        passes = Passes(graph=graph, keep=context.keep, exact=exact, apart=apart, split=context.split)
        places = _places(context, passes)
        try:
            return passes, places, line_of(context, passes, places)
        except Spill:
            continue
    text = (
        f"what is reduced needs more values at once than DST's {context.dst_slots} slots hold: assign a part of it to "
        "a declared tensor, which a program of its own makes"
    )
    raise refuse(text, "compute", at_key=True)


def _times(passes: Passes) -> str:
    walks = len(passes.walks)
    return f" {walks} times, once for each walk along it" if passes.keep == "nothing" and walks > 1 else ""


def _walks(passes: Passes) -> str:
    walks = len(passes.walks)
    return f" {('once', 'twice')[walks - 1] if walks < 3 else f'{walks} times'}"


def _places(context: Context, passes: Passes) -> Places:
    """A name for each buffer: of its tensor, or of the function whose value it holds."""
    taken = set(context.dtypes)
    cbs: dict[int, str] = {}

    def name(wanted: str) -> str:
        found = untaken(wanted, frozenset(taken))
        taken.add(found)
        return found

    for index, value in zip(passes.inputs, _inputs(passes), strict=True):
        cbs[index] = value.tensor
    for one in passes.walks:
        needed = (flat for flat in one.flats if passes.is_needed(flat))
        for index in dict.fromkeys((*one.kept, *one.reductions, *needed)):
            cbs[index] = name(_called(passes.graph, passes.graph.values[index]))
    resident = {
        value.tensor: _in_shard(context, passes, is_whole=passes.is_whole(index))
        for index, value in zip(passes.inputs, _inputs(passes), strict=True)
        if context.is_resident(value.tensor)
    }
    resident |= {
        output.tensor: _in_shard(context, passes, is_whole=passes.is_whole(output.value))
        for output in passes.graph.outputs
        if context.is_resident(output.tensor)
    }
    gathered = {}
    for number, one in enumerate(passes.walks, 1):
        if context.split > 1 and one.reductions:
            what = "_".join(dict.fromkeys(cbs[index] for index in one.reductions))
            gathered[number] = Gathered(own=name(f"own_{what}"), all=name(f"all_{what}"), pages=len(one.reductions))
    return Places(cbs=cbs, scaler=name("scaler"), mask=name("mask"), gathered=gathered, resident=resident)


def _in_shard(context: Context, passes: Passes, *, is_whole: bool) -> Callable[[Index], Index]:
    """Where a tile lies in a shard, by its place in the line."""
    is_block = context.block.m * context.block.n > 1
    row, col = (add(SHARD_ROW, ROW), add(SHARD_COL, COL)) if is_block else (Y_TRIP, X_TRIP)

    def slot(place: Index) -> Index:
        if passes.line == "row":
            return add(mul(row, _line_in_shard(context)), place) if is_whole else row
        if passes.line == "col":
            return add(mul(place, SHARD_N), col) if is_whole else col
        return add(mul(row, SHARD_N), col)

    return slot


def _called(graph: Graph, value: Value) -> str:
    """What a value is called after: a sum times a number is a mean."""
    function = getattr(value, "function", "value")
    if function == "mul":
        parts = {getattr(graph.values[operand], "function", "number") for operand in value.operands}
        return "mean" if parts == {"sum", "number"} else "scale"
    return str(function)


# Tiles that the reader makes.


def _fills(passes: Passes, places: Places, body: Body) -> Iterator[FillTile]:
    """What reductions are scaled by, whole and for the last tile of a line, and what masks that."""
    used = {tile for item in walk(body) if isinstance(item, Op) for tile in item.tiles}
    scaler: Content = "row_scaler" if passes.line == "row" else "col_scaler"
    mask: Content = "row_mask" if passes.line == "row" else "col_mask"
    if any(tile.cb == places.scaler for tile in used):
        yield FillTile(cb=places.scaler, content=scaler, valid=Const(TILE))
    if Tile(places.scaler, ONE) in used:
        yield FillTile(cb=places.scaler, slot=ONE, content=scaler, valid=_VALID)
    if any(tile.cb == places.mask for tile in used):
        yield FillTile(cb=places.mask, content=mask, valid=_VALID)


def _filled(fills: Sequence[FillTile]) -> Body:
    found: list[Reserve | FillTile | Push] = []
    for cb in dict.fromkeys(fill.cb for fill in fills):
        own = [fill for fill in fills if fill.cb == cb]
        found += (Reserve(cb=cb, pages=Const(len(own))), *own, Push(cb=cb, pages=Const(len(own))))
    return tuple(found)


def _buffers(
    context: Context,
    passes: Passes,
    places: Places,
    computed: Computed,
    held: Mapping[str, Index],
    values: Mapping[str, int],
) -> Iterator[BufferDesign]:
    """All buffers of the program."""
    graph, cbs = passes.graph, places.cbs
    intermediate: DTypeName = "float32" if passes.exact else "bfloat16"

    def buffer(
        name: str, role: BufferRole, dtype: DTypeName, pages: Index, blocks: int, *, to_dst: bool
    ) -> BufferDesign:
        return BufferDesign(
            name=name, role=role, dtype=dtype, block=evaluate(pages, values), blocks=blocks,
            unpack_to_dst=to_dst and dtype == "float32", tensor=name if name in places.resident else None,
        )  # fmt: skip

    for index, value in zip(passes.inputs, _inputs(passes), strict=True):
        whole = BLOCK_K if passes.keep == "nothing" else line_pages(context)
        pages = held.get(value.tensor, whole if passes.is_whole(index) else ONE)
        stays = passes.is_whole(index) and passes.keep != "nothing"
        blocks = 1 if value.tensor in held else context.lines if stays else context.buffers
        yield buffer(value.tensor, "input", context.dtypes[value.tensor], pages, blocks, to_dst=True)
    for output in graph.outputs:
        pages = BLOCK_K if passes.is_whole(output.value) else ONE
        blocks = context.buffers
        if output.tensor in places.resident:
            pages, blocks = _shard_pages(context, passes, is_whole=passes.is_whole(output.value)), 1
        yield buffer(output.tensor, "output", context.dtypes[output.tensor], pages, blocks, to_dst=False)
    for index in passes.kept:
        yield buffer(cbs[index], "intermediate", intermediate, line_pages(context), 1, to_dst=True)
    for index in sorted(computed.stored):
        yield buffer(cbs[index], "intermediate", "float32", ONE, 1, to_dst=index in computed.precise)
    for one in places.gathered.values():
        yield buffer(one.own, "sent", "float32", one.own_pages, 1, to_dst=False)
        yield buffer(one.all, "fed", "float32", one.all_pages, 1, to_dst=True)
    for name in computed.spills:
        yield buffer(name, "intermediate", "float32", ONE, 1, to_dst=True)
    for name, pages in held.items():
        if name in (places.scaler, places.mask):
            yield buffer(name, "fed", "bfloat16", pages, 1, to_dst=False)


# What the planner asks.


def _along(graph: Graph) -> int:
    """Tiles of a line."""
    axis = graph.reduced
    assert axis is not None, "a formula of this pattern reduces"
    value = graph.values[graph.reductions[0]]
    return axis.size if getattr(value, "along", 0) > 1 else tiles_of(axis.size)


def _limits(graph: Graph) -> BlockSize:
    rows, cols = work_tiles(graph)
    return BlockSize(m=rows, n=cols, k=_along(graph))


PATTERN = Pattern(
    is_for=lambda graph: graph.reduced is not None,
    refusals=lambda _graph: iter(()),
    limits=_limits,
    # A line is one tile high.
    subblock=lambda _graph, _block, _slots: Subblock(h=1, w=1),
    design=design,
    meaning="reductions along one axis, with elementwise formulas before and after",
)
