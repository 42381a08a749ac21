"""Tensors in L1: their share of every core, what is left for circular buffers, and what is counted of them."""

from __future__ import annotations

import pytest

import ttgen
from ttgen.cli.main import main
from ttgen.errors import SpecError
from ttgen.model.plan import Plan

SPEC = """\
kernel: k
target: {target}
tensors:
  A: {{shape: [{rows}, {cols}], dtype: {dtype}, layout: l1_interleaved}}
  B: {{shape: [{rows}, {cols}], dtype: bfloat16}}
compute: B = exp(A)
"""


def plan(*, target: str = "n150", dtype: str = "bfloat16", rows: int = 64, cols: int = 64) -> Plan:
    return ttgen.plan(ttgen.loads(SPEC.format(target=target, dtype=dtype, rows=rows, cols=cols)))


@pytest.mark.parametrize(
    ("target", "dtype", "tiles", "share"),
    [
        ("n150", "bfloat16", 1, 2048),
        ("n150", "bfloat16", 64, 2048),
        ("n150", "bfloat16", 65, 4096),
        ("n150", "float32", 256, 16384),
        ("n150", "bfloat8_b", 130, 3264),
        ("p150", "bfloat4_b", 130, 576),
        ("p150", "bfloat4_b", 131, 1152),
        ("p150", "bfloat16", 1000, 16384),
    ],
)
def test_the_fullest_core_counts(target: str, dtype: str, tiles: int, share: int) -> None:
    planned = plan(target=target, dtype=dtype, cols=32 * tiles, rows=32)
    rings = sum(allocation.bytes for allocation in planned.program.allocations)
    assert planned.program.l1.bytes - rings == share
    line = next(decision for decision in planned.decisions if decision.name == "l1_interleaved")
    assert (line.value, line.origin) == ("A", "spec")
    assert line.because.endswith(f"bytes that they take on each: A {share:,}")


def test_to_the_last_page() -> None:
    """Two pages of each buffer are 8,192 bytes of 1,393,312: 676 pages a core are left for a tensor on 64 cores."""
    fits = plan(rows=32 * 676, cols=32 * 64)
    assert fits.program.l1.bytes == 1_392_640
    with pytest.raises(SpecError, match=r"L1: 1,394,688 of 1,393,312 bytes .* dram_interleaved for A saves 1,386,496"):
        plan(rows=32 * 677, cols=32 * 64)


def test_dram_is_not_asked_for_it() -> None:
    """B alone fits; with A, memory would be refused."""
    with pytest.raises(SpecError, match=r": error: L1: .* on every core"):
        plan(rows=2**17, cols=2**15)


def test_cost() -> None:
    cost = plan(rows=100, cols=100).program.cost
    assert (cost.dram_read_bytes, cost.dram_write_bytes, cost.noc_bytes) == (0, 16 * 2048, 32 * 2048)


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "specs/add_l1.yaml"]) == 0
    out = capsys.readouterr().out
    assert "10x7 tiles in L1, stored as 320x224" in out
    assert "and 8,448 B of tensors in L1\n" in out
