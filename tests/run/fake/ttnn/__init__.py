"""As much of ttnn as rendered functions and `ttgen run` use, over the emulator: programs are run there, by `descriptors.cpp`.

What only a device knows is a word that says so: the emulator's host program puts its own in the place. So a word that was made
up on this side would be wrong. `FAKE_TTNN` sets what goes wrong, or what the device is; with `record`, programs are written
to that file instead, which needs nothing of ttgen.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np

ADDRESS, ACCESSOR, NOC_X, NOC_Y = 0xADD00000, 0xACC00000, 0xC0A00000, 0xC0B00000
SETTINGS: dict[str, Any] = json.loads(os.environ.get("FAKE_TTNN", "{}"))

bfloat16, float32, bfloat8_b, bfloat4_b = "bfloat16", "float32", "bfloat8_b", "bfloat4_b"
TILE_LAYOUT, ROW_MAJOR_LAYOUT = "tile", "row_major"

Arch = Enum("Arch", ["WORMHOLE_B0", "BLACKHOLE"])
CoreType = Enum("CoreType", ["WORKER"])
DataMovementProcessor = Enum("DataMovementProcessor", ["RISCV_0", "RISCV_1"], start=0)
NOC = Enum("NOC", ["RISCV_0_default", "RISCV_1_default"], start=0)
MathFidelity = Enum("MathFidelity", ["LoFi", "HiFi2", "HiFi3", "HiFi4"])
UnpackToDestMode = Enum("UnpackToDestMode", ["Default", "UnpackToDestFp32"], start=0)
BufferType = Enum("BufferType", ["DRAM", "L1"])
TensorMemoryLayout = Enum("TensorMemoryLayout", ["INTERLEAVED", "HEIGHT_SHARDED", "WIDTH_SHARDED", "BLOCK_SHARDED"])
ShardOrientation = Enum("ShardOrientation", ["ROW_MAJOR", "COL_MAJOR"])


class Record:
    """Keeps its arguments by their names."""

    names: tuple[str, ...] = ()

    def __init__(self, *given: Any, **named: Any) -> None:
        vars(self).update(zip(self.names, given, strict=False))
        vars(self).update(named)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({vars(self)})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(repr(self))


class CoreCoord(Record):
    names = ("x", "y")


class CoreRange(Record):
    names = ("start", "end")


class CoreRangeSet(Record):
    names = ("ranges",)


class ShardSpec(Record):
    names = ("cores", "shape", "orientation")


class MemoryConfig(Record):
    names = ("layout", "buffer", "shards")
    shards = None


class CBFormatDescriptor(Record): ...


class CBDescriptor(Record):
    tensor = None

    def set_buffer_from_cb(self, other: CBDescriptor) -> None:
        self.tensor = other.tensor


class SemaphoreDescriptor(Record): ...


class KernelDescriptor(Record):
    SourceType = Enum("SourceType", ["FILE_PATH", "SOURCE_CODE"])


class DataMovementConfigDescriptor(Record): ...


class ComputeConfigDescriptor(Record):
    unpack_to_dest_mode: Sequence[Any] = ()  # of the type that modes are given as


class ProgramDescriptor(Record): ...


def Shape(sizes: tuple[int, ...]) -> tuple[int, ...]:  # noqa: N802 - ttnn's name
    return tuple(sizes)


class RuntimeArgs:
    def __init__(self) -> None:
        self.words: list[tuple[CoreCoord, list[int]]] = []

    def append(self, core: CoreCoord, words: list[int]) -> None:
        self.words.append((core, words))


CRUEL = np.float32(1e30)
"""What operations leave beyond the ends of what they make."""


class Tensor:
    """A tensor on either side: its numbers as the dtype has them, in whole tiles where it has such a layout."""

    def __init__(
        self, values: Any, dtype: str, layout: str = ROW_MAJOR_LAYOUT, *, padding: Any = 0, shape: Any = None
    ) -> None:
        self.shape = tuple(shape or values.shape)
        if layout == TILE_LAYOUT:
            values = _in_tiles(values, padding)
        if dtype in (bfloat8_b, bfloat4_b):
            from ttgen.verify import block_floats

            values = block_floats.stored(values, "bfloat8_b" if dtype == bfloat8_b else "bfloat4_b")
        elif dtype == bfloat16:
            values = values.astype(ml_dtypes.bfloat16)
        self.values = values.astype(np.float32)
        self.dtype, self.layout = dtype, layout
        self.memory: MemoryConfig | None = None
        self.home: Device | None = None
        self.number = -1

    @property
    def padded_shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)

    def cpu(self) -> Tensor:
        return Tensor(self.values, self.dtype, self.layout, shape=self.shape)

    def to(self, there: Any, memory: MemoryConfig | None = None) -> Tensor:
        """The tensor in another layout, or on a device."""
        if not isinstance(there, Device):
            return Tensor(self.logical(), self.dtype, there)
        moved = Tensor(self.values, self.dtype, self.layout, shape=self.shape)
        there.take(moved, memory or DRAM_MEMORY_CONFIG)
        return moved

    def logical(self) -> Any:
        ends = (1,) * (self.values.ndim - len(self.shape)) + self.shape
        return self.values[tuple(slice(0, size) for size in ends)].reshape(self.shape)

    def to_numpy(self) -> Any:
        assert (self.dtype, self.layout, self.memory) == (float32, ROW_MAJOR_LAYOUT, None)
        return self.values

    def buffer_address(self) -> int:
        return ADDRESS + self.number

    def memory_config(self) -> MemoryConfig | None:
        return self.memory

    def device(self) -> Device | None:
        return self.home


def _in_tiles(values: Any, padding: Any) -> Any:
    values = values.reshape(1, -1) if values.ndim == 1 else values
    ends = [(0, 0)] * (values.ndim - 2) + [(0, -size % 32) for size in values.shape[-2:]]
    return np.pad(values, ends, constant_values=padding)


DRAM_MEMORY_CONFIG = MemoryConfig(TensorMemoryLayout.INTERLEAVED, BufferType.DRAM)


def is_tensor_storage_on_device(tensor: Tensor) -> bool:
    return tensor.home is not None


def to_dtype(tensor: Tensor, dtype: str) -> Tensor:
    return Tensor(tensor.values, dtype, tensor.layout, shape=tensor.shape)


def allocate_tensor_on_device(
    shape: tuple[int, ...], dtype: str, layout: str, device: Device, memory: MemoryConfig
) -> Tensor:
    if isinstance(device, MeshDevice):
        count = device.shape[0] * device.shape[1]
        parts = [Tensor(np.full(shape, CRUEL), dtype, layout, padding=CRUEL) for _device in range(count)]
        return MeshTensor(parts, device, memory)
    tensor = Tensor(np.full(shape, CRUEL), dtype, layout, padding=CRUEL)
    device.take(tensor, memory)
    return tensor


def copy_host_to_device_tensor(host: Tensor, tensor: Tensor) -> None:
    if isinstance(tensor, MeshTensor):
        assert isinstance(host, HostTensors)
        for own, there in zip(host.parts, tensor.parts, strict=True):
            assert (own.dtype, own.layout, own.values.shape) == (there.dtype, there.layout, there.values.shape)
            there.values = own.values
        return
    assert (host.memory, host.dtype, host.layout, host.values.shape) == (
        None, tensor.dtype, tensor.layout, tensor.values.shape,
    )  # fmt: skip
    tensor.values = host.values


def fill_implicit_tile_padding(tensor: Tensor, value: float) -> Tensor:
    """In place, but for block floats, as the real one."""
    if isinstance(tensor, MeshTensor):
        for part in tensor.parts:
            part.values = Tensor(part.logical(), part.dtype, TILE_LAYOUT, padding=value).values
        return tensor
    filled = Tensor(tensor.logical(), tensor.dtype, TILE_LAYOUT, padding=value)
    if tensor.dtype in (bfloat8_b, bfloat4_b):
        assert tensor.home is not None
        assert tensor.memory is not None
        tensor.home.take(filled, tensor.memory)
        return filled
    tensor.values = filled.values
    return tensor


def _operation(function: Any, *operands: Tensor) -> Tensor:
    """One of ttnn's own: it leaves something beyond the ends of what it makes."""
    first = operands[0]
    made = Tensor(function(*(item.logical() for item in operands)), first.dtype, TILE_LAYOUT, padding=CRUEL)
    assert first.home is not None
    first.home.take(made, DRAM_MEMORY_CONFIG)
    return made


