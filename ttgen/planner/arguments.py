"""Kernels with their arguments: which numbers reach which kernel, under which names and in which order."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cache

from ttgen.apis.api import Api
from ttgen.exhaustive import assert_never
from ttgen.model.body import Body, If, Let, Loop, Op, Routine, Section, names_in, walk
from ttgen.model.design import Design, KernelDesign
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Deliver,
    Fill,
    Operate,
    Page,
    Prepare,
    Raise,
    Reach,
    TakeDst,
    Token,
    Use,
    effects,
)
from ttgen.model.kernel_args import Accessor, Address, CommonArg, NocColumns, NocRows, PerCore, RuntimeArg
from ttgen.model.plan import CircularBuffer, Kernel, KernelConfig
from ttgen.patterns.along import GROUP_ROWS
from ttgen.patterns.units import CORE_COLS, CORE_ROWS, PARTS, RUNTIME_NAMES
from ttgen.planner.roles import Roles, cores_of
from ttgen.target import Target


def float32_bits(value: float) -> int:
    """The bits of a float32."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def kernels(
    design: Design,
    buffers: Sequence[CircularBuffer],
    sizes: Mapping[str, int],
    config: KernelConfig,
    target: Target,
    roles: Roles,
    *,
    folder: str,
    api: Api,
) -> tuple[Kernel, ...]:
    """The kernels of a program, in a folder.

    Reader and writer run on the RISC-V cores that tt-metal's ReaderDataMovementConfig and WriterDataMovementConfig
    name, each on a NoC of its own: whichever reads more on the one that the target prefers for it.
    """
    indices = {buffer.name: buffer.index for buffer in buffers}
    return tuple(
        _kernel(kernel, design, indices, sizes, config, target, roles, folder, api) for kernel in design.kernels
    )


def _kernel(
    design: KernelDesign,
    program: Design,
    indices: Mapping[str, int],
    sizes: Mapping[str, int],
    config: KernelConfig,
    target: Target,
    roles: Roles,
    folder: str,
    api: Api,
) -> Kernel:
    used = _used(design.body)
    buffers, tensors, semaphores = _touched(design.body)
    numbers = {name: value for name, value in program.numbers.items() if name in used}
    named = {f"cb_{cb}": indices[cb] for cb in sorted(buffers, key=indices.__getitem__)}
    named |= {f"sem_{name}": index for index, name in enumerate(program.semaphores) if name in semaphores}
    # Where the places of rows begin among a kernel's arguments says the number of columns.
    used |= {CORE_COLS.name} if semaphores else set()
    named |= {name: value for name, value in sizes.items() if name in used}
    named |= {name: float32_bits(value) for name, value in numbers.items()}
    is_compute = design.part == "compute"
    return Kernel(
        name=design.name,
        file=f"{folder}/{design.name}.cpp",
        role="compute" if is_compute else "data_movement",
        processor=None if is_compute else "riscv_1" if design.part == "reader" else "riscv_0",
        noc=None if is_compute else target.noc.read if design.noc == "read" else target.noc.write,
        core_ranges=cores_of(design.on, roles),
        compile_time_args=tuple(Accessor(accessor=tensor) for tensor in tensors),
        named_compile_time_args=named,
        defines=_defines(design.body, api),
        common_runtime_args=(
            *(CommonArg(name=f"{tensor}_address", value=Address(address=tensor)) for tensor in tensors),
            *(_coordinates(sizes) if semaphores else ()),
        ),
        runtime_args=tuple(
            RuntimeArg(name=name, value=PerCore(per_core=name))
            for name in RUNTIME_NAMES
            if name in used and name not in sizes
        ),
        config=config if is_compute else None,
        summary=design.summary,
        numbers=numbers,
        body=design.body,
    )


def _coordinates(sizes: Mapping[str, int]) -> tuple[CommonArg, ...]:
    """Where the columns and rows of cores are on the NoC: kernels that have to do with other cores find them there."""
    cols, rows = sizes[CORE_COLS.name], sizes[CORE_ROWS.name]
    if GROUP_ROWS.name not in sizes:
        rows *= sizes[PARTS.name]
    return (
        CommonArg(name="noc_x", value=NocColumns(noc_x=tuple(range(cols)))),
        CommonArg(name="noc_y", value=NocRows(noc_y=tuple(range(rows)))),
    )


def _defines(body: Body, api: Api) -> Mapping[str, str]:
    """What the operations of a body have to have defined."""
    operations = (statement.name for statement in walk(body) if isinstance(statement, Op))
    return {name: "1" for operation in operations for name in api.defines.get(operation, ())}


@cache
def _used(body: Body) -> frozenset[str]:
    """Every name that the index expressions and operations of a body use."""
    numbers = {number.name for statement in walk(body) if isinstance(statement, Op) for number in statement.numbers}
    return frozenset(names_in(body) | numbers)


@cache
def _touched(body: Body) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Every buffer, every tensor and every semaphore that a body has to do with, in order."""
    buffers: dict[str, None] = {}
    tensors: dict[str, None] = {}
    semaphores: dict[str, None] = {}
    for statement in walk(body):
        if isinstance(statement, (Loop, If, Routine, Let, Section)):
            continue
        for effect in effects(statement):
            match effect:
                case Token(cb=cb) | Fill(cb=cb) | Use(cb=cb):
                    buffers[cb] = None
                case Page(tensor=tensor):
                    tensors[tensor] = None
                case Deliver(source=source, cb=cb):
                    buffers |= {source: None, cb: None}
                case Raise(semaphore=name) | Reach(semaphore=name):
                    semaphores[name] = None
                case Barrier() | Operate() | TakeDst() | Accumulate() | Prepare():
                    pass
                case _:
                    assert_never(effect)
    return tuple(buffers), tuple(tensors), tuple(semaphores)
