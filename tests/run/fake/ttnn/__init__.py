"""As much of ttnn as `ttgen run` uses, over the emulator: a program that is handed over is run there, by `descriptors.cpp`.

What only a device knows is a word that says so: the emulator's host program puts its own in the place. So a word that was made
up on this side would be wrong. `FAKE_TTNN` sets what goes wrong, or what the device is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ml_dtypes
import numpy as np

from ttgen.verify import block_floats

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


class CoreCoord(Record):
    names = ("x", "y")

    def __hash__(self) -> int:
        return hash((self.x, self.y))


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


class Tensor:
    """A tensor on either side: its numbers as the dtype has them."""

    def __init__(self, values: Any, dtype: str, layout: str, memory: MemoryConfig | None = None) -> None:
        if dtype in (bfloat8_b, bfloat4_b):
            values = block_floats.stored(values, "bfloat8_b" if dtype == bfloat8_b else "bfloat4_b")
        elif dtype == bfloat16:
            values = values.astype(ml_dtypes.bfloat16)
        self.values = values.astype(np.float32)
        self.dtype, self.layout, self.memory = dtype, layout, memory
        self.number = -1

    def cpu(self) -> Tensor:
        return Tensor(self.values, self.dtype, self.layout)

    def to(self, layout: str) -> Tensor:
        return Tensor(self.values, self.dtype, layout)

    def to_numpy(self) -> Any:
        assert (self.dtype, self.layout, self.memory) == (float32, ROW_MAJOR_LAYOUT, None)
        return self.values

    def buffer_address(self) -> int:
        return ADDRESS + self.number


def to_dtype(tensor: Tensor, dtype: str) -> Tensor:
    return Tensor(tensor.values, dtype, tensor.layout)


def allocate_tensor_on_device(
    shape: tuple[int, ...], dtype: str, layout: str, device: Device, memory: MemoryConfig
) -> Tensor:
    tensor = Tensor(np.zeros(shape), dtype, layout, memory)
    tensor.number = device.tensors
    device.tensors += 1
    return tensor


def copy_host_to_device_tensor(host: Tensor, tensor: Tensor) -> None:
    assert (host.memory, host.dtype, host.layout, host.values.shape) == (
        None, tensor.dtype, tensor.layout, tensor.values.shape,
    )  # fmt: skip
    tensor.values = host.values


class TensorAccessorArgs:
    def __init__(self, tensor: Tensor) -> None:
        self.number = tensor.number

    def get_compile_time_args(self) -> list[int]:
        return [ACCESSOR + self.number]


def cb_descriptor_from_sharded_tensor(
    cb_index: int, tensor: Tensor, *, total_size: int, core_ranges: CoreRangeSet
) -> CBDescriptor:
    return CBDescriptor(tensor=tensor, total_size=total_size, core_ranges=core_ranges, format_descriptors=[])


class Device:
    def __init__(self) -> None:
        self.tensors = 0
        self.programs = 0

    def arch(self) -> Any:
        return Arch[SETTINGS.get("arch", "WORMHOLE_B0")]

    def compute_with_storage_grid_size(self) -> CoreCoord:
        return CoreCoord(*SETTINGS.get("grid", [8, 8]))

    def dram_grid_size(self) -> CoreCoord:
        return CoreCoord(SETTINGS.get("banks", 12), 1)

    def worker_core_from_logical_core(self, core: CoreCoord) -> CoreCoord:
        return CoreCoord(NOC_X + core.x, NOC_Y + core.y)


def GetNumAvailableDevices() -> int:  # noqa: N802 - ttnn's name
    if "absent" in SETTINGS:
        raise RuntimeError(SETTINGS["absent"])
    return 1


def open_device(device_id: int) -> Device:
    print("a library prints what it likes")
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


def generic_op(tensors: list[Tensor], program: ProgramDescriptor) -> Tensor:
    """Runs a program in the emulator: tensors go there and come back as files."""
    if "refuse" in SETTINGS:
        raise RuntimeError(SETTINGS["refuse"])
    if SETTINGS.get("crash"):
        os._exit(11)
    from tests.emulator import toolchain

    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "program").write_text("\n".join([*_tensors(tensors, folder), *_program(program, folder)]))
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
    for tensor in tensors:
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


def _program(program: ProgramDescriptor, folder: Path) -> list[str]:
    lines = [_line("semaphore", item.id, item.initial_value, *_ranges(item.core_ranges)) for item in program.semaphores]
    for item in program.cbs:
        formats = [(each.buffer_index, each.data_format, each.page_size) for each in item.format_descriptors]
        number = -1 if item.tensor is None else item.tensor.number
        flat = [word for each in formats for word in each]
        lines.append(_line("buffers", item.total_size, number, len(formats), *flat, *_ranges(item.core_ranges)))
    for number, kernel in enumerate(program.kernels):
        assert kernel.source_type is KernelDescriptor.SourceType.SOURCE_CODE
        (folder / f"kernel{number}.cpp").write_text(kernel.kernel_source)
        lines.append(_line("kernel", folder / f"kernel{number}.cpp", *_settings(kernel.config), *_arguments(kernel)))
    return lines


def _settings(config: Any) -> list[Any]:
    if isinstance(config, DataMovementConfigDescriptor):
        return ["movement", config.processor.value, config.noc.value]
    flags = (config.math_approx_mode, config.fp32_dest_acc_en, config.dst_full_sync_en, config.bfp8_pack_precise)
    modes = [mode.value for mode in config.unpack_to_dest_mode]
    return ["compute", config.math_fidelity.name, *map(int, flags), len(modes), *modes]


def _arguments(kernel: KernelDescriptor) -> list[Any]:
    named, defines, common = kernel.named_compile_time_args, kernel.defines, kernel.common_runtime_args
    words = [len(kernel.compile_time_args), *kernel.compile_time_args]
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
