"""What the user said, with defaults and nothing decided. The schema and the reference page are made from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Final, Literal

from ttgen.annotations import Doc
from ttgen.dtypes import DTypeName
from ttgen.errors import Path, Problem, SpecError, suggest
from ttgen.names import identifier_problem, kernel_problem, tensor_problem
from ttgen.records import dataclass
from ttgen.source import Source
from ttgen.structuring import CONVERTER
from ttgen.target import Fidelity, TargetName

Auto = Literal["auto"]
PolicyName = Literal["contiguous", "strided", "rectangular"]
Shared = Literal["none", "a", "b", "both"]
Keep = Literal["values", "inputs", "nothing"]
"""What stays on the core between walks along a line: see `patterns/passes.py`."""
Extents = tuple[int, ...]

_NAME: Final = r"^[A-Za-z][A-Za-z0-9_]*$"
MAX_RANK: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreGrid:
    """A rectangle of cores that begins at core (0, 0)."""

    rows: Annotated[int, Doc("Rows of cores (y).", noun="number of rows", minimum=1)]
    cols: Annotated[int, Doc("Columns of cores (x).", noun="number of columns", minimum=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """How an L1-sharded tensor lies on a grid of cores. The shard's shape follows and must be whole tiles."""

    split: Annotated[
        Literal["height", "width", "block"],
        Doc("Rows of tiles on different cores, columns of tiles, or both.", noun="split"),
    ]
    cores: Annotated[CoreGrid, Doc("The cores that hold the shards.")]
    orientation: Annotated[
        Literal["row_major", "column_major"],
        Doc("Whether shards are numbered along rows or columns of cores.", noun="orientation"),
    ] = "row_major"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardedLayout:
    """Resident in L1, a shard a core."""

    l1_sharded: Annotated[Shards, Doc("Resident in L1, a shard a core.")]


Layout = Literal["dram_interleaved", "l1_interleaved", "dram_sharded"] | ShardedLayout


