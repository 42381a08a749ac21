"""`ttgen run` of specs for a mesh, on a ttnn whose devices are each the emulator, and on the real library's mock mesh."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ttgen
from tests.nights import only
from tests.run import mock
from ttgen.cli.main import main
from ttgen.run.messages import Stored, Timed
from ttgen.run.process import card_of
from ttgen.run.run import mesh_devices, order_of, run

SPECS = sorted(Path("specs").glob("mesh_*.yaml"))
SUM = """\
kernel: row_parallel
mesh: {rows: 1, cols: 2}
tensors:
  X: {shape: [32, 64], dtype: bfloat16, mesh: {shard: 1}}
  W: {shape: [64, 32], dtype: bfloat16, mesh: {shard: 0}}
  b: {shape: [32], dtype: bfloat16}
  Y: {shape: [32, 32], dtype: bfloat16}
compute: Y = gelu(X @ W + b)
"""


@pytest.mark.parametrize("name", only([path.stem for path in SPECS], ["mesh_batches"]))
def test_what_all_devices_store_is_judged(name: str, fake: Callable[..., None]) -> None:
    loaded = ttgen.load(f"specs/{name}.yaml")
    plan = ttgen.plan(loaded)
    assert plan.mesh is not None
    is_wormhole = plan.target.arch == "wormhole_b0"
    card = {} if is_wormhole else {"arch": "BLACKHOLE", "grid": [14, 10], "banks": 8}
    fake(devices=plan.mesh.rows * plan.mesh.cols, **card)
    with card_of(0, 100) as devices:
        ran = run(loaded, plan, devices, seed=0, repeat=1, given={})
    assert not ran.verdict.findings
    assert ran.verdict.judged
    assert ran.verdict.runs == 2
    assert len(ran.microseconds) == 1
    checked = {(output.tensor, output.stage) for output in ran.verdict.outputs}
    assert {(item.target, item.kind) for item in plan.collectives} <= checked


@pytest.fixture
def summed(tmp_path: Path) -> str:
    path = tmp_path / "row_parallel.yaml"
    path.write_text(SUM)
    return str(path)


def test_files_have_whole_tensors(fake: Callable[..., None], tmp_path: Path, summed: str, capfd: Any) -> None:
    fake(devices=2)
    generator = np.random.default_rng(0)
    given = {
        name: generator.standard_normal(shape).astype(np.float32) for name, shape in (("X", (32, 64)), ("W", (64, 32)))
    }
    files = []
    for name, values in given.items():
        np.save(tmp_path / f"{name}.npy", values)
        files.append(f"--input={name}={tmp_path / name}.npy")
    outputs = [f"--output={name}={tmp_path / name}.npy" for name in ("Y", "Y_sum")]
    assert main(["run", summed, *files, *outputs, "--seed", "3"]) == 0
    line = capfd.readouterr().out
    assert re.search(r"ok: row_parallel, mesh of 1x2, .*, which leaves out what devices exchange$", line.strip())
    # Of the first run, whose other input is drawn.
    assert np.load(tmp_path / "Y.npy").shape == (32, 32)
    product = given["X"] @ given["W"]
    assert np.max(np.abs(np.load(tmp_path / "Y_sum.npy") - product)) < 0.05 * np.max(np.abs(product))
    assert main(["run", summed, f"--output=Y_partial={tmp_path / 'p.npy'}"]) == 1
    assert "there is no output 'Y_partial'" in capfd.readouterr().err
    np.save(tmp_path / "X.npy", given["X"][:, :32])
    assert main(["run", summed, files[0]]) == 1
    assert "is 32x32, and X is 32x64" in capfd.readouterr().err


def test_what_goes_wrong(fake: Callable[..., None], summed: str, tmp_path: Path, capfd: Any) -> None:
    assert main(["run", summed, "specs/row.yaml"]) == 3
    captured = capfd.readouterr()
    assert captured.err == "error: no device: a mesh of 1 x 2 devices has 2, and ttnn finds 1\n"
    assert ": ok: row," in captured.out
    for option, value in (("--profile", str(tmp_path / "times.csv")), ("--device", "1")):
        assert main(["run", summed, option, value]) == 1
        assert f"{option} is for programs of one device, and row_parallel is for a mesh" in capfd.readouterr().err
    fake(devices=2, wrong=5)
    assert main(["run", summed, "--json"]) == 1
    [found] = json.loads(capfd.readouterr().out)
    assert "row 0, column 0 of the mesh" in found["findings"][0]["message"]
    fake(devices=2, refuse="TT_FATAL\ninfo:\nno room for this\nbacktrace:\n --- x")
    assert main(["run", summed]) == 1
    assert "no room for this" in capfd.readouterr().out


def test_a_device_after_a_mesh_is_opened_anew(fake: Callable[..., None], summed: str, capfd: Any) -> None:
    fake(devices=2)
    assert main(["run", "specs/row.yaml", summed]) == 0
    kernels = re.findall(": ok: ([a-z_]+),", capfd.readouterr().out)
    assert sorted(kernels) == ["row", "row_parallel"]


@pytest.mark.ttnn
@pytest.mark.parametrize(("rows", "cols", "boards"), [(1, 2, 1), (2, 4, 4)])
def test_the_library_takes_all_of_a_mesh(
    rows: int, cols: int, boards: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads, programs, collectives and what is read back, on a mock mesh, which computes nothing."""
    package = mock.installed()
    if package is None:
        pytest.skip("ttnn isn't installed")
    for name, value in mock.environment(package, tmp_path, "wormhole_b0").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "card.yaml").write_text(mock.boards(boards))
    plan = ttgen.plan(ttgen.loads(SUM.replace("{rows: 1, cols: 2}", f"{{rows: {rows}, cols: {cols}}}")))
    zeros = {tensor.name: np.zeros(tensor.stored_shape, np.float32) for tensor in plan.tensors}
    with card_of(0, 100) as card:
        card.open(mesh_devices(plan))
        stored, timed = card.run(order_of(plan, [(zeros,) * (rows * cols)], repeat=1))
    assert isinstance(stored, Stored), stored
    assert isinstance(timed, Timed), timed
    assert len(stored.values) == rows * cols
    made = {tensor.name: tensor.stored_shape for tensor in plan.tensors if tensor.role != "input"}
    assert all({name: values.shape for name, values in own.items()} == made for own in stored.values)
