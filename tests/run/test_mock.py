"""The real library takes the programs of every spec: `pytest -m ttnn` where it is installed, without a card."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import ttgen
from tests.run import mock
from ttgen.run.messages import Stored, Timed
from ttgen.run.process import card_of
from ttgen.run.run import order_of
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
            zeros = {tensor.name: np.zeros(tensor.stored_shape, np.float32) for tensor in plan.tensors}
            stored, timed = card.run(order_of(plan, (zeros,), repeat=1))
            assert isinstance(stored, Stored), path
            assert isinstance(timed, Timed), path
            assert set(stored.values) == {tensor.name for tensor in plan.tensors if tensor.role != "input"}
            taken += 1
    assert taken > 2


@pytest.mark.parametrize("arch", get_args(Arch))
def test_functions_tell_the_library_what_the_plan_says(arch: Arch, tmp_path: Path) -> None:
    package = mock.installed()
    if package is None:
        pytest.skip("ttnn isn't installed")
    pytest.importorskip("torch", reason="comparison mode needs torch")
    specs = [path for path in sorted(Path("specs").glob("*.yaml")) if load(ttgen.load(path).spec.target).arch == arch]
    for path in specs:
        for file in ttgen.render(ttgen.plan(ttgen.load(path))):
            (tmp_path / "rendered" / file.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "rendered" / file.path).write_text(file.text)
    variables = {**os.environ, **mock.environment(package, tmp_path, arch), "TT_METAL_LOGS_PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.run.on_mock", str(tmp_path), *map(str, specs)],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith(("WRONG", "CALLED"))]
    assert lines == [f"CALLED {len(specs)}"], "\n".join([*lines, done.stderr[-2000:]])
    assert len(specs) > 2
