"""Formulas over a mesh: what devices compute together is what the formulas say, or the spec is refused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import ttgen
from tests.mesh import devices, drawn
from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import evaluate
from ttgen.mesh.device import Device, device_of
from ttgen.planner.resolve import resolve

MLP = """\
kernel: mlp
mesh: {mesh}
tensors:
  X: {{shape: [{batch}64, 96], dtype: bfloat16{x}}}
  W1: {{shape: [96, 256], dtype: bfloat16, mesh: {{cols: 1}}}}
  b1: {{shape: [256], dtype: bfloat16, mesh: {{cols: 0}}}}
  W2: {{shape: [256, 128], dtype: bfloat16, mesh: {{cols: 0}}}}
  b2: {{shape: [128], dtype: bfloat16{b2}}}
  Y: {{shape: [{batch}64, 128], dtype: bfloat16{y}}}
compute: Y = gelu(X @ W1 + b1) @ W2 + b2
"""


def spread(text: str) -> tuple[Device, float]:
    """What devices do, and how far off they are from the formulas' value."""
    loaded = ttgen.loads(text)
    graph = graph_of(loaded)
    device = device_of(loaded, graph)
    assert device.mesh is not None
    generator = np.random.default_rng(0)
    inputs = {name: generator.standard_normal(loaded.shapes[name]) for name in graph.inputs}
    found = devices.run(device, inputs)
    worst = 0.0
    for name, values in evaluate(graph, inputs).items():
        off = np.abs(devices.whole(device.mesh, device, name, found[name]) - values)
        worst = max(worst, float(np.max(off)) / (float(np.max(np.abs(values))) + 1))
    return device, worst


def kinds(device: Device) -> list[str]:
    return [f"{item.kind} {item.source} {item.target} {item.side}" for item in device.collectives]


def test_a_column_parallel_layer_and_a_row_parallel_one() -> None:
    """One sum; the bias is added after it, once."""
    device, worst = spread(MLP.format(mesh="{rows: 1, cols: 2}", batch="", x="", b2="", y=""))
    assert worst < 1e-12
    assert kinds(device) == ["all_reduce Y_partial Y_sum 1"]
    assert [device.parts[1].graph.inputs, device.shapes["W1"]] == [("Y_sum", "b2"), (96, 128)]


def test_an_output_that_is_cut_is_scattered() -> None:
    text = MLP.format(mesh="{rows: 1, cols: 4}", batch="", x="", b2=", mesh: {shard: 0}", y=", mesh: {shard: 1}")
    device, worst = spread(text)
    assert worst < 1e-12
    assert kinds(device) == ["reduce_scatter Y_partial Y_sum 1"]
    assert device.shapes["Y"] == (64, 32)


def test_batches_over_rows_of_devices() -> None:
    where = ", mesh: {rows: 0}"
    device, worst = spread(MLP.format(mesh="{rows: 2, cols: 4}", batch="2, ", x=where, b2="", y=where))
    assert worst < 1e-12
    assert kinds(device) == ["all_reduce Y_partial Y_sum 1"]
    assert device.shapes["Y"] == (1, 64, 128)


LINEAR = """\
kernel: linear
mesh: {mesh}
tensors:
  X: {{shape: [64, 96], dtype: bfloat16{x}}}
  W: {{shape: [96, 256], dtype: bfloat16{w}}}
  Y: {{shape: [64, 256], dtype: bfloat16{y}}}
compute: Y = X @ W
"""


@pytest.mark.parametrize(
    ("mesh", "x", "w", "y", "expected"),
    [
        ("1, cols: 4", "", ", mesh: {shard: 1}", ", mesh: {shard: 1}", []),
        ("1, cols: 4", "", ", mesh: {shard: 1}", "", ["all_gather Y_part Y 1"]),
        ("2, cols: 1", ", mesh: {rows: 0}", "", "", ["all_gather Y_part Y 0"]),
        ("2, cols: 4", "", ", mesh: {shard: 1}", "", ["all_gather Y_part Y_whole 1", "all_gather Y_whole Y 0"]),
        ("2, cols: 4", ", mesh: {rows: 1}", ", mesh: {rows: 0}", "", ["all_reduce Y_partial Y 0"]),
        ("2, cols: 4", ", mesh: {shard: 1}", ", mesh: {shard: 0}", "",
         ["all_reduce Y_partial Y_sum 0", "all_reduce Y_sum Y 1"]),
        ("2, cols: 4", ", mesh: {shard: 1}", ", mesh: {shard: 0}", ", mesh: {shard: 1}",
         ["reduce_scatter Y_partial Y_sum 0", "reduce_scatter Y_sum Y 1"]),
        ("2, cols: 2", ", mesh: {rows: 0, cols: 1}", ", mesh: {cols: 0}", ", mesh: {rows: 0}",
         ["all_reduce Y_partial Y 1"]),
    ],
)  # fmt: skip
def test_collectives_of_one_layer(mesh: str, x: str, w: str, y: str, expected: list[str]) -> None:
    text = LINEAR.format(mesh=f"{{rows: {mesh}}}", x=x, w=w, y=y).replace("96", "128")
    device, worst = spread(text)
    assert worst < 1e-12
    assert kinds(device) == expected
    resolve(ttgen.loads(text))


