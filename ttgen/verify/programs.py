"""The programs of a plan, and what each is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ttgen.dtypes import DTypeName
from ttgen.formula.online import attention_of
from ttgen.formula.values import Graph
from ttgen.mesh.device import device_of, stages_of
from ttgen.model.plan import Plan, Program
from ttgen.records import dataclass
from ttgen.spec import LoadedSpec
from ttgen.target import PHASES
from ttgen.verify.flow import Flow, compute_kernel, flow_of
from ttgen.verify.products import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What limits the precision of a program.

    Attributes:
        engine: how it uses the matrix unit.
        approximate: whether functions may be approximated.
        dtypes: how each tensor is stored.
    """

    engine: Engine
    approximate: bool
    dtypes: Mapping[str, DTypeName]


def precision_of(plan: Plan, program: Program) -> Precision:
    """The precision of one of a plan's programs."""
    config = compute_kernel(program).config
    assert config is not None, "a compute kernel has settings"
    return Precision(
        engine=Engine(phases=PHASES[config.math_fidelity], wide=config.fp32_dest_acc, depth=program.work.block.k),
        approximate=config.math_approx,
        dtypes={tensor.name: tensor.dtype for tensor in plan.tensors},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A program and what it is held against.

    Attributes:
        name: of the program.
        graph: the values that it computes.
        flow: how its compute kernel does.
        precision: how exactly.
        exchanged: what devices exchange after it, where it is looked at as if one device had all.
    """

    name: str
    graph: Graph
    flow: Flow
    precision: Precision
    exchanged: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A collective, which makes of parts what one device would have.

    Attributes:
        source: the tensor that each device has.
        target: the tensor that each gets.
        additions: how many roundings it takes.
    """

    source: str
    target: str
    additions: int


def programs_of(loaded: LoadedSpec, plan: Plan, graph: Graph) -> tuple[Checked, ...]:
    """The programs of a spec's plan, on one device, and the part of its graph that each is held against."""
    dtypes = {tensor.name: tensor.dtype for tensor in plan.tensors}
    parts = stages_of(device_of(loaded, graph), dtypes, taken={*loaded.spec.tensors, *loaded.spec.dims})
    stages = [stage for part in parts for stage in part]
    return tuple(
        Checked(
            name=program.name,
            graph=stage.graph,
            flow=flow_of(program, stage.graph.along, _scores(stage.graph)),
            precision=precision_of(plan, program),
        )
        for stage, program in zip(stages, plan.programs, strict=True)
    )


def whole_of(plan: Plan, programs: Sequence[Checked]) -> tuple[Checked, ...]:
    """Programs of a mesh as if one device had all that its devices have; of one device they are what they are."""
    if plan.mesh is None:
        return tuple(programs)
    counts = {"rows": plan.mesh.rows, "cols": plan.mesh.cols}
    return tuple(
        replace(
            program,
            # Parts of K end where those of a device do.
            flow=replace(program.flow, steps=tuple(replace(step, parts=()) for step in program.flow.steps)),
            exchanged=tuple(
                Exchange(
                    source=item.source, target=item.target,
                    additions=0 if item.kind == "all_gather" else counts[item.over] - 1,
                )
                for item in plan.collectives
                if item.after == program.name
            ),
        )
        for program in programs
    )  # fmt: skip


def _scores(graph: Graph) -> tuple[int, ...]:
    """Rows and columns of the scores of an attention; nothing where it is none."""
    found = attention_of(graph)
    return () if found is None else graph.values[found.scores].shape[-2:]
