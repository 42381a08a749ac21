"""The real library takes the programs of every spec: `pytest -m ttnn` where it is installed, without a card."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import ttgen
from tests.run import mock
from ttgen.errors import SpecError
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
            if loaded.spec.mesh is not None or load(loaded.spec.target).arch != arch:
                continue
            plan = ttgen.plan(loaded)
            zeros = {tensor.name: np.zeros(tensor.stored_shape, np.float32) for tensor in plan.tensors}
            stored, timed = card.run(order_of(plan, [(zeros,)], repeat=1))
            assert isinstance(stored, Stored), path
            assert isinstance(timed, Timed), path
            assert set(stored.values[0]) == {tensor.name for tensor in plan.tensors if tensor.role != "input"}
            taken += 1
    assert taken > 2


@pytest.mark.parametrize("arch", get_args(Arch))
def test_functions_tell_the_library_what_the_plan_says(arch: Arch, tmp_path: Path) -> None:
    package = mock.installed()
    if package is None:
        pytest.skip("ttnn isn't installed")
    pytest.importorskip("torch", reason="comparison mode needs torch")
    loaded = {path: ttgen.load(path).spec for path in sorted(Path("specs").glob("*.yaml"))}
    specs = [path for path, spec in loaded.items() if load(spec.target).arch == arch and spec.mesh is None]
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


@pytest.mark.parametrize(("rows", "cols", "boards"), [(1, 2, 1), (2, 4, 4)])
def test_functions_on_a_mesh(rows: int, cols: int, boards: int, tmp_path: Path) -> None:
    """Every spec for a mesh on one of 2 and on one of 8 devices, with all three collectives."""
    package = mock.installed()
    if package is None:
        pytest.skip("ttnn isn't installed")
    names = []
    for path in sorted(Path("specs").glob("mesh_*.yaml")):
        text = re.sub(r"^mesh: .*$", f"mesh: {{rows: {rows}, cols: {cols}}}", path.read_text(), flags=re.MULTILINE)
        loaded = ttgen.loads(text.replace("p150", "n150"), name=path.name)
        try:
            files = ttgen.render(ttgen.plan(loaded))
        except SpecError:
            continue  # sizes that so many devices don't divide
        names.append(loaded.spec.kernel)
        for file in files:
            (tmp_path / "rendered" / file.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "rendered" / file.path).write_text(file.text)
    assert len(names) >= 3
    variables = {
        **os.environ,
        **mock.environment(package, tmp_path, "wormhole_b0"),
        "TT_METAL_LOGS_PATH": str(tmp_path),
    }
    (tmp_path / "card.yaml").write_text(mock.boards(boards))
    done = subprocess.run(
        [sys.executable, "-m", "tests.run.on_mock_mesh", str(tmp_path), str(rows), str(cols), *names],
        env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith(("WRONG", "CALLED"))]
    assert lines == [f"CALLED {len(names)}"], "\n".join([*lines, done.stderr[-2000:]])