def test_random_formulas_over_random_meshes() -> None:
    """Refused, or right; and what is right is planned and proven, unless a collective would take tiles apart."""
    seen: Counter[str] = Counter()

    @settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(drawn.spec())
    def every(text: str) -> None:
        try:
            device, worst = spread(text)
        except SpecError:
            seen["refused"] += 1
            return
        assert worst < 1e-9, text
        seen.update(item.kind for item in device.collectives)
        seen["right"] += 1
        if seen["right"] % 8 == 0:
            try:
                resolve(ttgen.loads(text))
                seen["planned"] += 1
            except SpecError:
                seen["not planned"] += 1

    every()
    assert seen["right"] > 100
    assert min(seen[kind] for kind in ("all_reduce", "all_gather", "reduce_scatter")) >= 5, seen
    assert seen["planned"] > seen["not planned"]


def test_what_columns_have_cut_of_what_rows_have() -> None:
    """Over both dimensions of the mesh parts go row by row: gathered over rows alone, they'd be no part of the whole."""
    text = """\
kernel: layers
mesh: {rows: 2, cols: 2}
tensors:
  X: {shape: [64, 128], dtype: bfloat16}
  W: {shape: [128, 256], dtype: bfloat16, mesh: {shard: 1}}
  V: {shape: [256, 64], dtype: bfloat16, mesh: {cols: 0}}
  Y: {shape: [64, 64], dtype: bfloat16}
compute: Y = X @ W @ V
"""
    with pytest.raises(SpecError, match="no device has parts of both"):
        spread(text)
    device, worst = spread(text.replace("cols: 0", "rows: 0"))
    assert worst < 1e-12
    assert kinds(device) == ["all_gather Y_part Y_whole 1", "all_reduce Y_partial Y 0"]


def test_a_value_that_two_parts_read() -> None:
    """It is stored by the first of them."""
    text = """\
kernel: layers
mesh: {rows: 1, cols: 2}
tensors:
  X: {shape: [64, 128], dtype: bfloat16, mesh: {cols: 1}}
  W: {shape: [128, 64], dtype: bfloat16, mesh: {cols: 0}}
  Z: {shape: [64, 96], dtype: bfloat16}
  V: {shape: [96, 64], dtype: bfloat16}
  Y: {shape: [64, 64], dtype: bfloat16}
  T: {shape: [64, 64], dtype: bfloat16}
compute:
  - P = Z @ V
  - H = X @ W
  - Y = H + P
  - T = relu(H + 1) * P
"""
    device, worst = spread(text)
    assert worst < 1e-12
    assert [[output.tensor for output in part.graph.outputs] for part in device.parts] == [["H_partial"], ["Y", "T"]]


def test_a_value_of_parts_that_follow_each_other() -> None:
    text = """\
kernel: layers
mesh: {rows: 1, cols: 2}
tensors:
  X: {shape: [64, 128], dtype: bfloat16, mesh: {cols: 1}}
  W: {shape: [128, 64], dtype: bfloat16, mesh: {cols: 0}}
  Z: {shape: [64, 96], dtype: bfloat16}
  V: {shape: [96, 64], dtype: bfloat16}
  U: {shape: [64, 64], dtype: bfloat16, mesh: {cols: 1}}
  R: {shape: [64, 64], dtype: bfloat16}
  Y: {shape: [64, 64], dtype: bfloat16}
  T: {shape: [64, 64], dtype: bfloat16}
compute:
  - P = Z @ V
  - H = X @ W
  - Y = H + P
  - T = H @ U @ R + P
"""
    device, worst = spread(text)
    assert worst < 1e-12
    assert kinds(device) == ["all_reduce H_partial H 1", "all_gather T_part T_whole 1"]
    made = [{output.tensor for output in part.graph.outputs} for part in device.parts]
    assert made == [{"H_partial"}, {"Y", "P", "T_part"}, {"T"}]
    resolve(ttgen.loads(text))


def test_rows_of_devices_dont_cut_what_columns_have_cut() -> None:
    text = LINEAR.format(
        mesh="{rows: 2, cols: 2}", x=", mesh: {rows: 1}", w=", mesh: {rows: 0, cols: 1}", y=", mesh: {shard: 1}"
    )
    with pytest.raises(SpecError, match="lies on devices"):
        spread(text)
    device, worst = spread(text.replace("{shard: 1}", "{cols: 1}"))
    assert worst < 1e-12
    assert kinds(device) == ["all_reduce Y_partial Y 0"]
