"""Blocks: their subblocks, what they read, and what the plan says of them; numbers worked out by hand."""

from __future__ import annotations

import pytest

import ttgen
from ttgen.model.plan import Plan


def gemm(m: int, n: int, k: int, block: str, *, extra: str = "", right: str = "bfloat16") -> Plan:
    return ttgen.plan(
        ttgen.loads(
            f"kernel: g\ntensors:\n  A: {{shape: [{m}, {k}], dtype: bfloat16}}\n"
            f"  B: {{shape: [{k}, {n}], dtype: {right}}}\n  C: {{shape: [{m}, {n}], dtype: bfloat16}}\n"
            f"compute: C = A @ B\nschedule: {{block: {block}}}\n{extra}"
        )
    )


def test_a_block_is_read_once_for_all_its_tiles() -> None:
    """64x64 tiles in blocks of 8x8: A and B are read eight times each, not 64 times."""
    blocks, tiles = gemm(2048, 2048, 2048, "{m: 8, n: 8, k: 4}"), gemm(2048, 2048, 2048, "{}")
    assert blocks.program.cost.dram_read_bytes == 2 * 64 * 64 * 2048 * 8
    assert tiles.program.cost.dram_read_bytes == 2 * 64 * 64 * 2048 * 64
    assert blocks.program.cost.dram_write_bytes == tiles.program.cost.dram_write_bytes == 64 * 64 * 2048
    assert blocks.program.cost.tile_products == 64**3


def test_edges_read_and_write_what_is_there_and_compute_whole_blocks() -> None:
    """32x47 tiles, K of 22, in blocks of 8x8: six columns of blocks, the last seven tiles wide."""
    cost = gemm(1000, 1500, 700, "{m: 8, n: 8, k: 4}").program.cost
    assert cost.dram_read_bytes == (32 * 22 * 6 + 22 * 47 * 4) * 2048
    assert cost.dram_write_bytes == 32 * 47 * 2048
    assert cost.tile_products == 32 * 48 * 22


@pytest.mark.parametrize(
    ("block", "accumulate", "right", "expected"),
    [
        ((8, 8), "bfloat16", "bfloat16", (2, 4)),
        ((8, 8), "float32", "bfloat16", (2, 2)),
        ((7, 5), "float32", "bfloat16", (1, 1)),
        ((7, 5), "bfloat16", "bfloat16", (7, 1)),
        ((4, 1), "float32", "bfloat16", (4, 1)),
        ((2, 2), "float32", "bfloat16", (2, 2)),
        # The right operand streams where there are as many columns as rows, and here has half the bytes.
        ((4, 8), "bfloat16", "bfloat8_b", (2, 4)),
        # The left operand streams where there are more rows: half the bytes of a float32 right one.
        ((4, 8), "bfloat16", "float32", (4, 1)),
    ],
)
def test_subblocks(block: tuple[int, int], accumulate: str, right: str, expected: tuple[int, int]) -> None:
    sides = f"{{m: {block[0]}, n: {block[1]}, k: 2}}"
    plan = gemm(512, 512, 256, sides, extra=f"precision: {{accumulate: {accumulate}}}\n", right=right)
    assert (plan.program.work.subblock.h, plan.program.work.subblock.w) == expected


@pytest.mark.parametrize(
    ("block", "accumulate", "product"),
    [
        # Float32 sums are rounded once, on their way to a bfloat16 output.
        ("{m: 4, n: 4, k: 2}", "float32", True),
        # 16-bit sums are what the output holds.
        ("{m: 4, n: 4, k: 2}", "bfloat16", False),
        # DST holds the unit, or one step is all of K: nothing has to be added up in L1.
        ("{m: 2, n: 2, k: 2}", "float32", False),
        ("{m: 4, n: 4, k: 8}", "float32", False),
    ],
)
def test_partial_sums_have_a_buffer_only_where_they_need_one(block: str, accumulate: str, product: bool) -> None:
    plan = gemm(256, 256, 256, block, extra=f"precision: {{accumulate: {accumulate}}}\n")
    buffers = {buffer.name: (buffer.dtype, buffer.pages) for buffer in plan.program.circular_buffers}
    assert buffers.get("product") == (("float32", 16) if product else None)


def test_kernels_depend_on_structure_only() -> None:
    """Another shape and other blocks: the same code."""
    first, second = (
        {file.path: file.text for file in ttgen.render(plan) if "kernels" in file.path}
        for plan in (gemm(512, 512, 512, "{m: 4, n: 4, k: 2}"), gemm(1000, 1500, 700, "{m: 2, n: 6, k: 5}"))
    )
    assert first == second


@pytest.mark.parametrize(
    ("cores", "block", "depths"),
    [
        # 4 x 4 tiles of C, K of 4: on 16 cores each makes one tile, of which it never holds two.
        (16, "{}", {"A": 2, "B": 2, "C": 1}),
        (15, "{}", {"A": 2, "B": 2, "C": 2}),
        # One block of everything, or a second one in K.
        (1, "{m: 4, n: 4, k: 4}", {"A": 16, "B": 16, "C": 16}),
        (1, "{m: 4, n: 4, k: 2}", {"A": 2 * 8, "B": 2 * 8, "C": 16}),
        (1, "{m: 2, n: 4, k: 4}", {"A": 2 * 8, "B": 2 * 16, "C": 2 * 8}),
    ],
)
def test_buffers_hold_two_blocks_where_a_core_has_a_second(cores: int, block: str, depths: dict[str, int]) -> None:
    plan = ttgen.plan(
        ttgen.loads(f"""
kernel: k
tensors:
  A: {{shape: [128, 128], dtype: bfloat16}}
  B: {{shape: [128, 128], dtype: bfloat16}}
  C: {{shape: [128, 128], dtype: bfloat16}}
compute: C = A @ B
schedule: {{cores: {cores}, block: {block}}}
""")
    )
    found = {buffer.name: buffer.pages for buffer in plan.program.circular_buffers}
    assert {name: found[name] for name in depths} == depths


@pytest.mark.parametrize(("m", "n"), [(2, 3), (3, 2), (6, 1), (1, 5)])
def test_subblocks_divide_their_block(m: int, n: int) -> None:
    block = f"{{m: {m}, n: {n}, k: 2}}"
    subblock = gemm(m * 64, n * 64, 128, block, extra="precision: {accumulate: bfloat16}\n").program.work.subblock
    assert (m % subblock.h, n % subblock.w) == (0, 0)
    assert subblock.h * subblock.w == {(2, 3): 6, (3, 2): 6, (6, 1): 6, (1, 5): 5}[m, n]
