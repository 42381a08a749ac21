"""From a spec to a plan: every decision, in order, on one page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ttgen.analysis.counts import Tally, cost, tally
from ttgen.analysis.prove import prove
from ttgen.formula.infer import graph_of
from ttgen.formula.values import Graph
from ttgen.model.design import Design
from ttgen.model.grids import GridSize, ShardGrid
from ttgen.model.plan import (
    API,
    SCHEMA_VERSION,
    BlockSize,
    KernelConfig,
    PanelOrder,
    Plan,
    PlanTarget,
    Program,
    Tensor,
    Work,
    WorkGrid,
    cores_of,
)
from ttgen.patterns import PATTERNS
from ttgen.patterns.context import Context
from ttgen.planner import (
    arguments,
    buffers,
    decisions,
    division,
    identifiers,
    kernel_size,
    l1,
    padding,
    precision,
    shards,
    supported,
    tensors,
)
from ttgen.planner.formula import pattern_of
from ttgen.source import located
from ttgen.spec import BlockLinear, LoadedSpec
from ttgen.target import Target
from ttgen.target import load as load_target

FILES = (
    "kernels/reader.cpp",
    "kernels/compute.cpp",
    "kernels/writer.cpp",
    "host/main.cpp",
    "host/plan.hpp",
    "CMakeLists.txt",
    "tt.plan.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Designed:
    """A program with blocks of some size: which core makes which units, and what its kernels do."""

    grid: WorkGrid
    divided: division.Division
    context: Context
    design: Design
    tally: Tally

    @property
    def sizes(self) -> Mapping[str, int]:
        """The values of all names that the kernels use as compile-time arguments."""
        return {**self.design.sizes, **self.divided.sizes}


def _design(
    loaded: LoadedSpec,
    graph: Graph,
    pattern: str,
    schedule: supported.Supported,
    exactness: precision.Exactness,
    target: Target,
    block: BlockSize,
    grids: Mapping[str, ShardGrid],
) -> _Designed:
    # Which core makes which units.
    *batch, rows, cols = tensors.tiled(tuple(axis.size for axis in graph.work))
    grid = WorkGrid(x=-(-cols // block.n), y=-(-rows // block.m), z=math.prod(batch))
    local = shards.divide(loaded, graph, grids, block, target)
    divided = (
        division.by_shards(local, grid, block)
        if local is not None
        else division.divide(schedule.policy, schedule.order, schedule.cores, grid, target)
    )

    # What its kernels do.
    slots = target.dst_tiles(bits=exactness.dst_bits)
    context = Context(
        graph=graph,
        dtypes={name: tensor.dtype for name, tensor in loaded.spec.tensors.items()},
        order=schedule.order,
        dst_bits=exactness.dst_bits,
        dst_slots=slots,
        loop=divided.loop.kind if local is None else "local",
        block=block,
        subblock=PATTERNS[pattern].subblock(graph, block, slots),
        local=local,
    )
    design = PATTERNS[pattern].design(context)

    # How often, and so how deep its buffers have to be.
    bodies = (kernel.body for kernel in design.kernels)
    values = {**design.sizes, **divided.sizes}
    counted = tally(bodies, values, (own for _core, own in cores_of(divided.tables)))
    deep = replace(design, buffers=buffers.as_deep_as_needed(design.buffers, counted.most))
    return _Designed(grid=grid, divided=divided, context=context, design=deep, tally=counted)


def resolve(loaded: LoadedSpec) -> Plan:
    """Plans a spec.

    Raises:
        SpecError: the spec can't be served; with the place and the reason.
    """
    with located(loaded.source):
        return _resolved(loaded)


def _resolved(loaded: LoadedSpec) -> Plan:
    spec = loaded.spec
    target = load_target(spec.target)
    graph = graph_of(loaded)
    pattern = pattern_of(graph, loaded)
    schedule = supported.check(loaded, PATTERNS[pattern].limits(graph))
    block = schedule.block
    tensors.check_memory(loaded, shards.grids(loaded, block, target), target)
    exactness = precision.decide(loaded, target)
    zeros = padding.zero_padded(loaded, graph)

    def design_of(changed: LoadedSpec, block: BlockSize) -> tuple[_Designed, tuple[Tensor, ...], l1.Need]:
        grids = shards.grids(changed, block, target)
        designed = _design(changed, graph, pattern, schedule, exactness, target, block, grids)
        planned = tensors.tensors(changed, graph, designed.design.padding, zeros, grids)
        return designed, planned, l1.need(designed.design.buffers, planned, target)

    designed, planned, needed = design_of(loaded, block)
    l1_budget = l1.budget(loaded, needed, block, lambda *changed: design_of(*changed)[2], target)
    design, divided, context = designed.design, designed.divided, designed.context

    # With which buffers and arguments.
    circular_buffers = buffers.circular_buffers(design.buffers, target, divided.core_ranges)
    to_dst = {buffer.name for buffer in design.buffers if buffer.unpack_to_dst}
    config = KernelConfig(
        math_fidelity=exactness.fidelity,
        fp32_dest_acc=exactness.dst_bits == 32,
        dst_full_sync=False,
        math_approx=exactness.approximate,
        bfp8_pack_precise=False,
        unpack_to_dest_fp32=tuple(buffer.index for buffer in circular_buffers if buffer.name in to_dst),
    )
    kernels = arguments.kernels(design, circular_buffers, designed.sizes, config, target, divided.core_ranges)
    identifiers.check(loaded, kernels)
    said = kernel_size.check(kernel_size.size(kernels, target))
    order, grid = schedule.order, designed.grid
    program = Program(
        work=Work(
            policy=schedule.policy if context.local is None else "local",
            order=PanelOrder(block_linear=order.block_linear) if isinstance(order, BlockLinear) else order,
            grid=grid,
            units=grid.x * grid.y * grid.z,
            block=block,
            subblock=context.subblock,
            cores=divided.cores,
            core_ranges=divided.core_ranges,
            loop=divided.loop,
        ),
        per_core=divided.tables,
        allocations=buffers.allocations(design.buffers, circular_buffers, divided.core_ranges),
        circular_buffers=circular_buffers,
        semaphores=(),
        kernels=kernels,
        l1=l1_budget,
        cost=cost(designed.tally.total, planned, graph),
    )
    by_name = {tensor.name: tensor for tensor in planned}
    prove(program, by_name, dst_slots=context.dst_slots, dst_bits=exactness.dst_bits)
    return Plan(
        schema_version=SCHEMA_VERSION,
        api=API,
        kernel=spec.kernel,
        spec=loaded.file_name,
        compute=tuple(formula.strip() for formula in spec.formulas),
        pattern=pattern,
        target=PlanTarget(
            device=target.name, arch=target.arch, grid=GridSize(rows=target.grid.rows, cols=target.grid.cols)
        ),
        precision=exactness.plan(),
        tensors=planned,
        io_order=tuple(tensor.name for tensor in planned),
        programs=(program,),
        decisions=(
            *decisions.decide(loaded, context, pattern, target, program, exactness, design, planned),
            *said,
        ),
        files=FILES,
    )
