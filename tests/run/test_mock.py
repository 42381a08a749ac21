"""The real library takes the programs of every spec: `pytest -m ttnn` where it is installed, without a card."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import ttgen
from tests.run import mock
from ttgen.rendering.artifacts import artifacts
from ttgen.run.messages import Order, Stored, Timed
from ttgen.run.process import card_of
from ttgen.run.programs import job_of
from ttgen.target import Arch, load

pytestmark = pytest.mark.ttnn


@pytest.mark.parametrize("arch", get_args(Arch))
def test_the_library_takes_every_program(arch: Arch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = mock.installed()
    if package is None:
        pytest.skip("ttnn isn't installed")
    for name, value in mock.environment(package, tmp_path, arch).items():
        monkeypatch.setenv(name, value)
    taken = 0
    with card_of(0, 100) as card:
        for path in sorted(Path("specs").glob("*.yaml")):
            loaded = ttgen.load(path)
            if load(loaded.spec.target).arch != arch:
                continue
            plan = ttgen.plan(loaded)
            job = job_of(plan, artifacts(plan))
            zeros = {tensor.name: np.zeros(tensor.shape, np.float32) for tensor in job.tensors}
            stored, timed = card.run(Order(job=job, rounds=(zeros,), repeat=1))
            assert isinstance(stored, Stored), path
            assert isinstance(timed, Timed), path
            assert set(stored.values) == {tensor.name for tensor in plan.tensors if tensor.role != "input"}
            taken += 1
    assert taken > 2
