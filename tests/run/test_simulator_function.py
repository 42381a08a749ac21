"""Functions for Python on Tenstorrent's simulator, called twice: `pytest -m simulator`, as docs/running.md has the set-up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import ttgen
from tests.sizes import smaller
from ttgen.verify.inputs import Inputs
from ttgen.verify.run import Outcome
from ttgen.verify.verify import verify_elsewhere

pytestmark = pytest.mark.simulator


@pytest.fixture(scope="module")
def device() -> Iterator[Any]:
    if not os.environ.get("TT_METAL_SIMULATOR"):
        pytest.skip("TT_METAL_SIMULATOR names no simulator")
    ttnn = import_module("ttnn")
    opened = ttnn.open_device(device_id=0)
    yield opened
    ttnn.close_device(opened)


@pytest.mark.parametrize(
    "name", ["mlp", "adam", "gelu_height", "gemm_multicast", "gemm_skinny", "softmax_float32", "attention"]
)
def test_functions_are_right(name: str, device: Any) -> None:
    loaded = smaller(name)
    plan = ttgen.plan(loaded)
    arch = str(device.arch()).split(".")[-1].lower()
    if arch != plan.target.arch:
        pytest.skip(f"{name} is for {plan.target.arch}, and the simulator is {arch}")
    function = ttgen.compile(plan)

    def execute(sets: Sequence[Inputs]) -> Iterator[Outcome]:
        for inputs in sets:
            yield Outcome(stored=stored(function, inputs, device))

    verdict = verify_elsewhere(loaded, plan, execute, seed=0)
    assert not verdict.findings
    assert verdict.judged
    assert verdict.runs == 2


def stored(function: Any, inputs: Inputs, device: Any) -> dict[str, Any]:
    """What a call leaves in outputs, and between programs."""
    ttnn, programs = import_module("ttnn"), function.programs

    def moved(name: str, values: Any) -> Any:
        host = ttnn.Tensor(values, getattr(ttnn, programs.tensors[name]["dtype"]), layout=ttnn.TILE_LAYOUT)
        return host.to(device, programs.memory_config(name))

    names = [name for name, item in programs.tensors.items() if item["role"] == "input"]
    made = function(*(moved(name, inputs[name]) for name in names))
    outputs = [name for name, item in programs.tensors.items() if item["role"] == "output"]
    tensors = dict(zip(outputs, made if isinstance(made, tuple) else (made,), strict=True))
    tensors |= programs._scratch.get(device.id(), {})
    return {name: values(tensor, ttnn) for name, tensor in tensors.items()}


def values(tensor: Any, ttnn: Any) -> Any:
    here = tensor.cpu()
    if tensor.dtype != ttnn.float32:
        here = ttnn.to_dtype(here, ttnn.float32)
    return np.asarray(here.to(ttnn.ROW_MAJOR_LAYOUT).to_numpy()).astype(np.float32)
