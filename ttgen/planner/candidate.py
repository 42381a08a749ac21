"""A stage under a schedule: which core makes which units, what its kernels do, how often, and so what they take.

Cheap, to be made for many schedules; proofs are for the one that is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from ttgen.analysis.counts import Tally, tally
from ttgen.formula.online import attention_of
from ttgen.model.body import Body
from ttgen.model.design import Design
from ttgen.model.grids import ShardGrid, cores_of
from ttgen.model.plan import BlockSize, Plan, WorkGrid
from ttgen.model.schedule import Schedule
from ttgen.patterns import PATTERNS
from ttgen.patterns.context import Context
from ttgen.patterns.passes import KEEPS
from ttgen.planner import buffers, division, l1, nocs, roles, shards, tensors
from ttgen.planner.precision import Exactness
from ttgen.planner.stages import Stage
from ttgen.records import dataclass
from ttgen.spec import LoadedSpec
from ttgen.target import Fidelity, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A program under a schedule.

    Attributes:
        stage: what it computes.
        pattern: that designed it.
        schedule: that it follows.
        grid: units of work.
        shards: where the tiles of sharded tensors lie.
        divided: the units of each core.
        fidelity: of products.
        context: what the pattern knew.
        design: its kernels and buffers, as deep as they have to be.
        tally: how often which statement runs.
    """

    stage: Stage
    pattern: str
    schedule: Schedule
    grid: WorkGrid
    shards: Mapping[str, ShardGrid]
    divided: division.Division
    fidelity: Fidelity
    context: Context
    design: Design
    tally: Tally

    @property
    def sizes(self) -> Mapping[str, int]:
        """The values of all names that the kernels use as compile-time arguments."""
        return {**self.design.sizes, **self.divided.sizes}


class Planned(NamedTuple):
    """A spec, its plan, and the program of each stage, by which it can be predicted."""

    loaded: LoadedSpec
    plan: Plan
    programs: tuple[Candidate, ...]


def candidate(
    stage: Stage,
    pattern: str,
    schedule: Schedule,
    block: BlockSize,
    exactness: Exactness,
    target: Target,
) -> Candidate:
    """Designs a stage under a schedule, with blocks of some size.

    Raises:
        SpecError: a schedule that the target, the layouts or the pattern can't have.
    """
    graph = stage.graph
    # Which core makes which units.
    *batch, rows, cols = tensors.tiled(tuple(axis.size for axis in graph.work))
    grid = WorkGrid(x=-(-cols // block.n), y=-(-rows // block.m), z=math.prod(batch))
    attends = attention_of(graph) is not None
    if attends and schedule.policy.value == "rectangular":
        # Blocks of queries go along rows of cores, and heads down their columns.
        grid = WorkGrid(x=grid.y, y=grid.z, z=1)
    grids = shards.grids(stage, block, target)
    # Cores that share an operand go by the rectangle, wherever tensors lie.
    is_shared = schedule.multicast.value != "none" or schedule.split.value > 1
    local, split = None, schedule.split.value
    cut = shards.cut_lines(stage, grids, block) if graph.reduced is not None and not attends else None
    if cut is not None and split in (1, cut.cols * cut.rows):
        shards.check_shared(stage, target)
        local, split = cut.local, cut.cols * cut.rows
        divided = division.by_shards(local, grid, block, (cut.cols, cut.rows))
    elif is_shared or attends:
        # Those of an attention are read wherever they lie.
        shards.check_shared(stage, target)
        divided = division.divide(stage, schedule, grid, target)
    else:
        local = shards.divide(stage, grids, block, target)
        divided = (
            division.divide(stage, schedule, grid, target) if local is None else division.by_shards(local, grid, block)
        )

    # What its kernels do, how often, and so how deep their buffers have to be.
    slots = target.dst_tiles(bits=exactness.dst_bits)
    plain = Context(
        graph=graph,
        dtypes={name: tensor.dtype for name, tensor in stage.tensors.items()},
        made=frozenset(name for name in graph.inputs if stage.tensors[name].role != "input"),
        order=schedule.order.value,
        dst_bits=exactness.dst_bits,
        dst_slots=slots,
        loop=divided.loop.kind if local is None else "local",
        block=block,
        subblock=PATTERNS[pattern].subblock(graph, block, slots),
        local=local,
        groups=divided.groups,
        prefetch=schedule.prefetch.value,
        heavier=nocs.heavier(stage, grid, divided.groups, divided.sizes),
        split=split,
        shard_widths={name: grid.tiles[1] for name, grid in grids.items()},
        buffers=schedule.buffers.value,
        keep="nothing",
        lines=1,
    )
    for context in _kept(plain, schedule):
        deep, counted = _designed(context, pattern, divided)
        if l1.need(deep.buffers, stage.tensors.values(), grids, target).total <= target.l1.usable:
            break
    return Candidate(
        stage=stage,
        pattern=pattern,
        schedule=schedule,
        grid=grid,
        shards=grids,
        divided=divided,
        fidelity=exactness.fidelity.value,
        context=context,
        design=deep,
        tally=counted,
    )


def _kept(plain: Context, schedule: Schedule) -> Iterator[Context]:
    """The ways to go along lines, those first that read and compute least; one where nothing reduces."""
    keep = schedule.keep
    if plain.graph.reduced is None or attention_of(plain.graph) is not None:
        yield plain
        return
    depth = plain.buffers
    for what in KEEPS if keep.value == "auto" else (keep.value,):
        # Two lines let one come while another is worked on.
        for lines in (depth,) if what == "nothing" or schedule.buffers.origin == "spec" else sorted({depth, 1})[::-1]:
            yield replace(plain, keep=what, lines=lines)


def _designed(context: Context, pattern: str, divided: division.Division) -> tuple[Design, Tally]:
    """The kernels of a stage, and how often their statements run."""
    designed = PATTERNS[pattern].design(context)
    design = replace(designed, kernels=tuple(replace(kernel, body=_shared(kernel.body)) for kernel in designed.kernels))
    values = {**design.sizes, **divided.sizes}
    own = dict(cores_of(divided.tables))
    of_roles = {
        on: [own[core] for area in roles.cores_of(on, divided.roles) for core in area.cores()]
        for on in dict.fromkeys(kernel.on for kernel in design.kernels)
    }
    counted = tally(((kernel.body, of_roles[kernel.on]) for kernel in design.kernels), values)
    return replace(design, buffers=buffers.as_deep_as_needed(design.buffers, counted.most)), counted


@cache
def _shared(body: Body) -> Body:
    """The first of all bodies that are equal: whatever is known of one is then found without comparing the others."""
    return body
