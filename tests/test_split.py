"""Policy x order x cores: every unit once, cores distinct and inside the grid, loads that differ by one unit at most."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttgen
from ttgen.model.body import Let, Loop, WritePage, walk
from ttgen.model.index import evaluate
from ttgen.planner import cores
from ttgen.planner.policies import POLICIES


@pytest.mark.parametrize("policy", sorted(POLICIES))
@given(units=st.integers(1, 3000), most=st.integers(1, 130))
def test_each_unit_once_and_balanced(policy: str, units: int, most: int) -> None:
    split = next(entry for name, entry in POLICIES.items() if name == policy).split(units, most)
    made = [
        start + trip * split.step
        for start, count in zip(split.starts, split.counts, strict=True)
        for trip in range(count)
    ]
    assert sorted(made) == list(range(units))
    assert split.cores == min(units, most)
    assert max(split.counts) - min(split.counts) <= 1
    assert list(split.counts) == sorted(split.counts, reverse=True)


@given(first=st.integers(0, 200), count=st.integers(1, 200), cols=st.integers(1, 13))
def test_ranges_cover_a_run_exactly(first: int, count: int, cols: int) -> None:
    found = cores.ranges(first, count, cols)
    assert len(found) <= 3
    covered = Counter(
        y * cols + x
        for rectangle in found
        for y in range(rectangle.start[1], rectangle.end[1] + 1)
        for x in range(rectangle.start[0], rectangle.end[0] + 1)
    )
    assert covered == Counter(range(first, first + count))
    assert all(rectangle.end[0] < cols for rectangle in found)


@settings(deadline=None, max_examples=150)
@given(
    policy=st.sampled_from(sorted(POLICIES)),
    order=st.sampled_from(
        ("row_major", "column_major", "{block_linear: 1}", "{block_linear: 3}", "{block_linear: 50}")
    ),
    batch=st.lists(st.integers(1, 3), max_size=2),
    rows=st.integers(1, 7),
    cols=st.integers(1, 7),
    grid=st.one_of(st.integers(1, 64), st.tuples(st.integers(1, 8), st.integers(1, 8))),
)
def test_every_core_of_every_schedule(
    policy: str, order: str, batch: list[int], rows: int, cols: int, grid: int | tuple[int, int]
) -> None:
    asked = grid if isinstance(grid, int) else f"{{rows: {grid[0]}, cols: {grid[1]}}}"
    shape = [*batch, rows * 32 - 5, cols * 32 - 31]
    plan = ttgen.plan(
        ttgen.loads(
            f"kernel: k\ntensors:\n  X: {{shape: {shape}, dtype: bfloat16}}\n  Y: {{shape: {shape}, dtype: bfloat16}}\n"
            f"compute: Y = exp(X)\nschedule: {{policy: {policy}, order: {order}, cores: {asked}}}\n"
        )
    )
    program = plan.program
    table = program.per_core["unit_count"]
    inside = {
        (x, y)
        for rectangle in program.work.core_ranges
        for y in range(rectangle.start[1], rectangle.end[1] + 1)
        for x in range(rectangle.start[0], rectangle.end[0] + 1)
    }
    assert inside == {(x, y) for y, row in enumerate(table) for x, count in enumerate(row) if count is not None}
    assert all(x < plan.target.grid.cols and y < plan.target.grid.rows for x, y in inside)
    if not isinstance(grid, int):
        assert all(x < grid[1] and y < grid[0] for x, y in inside)
    written: Counter[int] = Counter()
    writer = program.kernels[2]
    for x, y in inside:
        values = {**writer.named_compile_time_args, "unit_start": program.per_core["unit_start"][y][x] or 0}
        (loop,) = (statement for statement in writer.body if isinstance(statement, Loop))
        for trip in range(table[y][x] or 0):
            values[loop.var] = trip
            for statement in walk(loop.body):
                if isinstance(statement, Let):
                    values[statement.name] = evaluate(statement.index, values)
                elif isinstance(statement, WritePage):
                    written[evaluate(statement.page, values)] += 1
    assert written == Counter(range(plan.tensor("Y").pages))