def in_dram(layout: Layout) -> bool:
    """Whether pages lie in DRAM, and not in the L1 of cores."""
    return layout in ("dram_interleaved", "dram_sharded")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSpec:
    """A mesh of devices that run the same programs, each on its part; sizes in a spec are those of the whole."""

    rows: Annotated[int, Doc("Rows of devices.", noun="number of rows", minimum=1, maximum=32)]
    cols: Annotated[int, Doc("Columns of devices.", noun="number of columns", minimum=1, maximum=32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorMesh:
    """How a tensor is cut over a mesh, along axes as NumPy counts them."""

    shard: Annotated[int | None, Doc("The axis that is cut over all devices, row by row of the mesh.", noun="axis")] = (
        None
    )
    rows: Annotated[int | None, Doc("The axis that is cut over rows of devices.", noun="axis")] = None
    cols: Annotated[int | None, Doc("The axis that is cut over columns of devices.", noun="axis")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One tensor."""

    shape: Annotated[
        tuple[int | str, ...],
        Doc(
            "Sizes in elements, or names of 'dims'; leading ones are batch dimensions, one alone is a row vector.",
            noun="size",
            minimum=1,
            least=1,
            pattern=_NAME,
            example="[2000, 4096]",
        ),
    ]
    dtype: Annotated[DTypeName, Doc("How elements are stored.", noun="dtype")]
    layout: Annotated[Layout, Doc("Where the tensor lies.", noun="layout")] = "dram_interleaved"
    mesh: Annotated[
        Literal["replicate"] | TensorMesh,
        Doc("Which part of the tensor each device of a mesh has.", noun="placement", example="{shard: 0}"),
    ] = "replicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How exactly the math is done."""

    fidelity: Annotated[
        Fidelity | None,
        Doc("Math fidelity of products; the target's own where it isn't given.", noun="fidelity"),
    ] = None
    accumulate: Annotated[
        Literal["float32", "bfloat16"],
        Doc("Width of the destination registers: what intermediate results are kept in.", noun="accumulation"),
    ] = "float32"
    approximate: Annotated[bool, Doc("Let functions use their fast approximations.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockLinear:
    """Panels of unit columns, row by row inside a panel."""

    block_linear: Annotated[int, Doc("Unit columns of a panel.", noun="panel width", minimum=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The block of output tiles that one trip of the kernels' loop makes, in tiles."""

    m: Annotated[int | Auto, Doc("Rows of tiles.", noun="number of tiles", minimum=1)] = 1
    n: Annotated[int | Auto, Doc("Columns of tiles.", noun="number of tiles", minimum=1)] = 1
    k: Annotated[int | Auto, Doc("Depth of one step of a contraction.", noun="number of tiles", minimum=1)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Which core makes which part of the output, and in what order."""

    policy: Annotated[
        PolicyName | Auto,
        Doc("How units are dealt to cores: in runs, round robin, or by rows and columns.", noun="policy"),
    ] = "contiguous"
    order: Annotated[
        Literal["row_major", "column_major", "zigzag", "auto"] | BlockLinear,
        Doc("How units are numbered.", noun="order"),
    ] = "row_major"
    cores: Annotated[
        int | Auto | CoreGrid | None,
        Doc(
            "Cores to use: how many, or a grid; all of the target's where it isn't given.",
            noun="core count",
            minimum=1,
        ),
    ] = None
    block: Annotated[Block | Auto, Doc("The unit of work, in tiles.", noun="block")] = field(default_factory=Block)
    multicast: Annotated[
        Shared | Auto,
        Doc(
            "Which operands of a contraction the cores of a rectangle share: each block is read once, and multicast to "
            "the row (a) or the column (b) of cores that needs it.",
            noun="multicast",
        ),
    ] = "none"
    prefetch: Annotated[
        bool | Auto,
        Doc(
            "Whether a core reads its next block of a shared operand into a buffer of its own while others send.",
            noun="prefetch",
        ),
    ] = False
    split: Annotated[
        int | Auto,
        Doc(
            "Parts into which K of a contraction is cut: as many cores make a unit, and one adds their sums up.",
            noun="number of parts",
            minimum=1,
        ),
    ] = 1
    buffers: Annotated[
        int | Auto,
        Doc("Blocks of an operand that a core holds.", noun="number of blocks", minimum=1, maximum=8),
    ] = 2
    keep: Annotated[
        Keep | Auto,
        Doc(
            "What of a line stays on the core from one walk along it to the next, in a program that reduces: inputs "
            "and values that take a function (values), inputs alone, or nothing, so that each walk reads them again; "
            "auto keeps as much as L1 holds.",
            noun="way to keep a line",
        ),
    ] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """What is said of one stage of several, by the name that its formula assigns."""

    dtype: Annotated[
        DTypeName | None,
        Doc("How the scratch tensor is stored; as the stage's widest input where it isn't given.", noun="dtype"),
    ] = None
    layout: Annotated[Layout, Doc("Where the scratch tensor lies.", noun="layout")] = "dram_interleaved"
    schedule: Annotated[
        Schedule | Auto | None,
        Doc("The stage's own schedule; the spec's where it isn't given.", noun="schedule"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What a kernel may take; a spec whose plan takes more is refused."""

    l1_bytes: Annotated[
        int | None, Doc("Bytes of L1 of a core, of the program with most.", noun="number of bytes", minimum=1)
    ] = None
    dram_read_bytes: Annotated[
        int | None, Doc("Bytes that all programs read from DRAM.", noun="number of bytes", minimum=0)
    ] = None
    dram_read_ratio: Annotated[
        float | None,
        Doc("Bytes that are read from DRAM over those of the inputs that lie there.", noun="ratio", minimum=0),
    ] = None
    time_us: Annotated[
        float | None, Doc("Predicted microseconds on the device, of all programs.", noun="time", minimum=0)
    ] = None
    kernel_bytes: Annotated[
        int | None,
        Doc("Estimated bytes of a core's kernels, of the program with most.", noun="number of bytes", minimum=1),
    ] = None
    balance: Annotated[
        float | None,
        Doc(
            "The least balance: units over what the cores would make if all had as many as the busiest.",
            noun="balance",
            minimum=0,
            maximum=1,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A kernel."""

    kernel: Annotated[
        str,
        Doc(
            "The kernel's name, a C++ identifier; the folder that is written.",
            noun="kernel name",
            example="gemm",
        ),
    ]
    target: Annotated[TargetName, Doc("The card.", noun="target")] = "n150"
    mesh: Annotated[
        MeshSpec | None, Doc("A mesh of such cards; one card where it isn't given.", example="{rows: 2, cols: 4}")
    ] = None
    dims: Annotated[
        Mapping[str, int],
        Doc("Names for sizes.", noun="size", minimum=1, example="{M: 2000, K: 4096}"),
    ] = field(default_factory=dict)
    tensors: Annotated[
        Mapping[str, TensorSpec],
        Doc("The tensors in device memory. Which are inputs and outputs follows from the formula.", least=1),
    ]
    compute: Annotated[
        str | tuple[str, ...],
        Doc("A formula, or a list of them, in NumPy's terms.", noun="formula", least=1, example="C = A @ B"),
    ]
    precision: Annotated[Precision, Doc("How exactly the math is done.")] = field(default_factory=Precision)
    schedule: Annotated[
        Schedule | Auto, Doc("Which core makes which part of the output, and in what order.", noun="schedule")
    ] = field(default_factory=Schedule)
    stages: Annotated[
        Mapping[str, StageSpec],
        Doc(
            "Formulas that one program can't compute are cut into stages; settings of those that aren't the spec's, by "
            "the name that a stage's formula assigns.",
            noun="stage",
            example="{H: {dtype: bfloat8_b}}",
        ),
    ] = field(default_factory=dict)
    budgets: Annotated[
        Budgets,
        Doc("What the kernel may take: a spec that takes more is refused.", example="{l1_bytes: 400000, balance: 0.9}"),
    ] = field(default_factory=Budgets)
    python: Annotated[bool, Doc("Whether a function for Python is rendered, an operation of ttnn.")] = True

    @property
    def formulas(self) -> tuple[str, ...]:
        """The formulas, one or many."""
        return (self.compute,) if isinstance(self.compute, str) else self.compute

    def formula_path(self, index: int) -> Path:
        """Where formula `index` stands in the document."""
        return ("compute",) if isinstance(self.compute, str) else ("compute", index)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """A spec, its tensors' sizes with names resolved, and the text that it came from."""

    spec: Spec
    shapes: Mapping[str, Extents]
    source: Source

    @property
    def file_name(self) -> str:
        """The spec's file name without folders: all that rendered files say of where they come from."""
        return self.source.name.replace("\\", "/").rsplit("/", 1)[-1]

    def gives(self, *path: str | int) -> bool:
        """Whether the user wrote this value, as opposed to a default."""
        return path in self.source.places


def structure(source: Source) -> LoadedSpec:
    """A document that the schema accepts, as a spec.

    Raises:
        SpecError: names that C++, formulas or CMake can't have, unknown or unused names of sizes.
    """
    spec = CONVERTER.structure(source.document, Spec)
    problems = [*_names(spec), *_dims(spec)]
    if problems:
        raise SpecError(problems)
    shapes = {
        name: tuple(spec.dims[size] if isinstance(size, str) else size for size in tensor.shape)
        for name, tensor in spec.tensors.items()
    }
    return LoadedSpec(spec=spec, shapes=shapes, source=source)


def _names(spec: Spec) -> list[Problem]:
    problems = []
    if message := kernel_problem(spec.kernel):
        problems.append(Problem(message=f"kernel name '{spec.kernel}' {message}", path=("kernel",)))
    for name in spec.tensors:
        if message := tensor_problem(name):
            problems.append(Problem(message=f"tensor name '{name}' {message}", path=("tensors", name), at_key=True))
        if name in spec.dims:
            text = f"'{name}' is both a tensor and one of 'dims': rename one"
            problems.append(Problem(message=text, path=("dims", name), at_key=True))
    problems.extend(
        Problem(message=f"size name '{name}' {message}", path=("dims", name), at_key=True)
        for name in spec.dims
        if (message := identifier_problem(name))
    )
    return problems


def _dims(spec: Spec) -> list[Problem]:
    problems = []
    used = set()
    for tensor, declared in spec.tensors.items():
        path: Path = ("tensors", tensor, "shape")
        if len(declared.shape) > MAX_RANK:
            text = f"{len(declared.shape)} dimensions; a tensor has at most {MAX_RANK}"
            problems.append(Problem(message=text, path=path))
        for index, size in enumerate(declared.shape):
            if not isinstance(size, str):
                continue
            used.add(size)
            if size not in spec.dims:
                known = suggest(size, spec.dims) if spec.dims else "; declare it under 'dims'"
                problems.append(Problem(message=f"unknown size '{size}'{known}", path=(*path, index)))
    for name in spec.dims:
        if name not in used and not identifier_problem(name):
            text = f"'{name}' is not used by any tensor: remove it"
            problems.append(Problem(message=text, path=("dims", name), at_key=True))
    return problems
