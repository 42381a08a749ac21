"""`schedule: auto`: what it finds is legal, no slower than what is written by hand, and the same each time."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttgen
from ttgen.cli.main import main
from ttgen.cost import predict
from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.loading import load as load_spec
from ttgen.mesh.device import device_of
from ttgen.model.plan import BlockSize, Plan
from ttgen.patterns import PATTERNS
from ttgen.planner import l1, precision, search
from ttgen.planner.candidate import Candidate
from ttgen.planner.formula import pattern_of
from ttgen.planner.precision import Exactness
from ttgen.planner.queue import Queue
from ttgen.planner.resolve import candidates
from ttgen.planner.stages import Stage, stages_of, stored_tensors
from ttgen.spec import Block, LoadedSpec, PolicyName, Schedule, Shared
from ttgen.target import Target, load

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
    assert microseconds(text(*shape)) <= 1.005 * microseconds(text(*shape, by_hand))


def test_banks_are_read_by_the_cores_beside_them() -> None:
    banked = text(32, 4096, 4096).replace("bfloat16}\n  C", "bfloat16, layout: dram_sharded}\n  C")
    by_hand = banked.replace("schedule: auto", "schedule: {block: {n: 11, k: 8}}")
    assert microseconds(banked) <= 1.005 * microseconds(by_hand) < 0.9 * microseconds(text(32, 4096, 4096))


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


def subjects(spec: LoadedSpec) -> Iterator[tuple[Stage, str, BlockSize, Exactness, Target]]:
    """What is searched for each stage of a spec."""
    target = load(spec.spec.target)
    graph = graph_of(spec)
    stages = stages_of(spec, graph, device_of(spec, graph))
    exactness = precision.decide(spec, stored_tensors(stages), target)
    for stage in stages:
        pattern = pattern_of(stage.graph, spec.spec.formula_path)
        yield stage, pattern, PATTERNS[pattern].limits(stage.graph), exactness, target


@pytest.mark.parametrize("path", sorted(Path("specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_schedule_takes_less_than_its_least(path: Path) -> None:
    # A few of all, from the fastest to the slowest: what is left out can't be better than what is found.
    for stage, pattern, limits, exactness, target in subjects(load_spec(path)):
        opened = replace(stage, schedule="auto", given={})
        queue = Queue(opened, pattern, limits, exactness, target, free=target.l1.usable)
        stride = queue.number // 6 + 1
        before = 0.0
        for number in range(min(queue.number, 1200)):
            if queue.least == math.inf:
                break
            # Were sides of blocks said to take more than their candidates do, some of those would come too late.
            assert queue.least >= before * (1 - 1e-9)
            before = least = queue.least
            choice = queue.take()
            if number % stride == 0:
                with contextlib.suppress(SpecError):
                    said = replace(opened, schedule=choice.schedule)
                    found = search.designed(said, pattern, limits, exactness, target)
                    assert found.cycles >= least * (1 - 1e-9), choice


@pytest.mark.parametrize("shape", [(64, 96, 160), (32, 256, 96)])
def test_finds_the_best_of_all(shape: tuple[int, int, int]) -> None:
    (subject,) = subjects(ttgen.loads(text(*shape)))
    stage, _pattern, limits, *_rest = subject
    ways: list[tuple[PolicyName, Shared, bool, int]] = [("contiguous", "none", False, 1)]
    ways += product(("rectangular",), ("a", "b", "both"), (True, False), (1, 2))
    best = math.inf
    for m, n, k in product(*(range(1, side + 1) for side in (limits.m, limits.n, limits.k))):
        for policy, shared, ahead, split in ways:
            block = Block(m=m, n=n, k=k)
            said = Schedule(policy=policy, block=block, multicast=shared, prefetch=ahead, split=split)
            with contextlib.suppress(SpecError):
                best = min(best, search.designed(replace(stage, schedule=said), *subject[1:]).cycles)
    assert search.rank(*subject)[0].cycles <= 1.03 * best


def test_few_are_designed() -> None:
    for shape in ((1024, 1024, 1024), (777, 333, 2222), (32, 4096, 4096)):
        (subject,) = subjects(ttgen.loads(text(*shape)))
        assert len(search.rank(*subject)) <= 6
        assert len(search.rank(*subject, number=9)) >= 9


def test_other_stages_tensors_take_l1_too() -> None:
    loaded = ttgen.loads("""\
kernel: two
tensors:
  X: {shape: [2048, 20480], dtype: bfloat16, layout: l1_interleaved}
  Z: {shape: [2048, 20480], dtype: bfloat16}
  A: {shape: [2048, 1024], dtype: bfloat16}
  B: {shape: [1024, 8192], dtype: bfloat16}
  C: {shape: [2048, 8192], dtype: bfloat16}
compute: [Z = X + 1, C = A @ B]
schedule: auto
""")
    target = load("n150")
    tensors = 2048 * 20480 * 2 // 64
    for made in candidates(loaded):
        assert l1.need(made.design.buffers, (), {}, target).total + tensors <= target.l1.usable


def test_an_estimate_searches_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    searched: list[Stage] = []
    best = search.best

    def counted(stage: Stage, *given: Any, **named: Any) -> Candidate:
        searched.append(stage)
        return best(stage, *given, **named)

    monkeypatch.setattr(search, "best", counted)
    assert main(["estimate", "specs/gemm_auto.yaml"]) == 0
    assert "us on the device" in capsys.readouterr().out
    assert len(searched) == 1


def test_the_winner_says_what_came_second() -> None:
    (unit,) = [decision for decision in plan(text(1000, 1500, 700)).decisions if decision.name == "unit"]
    assert re.search(
        r"the fastest of [\d,]+ by the cost model; it waits for \w+; next \d+x\d+x\d+ .*, (\d+% slower|as fast)$",
        unit.because,
    )
