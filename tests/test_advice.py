"""`validate` and `plan` say when `schedule: auto` would be much faster, `render` where that is known; it costs little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ttgen.cli import specs
from ttgen.cli.main import main
from ttgen.planner import advice
from ttgen.results import in_words

SLOW = """\
kernel: slow
tensors:
  A: {shape: [64, 1024], dtype: bfloat16}
  B: {shape: [1024, 64], dtype: bfloat16}
  C: {shape: [64, 64], dtype: bfloat16}
compute: C = A @ B
"""
ONE_CORE = "schedule: {cores: 1, block: {m: 1, n: 1, k: 1}}\n"
MODEL = ("ttgen.cost", "ttgen.planner.search")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of results of this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A spec that asks for much less than there is."""
    path = tmp_path / "slow.yaml"
    path.write_text(SLOW + ONE_CORE)
    return path


def words(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert main(list(command)) == 0
    return capsys.readouterr().out


def imported(*command: str) -> tuple[str, list[str]]:
    """What a command prints, and which of the cost model and the search it imports."""
    script = (
        "import sys\nfrom ttgen.cli.main import main\nmain(sys.argv[1:])\n"
        f"print([name for name in {MODEL} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=True)
    return done.stdout, json.loads(done.stderr.splitlines()[-1].replace("'", '"'))


def test_it_is_what_estimate_says_of_both(slow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    auto = tmp_path / "auto.yaml"
    auto.write_text(SLOW.replace("slow", "fast") + "schedule: auto\n")
    asked, best = json.loads(words(capsys, "estimate", "--json", str(slow), str(auto)))
    times = asked["device_cycles"] / best["device_cycles"]
    assert times > 10
    assert words(capsys, "validate", str(slow)).endswith(f", {in_words(times)}\n")
    assert words(capsys, "plan", str(slow)).endswith(f"\nschedule: {in_words(times)}, by the cost model\n")
    assert "auto would" not in words(capsys, "validate", str(auto)) + words(capsys, "plan", str(auto))


@pytest.mark.parametrize(
    ("gain", "text"),
    [(1.3, ""), (1.31, "auto would be 1.3x faster"), (9.94, "auto would be 9.9x faster"), (20.04, "auto would be 20x faster")],
)  # fmt: skip
def test_it_is_said_beyond_a_third(gain: float, text: str) -> None:
    assert in_words(gain) == text


def test_render_says_what_validate_found_and_searches_nothing(slow: Path, tmp_path: Path) -> None:
    render = ["render", str(slow), "-o", str(tmp_path / "out")]
    said, used = imported(*render)
    assert "auto would" not in said
    assert not used
    said, used = imported("validate", str(slow))
    assert "auto would be" in said
    assert used == list(MODEL)
    for command in (["validate", str(slow)], render):
        said, used = imported(*command)
        assert "auto would be" in said.splitlines()[0]
        assert not used
    slow.write_text(SLOW)
    assert "auto would" not in imported(*render)[0]


def test_nothing_is_searched_where_it_could_not_be_said(
    slow: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def search(_loaded: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(advice, "candidates", search)
    with pytest.raises(AssertionError, match="searched"):
        main(["validate", str(slow)])
    assert words(capsys, "validate", "-q", str(slow)) == ""
    assert words(capsys, "plan", "--json", str(slow))
    # What reads everything once as fast as DRAM is, or leaves all to the search, can't be much faster.
    assert "auto would" not in words(
        capsys, "validate", "specs/add.yaml", "specs/gemm_skinny.yaml", "specs/gemm_auto.yaml"
    )
    # Many new specs are many searches.
    monkeypatch.setattr(specs, "MOST_SEARCHED", 1)
    for command in ("validate", "plan"):
        assert "auto would" not in words(capsys, command, str(slow), "specs/tile.yaml")
