"""Pattern `attention`: softmax(Q @ K.mT) @ V, scaled and masked; a unit is some rows of tiles of queries.

Scores and weights never leave the core, and no row of them is ever whole: keys and values come in steps, and with each
of them the output so far is corrected (`flash`). What keys a unit needs no more, none of its kernels goes through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ttgen.dtypes import TILE, DTypeName
from ttgen.errors import refuse
from ttgen.formula.online import Online, attention_of
from ttgen.formula.values import Contraction, Graph, Input, spans
from ttgen.model.body import Body, Pop, Wait
from ttgen.model.design import BufferDesign, BufferRole, Design, KernelDesign
from ttgen.model.index import ONE, ZERO, Const, Index, Var, add, evaluate, mul
from ttgen.model.plan import BlockSize, Padding, Subblock
from ttgen.patterns.access import Access, Axis, pop, wait
from ttgen.patterns.along import KT, in_part
from ttgen.patterns.combining import combine
from ttgen.patterns.configure import Alike, configure
from ttgen.patterns.context import Context, tiles_of
from ttgen.patterns.contraction import DEPTH, FIRST_K, K
from ttgen.patterns.elementwise import untaken
from ttgen.patterns.exchange import Gathered
from ttgen.patterns.flash import DT, FIRST_QUERY, IN_TURN, QUERY_ROWS, ROW_PAGES, VT, Flash, Rings
from ttgen.patterns.kernels import awaited, settled
from ttgen.patterns.keyed import MT, Reads, filled, fills_of, head, moved, over_keys, units
from ttgen.patterns.operands import Leaf, Spill
from ttgen.patterns.pages import COL, ROW, batch_index, sizes
from ttgen.patterns.pattern import Pattern, work_tiles
from ttgen.patterns.scaling import Scaling, beside, scaling
from ttgen.patterns.units import BLOCK_K, BLOCK_M, PARTS

DEEP = Var("d")
_MASKS = 3
"""Tiles of the diagonal, after it where it goes across tiles, and beyond."""


def design(context: Context) -> Design:
    """The kernels of an attention."""
    online = _online(context.graph)
    rings, accesses = _rings(context, online)
    queries, keys, values, others = accesses
    flash = Flash(
        rings=rings,
        scaling=_scaling(context.graph, context.dst_slots, lambda index: _leaf(context, others, index)),
        transposed=_product(context.graph, online.scores).transposed[1],
        causal=online.is_causal,
        ragged=_is_ragged(context.graph, online),
        beside={access.cb: access.pages for access in others.values()},
        beyond=bool(context.groups),
    )
    numbers = _sizes(context, online)
    fills = tuple(fills_of(rings, flash))
    held = {cb: Const(sum(fill.cb == cb for fill in fills)) for cb in dict.fromkeys(fill.cb for fill in fills)}
    reads, writes = moved(context, flash, accesses)
    end = flash.end() if rings.gathered is None else combine(rings, rings.gathered)
    unit: Body = (
        *wait((queries,)), *flash.begin(), *over_keys(context, flash, flash.step()), *end, *pop((queries,)),
    )  # fmt: skip
    computes: Body = (
        *(Wait(cb=cb, pages=pages) for cb, pages in held.items()),
        units(context, unit),
        *(Pop(cb=cb, pages=pages) for cb, pages in held.items()),
    )
    bodies = (
        settled(in_part(context, (*filled(fills, held), units(context, reads)))),
        in_part(context, computes),
        settled(in_part(context, (units(context, writes),))),
    )
    names, summaries = _words(context, flash)
    kernels = (
        KernelDesign(name=names[0], part="reader", noc="read", body=bodies[0], summary=summaries[0]),
        KernelDesign(name="compute", part="compute", body=configure(bodies[1], _alike(rings)), summary=summaries[1]),
        KernelDesign(name=names[1], part="writer", noc="write", body=bodies[2], summary=summaries[2]),
    )
    read = (queries, keys, *others.values(), values)
    return Design(
        kernels=kernels,
        semaphores=awaited(bodies),
        buffers=tuple(_buffers(context, rings, read, held, numbers)),
        sizes=numbers,
        numbers=flash.scaling.numbers,
        padding={
            tensor: tuple(access.padding for access in read if access.tensor == tensor)
            for tensor in dict.fromkeys(access.tensor for access in read)
        },
        dst_tiles=max(context.subblock.w + flash.scaling.spare, numbers["value_cols"] + 1, 3),
        accumulator="",
        spills=(),
    )


def _words(context: Context, flash: Flash) -> tuple[tuple[str, str], tuple[str, str, str]]:
    """Names of the kernels that move data, and what all of them do."""
    computes = "Attention of each unit: softmax along rows that are never whole, corrected from step to step"
    last = ", up to the last that it has" if flash.causal else ""
    reads = f"Reads the queries of each unit of this core, and its keys and values step by step{last}."
    writes = "Writes the output of each unit of this core."
    if context.groups:
        share = (
            "the cores of a row take turns to read and multicast"
            if context.groups["kv"] == "row"
            else ("all cores take turns to read and multicast")
        )
        return ("reader_keys", "reader_values_writer"), (
            f"Reads the queries of each unit of this core; {share} its keys, step by step.",
            f"{computes}.",
            f"{share[0].upper()}{share[1:]} values, step by step. {writes}",
        )
    if flash.rings.gathered is not None:
        reads = f"Reads the queries of each unit of this core, and its part of the keys and values step by step{last}."
        writes = "Tells the other cores of a unit what this one made of its keys; the first of them writes the output."
        computes += ", and put together of the parts of all cores"
    return ("reader", "writer"), (reads, f"{computes}.", writes)


# What it is made of.


def _online(graph: Graph) -> Online:
    online = attention_of(graph)
    assert online is not None, "a formula of this pattern is an attention"
    return online


def _product(graph: Graph, index: int) -> Contraction:
    value = graph.values[index]
    assert isinstance(value, Contraction), "it is one"
    return value


def _input(graph: Graph, index: int) -> Input:
    value = graph.values[index]
    assert isinstance(value, Input), "operands are tensors"
    return value


def _is_ragged(graph: Graph, online: Online) -> bool:
    """Whether the last tile of keys has to be masked: the diagonal of a causal attention ends before its padding."""
    return not online.is_causal and _product(graph, online.summed).over.size % TILE != 0


def _scaling(graph: Graph, slots: int, leaf: Callable[[int], Leaf]) -> Scaling:
    """What scores become.

    Raises:
        SpecError: DST has no room for it.
    """
    online = _online(graph)
    masked = online.is_causal or _is_ragged(graph, online)
    try:
        return scaling(graph, online, slots, leaf, masked=masked)
    except Spill as spill:
        text = (
            f"what scores are scaled by needs more values at once than DST's {slots} slots hold: assign a part of it "
            "to a declared tensor, which a program of its own makes"
        )
        raise refuse(text, "compute", at_key=True) from spill


def _sizes(context: Context, online: Online) -> dict[str, int]:
    """The sizes of all loops."""
    graph = context.graph
    scores, summed = _product(graph, online.scores), _product(graph, online.summed)
    rows, keys = graph.values[online.scores].shape[-2:]
    found = sizes(context, tiles_of(keys))
    vt = tiles_of(summed.shape[-1])
    found |= {"Dt": tiles_of(scores.over.size), "Vt": vt, "value_cols": _divisor(vt, context.dst_slots - 1)}
    found["row_pages"] = vt + 2
    if context.loop == "rectangle":
        # Heads are rows of the grid.
        found["grid_z"] = 1
    if context.split > 1:
        found |= {"parts": context.split, "own_tiles": vt + 2}
    if online.is_causal:
        before, rest = divmod(keys - rows, TILE)
        found |= {"keys_before": before, "keys_beyond": before + (rest > 0), "diagonal_valid": rest + TILE}
        found |= {"after_valid": rest, "last_mask": _MASKS - 1}
    elif _is_ragged(graph, online):
        found["valid"] = keys % TILE
    return found


def _divisor(size: int, most: int) -> int:
    """The largest divisor of a size that isn't more than something."""
    return max(side for side in range(1, min(size, most) + 1) if size % side == 0)


