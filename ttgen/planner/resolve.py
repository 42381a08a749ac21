"""From a spec to a plan: every decision, in order, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ttgen.analysis.counts import cost
from ttgen.analysis.prove import prove
from ttgen.apis import newest
from ttgen.apis.api import Api
from ttgen.formula.infer import graph_of
from ttgen.mesh.device import device_of
from ttgen.model.artifact import python_file
from ttgen.model.grids import ShardGrid, cores_of
from ttgen.model.plan import (
    SCHEMA_VERSION,
    BlockSize,
    KernelConfig,
    L1Budget,
    PanelOrder,
    Plan,
    Program,
    Tensor,
    Use,
    Work,
)
from ttgen.model.schedule import Schedule
from ttgen.patterns import PATTERNS
from ttgen.planner import (
    arguments,
    budgets,
    buffers,
    decisions,
    device,
    identifiers,
    kernel_size,
    l1,
    meshes,
    padding,
    precision,
    roles,
    shards,
    tensors,
)
from ttgen.planner.candidate import Candidate, Planned, candidate
from ttgen.planner.formula import check_places, pattern_of
from ttgen.planner.schedule import schedule_of
from ttgen.planner.stages import Stage, StoredTensor, exchanged, stages_of, stored_tensors
from ttgen.source import located
from ttgen.spec import BlockLinear, LoadedSpec, Spec
from ttgen.target import Target
from ttgen.target import load as load_target

DOCUMENT = "tt.plan.json"


def resolve(loaded: LoadedSpec) -> Plan:
    """Plans a spec.

    Raises:
        SpecError: the spec can't be served; with the place and the reason.
    """
    return planned(loaded).plan


def planned(loaded: LoadedSpec) -> Planned:
    """Plans a spec; with the program of each stage.

    Raises:
        SpecError: the spec can't be served; with the place and the reason.
    """
    with located(loaded.source):
        made = _resolved(loaded, proving=True)
        budgets.check(made, lambda other: _resolved(other, proving=False))
        return made


def unproven(loaded: LoadedSpec) -> Planned:
    """The plan of a spec whose proofs somebody has seen, or doesn't need; budgets aren't looked at.

    Raises:
        SpecError: the spec can't be served; with the place and the reason.
    """
    with located(loaded.source):
        return _resolved(loaded, proving=False)


def candidates(loaded: LoadedSpec) -> tuple[Candidate, ...]:
    """The program of each stage under its schedule, with no budget checked and nothing proven.

    Raises:
        SpecError: the spec can't be served; with the place and the reason.
    """
    with located(loaded.source):
        target = load_target(loaded.spec.target)
        graph = graph_of(loaded)
        precision.check_reductions(loaded, graph)
        check_places(graph, loaded.spec.formula_path)
        stages = stages_of(loaded, graph, device_of(loaded, graph))
        exactness = precision.decide(loaded, stored_tensors(stages), target)
        held = l1.held(stages, target)
        return tuple(_candidate(loaded, stage, exactness, target, held) for stage in stages)


def _resolved(loaded: LoadedSpec, *, proving: bool) -> Planned:
    spec = loaded.spec
    target = load_target(spec.target)
    api = newest()

    # What is computed: the formula's values, a device's part of them, and the programs that make it.
    graph = graph_of(loaded)
    precision.check_reductions(loaded, graph)
    check_places(graph, spec.formula_path)
    each = device_of(loaded, graph)
    stages = stages_of(loaded, graph, each)
    stored = stored_tensors(stages, exchanged(loaded, each))
    exactness = precision.decide(loaded, stored, target)
    zeros = padding.zero_padded(stages, spec.formula_path, [item.target for item in each.collectives])
    mesh = meshes.meshed(each, stages)

    # How: a schedule for each, and the kernels that follow it.
    held = l1.held(stages, target)
    chosen = [_candidate(loaded, stage, exactness, target, held) for stage in stages]
    grids = shards.agreed([(made.stage, made.shards) for made in chosen])
    tensors.check_memory(stored, grids, target)
    fitting = [_budget(made, stored, grids, exactness, target) for made in chosen]
    planned = {
        tensor.name: mesh.placed(tensors.planned(tensor, _uses(tensor.name, chosen, zeros), grids.get(tensor.name)))
        for tensor in stored
    }

    # With which buffers and arguments; proven.
    programs, said = [], []
    for made, budget in zip(chosen, fitting, strict=True):
        program = _program(made, budget, planned, exactness, target, api)
        identifiers.check(made.stage, program.kernels)
        said.append(kernel_size.check(kernel_size.largest(program.kernels, target)))
        own = {name: _seen_by(made.stage, planned[name]) for name in made.stage.tensors}
        if proving:
            prove(program, own, dst_slots=made.context.dst_slots, dst_bits=exactness.dst_bits)
        programs.append(program)
    if proving:
        meshes.prove(mesh, stages, planned, graph, loaded)
    plan = Plan(
        schema_version=SCHEMA_VERSION,
        api=api.version,
        kernel=spec.kernel,
        spec=loaded.file_name,
        compute=tuple(formula.strip() for formula in spec.formulas),
        target=device.needed(target, planned.values(), programs),
        mesh=mesh.mesh,
        precision=exactness.plan(),
        tensors=tuple(planned.values()),
        io_order=tuple(tensor.name for tensor in planned.values() if tensor.role != "scratch"),
        programs=tuple(programs),
        collectives=mesh.collectives,
        decisions=(
            *meshes.decisions(each, mesh),
            *decisions.decide(loaded, chosen, programs, said, target, exactness, planned, graph),
        ),
        files=_files(programs, api, spec, exchanging=bool(mesh.collectives)),
    )
    return Planned(loaded, plan, tuple(chosen))


def _files(programs: Sequence[Program], api: Api, spec: Spec, *, exchanging: bool) -> tuple[str, ...]:
    """What is rendered; the plan's own file last."""
    kernels = (kernel.file for program in programs for kernel in program.kernels)
    host = (*api.program_files, *(api.exchange_files if exchanging else ()))
    python = (python_file(spec.kernel),) if spec.python else ()
    return (*kernels, *host, *python, DOCUMENT)


