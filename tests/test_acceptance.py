"""Numbers that any correct implementation gives: from published work splits, the API's rules, or computed by hand."""

from __future__ import annotations

import json
import textwrap

import pytest

import ttgen
from ttgen.dtypes import DTYPES
from ttgen.model.index import evaluate
from ttgen.model.plan import CoreRange, Plan, RectangleLoop
from ttgen.planner import cores
from ttgen.planner.policies import contiguous, strided
from ttgen.planner.tensors import stored, tiled


def planned(text: str) -> Plan:
    return ttgen.plan(ttgen.loads(textwrap.dedent(text)))


@pytest.mark.parametrize(
    ("units", "runs"),
    [
        (64, [1] * 64),
        (16, [1] * 16),
        (256, [4] * 64),
        (100, [2] * 36 + [1] * 28),
        (1, [1]),
        (65, [2] + [1] * 63),
        (400, [7] * 16 + [6] * 48),
    ],
)
def test_contiguous_split_on_64_cores(units: int, runs: list[int]) -> None:
    split = contiguous.split(units, 64)
    assert list(split.counts) == runs
    assert list(split.starts) == [sum(runs[:core]) for core in range(len(runs))]


def test_contiguous_split_by_hand() -> None:
    split = contiguous.split(100, 64)
    pairs = list(zip(split.starts, split.counts, strict=True))
    assert (pairs[35], pairs[36], pairs[63]) == ((70, 2), (72, 1), (99, 1))
    assert contiguous.split(256, 64).starts[63] == 252


def test_strided_split_by_hand() -> None:
    split = strided.split(7, 3)
    assert (split.starts, split.counts, split.step) == ((0, 1, 2), (3, 2, 2), 3)
    assert strided.split(2, 64).cores == 2


def test_core_index_to_coordinates() -> None:
    table = cores.table(range(64), 8)
    places = {value: (x, y) for y, row in enumerate(table) for x, value in enumerate(row)}
    assert (places[0], places[8], places[9], places[63]) == ((0, 0), (0, 1), (1, 1), (7, 7))


