"""Pictures of a plan: bars are as long as what they show, and maps have the work of every core."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from ttgen.cli import pictures, terminal
from ttgen.cli.main import main
from ttgen.cli.pictures import Part, bar


def plan(capsys: pytest.CaptureFixture[str], name: str) -> list[str]:
    assert main(["plan", f"specs/{name}.yaml"]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("amounts", "whole", "runs"),
    [
        # 76 characters between the brackets of 80 columns.
        ([38, 19], 76, [38, 19, 19]),
        ([76], 76, [76]),
        ([0.1, 0.1, 70], 76, [1, 1, 68, 6]),
        ([25.4, 25.3, 25.3], 76, [26, 25, 25]),
        ([], 76, [76]),
    ],
)
def test_a_bar_is_as_long_as_what_it_shows(amounts: list[float], whole: float, runs: list[int]) -> None:
    drawn = bar([Part("ABC"[number], amount) for number, amount in enumerate(amounts)], whole)
    assert drawn.startswith("  [")
    assert drawn.endswith("]")
    assert [len(run[0]) for run in re.finditer(r"(.)\1*", drawn[3:-1])] == runs
    assert "." not in drawn or drawn[-2] == "."


@pytest.mark.parametrize("columns", [10, 40])
def test_a_bar_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(terminal, "columns", lambda: columns)
    assert len(bar([Part("A", 1), Part("B", 5)], 100)) == columns


def test_the_map_has_the_work_of_every_core(capsys: pytest.CaptureFixture[str]) -> None:
    """linear_relu: 250 x 3 tiles of output on 64 cores."""
    import ttgen

    program = ttgen.plan(ttgen.load("specs/linear_relu.yaml")).program
    lines = plan(capsys, "linear_relu")
    first = lines.index("work of each core (rows are core y, columns core x)") + 1
    cells = Counter("".join(line.split(" | ")[1][::2] for line in lines[first : first + 8]))
    units = Counter(program.units_of(values) for _core, values in program.cores())
    assert sum(units.elements()) == program.work.units
    marks = {int(number): mark for mark, number in re.findall(r"(\S) (\d+) units? \(", lines[first + 8])}
    assert {marks[number]: cores for number, cores in units.items()} == cells
    assert max(marks.values(), key=pictures._WORK.index) == marks[max(units)] == "@"


def test_buffers_and_tensors_share_the_bar_of_l1(capsys: pytest.CaptureFixture[str]) -> None:
    """mlp_l1's second program: 4 KiB of W2, 4 KiB of Y and the 16 KiB shard of H, in letters of their own."""
    lines = plan(capsys, "mlp_l1")
    place = [index for index, line in enumerate(lines) if line.startswith("  L1: ")][-1]
    assert lines[place] == "  L1: 24,576 of 1,393,312 B (2%)"
    assert re.fullmatch(r"  \[A+B+T+\.+\]", lines[place + 1])
    assert [line[2] for line in lines[place - 4 : place]] == ["T", "A", "B", "T"]


def test_the_bar_of_time_has_all_parts(capsys: pytest.CaptureFixture[str]) -> None:
    lines = plan(capsys, "gemm_multicast_batched")
    place = lines.index("predicted time")
    assert re.fullmatch(r"  \[l+f+s+u+t+\]", lines[place + 2])
    named = [re.fullmatch(r"  (.) (\w+) ([\d.]+) us \((\d+)%\)", line) for line in lines[place + 3 : place + 8]]
    assert [match and match[2] for match in named] == ["launch", "fill", "steps", "turns", "tail"]
    total = float(lines[place + 1].split()[0])
    assert sum(float(match[3]) for match in named if match) == pytest.approx(total, abs=0.3)