# Where it is.


def _rings(context: Context, online: Online) -> tuple[Rings, Reads]:
    """The buffers, and the blocks of tensors that go through them."""
    graph = context.graph
    scores, summed = _product(graph, online.scores), _product(graph, online.summed)
    queries, keys = (_input(graph, operand) for operand in scores.operands)
    values = _input(graph, summed.operands[1])
    others = beside(graph, online)
    uses = Counter(value.tensor for value in (queries, keys, values, *(_input(graph, index) for index in others)))
    taken = set(context.dtypes)

    def name(wanted: str) -> str:
        found = untaken(wanted, frozenset(taken))
        taken.add(found)
        return found

    def cb_of(tensor: str, use: str) -> str:
        return tensor if uses[tensor] == 1 else name(f"{tensor}_{use}")

    q, k, v = cb_of(queries.tensor, "queries"), cb_of(keys.tensor, "keys"), cb_of(values.tensor, "values")
    found = Rings(
        queries=q, keys=k, values=v,
        beside={index: cb_of(_input(graph, index).tensor, "scores") for index in others},
        scaler=name("scaler"),
        masks=name("masks") if online.is_causal or _is_ragged(graph, online) else "",
        scores=name("scores"), powers=name("weights"), state=name("state"), largest=name("largest"),
        rescale=name("rescale"),
        gathered=Gathered(own=name("own"), all=name("all"), pages=2 + tiles_of(summed.shape[-1]))
        if context.split > 1 else None,
        shares=name("shares") if context.split > 1 else "", output=graph.outputs[0].tensor,
    )  # fmt: skip
    row = Axis(var=ROW, tiles=BLOCK_M, valid=QUERY_ROWS)
    deep, wide = Axis(var=DEEP, tiles=DT, valid=DT), Axis(var=COL, tiles=VT, valid=VT)
    step = Axis(var=K, tiles=BLOCK_K, valid=DEPTH)
    at_row, at_key = add(FIRST_QUERY, ROW), add(FIRST_K, K)
    transposed = scores.transposed[1]

    def page(value: Input, rows: Index, line: Index, cols: Index, col: Index) -> Index:
        batch = batch_index(value, graph.work, z=head(context))
        return add(mul(add(mul(batch, rows), line), cols), col)

    def access(value: Input, cb: str, axes: tuple[Axis, ...], page: Index, padding: Padding) -> Access:
        return Access(tensor=value.tensor, cb=cb, axes=axes, page=page, padding=padding, on_fpu=True)

    # Scores of padding are masked by addition, and weights of padding are 0: both take any number that is finite.
    needs = _needs(context, online)
    at_keys = (KT, at_key, DT, DEEP) if transposed else (DT, DEEP, KT, at_key)
    reads = (
        access(queries, q, (row, deep), page(queries, MT, at_row, DT, DEEP), needs[0]),
        access(keys, k, (deep, step), page(keys, *at_keys), needs[1]),
        access(values, v, (step, wide), page(values, KT, at_key, VT, COL), needs[2]),
    )
    beside_reads: dict[int, Access] = {}
    for index in others:
        value = _input(graph, index)
        tall, long = spans(value, scores.axes)
        line, col = (at_row if tall else ZERO), (at_key if long else ZERO)
        rows, cols = (MT if tall else ONE), (KT if long else ONE)
        axes = (*((row,) if tall else ()), *((step,) if long else ()))
        beside_reads[index] = replace(
            access(value, found.beside[index], axes, page(value, rows, line, cols, col), "zero"), on_fpu=False
        )
    return found, (*reads, beside_reads)


