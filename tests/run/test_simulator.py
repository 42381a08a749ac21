"""Every spec on Tenstorrent's simulator: `pytest -m simulator`, as docs/running.md has the set-up."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import ttgen
from tests.sizes import SPECS, smaller
from ttgen.run.process import Card, card_of
from ttgen.run.run import run

pytestmark = pytest.mark.simulator


@pytest.fixture(scope="module")
def card() -> Iterator[Card]:
    if not os.environ.get("TT_METAL_SIMULATOR"):
        pytest.skip("TT_METAL_SIMULATOR names no simulator")
    with card_of(0, 1800) as found:
        yield found


@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*.yaml")))
def test_outputs_are_right(name: str, card: Card) -> None:
    loaded = smaller(name)
    plan = ttgen.plan(loaded)
    if plan.mesh is not None:
        pytest.skip("a simulator is one device")
    if card.open().arch != plan.target.arch:
        pytest.skip(f"{name} is for {plan.target.arch}, and the simulator is {card.open().arch}")
    verdict = run(loaded, plan, card, seed=0, repeat=0, given={}).verdict
    assert not verdict.findings
    assert verdict.judged
