"""Talks to ttnn, in a process of its own: a device that hangs, and a library that ends its process, end no other."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.model.grids import Coordinate
from ttgen.model.kernel_args import Address, NocColumns, NocRows
from ttgen.run.messages import Absent, Arrays, Began, Failed, Opened, Order, Stored, Timed
from ttgen.run.programs import Compute, KernelCall, Movement, ProgramCall, Ranges, Rings, Shards, StoredTensor

_UNWRITTEN: Final = np.float32(12345)
"""In outputs before programs run, which shows where nobody wrote."""
_SPLITS: Final = {"height": "HEIGHT_SHARDED", "width": "WIDTH_SHARDED", "block": "BLOCK_SHARDED"}


def serve(connection: Connection, log: Path, device: int, environment: Mapping[str, str]) -> None:
    """Opens a device and runs what is asked, until there is nobody who asks.

    Args:
        connection: to who asks; `ttgen.run.messages` has what is said.
        log: a file for all that libraries print.
        device: its number.
        environment: variables that the libraries see, beside those of this process.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.update(environment)
    # Otherwise they would make a folder where the user is.
    os.environ.setdefault("TT_METAL_LOGS_PATH", str(log.parent))
    try:
        ttnn: Any = import_module("ttnn")
        number = ttnn.GetNumAvailableDevices()
        if device >= number:
            connection.send(Absent(why=f"there is no device {device}: ttnn finds {number}, numbered from 0"))
            return
        card = ttnn.open_device(device_id=device)
    except (ImportError, RuntimeError, OSError) as error:
        connection.send(Absent(why=str(error) or type(error).__name__))
        return
    try:
        grid, banks = card.compute_with_storage_grid_size(), card.dram_grid_size()
        arch = str(card.arch()).split(".")[-1].lower()
        connection.send(Opened(arch=arch, rows=grid.y, cols=grid.x, dram_banks=banks.x * banks.y))
        while True:
            order: Order = connection.recv()
            try:
                _Programs(ttnn, card, order).run(connection)
            except (RuntimeError, TypeError, ValueError) as error:
                # What ttnn refuses; TypeError is what its bindings say of arguments.
                connection.send(Failed(text=str(error)))
    except (EOFError, BrokenPipeError):
        return
    finally:
        ttnn.close_device(card)