def _needs(context: Context, online: Online) -> tuple[Padding, Padding, Padding]:
    """What queries, keys and values have to hold in their padding, along what is summed over and along keys.

    Of queries and keys one has zeros where the other one's numbers are finite. Scores of padding are masked by
    addition, and its weights are 0: both take any number that is finite. Inputs are uploaded with zeros.
    """
    graph = context.graph
    scores, summed = _product(graph, online.scores), _product(graph, online.summed)
    tensors = [_input(graph, index).tensor for index in (*scores.operands, summed.operands[1])]
    finite: list[Padding] = ["finite" if tensor in context.made else "zero" for tensor in tensors]
    queries: Padding = "any"
    keys: Padding = "any"
    if scores.over.size % TILE:
        queries, keys = finite[0], finite[1]
        if queries == keys == "finite":
            queries = "zero"
    if summed.over.size % TILE == 0:
        return queries, keys, "any"
    return queries, finite[1] if keys == "any" else keys, finite[2]


def _leaf(context: Context, others: Mapping[int, Access], index: int) -> Leaf:
    """The tile of a tensor that a score is scaled or shifted by."""
    access = others[index]
    slot = access.place(*(ROW if axis.var == ROW else IN_TURN for axis in access.axes))
    return Leaf(cb=access.cb, exact=context.dtypes[access.tensor] == "float32", slot=slot)


