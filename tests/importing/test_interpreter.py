"""A kernel run as it says: what is outside of a tensor, what was never written, and what races."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.importing.sources import FLASH, HEADER, LINEAR, RMS, SILU_MUL, SOFTMAX
from ttgen.errors import SpecError
from ttgen.importing.form import Kernel
from ttgen.importing.interpreter import run
from ttgen.importing.reader import choose, read_kernel
from ttgen.importing.text import parse
from ttgen.importing.work import Budget, TooMuchWork

Array = NDArray[np.float64]

COPY = """\
def copy(M=5, N=7, bm=4, bn=4):
    @T.prim_func
    def main(X: T.Tensor((M, N), f32), Y: T.Tensor((M, N), f32)):
        with T.Kernel(T.ceildiv(N, bn), T.ceildiv(M, bm)) as (bx, by):
            x, s = T.alloc_shared((bm, bn), f32), T.alloc_fragment((bm,), f32)
            STATEMENTS
    return main
"""


def read(text: str, **given: int) -> Kernel:
    file = parse(HEADER + text, "kernel.py")
    return read_kernel(file, choose(file, None), given)


def copied(*statements: str, **given: int) -> Kernel:
    return read(COPY.replace("STATEMENTS", "\n            ".join(statements)), **given)


def value(kernel: Kernel, *outputs: str, seed: int = 0) -> tuple[dict[str, Array], dict[str, Array]]:
    generator = np.random.default_rng(seed)
    inputs = {item.name: generator.standard_normal(item.shape) for item in kernel.tensors if item.name not in outputs}
    return inputs, run(kernel, inputs, outputs)


X = np.arange(35.0).reshape(5, 7) + 1


def test_reads_outside_are_zeros_and_stores_outside_are_dropped() -> None:
    kernel = copied("T.copy(X[by * bm, bx * bn], x)", "T.reduce_sum(x, s, dim=1)", "for i, j in T.Parallel(bm, bn):",
                    "    Y[by * bm + i, bx * bn + j] = s[i]")  # fmt: skip
    result = run(kernel, {"X": X}, ["Y"])["Y"]
    assert np.array_equal(result[:, :4], np.repeat(X[:, :4].sum(1, keepdims=True), 4, 1))
    assert np.array_equal(result[:, 4:], np.repeat(X[:, 4:].sum(1, keepdims=True), 3, 1))


def test_what_is_read_outside_may_be_another_number() -> None:
    kernel = copied("T.annotate_safe_value({X: 100.0})", "T.copy(X[by * bm, bx * bn], x)", "T.reduce_max(x, s, dim=1)",
                    "for i, j in T.Parallel(bm, bn):", "    Y[by * bm + i, bx * bn + j] = s[i]")  # fmt: skip
    result = run(kernel, {"X": X}, ["Y"])["Y"]
    assert np.all(result[:, 4:] == 100)
    assert np.all(result[:, :4] == X[:, 3:4])
    lanes = copied("T.annotate_safe_value({X: 100.0})", "for i, j in T.Parallel(bm, bn):",
                   "    Y[by * bm + i, bx * bn + j] = X[by * bm + i, bx * bn + j + 1]")  # fmt: skip
    assert np.array_equal(run(lanes, {"X": X}, ["Y"])["Y"], np.hstack([X[:, 1:], np.full((5, 1), 100.0)]))


def test_what_was_never_written_is_no_number() -> None:
    kernel = copied("T.copy(X[by * bm, bx * bn], x)", "if bx == 0:", "    T.copy(x, Y[by * bm, bx * bn])")
    result = run(kernel, {"X": X}, ["Y"])["Y"]
    assert np.array_equal(result[:, :4], X[:, :4])
    assert np.all(np.isnan(result[:, 4:]))
    never = copied("T.copy(x, Y[by * bm, bx * bn])", "T.copy(X[by * bm, bx * bn], x)")
    assert np.all(np.isnan(run(never, {"X": X}, ["Y"])["Y"]))


def test_buffers_hold_nothing_of_the_block_before() -> None:
    kernel = copied("if bx == 0:", "    T.copy(X[by * bm, bx * bn], x)", "T.copy(x, Y[by * bm, bx * bn])")
    assert np.all(np.isnan(run(kernel, {"X": X}, ["Y"])["Y"][:, 4:]))


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["for i, j in T.Parallel(bm, bn):", "    Y[0, 0] = X[i, j]"], "lanes write different values"),
        (["T.copy(X[by * bm, bx * bn], x)", "T.copy(x, Y[0, 0])"], "blocks write different values to one element of 'Y'"),
        (["for i, j in T.Parallel(bm, bn):", "    Y[i, j] = X[by * bm + i, bx * bn + j]"], "blocks write different values"),
        (["for i, j in T.Parallel(bm, bn):", "    x[i, j + 1] = X[i, j]"], "an index outside of what is allocated"),
        (["for i, j in T.Parallel(bm, bn):", "    Y[i, j] = x[i + 1, j]"], "an index outside of what is allocated"),
        (["T.copy(x[1:5, 0:4], Y[by * bm, bx * bn])"], "a region outside of what is allocated"),
        (["T.gemm(x, x, s)"], "T.gemm takes matrices"),
        (["T.reduce_max(x, x, dim=1)"], "reduces to"),
        (["for i, j in T.Parallel(bm, bn):", "    T.clear(x)"], "inside of T.Parallel: move it out"),
        (["for i, j in T.Parallel(bm, bn):", "    Y[i, X[i, j]] = 0"], "an index"),
    ],
)  # fmt: skip
def test_what_has_no_one_value_is_refused(statements: list[str], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        run(copied(*statements), {"X": X}, ["Y"])


def test_blocks_and_lanes_may_write_the_same_twice() -> None:
    kernel = copied("for i, j in T.Parallel(bm, bn):", "    Y[0, j] = X[0, j]")
    assert np.array_equal(run(kernel, {"X": X}, ["Y"])["Y"][0, :4], X[0, :4])


def test_lanes_branch_each_for_itself() -> None:
    kernel = copied("for i, j in T.Parallel(bm, bn):", "    if X[by * bm + i, bx * bn + j] > 20:",
                    "        Y[by * bm + i, bx * bn + j] = 1", "    else:",
                    "        if j == 0:", "            Y[by * bm + i, bx * bn + j] = 2",
                    "        else:", "            Y[by * bm + i, bx * bn + j] = 3")  # fmt: skip
    columns = np.arange(7) % 4 == 0
    assert np.array_equal(run(kernel, {"X": X}, ["Y"])["Y"], np.where(X > 20, 1.0, np.where(columns, 2.0, 3.0)))


def test_loops_inside_of_lanes_and_nested_lanes() -> None:
    kernel = copied("for i in T.Parallel(bm):", "    for j in T.Parallel(bn):", "        x[i, j] = 0",
                    "        for k in T.serial(3):", "            x[i, j] += X[by * bm + i, bx * bn + j] * (k + 1)",
                    "T.copy(x, Y[by * bm, bx * bn])")  # fmt: skip
    assert np.array_equal(run(kernel, {"X": X}, ["Y"])["Y"], 6 * X)


def test_names_keep_the_value_that_they_were_given() -> None:
    kernel = copied("T.copy(X[by * bm, bx * bn], x)", "for i, j in T.Parallel(bm, bn):", "    before = x[i, j]",
                    "    x[i, j] = 0", "    Y[by * bm + i, bx * bn + j] = before")  # fmt: skip
    assert np.array_equal(run(kernel, {"X": X}, ["Y"])["Y"], X)


def test_products_and_reductions() -> None:
    inputs, result = value(read(LINEAR, M=70, K=100, N=50, bm=32, bn=32, bk=32), "Y")
    assert np.allclose(result["Y"], np.maximum(inputs["X"] @ inputs["W"].T + inputs["bias"], 0))
    inputs, result = value(read(SILU_MUL, M=70, N=150), "Y")
    assert np.allclose(result["Y"], inputs["G"] / (1 + np.exp(-inputs["G"])) * inputs["U"])
    inputs, result = value(read(SOFTMAX, M=70, N=50), "Y")
    powers = np.exp(inputs["X"])
    assert np.allclose(result["Y"], powers / powers.sum(1, keepdims=True))
    inputs, result = value(read(RMS, M=70, N=150), "Y")
    assert np.allclose(
        result["Y"], inputs["X"] / np.sqrt((inputs["X"] ** 2).mean(1, keepdims=True) + 1e-6) * inputs["g"]
    )


def test_the_known_fault_of_an_attention_whose_padding_counts() -> None:
    """Keys of zeros have scores of 0, which the maximum and the sum take for data."""
    inputs, result = value(read(FLASH, S=100), "O")
    scores = 0.125 * inputs["Q"] @ inputs["K"].T
    padded = np.hstack([scores, np.zeros((100, 28))])
    powers = np.exp(padded - padded.max(1, keepdims=True))
    assert np.allclose(result["O"], (powers / powers.sum(1, keepdims=True))[:, :100] @ inputs["V"])


def test_a_budget_ends_what_takes_too_long() -> None:
    kernel = read(SOFTMAX, M=64, N=64)
    inputs = {"X": np.zeros((64, 64))}
    budget = Budget(1_000_000)
    run(kernel, inputs, ["Y"], budget)
    assert 0 < budget.left < 1_000_000
    with pytest.raises(TooMuchWork):
        run(kernel, inputs, ["Y"], Budget(10_000))
    half = Budget((1_000_000 - budget.left) * 3 // 4)
    before = half.left
    with pytest.raises(TooMuchWork):
        run(kernel, inputs, ["Y"], half)
    # Only the first of two blocks was run.
    assert half.left > before // 4
