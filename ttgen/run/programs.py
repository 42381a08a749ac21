"""What ttnn is told of a plan: tensors, circular buffers, semaphores, kernels and their arguments, as plain data.

Nothing is left to decide. What only the device knows (addresses, accessors, where cores are on the NoC) is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from ttgen.dtypes import TILE, DTypeName
from ttgen.model.artifact import Artifact
from ttgen.model.grids import Coordinate
from ttgen.model.kernel_args import Address, NocColumns, NocRows
from ttgen.model.plan import CoreRange, Kernel, KernelConfig, Plan, Program, Tensor, TensorRole
from ttgen.records import dataclass
from ttgen.spec import ShardedLayout
from ttgen.target import Arch
from ttgen.target import load as load_target

Ranges = tuple[tuple[Coordinate, Coordinate], ...]
"""Rectangles of cores: the first and the last one of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """How a tensor lies in parts.

    Attributes:
        split: which sides are cut.
        shape: elements of a shard, rows and columns.
        last: of the cores, or banks in DRAM, that hold them; the first is (0, 0).
        along_rows: whether shards follow each other along the rows of the grid.
    """

    split: Literal["height", "width", "block"]
    shape: tuple[int, int]
    last: Coordinate
    along_rows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """A tensor in device memory.

    Attributes:
        shape: elements, in whole tiles.
        shards: none where pages are interleaved.
    """

    name: str
    role: TensorRole
    dtype: DTypeName
    shape: tuple[int, ...]
    page_bytes: int
    in_dram: bool
    shards: Shards | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A circular buffer."""

    index: int
    dtype: DTypeName
    page_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """Circular buffers that share memory.

    Attributes:
        total_bytes: on each core.
        tensor: whose shard the memory is; none where it is their own.
    """

    rings: tuple[Ring, ...]
    total_bytes: int
    cores: Ranges
    tensor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A semaphore."""

    index: int
    cores: Ranges
    initial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Settings of a data-movement kernel."""

    processor: Literal["riscv_0", "riscv_1"]
    noc: Literal[0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """Settings of a compute kernel.

    Attributes:
        to_dst: of each circular buffer that a core can have, whether it is unpacked to DST in float32.
    """

    config: KernelConfig
    to_dst: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCall:
    """A kernel and its arguments.

    Attributes:
        file: relative to the folder of the plan's files,
        text: and what is in it.
        accessors: tensors whose accessors are its compile-time words.
        common: what is the same on every core: an address is a word, columns and rows of cores a word each.
        own: the words of each core.
    """

    file: str
    text: str
    cores: Ranges
    accessors: tuple[str, ...]
    named: tuple[tuple[str, int], ...]
    defines: tuple[tuple[str, str], ...]
    common: tuple[Address | NocColumns | NocRows, ...]
    own: tuple[tuple[Coordinate, tuple[int, ...]], ...]
    settings: Movement | Compute


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCall:
    """A program."""

    name: str
    rings: tuple[Rings, ...]
    counters: tuple[Counter, ...]
    kernels: tuple[KernelCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All programs of a plan, in the order that they run in, and the device that they need.

    Attributes:
        rows: of cores, at least,
        cols: and columns.
        dram_banks: at least.
        tensors: as ttnn's generic operation wants them: the outputs last.
    """

    kernel: str
    arch: Arch
    rows: int
    cols: int
    dram_banks: int
    tensors: tuple[StoredTensor, ...]
    programs: tuple[ProgramCall, ...]


def job_of(plan: Plan, files: Iterable[Artifact]) -> Job:
    """A plan, with its rendered files, as ttnn is told of it."""
    texts = {file.path.removeprefix(f"{plan.kernel}/"): file.text for file in files}
    between = [tensor.name for tensor in plan.tensors if tensor.name not in plan.io_order]
    buffers = load_target(plan.target.device).circular_buffers
    return Job(
        kernel=plan.kernel,
        arch=plan.target.arch,
        rows=plan.target.grid.rows,
        cols=plan.target.grid.cols,
        dram_banks=plan.target.dram_banks,
        tensors=tuple(_tensor(plan.tensor(name)) for name in (*between, *plan.io_order)),
        programs=tuple(_program(program, buffers, texts) for program in plan.programs),
    )


def _tensor(tensor: Tensor) -> StoredTensor:
    shards = None
    if tensor.shards is not None:
        height, width = tensor.shards.tiles
        shards = Shards(
            # In DRAM, banks share columns.
            split=tensor.layout.l1_sharded.split if isinstance(tensor.layout, ShardedLayout) else "width",
            shape=(height * TILE, width * TILE),
            last=(tensor.shards.grid.cols - 1, tensor.shards.grid.rows - 1),
            along_rows=tensor.shards.orientation == "row_major",
        )
    return StoredTensor(
        name=tensor.name,
        role=tensor.role,
        dtype=tensor.dtype,
        shape=tensor.stored_shape,
        page_bytes=tensor.page_bytes,
        in_dram=tensor.in_dram,
        shards=shards,
    )


def _program(program: Program, buffers: int, texts: Mapping[str, str]) -> ProgramCall:
    return ProgramCall(
        name=program.name,
        rings=tuple(_rings(program)),
        counters=tuple(
            Counter(index=item.index, cores=_ranges(item.core_ranges), initial=item.initial)
            for item in program.semaphores
        ),
        kernels=tuple(_kernel(kernel, program, buffers, texts[kernel.file]) for kernel in program.kernels),
    )


def _rings(program: Program) -> Iterator[Rings]:
    for item in program.allocations:
        yield Rings(
            rings=tuple(
                Ring(index=buffer.index, dtype=buffer.dtype, page_bytes=buffer.page_bytes)
                for buffer in program.circular_buffers
                if buffer.allocation == item.name
            ),
            total_bytes=item.bytes,
            cores=_ranges(item.core_ranges),
            tensor=item.tensor,
        )


def _kernel(kernel: Kernel, program: Program, buffers: int, text: str) -> KernelCall:
    settings: Movement | Compute
    if kernel.config is not None:
        to_dst = tuple(index in kernel.config.unpack_to_dest_fp32 for index in range(buffers))
        settings = Compute(config=kernel.config, to_dst=to_dst)
    else:
        assert kernel.processor is not None, "a data-movement kernel has a processor"
        settings = Movement(processor=kernel.processor, noc=1 if kernel.noc else 0)
    tables = [program.per_core[argument.value.per_core] for argument in kernel.runtime_args]
    cores = [core for area in kernel.core_ranges for core in area.cores()]
    return KernelCall(
        file=kernel.file,
        text=text,
        cores=_ranges(kernel.core_ranges),
        accessors=tuple(argument.accessor for argument in kernel.compile_time_args),
        named=tuple(kernel.named_compile_time_args.items()),
        defines=tuple(kernel.defines.items()),
        common=tuple(argument.value for argument in kernel.common_runtime_args),
        own=tuple(((x, y), tuple(table[y][x] or 0 for table in tables)) for x, y in cores),
        settings=settings,
    )


def _ranges(areas: tuple[CoreRange, ...]) -> Ranges:
    return tuple((area.start, area.end) for area in areas)
