"""The plan explains itself: each decision with where it came from and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from ttgen.formula.online import Unlike, attention_of, found_in
from ttgen.formula.values import Graph, Input
from ttgen.model.design import Design
from ttgen.model.index import evaluate
from ttgen.model.plan import Decision, Origin, PanelOrder, Program, Tensor
from ttgen.model.schedule import Decided
from ttgen.patterns import PATTERNS
from ttgen.patterns.along import line_pages
from ttgen.planner.candidate import Candidate
from ttgen.planner.l1 import share
from ttgen.planner.precision import Exactness
from ttgen.planner.stages import StoredTensor
from ttgen.spec import LoadedSpec, in_dram
from ttgen.target import Target

PLAN_WIDE: Final = frozenset({"target", "fidelity", "accumulate"})
"""Decisions that are the same for all programs of a plan."""


def decide(
    loaded: LoadedSpec,
    chosen: Sequence[Candidate],
    programs: Sequence[Program],
    said: Sequence[tuple[Decision, ...]],
    target: Target,
    exactness: Exactness,
    tensors: Mapping[str, Tensor],
    graph: Graph,
) -> tuple[Decision, ...]:
    """All decisions of a plan, in the order that they were made; a program's begin with its name where there are more.

    Args:
        loaded: the spec.
        chosen: how each stage is made.
        programs: that make them.
        said: what else is worth saying of each.
        target: the card.
        exactness: of the math.
        tensors: all of them.
        graph: what the spec's formulas compute.
    """
    own = [
        (
            *_decisions(loaded, made, program, target, exactness),
            *_layouts(made.stage.tensors.values(), target),
            *_shards(made, _own(made, tensors)),
            *_padding(made, _own(made, tensors)),
            *others,
        )
        for made, program, others in zip(chosen, programs, said, strict=True)
    ]
    if len(own) == 1:
        return own[0]
    shared = {item.name: item for item in reversed([item for items in own for item in items]) if item.name in PLAN_WIDE}
    return (
        *_stages(chosen, tensors),
        *_unlike(graph),
        *(shared[item.name] for item in own[0] if item.name in PLAN_WIDE),
        *(
            replace(item, name=f"{program.name}: {item.name}")
            for program, items in zip(programs, own, strict=True)
            for item in items
            if item.name not in PLAN_WIDE
        ),
    )


def _own(made: Candidate, tensors: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    return tuple(tensors[name] for name in made.stage.tensors)


def _stages(chosen: Sequence[Candidate], tensors: Mapping[str, Tensor]) -> Iterator[Decision]:
    """Where the formulas are cut, and what lies between."""
    names = [made.stage.name for made in chosen]
    because = "a program has one '@' at most, outputs of one shape, and operands of '@' that are whole"
    yield Decision(name="stages", value=", ".join(names), origin="rule", because=because)
    for made in chosen:
        for output in made.stage.graph.outputs:
            tensor = tensors[output.tensor]
            if tensor.role == "scratch":
                readers = [other.stage.name for other in chosen if output.tensor in other.stage.graph.inputs]
                value = f"{tensor.name} in {tensor.dtype}, {tensor.pages * tensor.page_bytes:,} B"
                because = f"{_listing_of(readers)} it when it is whole; allocated as long as the programs run"
                if not made.stage.graph.contractions:
                    because = f"an operand of '@' that is computed is a program of its own; {because}"
                if output.tensor in made.stage.unnamed:
                    because += "; no formula names it"
                given = made.stage.tensors[tensor.name].path[0] == "stages"
                yield Decision(name="scratch", value=value, origin="spec" if given else "rule", because=because)


def _unlike(graph: Graph) -> Iterator[Decision]:
    """What resembles an attention and is cut into stages."""
    for found in found_in(graph).values():
        if isinstance(found, Unlike):
            yield Decision(
                name="attention", value="in stages", origin="rule", because=f"no program for all of it: {found.because}"
            )


def _listing_of(readers: Sequence[str]) -> str:
    """`H reads`, or `H and Y read`; what no program reads is there for devices to exchange."""
    if not readers:
        return "devices exchange"
    return f"{readers[0]} reads" if len(readers) == 1 else f"{', '.join(readers[:-1])} and {readers[-1]} read"


def _decisions(
    loaded: LoadedSpec, made: Candidate, program: Program, target: Target, exactness: Exactness
) -> Iterator[Decision]:
    stage, context, design, pattern = made.stage, made.context, made.design, made.pattern

    def said(*path: str) -> Literal["spec", "default"]:
        return "spec" if loaded.gives(*path) else "default"

    def decision(name: str, value: str, origin: Origin, because: str) -> Decision:
        return Decision(name=name, value=value, origin=origin, because=because)

    def decided(name: str, value: str, choice: Decided[Any]) -> Decision:
        return decision(name, value, choice.origin, choice.because)

    work, local, schedule = program.work, context.local, made.schedule
    yield decision("pattern", pattern, "rule", f"the formula is of this kind: {PATTERNS[pattern].meaning}")
    yield decision("target", target.name, said("target"), target.description)
    if work.policy == "local":
        assert local is not None, "shards make a division local"
        where = "its bank's columns" if in_dram(stage.tensors[local.lead].layout) else "its shard"
        because = f"each core makes the part of the output of {where} of {local.lead}"
        yield decision("policy", "local", "rule", because)
    else:
        yield decided("policy", work.policy, schedule.policy)
    order = f"block_linear: {work.order.block_linear}" if isinstance(work.order, PanelOrder) else work.order
    yield decided("order", order, schedule.order)
    if local is None or schedule.cores.origin == "spec":
        yield decision("cores", str(work.cores), schedule.cores.origin, _balance(program))
    else:
        yield decision("cores", str(work.cores), "rule", f"those of the shards of {local.lead}; {_balance(program)}")
    yield from _blocks(made, program, target, exactness)
    yield from _exchanges(made, program)
    yield from _kept(made, target)
    yield decided("fidelity", exactness.fidelity.value, exactness.fidelity)
    slots = target.dst_tiles(bits=exactness.dst_bits)
    if exactness.forced_by:
        because = f"{exactness.forced_by} is float32, which 16-bit DST can't hold"
        yield decision("accumulate", "float32", "rule", because)
    else:
        word = "float32" if exactness.dst_bits == 32 else "bfloat16"
        because = f"{exactness.dst_bits}-bit DST of {slots} tiles; a unit uses {design.dst_tiles}"
        yield decision("accumulate", word, said("precision", "accumulate"), because)
    if design.spills:
        because = f"DST has {slots} slots: these values wait in L1"
        yield decision("spills", ", ".join(design.spills), "rule", because)
    what = "page" if work.block.m * work.block.n * work.block.k == 1 else "block"
    yield _depth(design, schedule.buffers.origin, what)
    yield _nocs(made, target)


def _nocs(made: Candidate, target: Target) -> Decision:
    """Which NoC is for what."""
    value = f"read {target.noc.read}, write {target.noc.write}"
    because = "the target's preference: reads and writes in opposite directions"
    if "kv" in made.context.groups:
        value = f"keys {target.noc.read}, values and the output {target.noc.write}"
        because = "keys and values have a kernel each, which multicasts them on a NoC of its own"
    elif made.context.exchanges and made.context.graph.contractions:
        nocs = [target.noc.read, target.noc.write][:: 1 if made.context.heavier == "a" else -1]
        value = f"a {nocs[0]}, b and the output {nocs[1]}"
        because = f"each operand's kernel has one; more is read of {made.context.heavier}, which has the one for reads"
        if made.context.heavier == "a":
            because = "each operand's kernel has one, that of the output's the one for writes"
    return Decision(name="noc", value=value, origin="rule", because=because)


def _depth(design: Design, origin: Origin, what: str) -> Decision:
    """How much of what moves a buffer holds."""
    moving = [buffer for buffer in design.buffers if buffer.role in ("input", "output") and buffer.tensor is None]
    single = [buffer.name for buffer in moving if buffer.blocks == 1]
    roles = " and ".join(f"{role}s" for role in ("input", "output") if any(item.role == role for item in moving))
    most = max((buffer.blocks for buffer in moving), default=1)
    value, because = f"{most} {what}s", f"{roles} move while the core computes"
    if not moving:
        value, because = "shards", "nothing moves"
    elif len(single) == len(moving):
        value, because = f"1 {what}", "no core has a second of anything that moves"
    elif single:
        because += f"; no core has a second {what} of {', '.join(single)}"
    return Decision(name="buffers", value=value, origin="rule" if origin == "default" else origin, because=because)


def _layouts(tensors: Iterable[StoredTensor], target: Target) -> Iterator[Decision]:
    """Where tensors are that aren't in DRAM."""
    shares = {tensor.name: share(tensor, None, target) for tensor in tensors if tensor.layout == "l1_interleaved"}
    if shares:
        parts = ", ".join(f"{name} {bytes_:,}" for name, bytes_ in shares.items())
        because = f"pages go round the L1 of all {target.grid.cores} cores; bytes that they take on each: {parts}"
        yield Decision(name="l1_interleaved", value=", ".join(shares), origin="spec", because=because)


