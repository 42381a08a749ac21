"""Policy x order x cores: every unit once, cores distinct and inside the grid, loads that differ by one unit at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import ttgen
from ttgen.model.body import Body, Let, Loop, WritePage
from ttgen.model.index import evaluate
from ttgen.planner import cores
from ttgen.planner.policies import POLICIES, Policy, rectangular

LINEAR = {name: policy for name, policy in POLICIES.items() if isinstance(policy, Policy)}


@pytest.mark.parametrize("policy", LINEAR.values(), ids=list(LINEAR))
@given(units=st.integers(1, 3000), most=st.integers(1, 130))
def test_each_unit_once_and_balanced(policy: Policy, units: int, most: int) -> None:
    split = policy.split(units, most)
    made = [
        start + trip * split.step
        for start, count in zip(split.starts, split.counts, strict=True)
        for trip in range(count)
    ]
    assert sorted(made) == list(range(units))
    assert split.cores == min(units, most)
    assert max(split.counts) - min(split.counts) <= 1
    assert list(split.counts) == sorted(split.counts, reverse=True)


@given(x=st.integers(1, 40), y=st.integers(1, 40), rows=st.integers(1, 12), cols=st.integers(1, 14))
def test_a_rectangle_has_all_rows_and_columns(x: int, y: int, rows: int, cols: int) -> None:
    split = rectangular.split(x, y, rows, cols)
    for counts, size, most in ((split.x_counts, x, cols), (split.y_counts, y, rows)):
        assert len(counts) == min(size, most)
        places = [start + trip * len(counts) for start, count in enumerate(counts) for trip in range(count)]
        assert sorted(places) == list(range(size))


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
    block=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_every_core_of_every_schedule(
    policy: str,
    order: str,
    batch: list[int],
    rows: int,
    cols: int,
    grid: int | tuple[int, int],
    block: tuple[int, int],
) -> None:
    assume(policy != "rectangular" or not (isinstance(grid, int) or "block" in order))
    m, n = min(block[0], rows), min(block[1], cols)
    asked = grid if isinstance(grid, int) else f"{{rows: {grid[0]}, cols: {grid[1]}}}"
    shape = [*batch, rows * 32 - 5, cols * 32 - 31]
    plan = ttgen.plan(
        ttgen.loads(
            f"kernel: k\ntensors:\n  X: {{shape: {shape}, dtype: bfloat16}}\n  Y: {{shape: {shape}, dtype: bfloat16}}\n"
            f"compute: Y = exp(X)\nschedule: {{policy: {policy}, order: {order}, cores: {asked}, block: {{m: {m}, n: {n}}}}}\n"
        )
    )
    program = plan.program
    cores_with_work = dict(program.cores())
    inside = {
        (x, y)
        for rectangle in program.work.core_ranges
        for y in range(rectangle.start[1], rectangle.end[1] + 1)
        for x in range(rectangle.start[0], rectangle.end[0] + 1)
    }
    assert inside == set(cores_with_work)
    assert len(inside) == program.work.cores
    assert all(x < plan.target.grid.cols and y < plan.target.grid.rows for x, y in inside)
    if not isinstance(grid, int):
        assert all(x < grid[1] and y < grid[0] for x, y in inside)
    assert sum(program.units_of(values) for values in cores_with_work.values()) == program.work.units
    writer = program.kernels[2]
    written: Counter[int] = Counter()
    for values in cores_with_work.values():
        written.update(pages_written(writer.body, {**writer.named_compile_time_args, **values}))
    assert written == Counter(range(plan.tensor("Y").pages))


def pages_written(body: Body, values: dict[str, int]) -> Iterator[int]:
    """The pages that a body writes, statement by statement."""
    for statement in body:
        match statement:
            case Loop(var=var, extent=extent, body=inner):
                for trip in range(evaluate(extent, values)):
                    values[var] = trip
                    yield from pages_written(inner, values)
            case Let(name=name, index=index):
                values[name] = evaluate(index, values)
            case WritePage(page=page):
                yield evaluate(page, values)
