"""`validate --targets`: which cards serve a spec, and why others don't."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ttgen.cli.main import main
from ttgen.target import grids, load

Captured = pytest.CaptureFixture[str]

SPEC = """\
kernel: wide
target: p150
tensors:
  A: {shape: [320, 416], dtype: bfloat16}
  C: {shape: [320, 416], dtype: bfloat16}
compute: C = exp(A)
schedule: {policy: rectangular, cores: {rows: 10, cols: 13}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "wide.yaml"
    path.write_text(SPEC)
    return str(path)


def test_every_card_has_a_line(spec: str, capsys: Captured) -> None:
    assert main(["validate", "--targets", "all", spec]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == list(grids())
    for name, line in zip(grids(), lines, strict=True):
        grid = load(name).grid
        if grid.rows >= 10 and grid.cols >= 13:
            assert "130 of 130 cores, balance 100%" in line
            assert line.endswith(" us")
        else:
            assert f"not served: {'10 rows' if grid.rows < 10 else '13 cols'} of cores; {name} has" in line


def test_a_list_of_cards(spec: str, capsys: Captured) -> None:
    assert main(["validate", "--targets", "p150", spec]) == 0
    assert main(["validate", "-q", "--targets", "p150,n150", spec]) == 1
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["p150", "n150"]
    with pytest.raises(SystemExit) as stopped:
        main(["validate", "--targets", "p15", spec])
    assert stopped.value.code == 64
    assert "did you mean 'p150'?" in capsys.readouterr().err


def test_in_formats(spec: str, capsys: Captured) -> None:
    assert main(["validate", "--targets", "all", "--format", "json", spec]) == 1
    document = json.loads(capsys.readouterr().out)
    refused = [name for name in grids() if load(name).grid.cols < 13]
    assert {note["message"].split(":")[0] for note in document["notes"]} == set(refused)
    assert {(note["code"], note["line"]) for note in document["notes"]} == {("TG302", 7)}
    assert main(["validate", "--targets", "p150", "--format", "md", spec]) == 0
    assert "130 of 130 cores" in capsys.readouterr().out


def test_a_spec_that_is_none(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(SPEC.replace("exp", "epx").replace("kernel: wide", "kernel: 3"))
    assert main(["validate", "--targets", "all", str(path)]) == 1
    assert "kernel name: expected a word" in capsys.readouterr().out


def test_what_is_not_asked_for_is_not_imported() -> None:
    code = "import sys\nfrom ttgen.cli.main import parser\nparser('validate')\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"yaml", "ttgen.cost", "ttgen.formats.report", "ttgen.cli.matrix"} & set(done.stdout.split())


def test_cards_with_fewer_cores_have_a_reader_for_each_bank() -> None:
    assert {"n300-7x8", "p150-10x12", "p150-10x11"} <= set(grids())
    for name in grids():
        target = load(name)
        assert len(set(target.dram.readers)) == target.dram.banks
        assert all(x < target.grid.cols and y < target.grid.rows for x, y in target.dram.readers)