@pytest.mark.parametrize(
    ("first", "count", "rectangles"),
    [
        (0, 64, [((0, 0), (7, 7))]),
        (0, 20, [((0, 0), (7, 1)), ((0, 2), (3, 2))]),
        (5, 20, [((5, 0), (7, 0)), ((0, 1), (7, 2)), ((0, 3), (0, 3))]),
        (3, 2, [((3, 0), (4, 0))]),
    ],
)
def test_core_ranges(first: int, count: int, rectangles: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    assert cores.ranges(first, count, 8) == tuple(CoreRange(start=start, end=end) for start, end in rectangles)


@pytest.mark.parametrize(
    ("shape", "tiles", "padded"),
    [
        ((256, 256), (8, 8), (256, 256)),
        ((100, 100), (4, 4), (128, 128)),
        ((250, 32), (8, 1), (256, 32)),
        ((512, 384), (16, 12), (512, 384)),
        ((3, 100, 100), (3, 4, 4), (3, 128, 128)),
        ((100,), (1, 4), (32, 128)),
    ],
)
def test_tiles_and_padding(shape: tuple[int, ...], tiles: tuple[int, ...], padded: tuple[int, ...]) -> None:
    assert tiled(shape) == tiles
    assert stored(shape) == padded


def test_tile_bytes() -> None:
    assert {name: dtype.tile_bytes for name, dtype in DTYPES.items()} == {
        "bfloat16": 2048,
        "float32": 4096,
        "bfloat8_b": 1088,
        "bfloat4_b": 576,
    }


def test_gemm_256() -> None:
    plan = ttgen.plan(ttgen.load("specs/gemm.yaml"))
    program = plan.program
    assert (program.work.grid.x, program.work.grid.y, program.work.units, program.work.cores) == (8, 8, 64, 64)
    assert all(count == 1 for row in program.per_core["unit_count"] for count in row)
    assert {buffer.name: (buffer.index, buffer.pages) for buffer in program.circular_buffers} == {
        "A": (0, 2),
        "B": (1, 2),
        "C": (16, 1),
    }
    assert program.cost.dram_read_bytes == 2_097_152
    assert program.cost.dram_write_bytes == 131_072
    assert program.cost.tile_products == 512
    assert program.cost.flops == 2 * 256**3


def test_gemm_256_pages_of_every_core() -> None:
    from ttgen.model.body import Let, Loop, ReadPage, WritePage, walk

    plan = ttgen.plan(ttgen.load("specs/gemm.yaml"))
    reader, _compute, writer = plan.program.kernels
    for y, row in enumerate(plan.program.per_core["unit_start"]):
        for x, start in enumerate(row):
            assert start is not None
            for kernel in (reader, writer):
                values = {**kernel.named_compile_time_args, "unit_start": start, "i": 0}
                for let in (statement for statement in walk(kernel.body) if isinstance(statement, Let)):
                    values[let.name] = evaluate(let.index, values)
                pages = {
                    access.tensor: [evaluate(access.page, {**values, "k": k}) for k in range(8)]
                    for access in walk(kernel.body)
                    if isinstance(access, (ReadPage, WritePage))
                }
                if kernel is reader:
                    assert pages == {"A": [y * 8 + k for k in range(8)], "B": [k * 8 + x for k in range(8)]}
                    loops = [statement for statement in walk(kernel.body) if isinstance(statement, Loop)]
                    assert evaluate(loops[1].extent, values) == 8
                else:
                    assert set(pages["C"]) == {y * 8 + x}


def test_block_linear_by_hand() -> None:
    # Five columns in panels of two, two rows: the last panel is one wide.
    plan = planned("""
        kernel: panels
        tensors:
          X: {shape: [64, 160], dtype: bfloat16}
          Y: {shape: [64, 160], dtype: bfloat16}
        compute: Y = exp(X)
        schedule: {order: {block_linear: 2}, cores: 1}
        """)
    from ttgen.model.body import Let, WritePage, walk

    writer = plan.program.kernels[2]
    pages = []
    for unit in range(10):
        values = {**writer.named_compile_time_args, "unit_start": 0, "i": unit}
        for statement in walk(writer.body):
            if isinstance(statement, Let):
                values[statement.name] = evaluate(statement.index, values)
            elif isinstance(statement, WritePage):
                pages.append(evaluate(statement.page, values))
    assert pages == [0, 1, 5, 6, 2, 3, 7, 8, 4, 9]


def units_by_core(text: str) -> dict[tuple[int, int], list[int]]:
    """The numbers of the units that each core makes, from the plan's tables."""
    plan = planned(text)
    grid, loop = plan.program.work.grid, plan.program.work.loop
    assert isinstance(loop, RectangleLoop)
    return {
        core: sorted(
            (own["y_start"] + row * loop.y_step) * grid.x + own["x_start"] + col * loop.x_step
            for row in range(own["y_count"])
            for col in range(own["x_count"])
        )
        for core, own in plan.program.cores()
    }


SHARDED = """
    kernel: k
    tensors:
      X: {{shape: [{rows}, {cols}], dtype: bfloat16}}
      Y: {{shape: [{rows}, {cols}], dtype: bfloat16, layout: {{l1_sharded: {{split: block, cores: {cores}}}}}}}
    compute: Y = exp(X)
"""


def test_local_partition_by_hand() -> None:
    """Shards of 2x2 tiles of 4x4 on 2x2 cores."""
    cores = "{rows: 2, cols: 2}"
    found = units_by_core(SHARDED.format(rows=128, cols=128, cores=cores))
    assert {(y, x): units for (x, y), units in found.items()} == {
        (0, 0): [0, 1, 4, 5],
        (0, 1): [2, 3, 6, 7],
        (1, 0): [8, 9, 12, 13],
        (1, 1): [10, 11, 14, 15],
    }
    # Along the columns of cores, the second shard of the first row is on the core below.
    turned = units_by_core(SHARDED.format(rows=128, cols=128, cores=f"{cores}, orientation: column_major"))
    assert turned == {(y, x): units for (x, y), units in found.items()}


def test_local_partition_covers_the_work_grid() -> None:
    """Shards of 4 rows x 2 columns of tiles on 2 rows x 4 columns of cores: 64 tiles, each once."""
    found = units_by_core(SHARDED.format(rows=256, cols=256, cores="{rows: 2, cols: 4}"))
    assert len(found) == 8
    assert sorted(unit for units in found.values() for unit in units) == list(range(64))
    assert found[1, 0] == [2, 3, 10, 11, 18, 19, 26, 27]


def test_a_vector_is_one_row_and_a_batch_is_not_padded() -> None:
    plan = planned("""
        kernel: vector
        tensors:
          X: {shape: [3, 100, 100], dtype: float32}
          b: {shape: [100], dtype: bfloat16}
          Y: {shape: [3, 100, 100], dtype: float32}
        compute: Y = X + b
        """)
    assert plan.tensor("b").tiles == (1, 4)
    assert plan.tensor("X").stored_shape == (3, 128, 128)
    assert plan.program.work.units == 3 * 4 * 4
    # X and Y once, and a tile of b for each of the units.
    assert plan.program.cost.dram_read_bytes == 48 * 4096 + 48 * 2048


def test_plan_json_needs_nothing_of_ttgen() -> None:
    plan = ttgen.plan(ttgen.load("specs/gemm.yaml"))
    document = json.loads(next(file.text for file in ttgen.render(plan) if file.path.endswith("tt.plan.json")))
    assert list(document) == [
        "schema_version", "api", "kernel", "spec", "compute", "target", "precision", "tensors", "io_order",
        "programs", "decisions", "files",
    ]  # fmt: skip
    (program,) = document["programs"]
    assert list(program) == [
        "name", "pattern", "work", "roles", "groups", "per_core", "allocations", "circular_buffers", "semaphores", "kernels", "l1", "cost",
    ]  # fmt: skip
    assert document["api"] == "0.81"
    assert document["io_order"] == ["A", "B", "C"]
    assert sum(allocation["bytes"] for allocation in program["allocations"]) == program["l1"]["bytes"]