def _candidate(
    loaded: LoadedSpec, stage: Stage, exactness: precision.Exactness, target: Target, held: int
) -> Candidate:
    pattern = pattern_of(stage.graph, loaded.spec.formula_path)
    limits = PATTERNS[pattern].limits(stage.graph)
    if stage.left_open:
        # The cost model is only imported where something is left to choose.
        from ttgen.planner import search

        return search.best(stage, pattern, limits, exactness, target, held=held)
    schedule = schedule_of(stage, limits)
    return candidate(stage, pattern, schedule, schedule.block.value, exactness, target)


def _budget(
    made: Candidate,
    stored: Sequence[StoredTensor],
    grids: Mapping[str, ShardGrid],
    exactness: precision.Exactness,
    target: Target,
) -> L1Budget:
    """What a program takes of L1 beside every tensor that lies there, its own or not."""

    def need(other: Candidate) -> l1.Need:
        lying = [other.stage.tensors.get(tensor.name, tensor) for tensor in stored]
        return l1.need(other.design.buffers, lying, {**grids, **other.shards}, target)

    def changed(stage: Stage, block: BlockSize) -> l1.Need:
        return need(candidate(stage, made.pattern, made.schedule, block, exactness, target))

    def another(schedule: Schedule) -> l1.Need:
        block = schedule.block.value
        return need(candidate(made.stage, made.pattern, schedule, block, exactness, target))

    paths = {tensor.name: tensor.path for tensor in stored}
    along = [
        [(what, partial(another, schedule)) for what, schedule in ways]
        for ways in (_keeping(made), _splits(made, target))
    ]
    return l1.budget(made.stage, need(made), made.schedule.block.value, changed, along, paths, target)


def _keeping(made: Candidate) -> Iterator[tuple[str, Schedule]]:
    """What stays of a line left open, where it was said."""
    keep = made.schedule.keep
    if made.context.graph.reduced is not None and keep.value not in ("auto", "nothing"):
        yield "keep: auto", replace(made.schedule, keep=replace(keep, value="auto"))


def _splits(made: Candidate, target: Target) -> Iterator[tuple[str, Schedule]]:
    """More cores to a line, as few as there may be first."""
    split = made.schedule.split
    if made.context.graph.reduced is not None:
        for number in range(split.value + 1, target.grid.cores + 1):
            yield f"split: {number}", replace(made.schedule, split=replace(split, value=number))


def _uses(tensor: str, chosen: Sequence[Candidate], zeros: frozenset[str]) -> tuple[Use, ...]:
    """What programs need of the padding of a tensor, a line a use."""
    return tuple(
        Use(program=made.stage.name, padding="zero" if tensor in zeros else need)
        for made in chosen
        for need in made.design.padding.get(tensor, ())
    )


def _seen_by(stage: Stage, tensor: Tensor) -> Tensor:
    """A tensor as a program sees it: what it reads is there, whoever made it."""
    return replace(tensor, role="input" if tensor.name in stage.graph.inputs else "output")


def _program(
    made: Candidate,
    budget: L1Budget,
    planned: Mapping[str, Tensor],
    exactness: precision.Exactness,
    target: Target,
    api: Api,
) -> Program:
    design, divided, schedule = made.design, made.divided, made.schedule
    circular_buffers = buffers.circular_buffers(design.buffers, target, divided.roles)
    to_dst = {buffer.name for buffer in design.buffers if buffer.unpack_to_dst}
    config = KernelConfig(
        math_fidelity=exactness.fidelity.value,
        fp32_dest_acc=exactness.dst_bits == 32,
        dst_full_sync=False,
        math_approx=exactness.approximate,
        bfp8_pack_precise=False,
        unpack_to_dest_fp32=tuple(buffer.index for buffer in circular_buffers if buffer.name in to_dst),
    )
    folder = "kernels" if made.stage.alone else f"kernels/{made.stage.name}"
    order, grid = schedule.order.value, made.grid
    return Program(
        name=made.stage.name,
        pattern=made.pattern,
        work=Work(
            policy=schedule.policy.value if made.context.local is None else "local",
            order=PanelOrder(block_linear=order.block_linear) if isinstance(order, BlockLinear) else order,
            grid=grid,
            units=grid.x * grid.y * grid.z,
            block=schedule.block.value,
            subblock=made.context.subblock,
            split=made.context.split,
            cores=divided.cores,
            core_ranges=divided.core_ranges,
            loop=divided.loop,
        ),
        roles=roles.planned(divided.roles),
        groups=roles.groups(divided.groups, divided.sizes, (core for core, _own in cores_of(divided.tables))),
        per_core=divided.tables,
        allocations=buffers.allocations(design.buffers, circular_buffers),
        circular_buffers=circular_buffers,
        semaphores=buffers.semaphores(design.semaphores, target, divided.roles),
        kernels=arguments.kernels(
            design, circular_buffers, made.sizes, config, target, divided.roles, folder=folder, api=api
        ),
        l1=budget,
        cost=cost(made.tally.total, [planned[name] for name in made.stage.tensors], circular_buffers, made.stage.graph),
    )
