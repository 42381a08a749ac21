"""Right programs verify: those of the repository, and random ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

import ttgen
from tests.random_rows import row_specs
from tests.random_specs import RandomSpec, specs, staged_specs
from tests.sizes import SMALLER, smaller
from ttgen.errors import SpecError
from ttgen.spec import LoadedSpec
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import Verdict, verify

SPECS = sorted(Path("specs").glob("*.yaml"))
BIG = """\
kernel: gemm
tensors:
  A: {shape: [1024, 1024], dtype: bfloat16}
  B: {shape: [1024, 1024], dtype: bfloat16}
  C: {shape: [1024, 1024], dtype: bfloat16}
compute: C = A @ B
"""


def check(verdict: Verdict) -> None:
    assert verdict.passed, verdict.findings
    assert verdict.judged, verdict.notes
    assert verdict.counters
    assert verdict.outputs
    for output in verdict.outputs:
        assert np.isfinite(output.allowed) or output.unbounded


def check_well(builder: Builder, loaded: LoadedSpec) -> None:
    verdict = verify(loaded, ttgen.plan(loaded), builder, orders=2, jobs=2)
    check(verdict)
    assert verdict.runs == 3
    assert not any("no hard inputs" in note for note in verdict.notes)
    # Exponentials of sums of hard products may be anything: the stage that makes them is judged by what it read.
    by_stages = any("judged by its stages" in note for note in verdict.notes)
    assert all((output.unbounded == 0 or by_stages) and output.pcc > 0.999 for output in verdict.outputs)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_spec(builder: Builder, path: Path) -> None:
    check_well(builder, smaller(path.stem))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SMALLER)
def test_large_spec(builder: Builder, name: str) -> None:
    check_well(builder, ttgen.load(f"specs/{name}.yaml"))


@pytest.mark.parametrize("name", SMALLER)
def test_a_smaller_spec_has_the_same_kernels(name: str) -> None:
    small, large = (
        {file.path: file.text for file in ttgen.render(ttgen.plan(loaded)) if "/kernels/" in file.path}
        for loaded in (smaller(name), ttgen.load(f"specs/{name}.yaml"))
    )
    assert small == large
    assert small


@pytest.mark.parametrize("name", ["gemm_ragged", "normalize", "row"])
def test_twenty_orders(builder: Builder, name: str) -> None:
    loaded = ttgen.load(f"specs/{name}.yaml")
    check(verify(loaded, ttgen.plan(loaded), builder, seed=1, orders=20, jobs=2))


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_twenty_orders_of_every_spec(builder: Builder, path: Path) -> None:
    loaded = ttgen.load(path)
    for seed in range(1, 4):
        check(verify(loaded, ttgen.plan(loaded), builder, seed=seed, orders=20, jobs=2))


@pytest.mark.exhaustive
def test_a_product_of_a_thousand(builder: Builder) -> None:
    loaded = ttgen.loads(BIG)
    check(verify(loaded, ttgen.plan(loaded), builder, jobs=2))


def run_random(builder: Builder, spec: RandomSpec, seed: int) -> None:
    loaded = ttgen.loads(spec.text)
    try:
        plan = ttgen.plan(loaded)
    except SpecError:
        event("refused")
        return
    event("verified")
    verdict = verify(loaded, plan, builder, seed=seed, orders=2, jobs=2)
    assert verdict.passed, f"{spec.text}\n{verdict.findings}"


SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)


def _shared() -> SearchStrategy[RandomSpec]:
    """Products in rectangles of cores, which may share operands and the sum."""
    return specs(shared=True)


STRATEGIES = (specs, staged_specs, _shared, row_specs)


@pytest.mark.parametrize(
    ("strategy", "part"),
    [
        pytest.param(strategy, part, marks=[pytest.mark.exhaustive] * (part != place % 2))
        for place, strategy in enumerate(STRATEGIES)
        for part in (0, 1)
    ],
)
def test_random_specs(builder: Builder, strategy: Callable[[], SearchStrategy[RandomSpec]], part: int) -> None:
    """The same ones every time."""

    @hypothesis.seed(part)
    @settings(max_examples=3, deadline=None, database=None, suppress_health_check=SLOW)
    @given(spec=strategy(), seed=st.integers(0, 1000))
    def run(spec: RandomSpec, seed: int) -> None:
        run_random(builder, spec, seed)

    run()


@pytest.mark.exhaustive
@settings(max_examples=3000, deadline=None, suppress_health_check=SLOW)
@given(
    spec=st.one_of(specs(most=400), staged_specs(most=400), specs(most=400, shared=True), row_specs(most=400)),
    seed=st.integers(0, 1000),
)
def test_thousands_of_random_specs(builder: Builder, spec: RandomSpec, seed: int) -> None:
    run_random(builder, spec, seed)