def _alike(rings: Rings) -> Alike:
    """Buffers that are float32 whatever tensors are."""
    copied = (rings.state, rings.rescale)
    return Alike(packed=(rings.scores, *copied, rings.largest), copied=copied)


def _buffers(
    context: Context, rings: Rings, read: tuple[Access, ...], held: Mapping[str, Index], values: Mapping[str, int]
) -> Iterator[BufferDesign]:
    """All buffers of the program."""

    def buffer(
        name: str, role: BufferRole, dtype: DTypeName, pages: Index, blocks: int = 1, *, to_dst: bool = False
    ) -> BufferDesign:
        return BufferDesign(
            name=name, role=role, dtype=dtype, block=evaluate(pages, values), blocks=blocks,
            unpack_to_dst=to_dst and dtype == "float32",
        )  # fmt: skip

    for access in read:
        dtype = context.dtypes[access.tensor]
        yield buffer(access.cb, "input", dtype, access.pages, context.buffers, to_dst=not access.on_fpu)
    yield buffer(rings.output, "output", context.dtypes[rings.output], VT, context.buffers)
    exact: DTypeName = "float32" if "float32" in context.dtypes.values() else "bfloat16"
    yield buffer(rings.scores, "intermediate", "float32", BLOCK_K)
    yield buffer(rings.powers, "intermediate", exact, BLOCK_K)
    yield buffer(rings.state, "intermediate", "float32", mul(add(BLOCK_M, ONE), ROW_PAGES), to_dst=True)
    yield buffer(rings.largest, "intermediate", "float32", ONE)
    yield buffer(rings.rescale, "intermediate", "float32", ONE, to_dst=True)
    for cb, pages in held.items():
        yield buffer(cb, "fed", "bfloat16", pages)
    if rings.gathered is not None:
        yield buffer(rings.shares, "intermediate", "float32", PARTS, to_dst=True)
        yield buffer(rings.gathered.own, "sent", "float32", rings.gathered.own_pages)
        yield buffer(rings.gathered.all, "fed", "float32", rings.gathered.all_pages, to_dst=True)


# What the planner asks.


def _limits(graph: Graph) -> BlockSize:
    rows, cols = work_tiles(graph)
    return BlockSize(m=rows, n=cols, k=tiles_of(_product(graph, _online(graph).summed).over.size))


def _subblock(graph: Graph, block: BlockSize, slots: int) -> Subblock:
    """The scores of a step that DST holds beside what it takes to scale one of them."""
    spare = _scaling(
        graph, slots, lambda index: Leaf(cb=str(index), exact=_input(graph, index).dtype == "float32")
    ).spare
    return Subblock(h=1, w=_divisor(block.k, slots - spare))


PATTERN = Pattern(
    is_for=lambda graph: attention_of(graph) is not None,
    refusals=lambda _graph: iter(()),
    limits=_limits,
    subblock=_subblock,
    design=design,
    meaning="attention: a product, a softmax along its rows, and a product with that",
)
