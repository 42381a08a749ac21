"""From a spec to a plan: every decision, in order, on one page."""

from __future__ import annotations

import math
from collections import Counter

from ttgen.analysis.counts import cost
from ttgen.analysis.prove import prove
from ttgen.formula.infer import graph_of
from ttgen.model.plan import (
    API,
    SCHEMA_VERSION,
    Allocation,
    BlockSize,
    GridSize,
    KernelConfig,
    LinearLoop,
    PanelOrder,
    Plan,
    PlanTarget,
    Program,
    Subblock,
    Work,
    WorkGrid,
)
from ttgen.patterns import PATTERNS
from ttgen.patterns.context import Context
from ttgen.planner import arguments, buffers, cores, decisions, l1, padding, precision, supported, tensors
from ttgen.planner.formula import pattern_of, work_shape
from ttgen.planner.policies import POLICIES
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
    schedule = supported.check(loaded, graph, target)

    # Which core makes which units.
    shape = work_shape(graph)
    *batch, rows, cols = tensors.tiled(shape)
    batches = math.prod(batch)
    units = batches * rows * cols
    most, grid = cores.asked_for(loaded, schedule.cores, target)
    split = POLICIES[schedule.policy].split(units, most)
    core_ranges = cores.ranges(0, split.cores, grid.cols)

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
    )
    design = PATTERNS[pattern].design(context)

    # With which buffers and arguments.
    circular_buffers = buffers.circular_buffers(loaded, design.buffers, target, core_ranges)
    sizes = {**design.sizes, "unit_step": split.step}
    if isinstance(order, BlockLinear):
        sizes["panel_width"] = order.block_linear
    to_dst = {buffer.name for buffer in design.buffers if buffer.unpack_to_dst}
    config = KernelConfig(
        math_fidelity=exactness.fidelity,
        fp32_dest_acc=bits == 32,
        dst_full_sync=False,
        math_approx=exactness.approximate,
        bfp8_pack_precise=False,
        unpack_to_dest_fp32=tuple(buffer.index for buffer in circular_buffers if buffer.name in to_dst),
    )
    kernels = arguments.kernels(design, circular_buffers, sizes, config, target, core_ranges)
    planned = tensors.tensors(loaded, graph, design, padding.zero_padded(loaded, graph))

    program = Program(
        work=Work(
            policy=schedule.policy,
            order=PanelOrder(block_linear=order.block_linear) if isinstance(order, BlockLinear) else order,
            grid=WorkGrid(x=cols, y=rows, z=batches),
            units=units,
            block=BlockSize(m=1, n=1, k=1),
            subblock=Subblock(h=1, w=1),
            cores=split.cores,
            core_ranges=core_ranges,
            loop=LinearLoop(step=split.step),
        ),
        per_core={
            "unit_start": cores.table(split.starts, grid.cols),
            "unit_count": cores.table(split.counts, grid.cols),
        },
        allocations=tuple(
            Allocation(name=buffer.name, bytes=buffer.pages * buffer.page_bytes, core_ranges=core_ranges, tensor=None)
            for buffer in circular_buffers
        ),
        circular_buffers=circular_buffers,
        semaphores=(),
        kernels=kernels,
        l1=l1.budget(loaded, circular_buffers, planned, target),
        cost=cost(kernels, planned, graph, Counter(split.counts)),
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
        decisions=decisions.decide(loaded, pattern, target, program, exactness, design, planned),
        files=FILES,
    )