def add(left: Tensor, right: Tensor) -> Tensor:
    return _operation(np.add, left, right)


def relu(tensor: Tensor) -> Tensor:
    return _operation(lambda values: np.maximum(values, 0), tensor)


CONFIG = SimpleNamespace(enable_comparison_mode=False, comparison_mode_pcc=0.9999)
COMPARED: list[tuple[str, float]] = []
"""What comparison mode compared: operations, and how what they gave and their golden functions correlate."""


class Operation:
    def __init__(self, name: str, function: Any, golden: Any) -> None:
        self.name, self.function, self.golden_function, self.__doc__ = name, function, golden, function.__doc__

    def __call__(self, *given: Any, **named: Any) -> Any:
        if not CONFIG.enable_comparison_mode:
            return self.function(*given, **named)
        arrays = {name: _array(item) for name, item in named.items()}
        right = self.golden_function(*map(_array, given), **arrays)
        made = self.function(*given, **named)
        pairs = zip(made, right, strict=True) if isinstance(made, tuple) else [(made, right)]
        for tensor, values in pairs:
            pcc = float(np.corrcoef(tensor.logical().ravel(), values.ravel())[0, 1])
            COMPARED.append((self.name, pcc))
            if pcc < CONFIG.comparison_mode_pcc:
                raise RuntimeError(f"{self.name}: Comparing output tensor 0 against CPU locally failed: pcc is {pcc}")
        return made


