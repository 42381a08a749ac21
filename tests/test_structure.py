"""Kernel text depends on structure only: two shapes of one formula give identical kernels and host programs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import ttgen
from tests.random_specs import RandomSpec, specs
from ttgen.apis import newest
from ttgen.errors import SpecError


def code(text: str, name: str = "spec.yaml") -> dict[str, str]:
    """The files of a spec whose text may not depend on numbers."""
    files = ttgen.render(ttgen.plan(ttgen.loads(text, name=name)))
    wanted = ("kernels/reader.cpp", "kernels/compute.cpp", "kernels/writer.cpp", "program.hpp", "CMakeLists.txt")
    return {file.path: file.text for file in files if file.path.endswith(wanted)}


def test_the_gemm_and_the_ragged_gemm() -> None:
    gemm, ragged = (
        code(Path("specs", name).read_text().replace("gemm_ragged", "gemm"), "gemm.yaml")
        for name in ("gemm.yaml", "gemm_ragged.yaml")
    )
    assert gemm == ragged
    assert len(gemm) == 5


GEMM = """
kernel: k
tensors:
  A: {{shape: [{batch}, {m}, {k}], dtype: bfloat16}}
  B: {{shape: [{k}, {n}], dtype: bfloat16}}
  b: {{shape: [{n}], dtype: bfloat16}}
  C: {{shape: [{batch}, {m}, {n}], dtype: bfloat16}}
compute: C = relu(A @ B + b) * 0.5
schedule: {{policy: {policy}, order: {order}, cores: {cores}}}
"""

side = st.integers(2, 200)
shapes = st.fixed_dictionaries({
    "batch": st.integers(2, 4), "m": side, "k": side, "n": side, "cores": st.integers(1, 64),
    "policy": st.sampled_from(("contiguous", "strided")),
})  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(one=shapes, other=shapes, panels=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_shapes_policies_and_cores(one: dict[str, object], other: dict[str, object], panels: tuple[int, int]) -> None:
    first, second = (
        code(GEMM.format(**numbers, order=f"{{block_linear: {width}}}"))
        for numbers, width in zip((one, other), panels, strict=True)
    )
    assert first == second


@settings(deadline=None, max_examples=40)
@given(specs(most=60), st.integers(2, 3))
def test_any_formula(spec: RandomSpec, factor: int) -> None:
    """All sizes but 1 multiplied: the same broadcasts, and so the same code, unless more cores share operands."""
    assume("multicast: " not in spec.text or "multicast: none" in spec.text)
    larger = spec.text
    for line in spec.text.splitlines():
        if "shape:" in line:
            before, sizes = line.split("[")[0], line.split("[")[1].split("]")[0].split(", ")
            grown = ", ".join(size if size == "1" else str(int(size) * factor) for size in sizes)
            larger = larger.replace(line, f"{before}[{grown}]{line.split(']')[1]}")
    # Larger shards may not be whole tiles or blocks, or not fit L1.
    try:
        first, second = code(spec.text), code(larger)
    except SpecError:
        assume(False)
    assert first == second


def test_the_same_bytes_from_any_place_and_any_hash_seed(tmp_path: Path) -> None:
    found = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        command = [sys.executable, "-m", "ttgen", "render", "specs", "-o", str(folder)]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": f"Etc/GMT+{seed}"}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        found.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert found[0] == found[1]
    plans = [ttgen.plan(ttgen.load(path)) for path in Path("specs").glob("*.yaml")]
    assert len(found[0]) == sum(len(plan.files) for plan in plans) + len(newest().folder_files) + 1


@pytest.mark.parametrize("path", sorted(Path("specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_number_of_the_plan_in_the_code(path: Path) -> None:
    plan = ttgen.plan(ttgen.load(path))
    for file in ttgen.render(plan):
        if "/kernels/" in file.path:
            body = file.text[file.text.index("void kernel_main") :]
            # Where elements of a tile lie.
            body = re.sub(r"^    const auto fill_.*?^    };$", "", body, flags=re.DOTALL | re.MULTILINE)
            for size in {size for tensor in plan.tensors for size in tensor.shape} - set(range(10)):
                assert re.search(rf"\b{size}\b", body) is None
