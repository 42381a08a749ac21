"""Budgets of a spec: each kind met and missed, at its place, with fixes that hold when they are applied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import ttgen
from ttgen.cli.main import main

SPEC = """\
kernel: gemm
tensors:
  A: {shape: [512, 512], dtype: bfloat16}
  B: {shape: [512, 512], dtype: bfloat16}
  C: {shape: [512, 512], dtype: bfloat16}
compute: C = A @ B
schedule: {cores: 16, block: {m: 2, n: 2, k: 4}}
"""
UNEVEN = """\
kernel: add
tensors:
  A: {shape: [96, 1056], dtype: bfloat16}
  C: {shape: [96, 1056], dtype: bfloat16}
compute: C = exp(A)
"""
# 16 x 16 output tiles, in units of 2 x 2: each of 16 tiles of K reads 2 tiles of either operand, of 2 KiB.
UNITS = 8 * 8
READS = UNITS * 16 * 4 * 2048
# Two blocks of 2 x 4 tiles of A and of B, and of 2 x 2 of C, of which no core needs a third.
L1 = 2 * (8 + 8) * 2048 + 2 * 4 * 2048


def with_budget(text: str, **budgets: float) -> str:
    return text + "budgets: {" + ", ".join(f"{name}: {value}" for name, value in budgets.items()) + "}\n"


def refusal(text: str) -> str:
    with pytest.raises(ttgen.SpecError) as error:
        ttgen.plan(ttgen.loads(text))
    (problem,) = error.value.problems
    assert problem.path[0] == "budgets"
    return problem.message


# What is exceeded, the spec, the largest budget that isn't met and one that is, the first fix, and the spec with it.
CASES: list[tuple[str, str, float, float, str, Mapping[str, str]]] = [
    ("l1_bytes", SPEC, L1 - 1, L1, "block.k 4 -> 1 saves ", {"k: 4": "k: 1"}),
    ("dram_read_bytes", SPEC, READS - 1, READS, "block 2x2 -> 8x8 saves ",
     {"m: 2, n: 2": "m: 8, n: 8"}),
    ("dram_read_ratio", SPEC, 7.9, 8, "block 2x2 -> 8x8 saves 6, or block 2x2 -> 4x4 saves 4", {"m: 2, n: 2": "m: 8, n: 8"}),
    ("balance", UNEVEN, 1, 99 / 128, "block.n 1 -> 2 gives 1", {"compute": "schedule: {block: {n: 2}}\ncompute"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spec", "missed", "met", "fix", "edits"), CASES, ids=[case[0] for case in CASES])
def test_met_missed_and_fixed(
    name: str, spec: str, missed: float, met: float, fix: str, edits: Mapping[str, str]
) -> None:
    ttgen.plan(ttgen.loads(with_budget(spec, **{name: met})))
    text = with_budget(spec, **{name: missed})
    message = refusal(text)
    assert message.split("; ")[-1].startswith(fix), message
    for before, now in edits.items():
        text = text.replace(before, now)
    ttgen.plan(ttgen.loads(text))


@pytest.mark.parametrize(
    ("name", "what"), [("time_us", r"([\d.]+) us predicted"), ("kernel_bytes", r"about ([\d,]+) bytes")]
)
def test_what_a_model_says(name: str, what: str) -> None:
    """Its number isn't ours to know: it is what the message says, and is met by just that."""
    found = re.match(what, refusal(with_budget(UNEVEN, **{name: 1})))
    assert found is not None
    number = float(found[1].replace(",", ""))
    ttgen.plan(ttgen.loads(with_budget(UNEVEN, **{name: number + 0.01 if name == "time_us" else int(number)})))
    assert "the budget is at most" in refusal(with_budget(UNEVEN, **{name: int(number) - 1}))


def test_multicast_is_tried() -> None:
    """Where no larger block fits the budget of L1: operands are read once for all cores of a row or column."""
    spec = with_budget(SPEC.replace("cores: 16", "cores: {rows: 4, cols: 4}"), dram_read_ratio=2, l1_bytes=L1)
    assert refusal(spec).endswith(
        "policy rectangular with multicast both saves 6, or block 2x2 -> 8x8 saves 6 (and misses l1_bytes)"
    )
    ttgen.plan(ttgen.loads(spec.replace("schedule: {", "schedule: {policy: rectangular, multicast: both, ")))


def test_fixes_that_meet_all_budgets_come_first() -> None:
    """Half of the steps of K saves most of L1; less of a block reads more."""
    message = refusal(with_budget(SPEC, l1_bytes=L1 - 1, dram_read_bytes=READS))
    assert "block.n 2 -> 1" not in message
    assert message.endswith(
        "block.k 4 -> 1 saves 49,152, or buffers 2 -> 1 saves 40,960, or block.k 4 -> 2 saves 32,768"
    )
    both = with_budget(SPEC, l1_bytes=L1 * 9 // 20, dram_read_bytes=READS - 1)
    with pytest.raises(ttgen.SpecError) as error:
        ttgen.plan(ttgen.loads(both))
    assert [problem.path[1] for problem in error.value.problems] == ["l1_bytes", "dram_read_bytes"]
    assert "block.k 4 -> 1 saves 49,152 (and misses dram_read_bytes)" in error.value.problems[0].message


@pytest.mark.parametrize("command", ["validate", "render", "plan"])
def test_every_command_that_plans_refuses(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gemm.yaml").write_text(with_budget(SPEC, l1_bytes=1000))
    assert main([command, "gemm.yaml"]) == 1
    assert capsys.readouterr().err.startswith(
        "gemm.yaml:8:21: error: 81,920 bytes of L1; the budget is at most 1,000; "
    )
    assert not Path("rendered").exists()


def test_a_budget_that_is_no_number_is_never_met() -> None:
    assert "the budget is at least nan" in refusal(with_budget(UNEVEN, balance=float("nan")).replace("nan", ".nan"))


def test_a_spec_without_budgets_imports_nothing_of_the_cost_model() -> None:
    import subprocess
    import sys

    code = f"import sys, ttgen; ttgen.plan(ttgen.loads({SPEC!r})); assert 'ttgen.cost' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
