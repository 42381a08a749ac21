"""Shards: which cores make what of them, what stays in its place, and what is read of the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

import ttgen
from ttgen.analysis.errors import ProofError
from ttgen.analysis.prove import prove
from ttgen.errors import SpecError
from ttgen.model.body import ReadPage, WritePage, walk
from ttgen.model.grids import GridSize, Part, ShardGrid
from ttgen.model.plan import Plan
from ttgen.target import TARGETS, load

HEIGHT = "{l1_sharded: {split: height, cores: {rows: 2, cols: 2}}}"
WIDTH = "{l1_sharded: {split: width, cores: {rows: 2, cols: 2}}}"
BLOCK1 = "{l1_sharded: {split: block, cores: {rows: 1, cols: 1}}}"
BLOCK = "{l1_sharded: {split: block, cores: {rows: 2, cols: 2}}}"


def planned(tensors: dict[str, str], compute: str, schedule: str = "{}") -> Plan:
    """A plan of tensors that are given as `shape` or `shape in layout`."""
    lines = []
    for name, text in tensors.items():
        shape, _in, layout = text.partition(" in ")
        lines.append(f"  {name}: {{shape: {shape}, dtype: bfloat16, layout: {layout or 'dram_interleaved'}}}")
    declared = "\n".join(lines)
    return ttgen.plan(ttgen.loads(f"kernel: k\ntensors:\n{declared}\ncompute: {compute}\nschedule: {schedule}\n"))


def moved(plan: Plan) -> set[str]:
    """The tensors that any kernel reads or writes page by page."""
    return {
        item.tensor
        for kernel in plan.program.kernels
        for item in walk(kernel.body)
        if isinstance(item, (ReadPage, WritePage))
    }


@pytest.mark.parametrize(
    ("shards", "places"),
    [
        # By rows and columns of the grid: the second shard is beside the first, or below it.
        (
            ShardGrid(tiles=(2, 3), grid=GridSize(rows=2, cols=2), orientation="row_major"),
            {(1, 0): (0, 3), (0, 1): (2, 0)},
        ),
        (
            ShardGrid(tiles=(2, 3), grid=GridSize(rows=2, cols=2), orientation="column_major"),
            {(0, 1): (0, 3), (1, 0): (2, 0)},
        ),
        # Four rows of tiles on cores of 3 rows and 2 columns, along the columns: the fourth begins the second column.
        (
            ShardGrid(tiles=(1, 6), grid=GridSize(rows=3, cols=2), orientation="column_major"),
            {(0, 2): (2, 0), (1, 0): (3, 0)},
        ),
    ],
)
def test_shards_go_along_rows_or_columns_of_cores(
    shards: ShardGrid, places: dict[tuple[int, int], tuple[int, int]]
) -> None:
    held = dict(shards.parts(4, 6))
    assert len(held) == 4
    assert {core: (held[core].row, held[core].col) for core in places} == places


def test_the_last_shard_may_hold_fewer_tiles() -> None:
    shards = ShardGrid(tiles=(1, 3), grid=GridSize(rows=1, cols=12), orientation="row_major")
    assert list(shards.parts(1, 8)) == [
        ((0, 0), Part(row=0, rows=1, col=0, cols=3)),
        ((1, 0), Part(row=0, rows=1, col=3, cols=3)),
        ((2, 0), Part(row=0, rows=1, col=6, cols=2)),
    ]


def test_what_is_on_the_core_does_not_move() -> None:
    plan = planned({"X": f"[256, 128] in {HEIGHT}", "Y": f"[256, 128] in {HEIGHT}"}, "Y = relu(X)")
    assert moved(plan) == set()
    cost = plan.program.cost
    assert (cost.dram_read_bytes, cost.dram_write_bytes, cost.noc_bytes) == (0, 0, 0)
    # Circular buffers have the shards' memory: 2 x 4 tiles of each tensor, and nothing beside it.
    assert plan.program.l1.bytes == 2 * (2 * 4) * 2048
    assert [(item.name, item.bytes, item.tensor) for item in plan.program.allocations] == [
        ("X", 16384, "X"),
        ("Y", 16384, "Y"),
    ]


@pytest.mark.parametrize(
    ("tensors", "compute", "stays"),
    [
        # The output's shards lead; those of X lie on other cores.
        ({"X": f"[128, 128] in {WIDTH}", "Y": f"[128, 128] in {HEIGHT}"}, "Y = exp(X)", {"Y"}),
        ({"X": f"[128, 128] in {BLOCK}", "Y": "[128, 128]"}, "Y = exp(X)", {"X"}),
        ({"X": "[128, 128]", "Y": f"[128, 128] in {BLOCK}"}, "Y = exp(X)", {"Y"}),
        # Without a sharded output the first sharded input leads, in the order of use.
        ({"P": f"[128, 128] in {WIDTH}", "Q": f"[128, 128] in {HEIGHT}", "Y": "[128, 128]"}, "Y = Q - P", {"Q"}),
        # Vectors beside the columns, and columns beside the rows, that belong to them.
        ({"X": "[128, 128]", "v": f"[128] in {WIDTH}", "Y": f"[128, 128] in {WIDTH}"}, "Y = X * v", {"v", "Y"}),
        ({"X": "[128, 128]", "c": f"[128, 1] in {HEIGHT}", "Y": f"[128, 128] in {HEIGHT}"}, "Y = X * c", {"c", "Y"}),
        ({"X": "[128, 128]", "v": f"[128] in {WIDTH}", "Y": f"[128, 128] in {HEIGHT}"}, "Y = X * v", {"Y"}),
        # All batches have the one matrix: its rows aren't the output's.
        ({"X": f"[128, 128] in {HEIGHT}", "B": "[2, 128, 128]", "Y": "[2, 128, 128]"}, "Y = X * B", set()),
        ({"X": f"[2, 128, 128] in {HEIGHT}", "Y": "[2, 128, 128]"}, "Y = exp(X)", {"X"}),
        ({"v": f"[128] in {WIDTH}", "B": "[2, 64, 128]", "Y": "[2, 64, 128]"}, "Y = v * B", {"v"}),
        ({"v": f"[2, 1, 128] in {WIDTH}", "B": "[2, 64, 128]", "Y": "[2, 64, 128]"}, "Y = v * B", set()),
        # A contraction: rows of A, and its output; the right operand never.
        ({"A": f"[128, 96] in {HEIGHT}", "B": "[96, 64]", "C": "[128, 64]"}, "C = A @ B", {"A"}),
        ({"A": f"[128, 96] in {HEIGHT}", "B": "[96, 64]", "C": f"[128, 64] in {HEIGHT}"}, "C = A @ B", {"A", "C"}),
        ({"A": f"[128, 96] in {HEIGHT}", "B": "[96, 64]", "C": f"[128, 64] in {BLOCK}"}, "C = A @ B", {"C"}),
        ({"A": f"[128, 96] in {HEIGHT}", "B": "[96, 96]", "C": "[128, 96]"}, "C = A @ B + A", {"A"}),
    ],
)  # fmt: skip
def test_what_leads_and_what_stays(tensors: dict[str, str], compute: str, stays: set[str]) -> None:
    plan = planned(tensors, compute)
    assert set(plan.program.resident().values()) == stays
    assert plan.program.work.policy == ("local" if stays else "contiguous")
    assert moved(plan) == set(tensors) - stays


def test_what_is_read_of_other_cores_is_counted() -> None:
    """16 tiles of X that lie in L1 of other cores: 2048 bytes each on the NoC, none of DRAM."""
    plan = planned({"X": f"[128, 128] in {WIDTH}", "Y": f"[128, 128] in {HEIGHT}"}, "Y = exp(X)")
    cost = plan.program.cost
    assert (cost.dram_read_bytes, cost.noc_bytes) == (0, 16 * 2048)


def test_rows_of_a_are_read_by_nobody() -> None:
    """4 cores of 1 x 2 tiles of C each: B, of 3 x 2 tiles, is read once a row of tiles of C."""
    plan = planned({"A": f"[128, 96] in {HEIGHT}", "B": "[96, 64]", "C": "[128, 64]"}, "C = A @ B")
    assert plan.program.cost.dram_read_bytes == 4 * (3 * 2) * 2048
    assert plan.program.cost.tile_products == 4 * 2 * 3


def test_a_tensor_in_two_roles_has_a_buffer_for_each() -> None:
    plan = planned({"A": f"[128, 96] in {HEIGHT}", "B": "[96, 96]", "C": "[128, 96]"}, "C = A @ B + A")
    assert plan.program.resident() == {"A_left": "A", "A_tile": "A"}
    # Both lie on the one shard of 1 x 3 tiles; B and C have two pages.
    assert plan.program.l1.bytes == (3 + 2 + 2) * 2048


def test_banks_and_the_cores_beside_them() -> None:
    """20 columns of tiles in units of 2: one for each of ten of Wormhole's twelve banks."""
    plan = planned(
        {"A": "[32, 64]", "B": "[64, 640] in dram_sharded", "C": "[32, 640]"}, "C = A @ B", "{block: {n: 2}}"
    )
    shards = plan.tensor("B").shards
    assert shards == ShardGrid(tiles=(2, 2), grid=GridSize(rows=1, cols=12), orientation="row_major")
    readers = load("n150").dram.readers
    columns = {core: own["x_start"] for core, own in plan.program.cores()}
    assert columns == {readers[bank]: bank for bank in range(10)}
    assert all(plan.program.units_of(own) == 1 for _core, own in plan.program.cores())
    assert plan.program.resident() == {}
    # Each core reads its own columns of B once, and all of A.
    assert plan.program.cost.dram_read_bytes == (2 * 20 + 10 * 2) * 2048


