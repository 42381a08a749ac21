"""The function for Python of a spec for a mesh, on a fake ttnn whose devices are each the emulator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ttgen
from tests.nights import only
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import evaluate
from ttgen.mesh.placement import Cuts, mesh_of, placements
from ttgen.spec import LoadedSpec

SPECS = sorted(Path("specs").glob("mesh_*.yaml"))


@pytest.fixture
def module_of(
    fake: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[LoadedSpec], Any]]:
    """Renders a spec, and imports the module of its function."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def imported(loaded: LoadedSpec) -> Any:
        plan = ttgen.plan(loaded)
        if plan.target.arch == "blackhole":
            fake(arch="BLACKHOLE", grid=[14, 10], banks=8)
        for file in ttgen.render(plan):
            path = tmp_path / "rendered" / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text)
        invalidate_caches()
        return import_module(f"rendered.{loaded.spec.kernel}.{loaded.spec.kernel}")

    yield imported
    for name in [name for name in sys.modules if name.split(".")[0] in ("rendered", "ttnn")]:
        del sys.modules[name]


class Called:
    """A spec's function, and what it is called with."""

    def __init__(self, loaded: LoadedSpec, module: Any) -> None:
        assert loaded.spec.mesh is not None
        self.loaded, self.module, self.ttnn = loaded, module, module.ttnn
        self.mesh = mesh_of(loaded.spec.mesh)
        self.cuts = placements(loaded, self.mesh)
        self.device = self.ttnn.MeshDevice(*self.mesh.counts)
        generator = np.random.default_rng(0)
        shapes = {name: loaded.shapes[name] for name in graph_of(loaded).inputs}
        self.inputs = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        self.order = [item["name"] for item in module.PROGRAMS.tensors.values() if item["role"] == "input"]

    def given(self, name: str, cuts: Cuts | None = None) -> Any:
        """An input on the mesh, cut as the spec says or otherwise."""
        cuts = self.cuts[name] if cuts is None else cuts
        values, dtype = self.inputs[name], self.module.PROGRAMS.tensors[name]["dtype"]
        padding = 0 if dtype == "bfloat8_b" else self.ttnn.CRUEL
        parts = [
            self.ttnn.Tensor(
                values[self.mesh.slices(values.shape, cuts, place)], dtype, self.ttnn.TILE_LAYOUT, padding=padding
            )
            for place in self.mesh.devices()
        ]
        rank = values.ndim
        sides = [
            self.ttnn.PlacementReplicate() if dim is None else self.ttnn.PlacementShard(-1 - dim if dim else rank - 1)
            for dim in cuts
        ]
        topology = self.ttnn.TensorTopology(self.mesh.counts, sides, [])
        return self.ttnn.MeshTensor(parts, self.device, self.module.PROGRAMS.memory_config(name), topology)

    def __call__(self, **named: Any) -> Any:
        function = getattr(self.module, self.loaded.spec.kernel)
        given = [named.pop(name, None) or self.given(name) for name in self.order]
        return function(*given, **named)

    def whole(self, name: str, tensor: Any) -> Any:
        """An output, put together; what several devices have is the same."""
        found = np.full(self.loaded.shapes[name], np.nan, dtype=np.float32)
        for place, part in zip(self.mesh.devices(), tensor.parts, strict=True):
            here = self.mesh.slices(found.shape, self.cuts[name], place)
            assert np.all(np.isnan(found[here]) | (found[here] == part.logical()))
            found[here] = part.logical()
        return found


@pytest.mark.parametrize("name", only([path.stem for path in SPECS], ["mesh_linear"]))
def test_outputs_are_right(name: str, module_of: Callable[[LoadedSpec], Any]) -> None:
    """Twice: what devices got of each other is elsewhere the second time."""
    loaded = ttgen.load(f"specs/{name}.yaml")
    called = Called(loaded, module_of(loaded))
    graph = graph_of(loaded)
    (output,) = graph.outputs
    for _call in range(2):
        # As they are stored.
        called.inputs = {name: called.given(name, (None, None)).parts[0].logical() for name in called.inputs}
        made = called()
        right = evaluate(graph, called.inputs)[output.tensor]
        found = called.whole(output.tensor, made)
        assert np.corrcoef(found.ravel(), right.ravel())[0, 1] > 0.9999
        assert np.max(np.abs(found - right)) < 0.05 * np.max(np.abs(right))
        assert called.module.PROGRAMS._found(made) == called.module.PROGRAMS._wanted(output.tensor)
        called.inputs = {name: values[::-1].copy() for name, values in called.inputs.items()}


@pytest.mark.parametrize("name", only(["mesh_linear", "mesh_mlp_scattered"], ["mesh_linear"]))
def test_out_is_written(name: str, module_of: Callable[[LoadedSpec], Any]) -> None:
    loaded = ttgen.load(f"specs/{name}.yaml")
    called = Called(loaded, module_of(loaded))
    out = called.module.PROGRAMS.allocate("Y", called.device)
    assert called(out=out) is out
    np.testing.assert_array_equal(called.whole("Y", out), called.whole("Y", called()))


SUM = """\
kernel: row_parallel
mesh: {rows: 1, cols: 2}
tensors:
  X: {shape: [32, 64], dtype: bfloat16, mesh: {shard: 1}}
  W: {shape: [64, 32], dtype: bfloat16, mesh: {shard: 0}}
  Y: {shape: [32, 32], dtype: bfloat16}
compute: Y = X @ W
"""


def test_a_sum_that_is_the_output(module_of: Callable[[LoadedSpec], Any]) -> None:
    """It is written to the tensor that is given."""
    loaded = ttgen.loads(SUM)
    called = Called(loaded, module_of(loaded))
    out = called.module.PROGRAMS.allocate("Y", called.device)
    assert called(out=out) is out
    right = called.inputs["X"] @ called.inputs["W"]
    assert np.max(np.abs(called.whole("Y", out) - right)) < 0.05 * np.max(np.abs(right))


def test_what_lies_otherwise_is_refused(module_of: Callable[[LoadedSpec], Any]) -> None:
    loaded = ttgen.loads(SUM)
    called = Called(loaded, module_of(loaded))
    # A part of the right size along another axis.
    called.inputs["X"] = np.zeros((64, 32), dtype=np.float32)
    with pytest.raises(
        ValueError, match=r"X is distributed as \[\(2, 0\)\] \(devices, axis\), and the spec has \[\(2, 1\)\]"
    ):
        called(X=called.given("X", (None, 1)))
    with pytest.raises(ValueError, match=r"a mesh of \[1, 2\] devices, and this one is \[2, 1\]"):
        called.module.PROGRAMS._check_device(called.ttnn.MeshDevice(2, 1))