def _array(item: Any) -> Any:
    if isinstance(item, tuple):
        return tuple(map(_array, item))
    return item.logical() if isinstance(item, Tensor) else item


def register_python_operation(*, name: str, golden_function: Any = None) -> Any:
    assert name.startswith("ttnn.")
    return lambda function: Operation(name, function, golden_function)


def get_golden_function(operation: Operation) -> Any:
    return operation.golden_function


KINDS: list[Any] = []
"""Tensors whose accessors have the same words: programs that were made for one run on another."""


def _kind(tensor: Tensor) -> int:
    kind = (tensor.memory, tensor.dtype, tensor.padded_shape)
    if kind not in KINDS:
        KINDS.append(kind)
    return KINDS.index(kind)


class TensorAccessorArgs:
    def __init__(self, tensor: Tensor) -> None:
        self.kind = _kind(tensor)

    def get_compile_time_args(self) -> list[int]:
        return [ACCESSOR + self.kind]


def cb_descriptor_from_sharded_tensor(
    cb_index: int, tensor: Tensor, *, total_size: int, core_ranges: CoreRangeSet
) -> CBDescriptor:
    return CBDescriptor(tensor=tensor, total_size=total_size, core_ranges=core_ranges, format_descriptors=[])


class Device:
    opened = 0

    def __init__(self) -> None:
        self.tensors = 0
        self.programs = 0
        Device.opened += 1
        self.number = Device.opened

    def id(self) -> int:
        return self.number

    def take(self, tensor: Tensor, memory: MemoryConfig) -> None:
        """Gives a tensor memory here."""
        tensor.memory, tensor.home, tensor.number = memory, self, self.tensors
        self.tensors += 1

    def arch(self) -> Any:
        return Arch[SETTINGS.get("arch", "WORMHOLE_B0")]

    def compute_with_storage_grid_size(self) -> CoreCoord:
        return CoreCoord(*SETTINGS.get("grid", [8, 8]))

    def dram_grid_size(self) -> CoreCoord:
        return CoreCoord(SETTINGS.get("banks", 12), 1)

    def worker_core_from_logical_core(self, core: CoreCoord) -> CoreCoord:
        return CoreCoord(NOC_X + core.x, NOC_Y + core.y)


def GetNumAvailableDevices() -> int:  # noqa: N802 - ttnn's name
    print("a library prints what it likes")
    if "absent" in SETTINGS:
        raise RuntimeError(SETTINGS["absent"])
    return int(SETTINGS.get("devices", 1))


def open_device(device_id: int) -> Device:
    return Device()


def close_device(device: Device) -> None: ...


def synchronize_device(device: Device) -> None:
    if SETTINGS.get("hang"):
        print("what was last said", flush=True)
        if "TT_METAL_WATCHER" in os.environ:
            log = Path(os.environ["TT_METAL_LOGS_PATH"], "generated", "watcher", "watcher.log")
            log.parent.mkdir(parents=True)
            log.write_text(SETTINGS["hang"])
        time.sleep(1000)