def test_an_edge_at_the_last_bank() -> None:
    """5 columns of tiles in units of 2: the third bank has one."""
    plan = planned(
        {"A": "[32, 64]", "B": "[64, 160] in dram_sharded", "C": "[32, 160]"}, "C = A @ B", "{block: {n: 2}}"
    )
    assert [part.cols for _bank, part in plan.tensor("B").parts()] == [2, 2, 1]
    assert plan.program.work.cores == 3


@pytest.mark.parametrize("name", TARGETS)
def test_each_bank_has_a_core_of_its_own(name: str) -> None:
    target = load(name)
    readers = target.dram.readers
    assert len(set(readers)) == len(readers) == target.dram.banks
    assert all(x < target.grid.cols and y < target.grid.rows for x, y in readers)


def test_cores_that_say_the_same_as_the_shards() -> None:
    tensors = {"X": f"[128, 128] in {BLOCK}", "Y": f"[128, 128] in {BLOCK}"}
    for cores in ("4", "{rows: 2, cols: 2}"):
        assert planned(tensors, "Y = exp(X)", f"{{cores: {cores}}}").program.work.cores == 4


def test_kernels_depend_on_structure_only() -> None:
    """Other shards of other shapes on other cores: the same kernels."""
    first = ttgen.render(planned({"X": f"[256, 128] in {HEIGHT}", "Y": f"[256, 128] in {HEIGHT}"}, "Y = relu(X)"))
    layout = "{l1_sharded: {split: width, cores: {rows: 1, cols: 7}, orientation: column_major}}"
    other = ttgen.render(planned({"X": f"[50, 440] in {layout}", "Y": f"[50, 440] in {layout}"}, "Y = relu(X)"))
    kernels = [
        {file.path: file.text.split("\n", 1)[1] for file in files if "/kernels/" in file.path}
        for files in (first, other)
    ]
    assert kernels[0] == kernels[1]


