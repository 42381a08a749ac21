"""What docs/review.md shows is what `ttgen diff` says."""

from __future__ import annotations

import re
from pathlib import Path

import ttgen
from ttgen.planner.resolve import unproven
from ttgen.review.compare import compare
from ttgen.review.gates import WORDS
from ttgen.review.side import of_plan
from ttgen.review.text import describe

PAGE = Path(__file__).parent.parent.parent / "docs/review.md"


def test_the_example() -> None:
    old = Path("specs/gemm_blocks.yaml").read_text()
    new = old.replace("block: {m: 4, n: 4", "block: {m: 2, n: 2")
    assert new != old
    sides = [of_plan(unproven(ttgen.loads(text, name="specs/gemm_blocks.yaml"))) for text in (old, new)]
    said = "\n".join(describe(compare(*sides, spec="specs/gemm_blocks.yaml")))
    shown = re.search(r"<!-- output .*?```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown is not None
    assert said.startswith(shown[1].rstrip())


def test_every_gate_is_described() -> None:
    table = PAGE.read_text().split("## Gates")[1]
    for word in WORDS:
        assert f"`{word.split('>')[0]}" in table