LAUNCHES: list[Any] = []
"""Cores with the processors that run there, of each program that ran since the log was written."""
HEADER = (
    "PCIe slot, core_x, core_y, RISC processor type, timer_id, time[cycles since reset], data, run host ID, trace id, "
    "trace id counter, zone name, type, source line, source file, meta data"
)


def ReadDeviceProfiler(device: Device) -> None:  # noqa: N802 - ttnn's name
    """Adds what ran to the log, at 500 MHz: the n-th program begins at 10,000 n and takes 1,000 and
    100 times 3 n modulo 7, its reader 600. The threads of a compute kernel begin one after the other."""
    assert os.environ["TT_METAL_DEVICE_PROFILER"] == os.environ["TT_METAL_PROFILER_SUM"] == "1"
    log = Path(os.environ["TT_METAL_PROFILER_DIR"], ".logs", "profile_log_device.csv")
    if not log.exists():
        log.parent.mkdir()
        log.write_text(f"ARCH: wormhole_b0, CHIP_FREQ[MHz]: 500, Max Compute Cores: 64\n{HEADER}\n")
    lines = []
    for cores in LAUNCHES:
        device.programs += 1
        number = device.programs
        begin, end = 10_000 * number, 10_000 * number + 1000 + 100 * (3 * number % 7)
        for x, y, processor in cores:
            riscs = ("TRISC_1", "TRISC_0", "TRISC_2") if processor == "TRISC" else (processor,)
            last = begin + 600 if processor == "NCRISC" else end
            for risc in riscs:
                late = 10 * int(risc[-1]) if processor == "TRISC" else 0
                lines += [
                    f"0,{x + 18},{y + 18},{risc},7,{time},0,{number},,,{processor}-{zone},ZONE_{kind},1,a.cc,"
                    for zone in ("FW", "KERNEL")
                    for time, kind in ((begin - 50 * (zone == "FW") + late, "START"), (last, "END"))
                ]
            if processor == "TRISC":
                sums = (("TRISC_0", "CB-COMPUTE-WAIT-FRONT", 200), ("TRISC_2", "CB-COMPUTE-RESERVE-BACK", 50))
                lines += [
                    f"0,{x + 18},{y + 18},{risc},8,{end},{sum_},{number},,,{zone},ZONE_TOTAL,2,b.h,"
                    for risc, zone, sum_ in sums
                ]
    LAUNCHES.clear()
    with log.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


class PlacementReplicate(Record): ...


class PlacementShard(Record):
    names = ("dim",)


class MeshCoordinate(Record):
    names = ("row", "col")


def MeshShape(sizes: Sequence[int]) -> tuple[int, ...]:  # noqa: N802 - ttnn's name
    return tuple(sizes)


class TensorTopology:
    def __init__(self, shape: tuple[int, ...], placements: list[Any], coordinates: list[MeshCoordinate]) -> None:
        self._shape, self._placements, self.coordinates = shape, placements, coordinates

    def distribution_shape(self) -> tuple[int, ...]:
        return self._shape

    def placements(self) -> list[Any]:
        return self._placements


class MeshDevice(Device):
    """Devices, row by row; a tensor on it has a part on each, in the same place of their memories."""

    is_open = False

    def __init__(self, rows: int, cols: int) -> None:
        super().__init__()
        self.shape = (rows, cols)


class FabricConfig(Enum):
    FABRIC_1D = 1


FABRIC: list[FabricConfig] = []


def set_fabric_config(config: FabricConfig) -> None:
    assert not MeshDevice.is_open, "before the mesh is opened"
    FABRIC.append(config)


def open_mesh_device(shape: tuple[int, ...]) -> MeshDevice:
    assert shape[0] * shape[1] <= GetNumAvailableDevices()
    MeshDevice.is_open = True
    return MeshDevice(*shape)


def close_mesh_device(device: MeshDevice) -> None:
    assert isinstance(device, MeshDevice)


class HostTensors:
    """A tensor of several devices, on this side."""

    def __init__(self, parts: Sequence[Tensor], shape: tuple[int, ...]) -> None:
        assert len(parts) == shape[0] * shape[1]
        self.parts = list(parts)


def from_host_shards(parts: Sequence[Tensor], shape: tuple[int, ...]) -> HostTensors:
    return HostTensors(parts, shape)


def get_device_tensors(tensor: HostTensors) -> list[Tensor]:
    return tensor.parts


