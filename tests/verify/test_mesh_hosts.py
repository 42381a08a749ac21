"""The rendered host program of a mesh: with as many emulated devices, and with files of whole tensors."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import ttgen
from tests.nights import only
from tests.run import mock
from tests.verify.test_host_program import Host
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import evaluate
from ttgen.model.artifact import Artifact
from ttgen.model.plan import Plan
from ttgen.verify.inputs import nearest
from ttgen.verify.toolchain import Builder
from ttgen.verify.wholes import whole_tensor

SPECS = [path.stem for path in sorted(Path("specs").glob("mesh_*.yaml"))]
CUT = """\
kernel: k
mesh: {rows: 2, cols: 3}
tensors:
  X: {shape: [2, 6, 40, 90], dtype: float32, mesh: {rows: 2, cols: 1}}
  V: {shape: [40, 90], dtype: float32, mesh: {rows: 0}}
  Z: {shape: [2, 6, 40, 90], dtype: float32, mesh: {rows: 2, cols: 1}}
compute: Z = X * 2.0 + V
"""
"""Axes that aren't next to each other, neither the first nor the last among them."""
BOTH = """\
kernel: k
mesh: {rows: 2, cols: 2}
tensors:
  X: {shape: [3, 80], dtype: float32, mesh: {shard: 1}, layout: l1_interleaved}
  Z: {shape: [3, 80], dtype: float32, mesh: {shard: 1}}
compute: Z = X * 2.0
"""
"""One axis over all devices, in parts that are no whole tiles."""

IN_L1 = """\
kernel: k
mesh: {rows: 3, cols: 2}
tensors:
  X: {shape: [70, 96], dtype: bfloat16, mesh: {rows: 1}}
  W: {shape: [96, 40], dtype: bfloat16, mesh: {rows: 0}}
  b: {shape: [40], dtype: bfloat16}
  Z: {shape: [70, 40], dtype: bfloat16, layout: l1_interleaved}
compute: Z = X @ W + b
stages: {Z_partial: {dtype: float32, layout: l1_interleaved}, Z_sum: {layout: l1_interleaved}}
"""
"""A sum over the devices of each column, from L1 to L1, of matrices that are no whole tiles."""


def given(plan: Plan, seed: int) -> dict[str, NDArray[np.float32]]:
    """Whole inputs, as files have them."""
    generator = np.random.default_rng(seed)
    return {
        tensor.name: nearest(generator.standard_normal(whole_tensor(plan, tensor.name).shape), tensor.dtype)
        for tensor in plan.tensors
        if tensor.role == "input"
    }


def changed(files: Iterable[Artifact], name: str, old: str, new: str) -> list[Artifact]:
    """Rendered files, one of them with another text in one place."""
    found = [Artifact(file.path, file.text.replace(old, new) if file.path == name else file.text) for file in files]
    assert found != list(files), f"{name} has no {old}"
    return found


def stored(
    host: Host, plan: Plan, inputs: Mapping[str, NDArray[np.float32]], options: Sequence[str] = ()
) -> dict[str, NDArray[np.float32]]:
    """Whole outputs, and what lies between programs, of a run."""
    words = list(options)
    for name, values in inputs.items():
        values.astype("<f4").tofile(host.folder / name)
        words += ["--input", f"{name}={host.folder / name}"]
    made = [tensor.name for tensor in plan.tensors if tensor.role != "input" and not tensor.is_partial]
    words += [word for name in made for word in ("--output", f"{name}={host.folder / name}")]
    grid = ("8", "8") if plan.target.arch == "wormhole_b0" else ("10", "13")
    chip = {"TTEMU_ARCH": str(plan.target.arch), "TTEMU_ROWS": grid[0], "TTEMU_COLS": grid[1]}
    done = host.run(*words, **chip)
    assert done.returncode == 0, done.stderr
    return {
        name: np.fromfile(host.folder / name, "<f4").reshape(whole_tensor(plan, name).shape) for name in made
    }  # fmt: skip


def check(found: Mapping[str, NDArray[np.float32]], expected: Mapping[str, NDArray[Any]]) -> None:
    """Against NumPy, loosely: bfloat16 has 8 bits, and values between programs are rounded."""
    for name, values in expected.items():
        assert np.abs(found[name] - values).max() < np.abs(values).max() / 2**6, name


@pytest.mark.parametrize("name", only(SPECS, ["mesh_batches", "mesh_mlp"]))
def test_whole_files_in_and_out(name: str, builder: Builder, tmp_path: Path) -> None:
    loaded = ttgen.load(f"specs/{name}.yaml")
    plan = ttgen.plan(loaded)
    host = Host(builder, tmp_path, Path(f"specs/{name}.yaml").read_text())
    inputs = given(plan, 0)
    found = stored(host, plan, inputs, ["--poison"])
    check(found, evaluate(graph_of(loaded), inputs))
    # Of devices that have the same of a tensor, the last one's is saved; here it is the first one's.
    files = ttgen.render(plan)
    host.built = builder.program(
        changed(files, "host/mesh_parts.hpp", "parts.push_back(", "parts.insert(parts.begin(), ")
    )
    first = stored(host, plan, inputs, ["--repeat", "2"])
    assert all(np.array_equal(values, first[made]) for made, values in found.items())


