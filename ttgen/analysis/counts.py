"""How often things happen: exact counts by walking the tile program, loops multiplied out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ttgen.formula.graph import Graph
from ttgen.model.body import Body, Loop, Op, Pop, Push, ReadPage, Section, WritePage
from ttgen.model.index import evaluate
from ttgen.model.plan import Cost, Kernel, Tensor

_PRODUCTS = frozenset({"matmul", "matmul_transposed"})

Count = dict[tuple[str, str], int]
"""Times that something happens: pages pushed to or popped from a buffer, pages of a tensor, operations by name."""


def count(body: Body, values: Mapping[str, int]) -> Count:
    """Counts what one core does; `values` has every argument."""
    total: Count = defaultdict(int)
    _add(total, body, values, 1)
    return total


def _add(total: Count, body: Body, values: Mapping[str, int], times: int) -> None:
    for statement in body:
        match statement.kind:
            case "loop":
                assert isinstance(statement, Loop)
                _add(total, statement.body, values, times * evaluate(statement.extent, values))
            case "section":
                assert isinstance(statement, Section)
                _add(total, statement.math, values, times)
                _add(total, statement.pack, values, times)
            case "push" | "pop":
                assert isinstance(statement, (Push, Pop))
                total[statement.kind, statement.cb] += times * statement.pages
            case "read_page" | "write_page":
                assert isinstance(statement, (ReadPage, WritePage))
                total[statement.kind, statement.tensor] += times
            case "op":
                assert isinstance(statement, Op)
                total[statement.kind, statement.name] += times


def cost(kernels: Iterable[Kernel], tensors: Iterable[Tensor], graph: Graph, cores: Mapping[int, int]) -> Cost:
    """The cost of a program over all cores.

    Args:
        kernels: their bodies and arguments.
        tensors: for the bytes of their pages.
        graph: for the operations on logical elements.
        cores: how many cores make how many units.
    """
    total: Count = defaultdict(int)
    for kernel in kernels:
        for units, number in cores.items():
            for key, times in count(kernel.body, {**kernel.named_compile_time_args, "unit_count": units}).items():
                total[key] += number * times
    stored = {tensor.name: tensor for tensor in tensors}
    moved = {
        (kind, stored[name]): times * stored[name].page_bytes
        for (kind, name), times in total.items()
        if kind in ("read_page", "write_page")
    }
    reads, writes = (
        sum(bytes_ for (kind, tensor), bytes_ in moved.items() if kind == wanted and tensor.in_dram)
        for wanted in ("read_page", "write_page")
    )
    return Cost(
        flops=_flops(graph),
        tile_products=sum(times for (kind, name), times in total.items() if kind == "op" and name in _PRODUCTS),
        dram_read_bytes=reads,
        dram_write_bytes=writes,
        noc_bytes=sum(moved.values()),
    )


def _flops(graph: Graph) -> int:
    flops = 0
    for node in graph.nodes:
        elements = 1
        for size in node.shape:
            elements *= size
        if node.kind == "matmul":
            left = graph.nodes[node.operands[0]].shape
            flops += 2 * elements * left[-1]
        elif node.operands:
            flops += elements
    return flops
