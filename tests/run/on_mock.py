"""Calls the rendered functions on the real library, which has a mock device: `python -m tests.run.on_mock FOLDER SPEC…`.

What ttnn was told is compared with the plan, read by other code than the functions'. The folder is where `rendered/` is.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import ttgen
from ttgen.model.kernel_args import Address, NocColumns
from ttgen.model.plan import Kernel, Plan, Program, Tensor


def accessor_words(tensor: Tensor, device: Any, ttnn: Any) -> list[int]:
    """Flags (1 sharded, 2 in DRAM) and a page's bytes; of shards, sizes in pages and the places that hold them in turn.

    Shards that are as wide as the tensor are runs of its pages: there is one dimension.
    """
    if tensor.shards is None:
        return [2 * tensor.in_dram, tensor.page_bytes]
    grid = tensor.shards.grid
    places = [(x, y) for y in range(grid.rows) for x in range(grid.cols)]
    if tensor.shards.orientation == "column_major":
        places.sort()
    if not tensor.in_dram:
        cores = [device.worker_core_from_logical_core(ttnn.CoreCoord(x, y)) for x, y in places]
        places = [(core.x, core.y) for core in cores]
    packed = [x << 8 | y for x, y in places]
    packed += [0] * (len(packed) % 2)
    pairs = [low | high << 16 for low, high in zip(packed[::2], packed[1::2], strict=True)]
    (rows, cols), (height, width) = (math.prod(tensor.tiles[:-1]), tensor.tiles[-1]), tensor.shards.tiles
    sizes = [rows, cols, height, width] if width != cols else [rows * cols, height * width]
    return [1 + 2 * tensor.in_dram, tensor.page_bytes, len(sizes) // 2, len(places), *sizes, *pairs]


def common_words(kernel: Kernel, tensors: Mapping[str, Any], device: Any, ttnn: Any) -> Iterator[int]:
    for argument in kernel.common_runtime_args:
        match argument.value:
            case Address(address=name):
                yield tensors[name].buffer_address()
            case NocColumns(noc_x=columns):
                yield from (device.worker_core_from_logical_core(ttnn.CoreCoord(x, 0)).x for x in columns)
            case rows:
                yield from (device.worker_core_from_logical_core(ttnn.CoreCoord(0, y)).y for y in rows.noc_y)


def differences(plan: Plan, module: Any, device: Any) -> Iterator[str]:
    """What isn't as the plan says, after two calls on other tensors."""
    ttnn = module.ttnn
    inputs = [name for name in plan.io_order if plan.tensor(name).role == "input"]
    calls: list[tuple[list[Any], Any]] = []
    real = ttnn.generic_op

    def noted(tensors: list[Any], program: Any) -> Any:
        calls.append((tensors, program))
        return real(tensors, program)

    ttnn.generic_op = noted
    entries = []
    kept = []
    try:
        for _call in range(2):
            given = [module.PROGRAMS.allocate(name, device) for name in inputs]
            kept.append((given, getattr(module, plan.kernel)(*given)))
            entries.append(device.num_program_cache_entries())
    finally:
        ttnn.generic_op = real
    if entries[0] != entries[1]:
        yield "the second call makes programs anew"
    order = [*(tensor.name for tensor in plan.tensors if tensor.role == "scratch"), *plan.io_order]
    for program, (tensors, made) in zip(plan.programs, calls[-len(plan.programs) :], strict=True):
        for where, found, expected in facts(program, plan, made, dict(zip(order, tensors, strict=True)), device, ttnn):
            if found != expected:
                yield f"{program.name}: {where}: {found}, not {expected}"


def facts(
    program: Program, plan: Plan, made: Any, tensors: Mapping[str, Any], device: Any, ttnn: Any
) -> Iterator[tuple[str, Any, Any]]:
    """What ttnn has, and what the plan says."""
    for tensor in plan.tensors:
        yield f"pages of {tensor.name}", tensors[tensor.name].buffer_num_pages() >= tensor.pages, True
        yield f"bytes of {tensor.name}", tensors[tensor.name].buffer_page_size(), tensor.page_bytes
    for kernel, found in zip(program.kernels, made.kernels, strict=True):
        named = [plan.tensor(argument.accessor) for argument in kernel.compile_time_args]
        words = [word for tensor in named for word in accessor_words(tensor, device, ttnn)]
        yield f"accessors of {kernel.name}", list(found.compile_time_args), words
        yield f"names of {kernel.name}", dict(found.named_compile_time_args), dict(kernel.named_compile_time_args)
        common = list(common_words(kernel, tensors, device, ttnn))
        yield f"common arguments of {kernel.name}", list(found.common_runtime_args), common
        tables = [program.per_core[argument.value.per_core] for argument in kernel.runtime_args]
        for x, y in (core for area in kernel.core_ranges for core in area.cores()):
            own = [table[y][x] or 0 for table in tables]
            yield f"arguments of {kernel.name} on ({x}, {y})", list(found.runtime_args[x][y]), own
    for allocation, found in zip(program.allocations, made.cbs, strict=True):
        lies = tensors[allocation.tensor].buffer_address() if allocation.tensor else None
        yield f"allocation {allocation.name}", (found.total_size, found.buffer_address()), (allocation.bytes, lies)
        buffers = [item for item in program.circular_buffers if item.allocation == allocation.name]
        formats = [(item.index, item.page_bytes) for item in buffers]
        yield allocation.name, [(item.buffer_index, item.page_size) for item in found.format_descriptors], formats
    counters = [(item.index, item.initial) for item in program.semaphores]
    yield "semaphores", [(item.id, item.initial_value) for item in made.semaphores], counters


def compared(plan: Plan, module: Any, device: Any) -> Iterator[str]:
    """What is wrong with comparison mode, which can't like what a device leaves that computes nothing."""
    ttnn = module.ttnn
    given = [module.PROGRAMS.allocate(name, device) for name in plan.io_order if plan.tensor(name).role == "input"]
    ttnn.CONFIG.enable_comparison_mode = ttnn.CONFIG.comparison_mode_should_raise_exception = True
    try:
        getattr(module, plan.kernel)(*given)
    except RuntimeError as error:
        if f"ttnn.generated.{plan.kernel}: Comparing output tensor" not in str(error):
            yield str(error)
    finally:
        ttnn.CONFIG.enable_comparison_mode = ttnn.CONFIG.comparison_mode_should_raise_exception = False


def main(folder: str, *specs: str) -> None:
    """Prints what isn't right, and then how many kernels were called."""
    sys.path.insert(0, folder)
    ttnn = import_module("ttnn")
    device = ttnn.open_device(device_id=0)
    for path in map(Path, specs):
        plan = ttgen.plan(ttgen.load(path))
        module = import_module(f"rendered.{plan.kernel}.{plan.kernel}")
        for text in (*differences(plan, module, device), *compared(plan, module, device)):
            print(f"WRONG {plan.kernel}: {text}")
    print(f"CALLED {len(specs)}")
    ttnn.close_device(device)


if __name__ == "__main__":
    main(*sys.argv[1:])