@pytest.mark.parametrize(
    "shards",
    [
        # It lies on shards of 2 x 4 of the 8 x 4 tiles, on 2 x 2 cores.
        ShardGrid(tiles=(2, 2), grid=GridSize(rows=2, cols=4), orientation="row_major"),
        ShardGrid(tiles=(2, 4), grid=GridSize(rows=1, cols=4), orientation="row_major"),
        ShardGrid(tiles=(4, 4), grid=GridSize(rows=2, cols=2), orientation="row_major"),
    ],
)
def test_a_buffer_that_lies_on_other_shards_is_found(shards: ShardGrid) -> None:
    plan = planned({"X": f"[256, 128] in {HEIGHT}", "Y": f"[256, 128] in {HEIGHT}"}, "Y = relu(X)")
    tensors = {tensor.name: tensor for tensor in plan.tensors}
    prove(plan.program, tensors, dst_slots=4, dst_bits=32)
    with pytest.raises(ProofError, match="Y: a buffer of 8 pages doesn't fit its shards"):
        prove(plan.program, {**tensors, "Y": replace(tensors["Y"], shards=shards)}, dst_slots=4, dst_bits=32)


def test_a_vector_leads_only_where_nothing_else_does() -> None:
    """Whatever its place in the formula: its shards are on one core, those of X on four."""
    one = "{l1_sharded: {split: width, cores: {rows: 1, cols: 1}}}"
    for formula in ("Y = v + X", "Y = X + v"):
        plan = planned({"v": f"[128] in {one}", "X": f"[128, 128] in {HEIGHT}", "Y": "[128, 128]"}, formula)
        assert set(plan.program.resident().values()) == {"X"}
    assert planned({"v": f"[128] in {one}", "X": "[128, 128]", "Y": "[128, 128]"}, "Y = v + X").program.work.cores == 1


def test_what_the_host_program_asks_of_a_device() -> None:
    """Shards of R lie on more cores than those that work, and those of W on all banks."""
    wide = "{l1_sharded: {split: width, cores: {rows: 1, cols: 4}}}"
    plan = planned(
        {"A": "[32, 64]", "W": "[64, 128] in dram_sharded", "R": f"[32, 128] in {wide}", "C": f"[32, 128] in {BLOCK1}"},
        "C = A @ W + R",
    )
    text = next(file.text for file in ttgen.render(plan) if file.path.endswith("program.cpp"))
    assert "parts::check_device(device, tt::ARCH::WORMHOLE_B0, /*rows=*/1, /*cols=*/4, /*dram_banks=*/12);" in text


def test_banks_that_are_too_small() -> None:
    """One column of tiles is one shard, on one bank: 625,000 x 2048 bytes of 1,072,693,184."""
    with pytest.raises(SpecError, match=r"n150's 12 DRAM banks, which have 1,072,693,184, 'X' alone 1,280,000,000"):
        planned({"X": "[20000000, 32] in dram_sharded", "Y": "[20000000, 32]"}, "Y = exp(X)")
