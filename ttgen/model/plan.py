"""The Plan: everything that was decided. Its fields are those of tt.plan.json, less the kernels' bodies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Final, Literal

from ttgen.annotations import Doc
from ttgen.dtypes import DTypeName
from ttgen.model.body import Body
from ttgen.model.grids import Coordinate, GridSize, Part, ShardGrid, Table, cores_of, rectangle
from ttgen.model.kernel_args import Accessor, CommonArg, RuntimeArg
from ttgen.model.mesh import Placement, PlanCollective, PlanMesh
from ttgen.model.shown import Shown
from ttgen.records import dataclass
from ttgen.spec import Layout, PolicyName, in_dram
from ttgen.target import Arch, Fidelity, TargetName

SCHEMA_VERSION: Final = 2

Origin = Literal["spec", "default", "rule", "search"]
TensorRole = Literal["input", "output", "scratch"]
Padding = Literal["zero", "finite", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTarget:
    """The card that the programs are for."""

    device: TargetName
    arch: Arch
    grid: Annotated[GridSize, Doc("The smallest grid of cores that the programs run on.")]
    dram_banks: Annotated[int, Doc("The fewest banks of DRAM that they run on.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPrecision:
    """How exactly the math is done."""

    fidelity: Fidelity
    accumulate: Annotated[Literal["float32", "bfloat16"], Doc("What DST and intermediate buffers hold.")]
    approximate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of a tensor by a program, and what it needs of the elements that pad the tensor to whole tiles."""

    program: str
    padding: Padding


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A tensor in device memory, in elements and in tiles of 32x32."""

    name: str
    role: Annotated[TensorRole, Doc("scratch: written by one program and read by later ones, and by nobody else.")]
    shape: tuple[int, ...]
    dtype: DTypeName
    stored_shape: Annotated[tuple[int, ...], Doc("The shape with both last dimensions padded to whole tiles.")]
    tiles: Annotated[tuple[int, ...], Doc("Batch dimensions, then rows and columns of tiles.")]
    page_bytes: Annotated[int, Doc("Bytes of a page: one tile.")]
    pages: int
    layout: Layout
    shards: Annotated[
        ShardGrid | None, Doc("Where its tiles lie, if it is sharded; null if its pages are interleaved.")
    ]
    uses: tuple[Use, ...]
    mesh: Annotated[Placement | None, Doc("How the whole lies on a mesh, if there is one; sizes are of a part.")] = None

    @property
    def in_dram(self) -> bool:
        """Whether its pages lie in DRAM, and not in the L1 of cores."""
        return in_dram(self.layout)

    @property
    def is_partial(self) -> bool:
        """Whether each device has a sum of its own, which isn't a part of anything."""
        return self.mesh is not None and "partial" in self.mesh.axes

    def parts(self) -> Iterator[tuple[Coordinate, Part]]:
        """Each core (or bank, as (bank, 0)) that holds a shard, and its tiles; nothing if the pages are interleaved."""
        if self.shards is not None:
            yield from self.shards.parts(math.prod(self.tiles[:-1]), self.tiles[-1])

    def shard_pages(self, core: Coordinate) -> tuple[int, ...]:
        """The pages of the shard on a core, in the order that they lie there."""
        return next(part.pages(self.tiles[-1]) for place, part in self.parts() if place == core)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkGrid:
    """Units along columns (x) and rows (y) of the output, and batches (z)."""

    x: int
    y: int
    z: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreRange:
    """A rectangle of cores, both corners included; (x, y), logical."""

    start: Coordinate
    end: Coordinate

    def cores(self) -> tuple[Coordinate, ...]:
        """Its cores, row by row."""
        return rectangle(self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Cores that run the same kernels."""

    name: str
    core_ranges: tuple[CoreRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The cores of one group."""

    core_ranges: tuple[CoreRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Groups of cores that exchange something, each among its own."""

    name: Annotated[
        str,
        Doc("What they share: a and b are the operands of the contraction, k its sum; line is what is reduced."),
    ]
    members: tuple[Members, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearLoop:
    """Units `unit_start`, `unit_start + step`, …, `unit_count` of them."""

    kind: Literal["linear"] = "linear"
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RectangleLoop:
    """Unit columns `x_start`, `x_start + x_step`, …, `x_count` of them, and rows likewise.

    Policy rectangular goes through its rows batch by batch. Those of policy local count through all batches, as the
    rows of shards do.
    """

    kind: Literal["rectangle"] = "rectangle"
    x_step: int
    y_step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSize:
    """Tiles of a unit, and the depth of one step of a contraction (1 where there is none)."""

    m: int
    n: int
    k: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subblock:
    """Tiles that are in DST at once."""

    h: int
    w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelOrder:
    """Panels of unit columns, row by row inside a panel."""

    block_linear: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Which part of the output each core makes."""

    policy: Annotated[
        PolicyName | Literal["local"], Doc("How units are dealt to cores; local: each makes those of its shard.")
    ]
    order: Literal["row_major", "column_major", "zigzag"] | PanelOrder
    grid: WorkGrid
    units: int
    block: BlockSize
    subblock: Subblock
    split: Annotated[int, Doc("Parts of K: as many cores make a unit.")]
    cores: Annotated[int, Doc("Cores with work.")]
    core_ranges: tuple[CoreRange, ...]
    loop: LinearLoop | RectangleLoop


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """L1 of every core in the ranges that circular buffers lie in; `tensor` where it is the shard of a tensor."""

    name: str
    bytes: int
    core_ranges: tuple[CoreRange, ...]
    tensor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircularBuffer:
    """A ring of pages between two kernels, or two threads of one."""

    index: int
    name: str
    allocation: str
    dtype: DTypeName
    page_bytes: int
    pages: int
    core_ranges: tuple[CoreRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Semaphore:
    """A counter in L1 that other cores raise; kernels have its index as `sem_` and its name."""

    index: int
    name: str
    initial: int
    core_ranges: tuple[CoreRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelConfig:
    """Settings of a compute kernel."""

    math_fidelity: Fidelity
    fp32_dest_acc: bool
    dst_full_sync: bool
    math_approx: bool
    bfp8_pack_precise: bool
    unpack_to_dest_fp32: Annotated[tuple[int, ...], Doc("Circular buffers that are unpacked to DST in float32.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel: its file, where it runs, and its arguments in order."""

    name: str
    file: str
    role: Literal["data_movement", "compute"]
    processor: Literal["riscv_0", "riscv_1"] | None
    noc: int | None
    core_ranges: tuple[CoreRange, ...]
    compile_time_args: tuple[Accessor, ...]
    named_compile_time_args: Mapping[str, int]
    defines: Mapping[str, str]
    common_runtime_args: tuple[CommonArg, ...]
    runtime_args: tuple[RuntimeArg, ...]
    config: KernelConfig | None
    # What follows is printed as the kernel's file, and is not part of tt.plan.json.
    summary: str = field(metadata={"document": False})
    numbers: Mapping[str, float] = field(metadata={"document": False})
    body: Body = field(metadata={"document": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class L1Budget:
    """Bytes of L1 that circular buffers and tensors take on a core, of what is usable."""

    bytes: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Exact counts over all cores, from the kernels' statements; bytes of whole pages."""

    flops: Annotated[int, Doc("Operations of the formula on logical elements; a contraction step counts two.")]
    tile_products: int
    dram_read_bytes: int
    dram_write_bytes: int
    noc_bytes: Annotated[int, Doc("Payload that enters the networks; a multicast counts once.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program: what to allocate, create and launch."""

    name: Annotated[str, Doc("Of the first tensor that it writes.")]
    pattern: str
    work: Work
    roles: tuple[Role, ...]
    groups: tuple[Groups, ...]
    per_core: Annotated[
        Mapping[str, Table],
        Doc(
            "A table a name: rows are core y, columns core x; null outside the ranges. Under policy local, y_start and "
            "y_count count rows of units through all batches; under rectangular, those of each batch."
        ),
    ]
    allocations: tuple[Allocation, ...]
    circular_buffers: tuple[CircularBuffer, ...]
    semaphores: tuple[Semaphore, ...]
    kernels: tuple[Kernel, ...]
    l1: L1Budget
    cost: Cost

    def resident(self) -> Mapping[str, str]:
        """The circular buffers that lie on shards, and the tensors whose shards those are."""
        on_shards = {item.name: item.tensor for item in self.allocations if item.tensor is not None}
        return {item.name: on_shards[item.allocation] for item in self.circular_buffers if item.allocation in on_shards}

    def guests(self) -> Mapping[str, str]:
        """The circular buffers that lie in the memory of other ones, and those."""
        return {item.name: item.allocation for item in self.circular_buffers if item.allocation != item.name}

    def cores(self) -> Iterator[tuple[Coordinate, Mapping[str, int]]]:
        """Each core that has work, and its entries of the tables."""
        return cores_of(self.per_core)

    def units_of(self, core: Mapping[str, int]) -> int:
        """Units of a core, from its entries of the tables."""
        if self.work.loop.kind == "linear":
            return core["unit_count"]
        batches = 1 if self.work.policy == "local" else self.work.grid.z
        return core["x_count"] * core["y_count"] * batches

    @property
    def busiest(self) -> int:
        """Units of the core that has most."""
        return max(self.units_of(values) for _core, values in self.cores())

    @property
    def balance(self) -> float:
        """Units over what the cores would make if all had as many as the busiest; of a part of K each."""
        return self.work.units * self.work.split / (self.work.cores * self.busiest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision, where it came from, and why."""

    name: str
    value: str
    origin: Annotated[Origin, Doc("", noun="from")] = field(metadata={"key": "from"})
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Shown):
    """A program that knows nothing of ttgen can allocate, make buffers, set arguments and launch from this."""

    schema_version: int
    api: str
    kernel: str
    spec: Annotated[str, Doc("File name of the spec.")]
    compute: tuple[str, ...]
    target: PlanTarget
    mesh: Annotated[PlanMesh | None, Doc("The mesh of devices, each of which does all of this, if there is one.")] = (
        None
    )
    precision: PlanPrecision
    tensors: tuple[Tensor, ...]
    io_order: Annotated[tuple[str, ...], Doc("Inputs, then outputs.")]
    programs: Annotated[tuple[Program, ...], Doc("In the order that they run in.")]
    collectives: Annotated[tuple[PlanCollective, ...], Doc("What devices exchange, in order.")] = ()
    decisions: tuple[Decision, ...]
    files: Annotated[tuple[str, ...], Doc("Every file that was written, relative to the folder of this one.")]

    @property
    def program(self) -> Program:
        """The program of a plan that has one."""
        (only,) = self.programs
        return only

    @property
    def dram_inputs(self) -> tuple[Tensor, ...]:
        """The inputs that have to be read from DRAM, once at least."""
        return tuple(tensor for tensor in self.tensors if tensor.role == "input" and tensor.in_dram)

    @property
    def dram_read_bytes(self) -> int:
        """What all programs read from DRAM."""
        return sum(program.cost.dram_read_bytes for program in self.programs)

    @property
    def dram_read_ratio(self) -> float | None:
        """What is read from DRAM, as a multiple of the inputs there; None where there are none."""
        compulsory = sum(tensor.pages * tensor.page_bytes for tensor in self.dram_inputs)
        return self.dram_read_bytes / compulsory if compulsory else None

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name."""
        return next(tensor for tensor in self.tensors if tensor.name == name)
