"""The C++ host program and the function for Python say the same of every spec's programs: one trace, two hosts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ttgen
from tests.emulator import toolchain
from tests.nights import one_in
from tests.sizes import SPECS
from ttgen.target import load as load_target


def traced_from_cpp(files: Any, environment: dict[str, str], trace: Path) -> str:
    built = toolchain.builder(False, tuple(toolchain.COMPILER)).program(files)
    # Nothing runs, so that nobody can say what outputs hold.
    variables = {**os.environ, **environment, "TTEMU_TRACE": str(trace)}
    done = subprocess.run(
        [str(built.executable)], cwd=built.folder, env=variables, capture_output=True, text=True, check=False
    )
    assert trace.exists(), done.stderr
    return trace.read_text()


# On the devices of a mesh each program would be told several times.
NAMES = [path.stem for path in sorted(SPECS.glob("*.yaml")) if ttgen.load(path).spec.mesh is None]


@pytest.mark.parametrize("name", one_in(5, NAMES, name=str))
def test_two_hosts_say_the_same(
    name: str, fake: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = ttgen.plan(ttgen.load(SPECS / f"{name}.yaml"))
    grid = load_target(plan.target.device).grid
    environment = {"TTEMU_ARCH": plan.target.arch, "TTEMU_ROWS": str(grid.rows), "TTEMU_COLS": str(grid.cols)}
    cpp = traced_from_cpp(ttgen.render(plan), environment, tmp_path / "cpp")

    import ttnn

    monkeypatch.setattr(ttnn, "SETTINGS", {"arch": plan.target.arch.upper(), "grid": [grid.cols, grid.rows]})
    # It would be a copy of block floats, at another address.
    monkeypatch.setattr(ttnn, "fill_implicit_tile_padding", lambda tensor, _value: tensor)
    monkeypatch.setenv("TTEMU_TRACE", str(tmp_path / "python"))
    function = ttgen.compile(plan)
    device = ttnn.open_device(device_id=0)
    inputs = [function.programs.allocate(item.name, device) for item in plan.tensors if item.role == "input"]
    function(*inputs)
    assert (tmp_path / "python").read_text() == cpp
    assert cpp.count("program\n") == len(plan.programs)