def _shards(made: Candidate, tensors: Sequence[Tensor]) -> Iterator[Decision]:
    """Which shards stay where they are, and what becomes of the others."""
    context = made.context
    for tensor in tensors:
        if tensor.shards is None:
            continue
        way = "read" if tensor.name in context.graph.inputs else "written"
        because = f"a core needs other tiles than those of its shard: {way} page by page, wherever they lie"
        if context.is_resident(tensor.name):
            because = "each core's shard is all that it needs of it: circular buffers lie on the shards, nothing moves"
        elif tensor.in_dram:
            leads = context.local is not None and context.local.lead == tensor.name
            because = "each bank's columns are read by the core beside it" if leads else "read from all banks"
        height, width = tensor.shards.tiles
        name = "dram_sharded" if tensor.in_dram else "l1_sharded"
        yield Decision(name=name, value=f"{tensor.name}, {height}x{width} tiles", origin="spec", because=because)


def _padding(made: Candidate, tensors: Sequence[Tensor]) -> Iterator[Decision]:
    """Which tensors are uploaded with zeros in their padding, and why."""
    padding = made.design.padding
    zero = {tensor.name for tensor in tensors if any(use.padding == "zero" for use in tensor.uses)}
    asked = [name for name, uses in padding.items() if "zero" in uses]
    graph = made.context.graph
    columns = {value.tensor for index in graph.beside if isinstance(value := graph.values[index], Input)}
    products = [name for name in asked if name not in columns]
    for names, because in (
        (products, "the last tile of K is ragged, and its padding is multiplied; tensors are uploaded zero-padded"),
        (
            [name for name in asked if name in columns],
            "the vector unit spreads columns, and multiplies what is beside by 0; tensors are uploaded zero-padded",
        ),
        (
            [name for name in padding if name in zero and name not in asked],
            "block floats share an exponent among sixteen neighbours of a row, which must not be that of padding",
        ),
    ):
        if names:
            yield Decision(name="padding", value=f"zero: {', '.join(names)}", origin="rule", because=because)


