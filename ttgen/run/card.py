"""Talks to ttnn, in a process of its own: a device that hangs, and a library that ends its process, end no other."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.run.messages import Absent, Arrays, Began, Failed, MeshDevices, Opened, Order, Stored, Timed
from ttgen.run.shared import shared_module

_UNWRITTEN: Final = np.float32(12345)
"""In outputs before programs run, which shows where nobody wrote."""


def serve(
    connection: Connection, log: Path, device: int, mesh: MeshDevices | None, environment: Mapping[str, str]
) -> None:
    """Opens a device or a mesh and runs what is asked, until there is nobody who asks.

    Args:
        connection: to who asks; `ttgen.run.messages` has what is said.
        log: a file for all that libraries print.
        device: its number.
        mesh: what is opened instead; None for one device.
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
        if mesh is not None and mesh.rows * mesh.cols > number:
            why = f"a mesh of {mesh.rows} x {mesh.cols} devices has {mesh.rows * mesh.cols}, and ttnn finds {number}"
            connection.send(Absent(why=why))
            return
        if mesh is None and device >= number:
            connection.send(Absent(why=f"there is no device {device}: ttnn finds {number}, numbered from 0"))
            return
        card = ttnn.open_device(device_id=device) if mesh is None else _opened(ttnn, mesh)
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
        if mesh is None:
            ttnn.close_device(card)
        else:
            ttnn.close_mesh_device(card)


def _opened(ttnn: Any, mesh: MeshDevices) -> Any:
    """A mesh, with the fabric that collectives need."""
    if mesh.exchanges:
        ttnn.set_fabric_config(ttnn.FabricConfig.FABRIC_1D)
    return ttnn.open_mesh_device(ttnn.MeshShape([mesh.rows, mesh.cols]))


class _Programs:
    """The programs of an order on an open device, with tensors of whole tiles: what is beyond their ends counts.

    On a mesh all devices have tensors of one shape, with numbers of their own.
    """

    def __init__(self, ttnn: Any, device: Any, order: Order) -> None:
        plan = json.loads(order.files["tt.plan.json"])
        self._ttnn = ttnn
        self._device = device
        self._order = order
        self._stored: Mapping[str, Any] = {tensor["name"]: tensor for tensor in plan["tensors"]}
        self._first: str = plan["programs"][0]["name"]
        self._programs = shared_module("ttnn_parts").Programs(plan, order.files)
        self._tensors = {
            name: self._programs.allocate(name, device, tensor["stored_shape"]) for name, tensor in self._stored.items()
        }

    def run(self, connection: Connection) -> None:
        """Runs every round and sends what it stored, then the timed runs and how long they took."""

        def began(program: str) -> None:
            if program != self._first:
                self._ttnn.synchronize_device(self._device)
            connection.send(Began(program=program))

        for devices in self._order.rounds:
            for name, tensor in self._tensors.items():
                self._ttnn.copy_host_to_device_tensor(self._host(name, devices), tensor)
            self._programs.launch(self._tensors, began)
            self._ttnn.synchronize_device(self._device)
            self._write_profile()
            made = {name: self._read(name) for name in self._made()}
            connection.send(
                Stored(values=tuple({name: made[name][place] for name in made} for place in range(len(devices))))
            )
        times = []
        for _time in range(self._order.repeat):
            connection.send(Began(program=self._first))
            begin = time.perf_counter()
            self._programs.launch(self._tensors)
            self._ttnn.synchronize_device(self._device)
            times.append((time.perf_counter() - begin) * 1e6)
            self._write_profile()
        connection.send(Timed(microseconds=tuple(times)))

    def _write_profile(self) -> None:
        # The profiler's buffers on the device hold some sixty programs.
        if "TT_METAL_DEVICE_PROFILER" in os.environ:
            self._ttnn.ReadDeviceProfiler(self._device)

    def _made(self) -> list[str]:
        return [name for name, tensor in self._stored.items() if tensor["role"] != "input"]

    def _host(self, name: str, devices: Sequence[Arrays]) -> Any:
        """A tensor on this side: its values, or what shows that nobody wrote any."""
        stored, ttnn = self._stored[name], self._ttnn
        unwritten = np.full(stored["stored_shape"], _UNWRITTEN, np.float32)
        parts = [
            ttnn.Tensor(
                np.ascontiguousarray(values.get(name, unwritten)),
                getattr(ttnn, stored["dtype"]),
                layout=ttnn.TILE_LAYOUT,
            )
            for values in devices
        ]
        mesh = self._order.mesh
        return parts[0] if mesh is None else ttnn.from_host_shards(parts, ttnn.MeshShape([mesh.rows, mesh.cols]))

    def _read(self, name: str) -> list[NDArray[np.float32]]:
        """What each device has of a tensor."""
        tensor = self._tensors[name].cpu()
        return [
            self._values(name, part)
            for part in ([tensor] if self._order.mesh is None else self._ttnn.get_device_tensors(tensor))
        ]

    def _values(self, name: str, tensor: Any) -> NDArray[np.float32]:
        if self._stored[name]["dtype"] != "float32":
            tensor = self._ttnn.to_dtype(tensor, self._ttnn.float32)
        values = np.asarray(tensor.to(self._ttnn.ROW_MAJOR_LAYOUT).to_numpy())
        return values.astype(np.float32).reshape(self._stored[name]["stored_shape"])
