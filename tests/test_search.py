"""`schedule: auto`: what it finds is legal, no slower than what is written by hand, and the same each time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttgen
from ttgen.cost import predict
from ttgen.model.plan import Plan
from ttgen.planner.resolve import candidates
from ttgen.target import load

GEMM = """\
kernel: gemm
target: {target}
tensors:
  A: {{shape: [{m}, {k}], dtype: bfloat16}}
  B: {{shape: [{k}, {n}], dtype: bfloat16}}
  C: {{shape: [{m}, {n}], dtype: bfloat16}}
compute: C = A @ B
schedule: {schedule}
"""
BY_HAND = "{{policy: rectangular, block: {{m: {m}, n: {n}, k: {k}}}, multicast: {shared}, prefetch: true}}"


def text(m: int, k: int, n: int, schedule: str = "auto", target: str = "n150") -> str:
    return GEMM.format(m=m, k=k, n=n, schedule=schedule, target=target)


def plan(spec: str) -> Plan:
    return ttgen.plan(ttgen.loads(spec))


def microseconds(spec: str) -> float:
    loaded = ttgen.loads(spec)
    return sum(predict(made, load(loaded.spec.target)).device_us for made in candidates(loaded))


@pytest.mark.parametrize(
    ("shape", "by_hand"),
    [
        ((1024, 1024, 1024), BY_HAND.format(m=4, n=4, k=2, shared="both")),
        ((2048, 2048, 2048), BY_HAND.format(m=8, n=8, k=4, shared="both")),
        ((32, 4096, 4096), BY_HAND.format(m=1, n=2, k=8, shared="a")),
        ((640, 1024, 640), BY_HAND.format(m=3, n=3, k=4, shared="both")),
    ],
)
def test_no_slower_than_by_hand(shape: tuple[int, int, int], by_hand: str) -> None:
    # Predictions that are nearer than the model's resolution go to less L1.
    assert microseconds(text(*shape)) <= 1.03 * microseconds(text(*shape, by_hand))


def test_a_ninth_of_one_tile_at_a_time() -> None:
    assert microseconds(text(1024, 1024, 1024)) < microseconds(text(1024, 1024, 1024, "{}")) / 9


@settings(deadline=None, max_examples=12)
@given(st.integers(1, 1500), st.integers(1, 1500), st.integers(1, 1500), st.sampled_from(("n150", "p150")))
def test_what_is_found_is_proven(m: int, k: int, n: int, target: str) -> None:
    found = plan(text(m, k, n, target=target))
    assert any(decision.origin == "search" for decision in found.decisions)
    assert found.program.l1.bytes <= found.program.l1.limit


def test_the_same_each_time() -> None:
    spec = text(1000, 1500, 700)
    assert ttgen.render(plan(spec)) == ttgen.render(plan(spec))


def test_what_is_said_stays() -> None:
    schedule = "{policy: rectangular, cores: {rows: 4, cols: 4}, block: {m: auto, n: 5, k: auto}, multicast: a}"
    work = plan(text(1024, 512, 1024, schedule)).program.work
    assert (work.policy, work.block.n) == ("rectangular", 5)
    assert work.cores <= 16


def test_stages_and_elementwise_formulas() -> None:
    layers = """\
kernel: mlp
tensors:
  X: {shape: [300, 500], dtype: bfloat16}
  W1: {shape: [500, 900], dtype: bfloat16}
  W2: {shape: [900, 500], dtype: bfloat16}
  Y: {shape: [300, 500], dtype: bfloat16}
compute: [H = gelu(X @ W1), Y = H @ W2 + X]
schedule: auto
"""
    assert all(program.work.policy == "rectangular" for program in plan(layers).programs)
    sums = plan("""\
kernel: sums
tensors:
  X: {shape: [300, 500], dtype: bfloat16}
  Y: {shape: [300, 500], dtype: bfloat16}
compute: Y = X + 1
schedule: {block: auto}
""")
    assert [decision.name for decision in sums.decisions if decision.origin == "search"] == ["unit"]


def test_the_fastest_candidate_wins() -> None:
    from ttgen.formula.infer import graph_of
    from ttgen.patterns import PATTERNS
    from ttgen.planner import precision, search
    from ttgen.planner.stages import stages_of, stored_tensors

    loaded = ttgen.loads(text(512, 512, 512))
    target = load("n150")
    (stage,) = stages_of(loaded, graph_of(loaded))
    exactness = precision.decide(loaded, stored_tensors((stage,)), target)
    ranked = search.rank(stage, "matmul", PATTERNS["matmul"].limits(stage.graph), exactness, target)
    cycles = [item.cycles for item in ranked]
    assert cycles[0] <= 1.02 * min(cycles)