def _blocks(made: Candidate, program: Program, target: Target, exactness: Exactness) -> Iterator[Decision]:
    """The unit, how often operands are read for it, and the part of it that is in DST at once."""
    context, design = made.context, made.design
    block, subblock, grid = program.work.block, program.work.subblock, program.work.grid
    origin = made.schedule.block.origin
    chosen = f"; {made.schedule.block.because}" if made.schedule.block.because else ""
    if block.m * block.n * block.k == 1:
        because = f"one output tile a trip of the kernels' loop{chosen}"
        yield Decision(name="unit", value="1x1 tile", origin=origin, because=because)
        return
    value = f"{block.m}x{block.n} tiles"
    because = "one output block a trip of the kernels' loop"
    if attention_of(context.graph) is not None:
        down = grid.x if context.loop == "rectangle" else grid.y
        read = _times(-(-down // _sharers(program, "kv")))
        rows = "row" if block.m == 1 else "rows"
        value = f"{block.m} {rows} of tiles, keys {block.k} tiles a step"
        yield Decision(name="unit", value=value, origin=origin, because=f"keys and values are read {read}{chosen}")
        return
    if program.cost.tile_products:
        value += f", {block.k} deep"
        product = context.graph.contraction
        assert product is not None, "tile products are those of a contraction"
        left, right = context.graph.operands_of(product)
        stays = isinstance(left, Input) and context.is_resident(left.tensor)
        # What has no batches of its own is read for each of them.
        times = [
            -(-units // _sharers(program, operand)) * grid.z // math.prod(node.shape[:-2])
            for node, units, operand in ((left, grid.x, "a"), (right, grid.y, "b"))
        ]
        reads = "the left operand stays in its shards" if stays else f"the left operand is read {_times(times[0])}"
        reads += f", the right one {'is read ' if stays else ''}{_times(times[1])}"
        because = f"each block of an operand is read once a unit and step of K: {reads}"
    yield Decision(name="unit", value=value, origin=origin, because=because + chosen)
    if program.cost.tile_products and block.m * block.n > 1:
        slots = target.dst_tiles(bits=exactness.dst_bits)
        whole = (subblock.h, subblock.w) == (block.m, block.n)
        because = f"the largest of the block's divisions that DST's {slots} tiles hold"
        if whole:
            because = f"DST's {slots} tiles hold the whole unit"
        yield Decision(name="subblock", value=f"{subblock.h}x{subblock.w}", origin="rule", because=because)
        if design.accumulator:
            because = "the epilogue reads it tile by tile" if whole else "the packer adds up the steps of K in L1"
            buffer = next(buffer for buffer in design.buffers if buffer.name == design.accumulator)
            if buffer.lies_in:
                because += f"; {buffer.lies_in} has the same format, and its tiles come in their place"
            yield Decision(name="partials", value=f"{buffer.name} in {buffer.dtype}", origin="rule", because=because)


def _sharers(program: Program, name: str) -> int:
    """How many cores share an operand."""
    members = [group.members for group in program.groups if group.name == name]
    return sum(1 for area in members[0][0].core_ranges for _core in area.cores()) if members else 1


def _exchanges(made: Candidate, program: Program) -> Iterator[Decision]:
    """What cores share, and how."""
    schedule, groups = made.schedule, made.divided.groups
    if schedule.multicast.value != "none":
        because = "no core has another one to share with"
        if groups:
            words = {"row": "the cores of a row", "column": "the cores of a column", "all": "all cores"}
            names = {"kv": "keys and values"}
            parts = (
                f"{words[shape]} share {names.get(name, name)} ({_sharers(program, name)})"
                for name, shape in groups.items()
            )
            because = f"{'; '.join(parts)}: each block is read once, by a core whose turn it is, and multicast"
        yield Decision(
            name="multicast", value=schedule.multicast.value, origin=schedule.multicast.origin, because=because
        )
    if schedule.prefetch.value and groups:
        because = "a core reads its next block into a buffer of its own while others send"
        yield Decision(name="prefetch", value="true", origin=schedule.prefetch.origin, because=because)
    if schedule.split.value > 1:
        because = "as many cores make a unit, each a part of K; one adds their sums up, in the width of DST"
        if attention_of(made.context.graph) is not None:
            because = "as many cores have a part of the keys, and tell each other what they made of it"
        elif made.context.graph.reduced is not None:
            because = "as many cores have a part of each line, and tell each other what they reduced of it"
        yield Decision(name="split", value=str(schedule.split.value), origin=schedule.split.origin, because=because)


def _kept(made: Candidate, target: Target) -> Iterator[Decision]:
    """What stays on a core between walks along a line, and what fits there."""
    graph, context, asked = made.context.graph, made.context, made.schedule.keep
    if graph.reduced is None or attention_of(graph) is not None:
        return
    line = evaluate(line_pages(context), made.design.sizes)
    values = [buffer for buffer in made.design.buffers if buffer.role in ("input", "intermediate")]
    # Of lines of one tile no block tells them from what is flat.
    names = ": " + ", ".join(buffer.name for buffer in values if buffer.block >= line) if line > 1 else ""
    because = {
        "values": f"a line of each stays{names}",
        "inputs": f"a line of each stays{names}; L1's {target.l1.usable:,} bytes don't hold values beside them",
        "nothing": f"each walk reads its inputs again: L1's {target.l1.usable:,} bytes don't hold a line",
    }[context.keep]
    if asked.value != "auto":
        because = (
            because.partition(";" if context.keep == "inputs" else ":")[0] if context.keep != "values" else because
        )
    origin: Origin = "rule" if asked.value == "auto" else asked.origin
    yield Decision(name="keep", value=context.keep, origin=origin, because=because)


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _balance(program: Program) -> str:
    work = program.work
    units = "unit" if work.units == 1 else "units"
    return f"{work.units} {units}, at most {program.busiest} a core: balance {program.balance:.0%}"
