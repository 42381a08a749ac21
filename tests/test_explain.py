"""`ttgen explain`: codes, and numbers and decisions of plans, which add up to what they explain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ttgen
from ttgen.cli.main import main
from ttgen.codes import CODES
from ttgen.planner import resolve
from ttgen.planner.candidate import Planned
from ttgen.review.explain import explain, names

Captured = pytest.CaptureFixture[str]


def planned(name: str) -> Planned:
    return resolve.planned(ttgen.load(f"specs/{name}.yaml"))


@pytest.mark.parametrize(
    "name", ["gemm", "mlp", "gemm_multicast", "gemm_a_sharded", "gemm_skinny", "gelu_height", "gemm_split", "add_l1"]
)
def test_parts_add_up(name: str) -> None:
    item = planned(name)
    for number in ("l1_bytes", "dram_read_bytes", "dram_write_bytes", "tile_products"):
        head, *lines = explain(item, number)
        total = re.match(rf"{number}: ([\d,]+)", head)
        assert total is not None
        parts = [int(match[1].replace(",", "")) for line in lines if (match := re.search(r"= ([\d,]+)", line))]
        assert sum(parts) == int(total[1].replace(",", "")), number


@pytest.mark.parametrize("path", sorted(Path("specs").glob("m*.yaml")), ids=lambda path: path.stem)
def test_everything_that_is_listed_is_explained(path: Path) -> None:
    item = planned(path.stem)
    for name in names(item):
        assert list(explain(item, name)), name


def test_a_decision_says_where_it_is_said(capsys: Captured) -> None:
    assert main(["explain", "specs/gemm_multicast.yaml", "unit"]) == 0
    out = capsys.readouterr().out
    line = 1 + next(
        n for n, text in enumerate(Path("specs/gemm_multicast.yaml").read_text().splitlines()) if "block:" in text
    )
    assert out.startswith("unit: 4x4 tiles, 4 deep\n")
    assert f"specs/gemm_multicast.yaml:{line}: schedule.block\n" in out
    assert main(["explain", "specs/gemm.yaml", "policy"]) == 0
    assert "'schedule.policy' isn't said" in capsys.readouterr().out


def test_a_fact_of_the_card_has_its_source(capsys: Captured) -> None:
    assert main(["explain", "specs/gemm.yaml", "l1_bytes"]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    target = Path("ttgen/targets/n150.yaml").read_text()
    source = next(line.split("# ")[1] for line in target.splitlines() if line.strip().startswith("usable:"))
    assert said == f"  l1.usable of n150: {source}"


def test_codes(capsys: Captured) -> None:
    for item in CODES:
        assert main(["explain", item.code.lower()]) == 0
        assert item.fix in capsys.readouterr().out


def test_what_there_is_not(capsys: Captured) -> None:
    assert main(["explain", "TG999"]) == 1
    assert "'TG999' is no code, and no spec" in capsys.readouterr().err
    assert main(["explain", "specs/gemm.yaml", "polcy"]) == 1
    assert "did you mean 'policy'?" in capsys.readouterr().err
    assert main(["explain", "specs/nothing.yaml"]) == 1
    assert main(["explain", "specs/gemm.yaml"]) == 0
    assert "dram_read_ratio" in capsys.readouterr().out.splitlines()