class MeshTensor(Tensor):
    def __init__(self, parts: list[Tensor], mesh: MeshDevice, memory: MemoryConfig, topology: Any = None) -> None:
        first = parts[0]
        super().__init__(first.values, first.dtype, first.layout, shape=first.shape)
        self.parts, self.topology = parts, topology
        for part in parts:
            part.memory, part.home = memory, mesh
        mesh.take(self, memory)
        for part in parts:
            part.number = self.number

    def cpu(self) -> Any:
        return HostTensors([part.cpu() for part in self.parts], self.home.shape)  # type: ignore[union-attr]

    def tensor_topology(self) -> Any:
        return self.topology

    def update_tensor_topology(self, topology: Any) -> None:
        self.topology = topology


def copy(source: MeshTensor, target: MeshTensor) -> None:
    for one, other in zip(source.parts, target.parts, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        other.values = one.values


def _collective(source: MeshTensor, axis: int, make: Any) -> list[Tensor]:
    """What each device gets of those of its row (1) or column (0); beside it is whatever an operation leaves."""
    assert FABRIC or not MeshDevice.is_open, "a mesh that is opened needs its fabric"
    assert isinstance(source.home, MeshDevice)
    rows, cols = source.home.shape
    found: dict[int, Tensor] = {}
    groups = (
        [[row * cols + col for col in range(cols)] for row in range(rows)]
        if axis == 1
        else [[row * cols + col for row in range(rows)] for col in range(cols)]
    )
    for group in groups:
        made = make([source.parts[place].logical() for place in group])
        for place, values in zip(group, made, strict=True):
            found[place] = Tensor(values, source.dtype, TILE_LAYOUT, padding=CRUEL)
    return [found[place] for place in range(rows * cols)]


def all_reduce(source: MeshTensor, *, cluster_axis: int, memory_config: MemoryConfig) -> MeshTensor:
    made = _collective(source, cluster_axis, lambda own: [np.sum(own, axis=0)] * len(own))
    assert isinstance(source.home, MeshDevice)
    return MeshTensor(made, source.home, memory_config)


def all_gather(source: MeshTensor, *, dim: int, cluster_axis: int, output_tensor: MeshTensor) -> MeshTensor:
    made = _collective(source, cluster_axis, lambda own: [np.concatenate(own, dim)] * len(own))
    for part, values in zip(output_tensor.parts, made, strict=True):
        assert part.shape == values.shape
        part.values = values.values
    return output_tensor


def reduce_scatter(source: MeshTensor, *, dim: int, cluster_axis: int, output_tensor: MeshTensor) -> MeshTensor:
    made = _collective(source, cluster_axis, lambda own: np.split(np.sum(own, axis=0), len(own), dim))
    for part, values in zip(output_tensor.parts, made, strict=True):
        assert part.shape == values.shape
        part.values = values.values
    return output_tensor


def generic_op(tensors: list[Tensor], program: ProgramDescriptor) -> Tensor:
    """Runs a program in the emulator: tensors go there and come back as files."""
    if isinstance(tensors[-1], MeshTensor):
        meshed = [tensor for tensor in tensors if isinstance(tensor, MeshTensor)]
        assert len(meshed) == len(tensors)
        for parts in zip(*(tensor.parts for tensor in meshed), strict=True):
            generic_op(list(parts), program)
        return tensors[-1]
    if "refuse" in SETTINGS:
        raise RuntimeError(SETTINGS["refuse"])
    if SETTINGS.get("crash"):
        os._exit(11)
    if "record" in SETTINGS:
        with Path(SETTINGS["record"]).open("a") as file:
            file.write("".join(f"{line}\n" for line in _program(program, Path())))
        return tensors[-1]
    from tests.emulator import toolchain

    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number, kernel in enumerate(program.kernels):
            (folder / f"kernel{number}.cpp").write_text(kernel.kernel_source)
        (folder / "program").write_text("\n".join([*_tensors(tensors, folder), *_program(program, folder, tensors)]))
        host = toolchain.build_host(toolchain.TESTS / "programs" / "descriptors.cpp")
        arch = SETTINGS.get("arch", "WORMHOLE_B0").lower()
        columns, rows = SETTINGS.get("grid", [8, 8])
        env = {"TTEMU_ARCH": arch, "TTEMU_ROWS": str(rows), "TTEMU_COLS": str(columns)}
        result = toolchain.run(host, [str(folder / "program")], folder, env=env)
        if result.status or result.names():
            raise RuntimeError(f"{result.stderr}\n{result.report}")
        for tensor in tensors:
            tensor.values = np.fromfile(folder / f"tensor{tensor.number}", "<f4").reshape(tensor.values.shape)
        LAUNCHES.append([launch for kernel in program.kernels for launch in _launches(kernel)])
        if SETTINGS.get("wrong"):
            tensors[-1].values = tensors[-1].values + SETTINGS["wrong"]
    return tensors[-1]


def _launches(kernel: KernelDescriptor) -> list[tuple[int, int, str]]:
    movement = isinstance(kernel.config, DataMovementConfigDescriptor)
    processor = ("BRISC", "NCRISC")[kernel.config.processor.value] if movement else "TRISC"
    return [(core.x, core.y, processor) for core, _words in kernel.runtime_args.words]


def _tensors(tensors: list[Tensor], folder: Path) -> list[str]:
    lines = []
    # As they were made: the emulator gives memory in that order.
    for tensor in sorted(tensors, key=lambda tensor: tensor.number):
        assert tensor.memory is not None
        tensor.values.astype("<f4").tofile(folder / f"tensor{tensor.number}")
        rows, columns = tensor.values.size // tensor.values.shape[-1], tensor.values.shape[-1]
        words = [tensor.dtype, int(tensor.memory.buffer is BufferType.DRAM), rows // 32, columns // 32]
        if tensor.memory.shards is not None:
            shards = tensor.memory.shards
            ((area,),) = (list(shards.cores.ranges),)
            words += [1, shards.shape[0] // 32, shards.shape[1] // 32, area.end.x, area.end.y]
            words += [int(shards.orientation is ShardOrientation.ROW_MAJOR)]
        else:
            words += [0]
        lines.append(_line("tensor", tensor.number, *words, folder / f"tensor{tensor.number}"))
    return lines


def _program(program: ProgramDescriptor, folder: Path, tensors: Sequence[Tensor] = ()) -> list[str]:
    """The words of a program; where tensors are given, of their accessors."""
    accessors = {ACCESSOR + _kind(tensor): ACCESSOR + tensor.number for tensor in tensors}
    lines = [_line("semaphore", item.id, item.initial_value, *_ranges(item.core_ranges)) for item in program.semaphores]
    for item in program.cbs:
        formats = [(each.buffer_index, each.data_format, each.page_size) for each in item.format_descriptors]
        number = -1 if item.tensor is None else item.tensor.number
        flat = [word for each in formats for word in each]
        lines.append(_line("buffers", item.total_size, number, len(formats), *flat, *_ranges(item.core_ranges)))
    for number, kernel in enumerate(program.kernels):
        assert kernel.source_type is KernelDescriptor.SourceType.SOURCE_CODE
        lines.append(
            _line("kernel", folder / f"kernel{number}.cpp", *_settings(kernel.config), *_arguments(kernel, accessors))
        )
    return lines


def _settings(config: Any) -> list[Any]:
    if isinstance(config, DataMovementConfigDescriptor):
        return ["movement", config.processor.value, config.noc.value]
    flags = (config.math_approx_mode, config.fp32_dest_acc_en, config.dst_full_sync_en, config.bfp8_pack_precise)
    modes = [mode.value for mode in config.unpack_to_dest_mode]
    return ["compute", config.math_fidelity.name, *map(int, flags), len(modes), *modes]


def _arguments(kernel: KernelDescriptor, accessors: Mapping[int, int]) -> list[Any]:
    named, defines, common = kernel.named_compile_time_args, kernel.defines, kernel.common_runtime_args
    words: list[Any] = [len(kernel.compile_time_args)]
    words += [accessors.get(word, word) for word in kernel.compile_time_args]
    words += [len(named), *(word for pair in named for word in pair)]
    words += [len(defines), *(word for pair in defines for word in pair)]
    words += [len(common), *common, *_ranges(kernel.core_ranges), len(kernel.runtime_args.words)]
    for core, own in kernel.runtime_args.words:
        words += [core.x, core.y, len(own), *own]
    return words


def _ranges(ranges: CoreRangeSet) -> list[int]:
    found = [(area.start.x, area.start.y, area.end.x, area.end.y) for area in ranges.ranges]
    return [len(found), *(side for area in found for side in area)]


def _line(*words: Any) -> str:
    return " ".join(json.dumps(str(word)) for word in words)