class _Programs:
    """The programs of an order on an open device."""

    def __init__(self, ttnn: Any, device: Any, order: Order) -> None:
        self._ttnn = ttnn
        self._device = device
        self._order = order
        self._stored = {tensor.name: tensor for tensor in order.job.tensors}
        # In the order that the generic operation wants them.
        self._tensors = {
            name: ttnn.allocate_tensor_on_device(
                ttnn.Shape(list(tensor.shape)),
                self._dtype(tensor.dtype),
                ttnn.TILE_LAYOUT,
                device,
                self._memory(tensor),
            )
            for name, tensor in self._stored.items()
        }

    def run(self, connection: Connection) -> None:
        """Runs every round and sends what it stored, then the timed runs and how long they took."""
        programs = [(program.name, self._program(program)) for program in self._order.job.programs]
        tensors = list(self._tensors.values())
        for values in self._order.rounds:
            for name, tensor in self._tensors.items():
                self._ttnn.copy_host_to_device_tensor(self._host(name, values), tensor)
            for name, program in programs:
                connection.send(Began(program=name))
                self._ttnn.generic_op(tensors, program)
                self._ttnn.synchronize_device(self._device)
            self._write_profile()
            connection.send(Stored(values={name: self._read(name) for name in self._made()}))
        times = []
        for _time in range(self._order.repeat):
            connection.send(Began(program=programs[0][0]))
            begin = time.perf_counter()
            for _name, program in programs:
                self._ttnn.generic_op(tensors, program)
            self._ttnn.synchronize_device(self._device)
            times.append((time.perf_counter() - begin) * 1e6)
            self._write_profile()
        connection.send(Timed(microseconds=tuple(times)))

    def _write_profile(self) -> None:
        # The profiler's buffers on the device hold some sixty programs.
        if "TT_METAL_DEVICE_PROFILER" in os.environ:
            self._ttnn.ReadDeviceProfiler(self._device)

    def _made(self) -> list[str]:
        return [name for name, tensor in self._stored.items() if tensor.role != "input"]

    def _host(self, name: str, values: Arrays) -> Any:
        """A tensor on this side: its values, or what shows that nobody wrote any."""
        stored = self._stored[name]
        array = values[name] if name in values else np.full(stored.shape, _UNWRITTEN, np.float32)
        return self._ttnn.Tensor(np.ascontiguousarray(array), self._dtype(stored.dtype), layout=self._ttnn.TILE_LAYOUT)

    def _read(self, name: str) -> NDArray[np.float32]:
        tensor = self._tensors[name].cpu()
        if self._stored[name].dtype != "float32":
            tensor = self._ttnn.to_dtype(tensor, self._ttnn.float32)
        values = np.asarray(tensor.to(self._ttnn.ROW_MAJOR_LAYOUT).to_numpy())
        return values.astype(np.float32).reshape(self._stored[name].shape)

    def _dtype(self, name: str) -> Any:
        return getattr(self._ttnn, name)

    def _memory(self, tensor: StoredTensor) -> Any:
        ttnn = self._ttnn
        kind = ttnn.BufferType.DRAM if tensor.in_dram else ttnn.BufferType.L1
        if tensor.shards is None:
            return ttnn.MemoryConfig(ttnn.TensorMemoryLayout.INTERLEAVED, kind)
        return ttnn.MemoryConfig(
            getattr(ttnn.TensorMemoryLayout, _SPLITS[tensor.shards.split]), kind, self._shards(tensor.shards)
        )

    def _shards(self, shards: Shards) -> Any:
        orientation = self._ttnn.ShardOrientation
        return self._ttnn.ShardSpec(
            self._cores((((0, 0), shards.last),)),
            list(shards.shape),
            orientation.ROW_MAJOR if shards.along_rows else orientation.COL_MAJOR,
        )

    def _cores(self, ranges: Ranges) -> Any:
        ttnn = self._ttnn
        return ttnn.CoreRangeSet({ttnn.CoreRange(self._core(first), self._core(last)) for first, last in ranges})

    def _core(self, core: Coordinate) -> Any:
        return self._ttnn.CoreCoord(*core)

    def _program(self, program: ProgramCall) -> Any:
        ttnn = self._ttnn
        return ttnn.ProgramDescriptor(
            kernels=[self._kernel(kernel) for kernel in program.kernels],
            semaphores=[
                ttnn.SemaphoreDescriptor(
                    id=item.index,
                    core_type=ttnn.CoreType.WORKER,
                    core_ranges=self._cores(item.cores),
                    initial_value=item.initial,
                )
                for item in program.counters
            ],
            cbs=[self._rings(rings) for rings in program.rings],
        )

    def _rings(self, rings: Rings) -> Any:
        ttnn, cores = self._ttnn, self._cores(rings.cores)
        formats = [
            ttnn.CBFormatDescriptor(
                buffer_index=ring.index, data_format=self._dtype(ring.dtype), page_size=ring.page_bytes
            )
            for ring in rings.rings
        ]
        if rings.tensor is None:
            return ttnn.CBDescriptor(total_size=rings.total_bytes, core_ranges=cores, format_descriptors=formats)
        found = ttnn.cb_descriptor_from_sharded_tensor(
            rings.rings[0].index, self._tensors[rings.tensor], total_size=rings.total_bytes, core_ranges=cores
        )
        found.format_descriptors = formats
        return found

    def _kernel(self, kernel: KernelCall) -> Any:
        ttnn = self._ttnn
        own = ttnn.RuntimeArgs()
        for core, words in kernel.own:
            own.append(self._core(core), list(words))
        accessors = (ttnn.TensorAccessorArgs(self._tensors[name]) for name in kernel.accessors)
        return ttnn.KernelDescriptor(
            kernel_source=kernel.text,
            source_type=ttnn.KernelDescriptor.SourceType.SOURCE_CODE,
            core_ranges=self._cores(kernel.cores),
            compile_time_args=[word for accessor in accessors for word in accessor.get_compile_time_args()],
            named_compile_time_args=list(kernel.named),
            defines=list(kernel.defines),
            runtime_args=own,
            common_runtime_args=[word for value in kernel.common for word in self._words(value)],
            config=self._settings(kernel.settings),
        )

    def _words(self, value: Address | NocColumns | NocRows) -> list[int]:
        on_noc = self._device.worker_core_from_logical_core
        match value:
            case Address(address=name):
                return [self._tensors[name].buffer_address()]
            case NocColumns(noc_x=columns):
                return [on_noc(self._core((x, 0))).x for x in columns]
            case NocRows(noc_y=rows):
                return [on_noc(self._core((0, y))).y for y in rows]

    def _settings(self, settings: Movement | Compute) -> Any:
        ttnn = self._ttnn
        if isinstance(settings, Movement):
            return ttnn.DataMovementConfigDescriptor(
                processor=getattr(ttnn.DataMovementProcessor, settings.processor.upper()),
                noc=getattr(ttnn.NOC, f"RISCV_{settings.noc}_default"),
            )
        config = settings.config
        found = ttnn.ComputeConfigDescriptor(
            math_fidelity=getattr(ttnn.MathFidelity, config.math_fidelity),
            math_approx_mode=config.math_approx,
            fp32_dest_acc_en=config.fp32_dest_acc,
            dst_full_sync_en=config.dst_full_sync,
            bfp8_pack_precise=config.bfp8_pack_precise,
        )
        if any(settings.to_dst):
            mode = ttnn.UnpackToDestMode
            modes = [mode.UnpackToDestFp32 if whole else mode.Default for whole in settings.to_dst]
            found.unpack_to_dest_mode = type(found.unpack_to_dest_mode)(modes)
        return found