@pytest.mark.parametrize("spec", [CUT, BOTH], ids=["two axes", "one axis"])
def test_each_device_has_its_part(spec: str, builder: Builder, tmp_path: Path) -> None:
    """What is exact in float32, of values that are all different."""
    loaded = ttgen.loads(spec)
    plan = ttgen.plan(loaded)
    inputs = {
        name: np.arange(values.size, dtype=np.float32).reshape(values.shape) for name, values in given(plan, 0).items()
    }
    found = stored(Host(builder, tmp_path, spec), plan, inputs)
    assert np.array_equal(found["Z"], evaluate(graph_of(loaded), inputs)["Z"])


def test_sums_over_columns_of_devices_in_l1(builder: Builder, tmp_path: Path) -> None:
    loaded = ttgen.loads(IN_L1)
    plan = ttgen.plan(loaded)
    inputs = given(plan, 1)
    check(stored(Host(builder, tmp_path, IN_L1), plan, inputs), evaluate(graph_of(loaded), inputs))


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("host/collectives.cpp", "cluster_axis=*/1", "cluster_axis=*/0", "^Y\n"),
        ("host/collectives.cpp", "{64, 96}", "{32, 96}", "The buffer isn't what the tensor's spec says"),
        ("host/main.cpp", "FABRIC_1D", "DISABLED", "Fabric is not initialized"),
        ("host/main.cpp", "{256, 96}, {.cols = 0}", "{256, 96}, {.cols = 1}", "^Y\n"),
    ],
    ids=["axis", "shape", "fabric", "part"],
)  # fmt: skip
def test_a_fault_shows(file: str, old: str, new: str, found: str, builder: Builder, tmp_path: Path) -> None:
    loaded = ttgen.load("specs/mesh_mlp.yaml")
    plan = ttgen.plan(loaded)
    host = Host(builder, tmp_path, Path("specs/mesh_mlp.yaml").read_text())
    host.built = builder.program(changed(ttgen.render(plan), f"mesh_mlp/{file}", old, new))
    inputs = given(plan, 0)
    with pytest.raises(AssertionError, match=found):
        check(stored(host, plan, inputs), evaluate(graph_of(loaded), inputs))


def test_a_mesh_has_all_its_devices(builder: Builder, tmp_path: Path) -> None:
    host = Host(builder, tmp_path, Path("specs/mesh_batches.yaml").read_text())
    done = host.run("--device", "1")
    assert done.returncode == 64
    assert done.stderr.startswith("mesh_batches: --device: no such option\n\nusage: mesh_batches ")
    assert "--device" not in host.run("--help").stdout
    (tmp_path / "part").write_bytes(bytes(2 * 70 * 50 * 4))
    done = host.run("--input", f"A={tmp_path / 'part'}")
    assert done.stderr.endswith("has 28000 bytes, not 56000\n")


@pytest.mark.ttnn
@pytest.mark.parametrize("name", [name for name in SPECS if name != "mesh_batches"])
def test_collectives_are_called_as_the_real_headers_declare_them(name: str, builder: Builder, tmp_path: Path) -> None:
    """Those of operations are in the package of ttnn; what they include of the rest, the emulator has."""
    package = mock.installed()
    if package is None:
        pytest.skip("ttnn isn't installed")
    for file in ttgen.render(ttgen.plan(ttgen.load(f"specs/{name}.yaml"))):
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
    folders = [package / "ttnn/cpp", builder.include, tmp_path / "host"]
    source = str(tmp_path / name / "host/collectives.cpp")
    words = [*builder.compiler.command, "-std=c++20", "-M", *(f"-I{folder}" for folder in folders), source]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert str(package / "ttnn/cpp/ttnn/operations/ccl") in done.stdout
    words[words.index("-M")] = "-fsyntax-only"
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_long_lines_of_tensors_are_broken() -> None:
    shape = "[4, 8, 64, 256]"
    names = dict.fromkeys(
        ("left_operand_of_all_of_it", "Z"), f"{{shape: {shape}, dtype: float32, mesh: {{rows: 1, cols: 3}}}}"
    )
    tensors = "".join(f"  {name}: {what}\n" for name, what in names.items())
    files = ttgen.render(ttgen.plan(ttgen.loads(
        f"kernel: k\nmesh: {{rows: 2, cols: 4}}\ntensors:\n{tensors}compute: Z = exp(left_operand_of_all_of_it)\n"
    )))  # fmt: skip
    text = next(file.text for file in files if file.path == "k/host/main.cpp")
    assert max(map(len, text.splitlines())) <= 120
    assert (
        '        mesh.part(\n            "left_operand_of_all_of_it", Role::input, tt::DataFormat::Float32,\n' in text
    )
    assert (
        '        mesh.part("Z", Role::output, tt::DataFormat::Float32, {4, 8, 64, 256}, {.rows = 1, .cols = 3}),'
        in text
    )
