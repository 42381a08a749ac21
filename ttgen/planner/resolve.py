"""From a spec to a plan: every decision, in order, on one page."""

from __future__ import annotations

import math

from ttgen.analysis.counts import cost
from ttgen.analysis.prove import prove
from ttgen.formula.infer import graph_of
from ttgen.model.grids import GridSize
from ttgen.model.plan import (
    API,
    SCHEMA_VERSION,
    KernelConfig,
    PanelOrder,
    Plan,
    PlanTarget,
    Program,
    Work,
    WorkGrid,
    cores_of,
)
from ttgen.patterns import PATTERNS
from ttgen.patterns.context import Context
from ttgen.planner import (
    arguments,
    blocks,
    buffers,
    decisions,
    division,
    l1,
    padding,
    precision,
    shards,
    supported,
    tensors,
)
from ttgen.planner.formula import pattern_of, work_shape
from ttgen.spec import BlockLinear, LoadedSpec
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


def resolve(loaded: LoadedSpec) -> Plan:
    """Plans a spec.

    Raises:
        SpecError: the spec can't be served; with the place and the reason.
    """
    spec = loaded.spec
    target = load_target(spec.target)
    graph = graph_of(loaded)
    pattern = pattern_of(graph, loaded)
    tensors.check_memory(loaded, target)
    schedule = supported.check(loaded, graph)

    # Which core makes which units.
    shape = work_shape(graph)
    *batch, rows, cols = tensors.tiled(shape)
    block = blocks.size(schedule.block, graph)
    grid = WorkGrid(x=-(-cols // block.n), y=-(-rows // block.m), z=math.prod(batch))
    local = shards.divide(loaded, graph, block, target)
    divided = (
        division.by_shards(local, grid, block)
        if local is not None
        else division.divide(loaded, schedule.policy, schedule.order, schedule.cores, grid, target)
    )

    # What its kernels do.
    exactness = precision.decide(loaded, target)
    bits = exactness.dst_bits
    order = schedule.order
    context = Context(
        graph=graph,
        shapes=loaded.shapes,
        dtypes={name: tensor.dtype for name, tensor in spec.tensors.items()},
        work_shape=shape,
        order=order,
        dst_bits=bits,
        dst_slots=target.dst_tiles(bits=bits),
        loop=divided.loop.kind if local is None else "local",
        block=block,
        subblock=blocks.subblock(loaded, graph, block, target.dst_tiles(bits=bits)),
        local=local,
    )
    design = PATTERNS[pattern].design(context)
    zeros = padding.zero_padded(loaded, graph)
    planned = tensors.tensors(loaded, graph, design.padding, zeros, shards.grids(loaded, block, target))
    l1_budget = l1.budget(loaded, context, design, PATTERNS[pattern].design, planned, target)

    # With which buffers and arguments.
    circular_buffers = buffers.circular_buffers(loaded, design.buffers, target, divided.core_ranges)
    sizes = {**design.sizes, **divided.sizes}
    to_dst = {buffer.name for buffer in design.buffers if buffer.unpack_to_dst}
    config = KernelConfig(
        math_fidelity=exactness.fidelity,
        fp32_dest_acc=bits == 32,
        dst_full_sync=False,
        math_approx=exactness.approximate,
        bfp8_pack_precise=False,
        unpack_to_dest_fp32=tuple(buffer.index for buffer in circular_buffers if buffer.name in to_dst),
    )
    kernels = arguments.kernels(design, circular_buffers, sizes, config, target, divided.core_ranges)

    program = Program(
        work=Work(
            policy=schedule.policy if local is None else "local",
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
        cost=cost(kernels, planned, graph, (values for _core, values in cores_of(divided.tables))),
    )
    prove(program, {tensor.name: tensor for tensor in planned}, dst_slots=context.dst_slots, dst_bits=bits)
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
        decisions=decisions.decide(loaded, context, pattern, target, program, exactness, design, planned),
        files=FILES,
    )
