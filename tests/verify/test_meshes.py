"""Verification of a mesh: what is wrong between devices, or on one of them, is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import ttgen
from ttgen.errors import VerifyError
from ttgen.mesh.placement import Mesh
from ttgen.model.mesh import PlanCollective
from ttgen.verify import collectives, meshes, run
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import verify, verify_elsewhere


def test_a_sum_of_which_a_device_is_missing(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    exchanged = collectives.exchanged

    def without_one(item: Any, mesh: Any, values: Any, dtype: Any) -> Any:
        return exchanged(item, mesh, {**values, (0, 1): np.zeros_like(values[0, 1])}, dtype)

    monkeypatch.setattr(meshes, "exchanged", without_one)
    loaded = ttgen.load("specs/mesh_mlp.yaml")
    verdict = verify(loaded, ttgen.plan(loaded), builder, jobs=2)
    assert {finding.name for finding in verdict.findings} == {"wrong-numbers"}
    assert "is" in verdict.findings[0].message


def test_one_device_that_computes_something_else(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    emulate = run.emulate
    runs = 0

    def second_is_off(*arguments: Any, **named: Any) -> Any:
        nonlocal runs
        runs += 1
        outcome = emulate(*arguments, **named)
        off = {name: values + np.float32(runs == 2) for name, values in outcome.stored.items()}
        return replace(outcome, stored=off)

    monkeypatch.setattr(meshes, "emulate", second_is_off)
    loaded = ttgen.load("specs/mesh_batches.yaml")
    verdict = verify(loaded, ttgen.plan(loaded), builder, jobs=2)
    assert [finding.name for finding in verdict.findings] == ["wrong-numbers"]
    assert verdict.findings[0].message.endswith("(device in row 1, column 0 of the mesh)")


def test_programs_that_run_elsewhere_are_of_one_device() -> None:
    loaded = ttgen.load("specs/mesh_batches.yaml")
    with pytest.raises(VerifyError, match="is for a mesh"):
        verify_elsewhere(loaded, ttgen.plan(loaded), lambda _sets: ())


def test_sums_are_rounded_with_each_device() -> None:
    item = PlanCollective(kind="all_reduce", source="P", target="Y", over="cols", axis=None, after="P")
    values = {(0, place): np.asarray([1 if place == 0 else 2.0**-9], dtype=np.float32) for place in range(3)}
    made = collectives.exchanged(item, Mesh(counts=(1, 3)), values, "bfloat16")
    assert made[0, 2].tolist() == [1.0]
    assert collectives.exchanged(item, Mesh(counts=(1, 3)), values, "float32")[0, 0].tolist() == [1 + 2.0**-8]
