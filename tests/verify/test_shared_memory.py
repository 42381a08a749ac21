"""The product of a block in the memory of the output: right, no bytes more, and caught where the two meet."""

from __future__ import annotations

import pytest

import ttgen
from ttgen.model.artifact import Artifact
from ttgen.model.plan import Plan
from ttgen.spec import LoadedSpec
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import verify

SPEC = """\
kernel: k
tensors:
  A: {{shape: [128, 256], dtype: bfloat16}}
  B: {{shape: [256, 200], dtype: bfloat16}}
  bias: {{shape: [200], dtype: bfloat16}}
  C: {{shape: [128, 200], dtype: {dtype}}}
{more}compute:
  - C = relu(A @ B + bias)
{formula}precision: {{accumulate: {accumulate}}}
schedule: {{block: {{m: 2, n: 4, k: 2}}, cores: 1, buffers: {buffers}}}
"""
ROOM = """\
        // The product lies in these pages until the epilogue has read it.
        cb_reserve_back(cb_C, block_m * block_n);
"""


def planned(
    *, dtype: str = "float32", accumulate: str = "float32", buffers: int = 2, more: str = "", formula: str = ""
) -> tuple[LoadedSpec, Plan]:
    text = SPEC.format(dtype=dtype, accumulate=accumulate, buffers=buffers, more=more, formula=formula)
    loaded = ttgen.loads(text)
    return loaded, ttgen.plan(loaded)


def changed(plan: Plan, *changes: tuple[str, str]) -> tuple[Artifact, ...]:
    """What is rendered, with a fault in the compute kernel."""

    def edit(file: Artifact) -> Artifact:
        text = file.text
        for old, new in changes:
            assert old in text, text
            text = text.replace(old, new, 1)
        return Artifact(file.path, text)

    return tuple(edit(file) if file.path.endswith("compute.cpp") else file for file in ttgen.render(plan))


@pytest.mark.parametrize("accumulate", ["float32", "bfloat16"])
@pytest.mark.parametrize("buffers", [1, 2, 3])
def test_it_takes_no_memory_and_is_right(builder: Builder, accumulate: str, buffers: int) -> None:
    loaded, plan = planned(dtype=accumulate, accumulate=accumulate, buffers=buffers)
    output, product = plan.program.circular_buffers[-2:]
    assert (product.name, product.allocation, product.pages) == ("product", "C", output.pages)
    assert output.pages == 8 * min(buffers, 4)
    assert plan.program.l1.bytes == sum(
        buffer.pages * buffer.page_bytes for buffer in plan.program.circular_buffers if buffer is not product
    )
    verdict = verify(loaded, plan, builder, orders=6, jobs=2)
    assert verdict.passed, verdict.findings


def test_other_formats_have_memory_of_their_own() -> None:
    _loaded, plan = planned(dtype="bfloat16")
    assert not plan.program.guests()
    assert plan.program.circular_buffers[-1].allocation == "product"


def test_an_output_that_comes_before_the_product_was_read_is_no_place_for_it(builder: Builder) -> None:
    """C is packed, and the product is read once more for D: only D's tiles may come in its place."""
    more = "  D: {shape: [128, 200], dtype: float32}\n"
    left = "(exp(A @ B) + sigmoid(C)) * (tanh(A @ B) + erf(C))"
    right = "(exp(C) - silu(A @ B)) * (gelu(A @ B) + log(C))"
    loaded, plan = planned(more=more, formula=f"  - D = {left} + {right}\n")
    assert plan.program.guests() == {"product": "D"}
    assert verify(loaded, plan, builder, orders=2, jobs=2).passed


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (((ROOM, ""), ("        pack_reconfig_data_format(cb_product, cb_C);\n", "        cb_reserve_back(cb_C, block_m * block_n);\n        pack_reconfig_data_format(cb_product, cb_C);\n")), "cb-overwrite"),
        ((("copy_tile(cb_product, row * block_n + col, 0);", "copy_tile(cb_product, 0, 0);"),), "cb-overwrite"),
    ],
    ids=["the product before there is room for the output", "a tile of the product after an output's"],
)  # fmt: skip
def test_what_meets_is_caught(builder: Builder, changes: tuple[tuple[str, str], ...], name: str) -> None:
    loaded, plan = planned(buffers=1)
    verdict = verify(loaded, plan, builder, files=changed(plan, *changes), orders=4, jobs=2)
    first = verdict.findings[0]
    assert (first.name, first.kernel, first.thread is not None) == (name, "kernels/compute.cpp", True), verdict.findings
