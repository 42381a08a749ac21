"""`ttgen tune`: what it tries, ranks, draws and writes, and what it says of bad input."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ttgen.cli.main import main
from ttgen.cost import predict
from ttgen.errors import OutputError, SpecError, refuse
from ttgen.loading import load as load_spec
from ttgen.output import rewrite
from ttgen.planner.resolve import candidates, resolve
from ttgen.spec import Block, Schedule
from ttgen.target import load
from ttgen.tuning import workers
from ttgen.tuning.measured import COLUMNS, work_of
from ttgen.tuning.plot import Point, characters
from ttgen.tuning.space import least_of, promising, schedules
from ttgen.tuning.trials import Subject, subjects, tried

SPEC = """\
# A small product.
kernel: small
tensors:
  A: {shape: [128, 256], dtype: bfloat16}   # padded nowhere
  B: {shape: [256, 128], dtype: bfloat16}
  C: {shape: [128, 128], dtype: bfloat16}
compute: C = A @ B
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    return path


def subject(text: str) -> Subject:
    (found,) = subjects(text.encode(), "small.yaml")
    return found


def tuned(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> Any:
    assert main(["tune", *map(str, arguments), "--jobs", "1", "--json"]) == status
    return json.loads(capsys.readouterr().out)


def microseconds(path: Path) -> float:
    loaded = load_spec(path)
    return sum(predict(made, load(loaded.spec.target)).device_us for made in candidates(loaded))


# Bound by DRAM: what is shared is read once for all.
SHARED = """\
precision: {fidelity: LoFi}
schedule: {policy: rectangular, multicast: b, block: {m: auto, n: 2, k: auto}, prefetch: true, split: auto}
"""


@pytest.mark.parametrize("schedule", ["", SHARED])
def test_schedules_are_all_different_and_take_no_less_than_said(schedule: str) -> None:
    stage = subject(SPEC.replace("128", "700") + schedule)
    every = list(schedules(stage.stage, stage.limits, stage.target))
    assert len(set(every)) == len(every)
    bounds = least_of(stage.stage, stage.limits, stage.exactness, stage.target)
    legal = 0
    for choice in random.Random(1).sample(every, 40):
        assert not schedule or (choice.policy, choice.multicast) == ("rectangular", "b")
        try:
            trial = tried(stage, choice)
        except SpecError:
            continue
        legal += 1
        assert 0 < bounds.cycles(choice) <= trial.device_cycles
        assert 0 < bounds.l1_bytes(choice) <= trial.l1_bytes
    assert legal >= 20


def test_a_limit_takes_from_every_size_of_l1() -> None:
    stage = subject(SPEC.replace("128", "1024").replace("256", "512"))
    least = least_of(stage.stage, stage.limits, stage.exactness, stage.target)
    space = promising(stage.stage, stage.limits, stage.exactness, stage.target, limit=80)
    assert (len(set(space.chosen)), space.number > 10_000) == (80, True)
    sizes = sorted(map(least.l1_bytes, space.chosen))
    assert sizes[0] < stage.target.l1.usable / 8
    assert sizes[-1] > stage.target.l1.usable * 7 / 8


def test_the_first_is_written_and_everything_else_stays(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = microseconds(spec)
    found = tuned(capsys, spec, "--limit", 60, "--write")
    (stage,) = found["stages"]
    times = [item["device_us"] for item in stage["candidates"]]
    assert found["written"]
    assert times == sorted(times)
    assert len(times) + stage["not_possible"] == 60
    assert stage["now"]["device_us"] == pytest.approx(before, abs=1e-3)
    assert microseconds(spec) == pytest.approx(times[0], abs=1e-3)
    assert times[0] < before
    assert spec.read_text().startswith(SPEC)
    # None of the front has less of both than another; whatever isn't on it is beaten by one that is.
    front = [(item["device_us"], item["l1_bytes"]) for item in stage["candidates"] if item["on_front"]]
    assert [l1 for _us, l1 in front] == sorted({l1 for _us, l1 in front}, reverse=True)
    assert all(
        any(us <= item["device_us"] and l1 <= item["l1_bytes"] for us, l1 in front) for item in stage["candidates"]
    )
    # Tuned again, with what it has among the schedules.
    text = spec.read_text()
    assert not tuned(capsys, spec, "--limit", 60, "--write")["written"]
    assert spec.read_text() == text


def test_auto_and_the_specs_own_are_tried(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = "schedule: {policy: strided, cores: 3, block: {m: 3, n: 1, k: 5}}\n"
    spec.write_text(SPEC + own)
    (stage,) = tuned(capsys, spec, "--limit", 1)["stages"]
    assert [item["schedule"] for item in stage["candidates"]] == [own.removeprefix("schedule: ").strip()]
    spec.write_text(SPEC + "schedule: auto")
    auto = microseconds(spec)
    (stage,) = tuned(capsys, spec, "--limit", 5)["stages"]
    assert stage["candidates"][0]["device_us"] <= auto + 1e-3


def test_stages_are_tuned_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mlp.yaml"
    path.write_bytes(Path("specs/mlp.yaml").read_bytes())
    found = tuned(capsys, path, "--limit", 8, "--write", "--svg", tmp_path / "plot.svg")
    assert [stage["stage"] for stage in found["stages"]] == ["H", "Y"]
    assert microseconds(path) == pytest.approx(
        sum(stage["candidates"][0]["device_us"] for stage in found["stages"]), abs=1e-2
    )
    assert sorted(item.name for item in tmp_path.iterdir()) == ["mlp.yaml", "plot_H.svg", "plot_Y.svg"]
    drawn = ET.parse(tmp_path / "plot_H.svg")
    titles = [item.text for item in drawn.iter("{http://www.w3.org/2000/svg}title")]
    # A point for each schedule, and one for the spec's own.
    assert len(titles) == len(found["stages"][0]["candidates"]) + 1
    (tmp_path / "plot_Y.svg").write_text("mine")
    assert main(["tune", str(path), "--limit", "5", "--svg", str(tmp_path / "plot.svg")]) == 1
    assert "ttgen didn't draw it" in capsys.readouterr().err
    assert (tmp_path / "plot_Y.svg").read_text() == "mine"


def test_a_table_and_a_plot(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", str(spec), "--limit", "60", "--top", "3", "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("small on n150: 60 schedules tried of ")
    assert [line.split()[0] for line in lines[3:7]] == ["now", "1", "2", "3"]
    assert "{policy: rectangular" in lines[4]
    assert lines[-1].startswith("predicted: ")
    assert err.splitlines()[-1] == "C: 60 of 60 schedules"
    assert main(["tune", str(spec), "--limit", "5", "--jobs", "2", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_where_points_stand_in_a_plot() -> None:
    points = [
        Point(us=1.0, kib=100.0, mark="best", words=""), Point(us=10.0, kib=50.0, mark="other", words=""),
        Point(us=100.0, kib=0.0, mark="now", words=""),
    ]  # fmt: skip
    lines = list(characters(points, 50, 5, plain=True))
    margin = len("100.0 us | ")
    assert lines[0] == "100.0 us | x"
    assert lines[2].index(".", margin) == margin + 19
    assert (lines[4].index("@"), len(lines[4])) == (len(lines[4]) - 1, 50)
    assert lines[6].rstrip().endswith("100 KiB of L1")


def test_what_the_proofs_refuse_is_not_the_first(
    spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    best = tuned(capsys, spec, "--limit", 20)["stages"][0]["candidates"]

    def strict(loaded: Any) -> Any:
        if best[0]["schedule"] in loaded.source.text:
            raise refuse("no")
        return resolve(loaded)

    monkeypatch.setattr("ttgen.tuning.ranking.resolve", strict)
    (stage,) = tuned(capsys, spec, "--limit", 20)["stages"]
    assert stage["candidates"][0]["schedule"] == best[1]["schedule"]
    assert stage["not_possible"] == 1


def test_the_best_are_run(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = SPEC.replace("128", "32").replace("256", "64")
    spec.write_text(small)
    found = tuned(capsys, spec, "--limit", 10, "--verify", 2)
    assert [(item["kernel"], item["passed"]) for item in found["verified"]] == [("small #1", True), ("small #2", True)]
    assert spec.read_text() == small


def test_nothing_is_lost(spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert main(["tune", str(spec), "--limit", "20", "--jobs", "1", "--write"]) == 1
    out, err = capsys.readouterr()
    assert "predicted: " in out
    assert "small.yaml: No space left on device; nothing was written; the schedule is schedule: {policy: " in err
    assert [item.name for item in spec.parent.iterdir()] == ["small.yaml"]
    assert spec.read_text() == SPEC
    with pytest.raises(OutputError, match="was changed meanwhile"):
        rewrite(spec, b"other", b"new")
    assert spec.read_text() == SPEC


def test_a_link_stays_a_link_and_a_mode_stays(spec: Path) -> None:
    spec.chmod(0o640)
    link = spec.with_name("link.yaml")
    link.symlink_to(spec)
    rewrite(link, SPEC.encode(), b"new")
    assert link.is_symlink()
    assert (spec.read_text(), spec.stat().st_mode & 0o777) == ("new", 0o640)


def rows_of(spec: Path, schedules: dict[Schedule, float], **others: object) -> list[dict[str, object]]:
    work = work_of(load_spec(spec))
    found = []
    for schedule, us in schedules.items():
        block = schedule.block
        assert isinstance(block, Block)
        found.append({
            "kernel": "small", "stage": "C", "work": work, "policy": schedule.policy, "order": "row_major", "cores": "",
            "block_m": block.m, "block_n": block.n, "block_k": block.k, "multicast": schedule.multicast,
            "prefetch": "false", "split": 1, "buffers": 2, "device_us_min": us - 1, "device_us_median": us,
            "device_us_max": us + 2, "runs": 10, **others,
        })  # fmt: skip
    return found


def as_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


SLOW, FAST = Schedule(), Schedule(policy="rectangular", block=Block(m=2, n=2, k=4), multicast="both")


def test_measured_times_rank(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(spec, {FAST: 50.0, SLOW: 40.0}, note="of the lab") + rows_of(spec, {SLOW: 1.0}, kernel="other")
    measured = as_csv(spec.with_name("times.csv"), rows)
    found = tuned(capsys, spec, "--measured", measured)
    (stage,) = found["stages"]
    assert [(item["policy"], item["device_us_median"]) for item in stage["candidates"]] == [
        ("contiguous", 40.0), ("rectangular", 50.0),
    ]  # fmt: skip
    slow, fast = (item["device_us"] for item in stage["candidates"])
    errors = [slow / 40 - 1, fast / 50 - 1]
    assert [item["error"] for item in stage["candidates"]] == pytest.approx(errors, abs=1e-3)
    assert stage["model_error"]["mean"] == pytest.approx((abs(errors[0]) + abs(errors[1])) / 2, abs=1e-3)
    # The model's first is the rectangle, which took 50 us where the other one took 40.
    assert stage["model_error"]["pick"] == pytest.approx(0.25 if fast < slow else 0)
    assert main(["tune", str(spec), "--measured", str(measured)]) == 0
    assert "model: " in capsys.readouterr().out
    # The columns of each candidate are those of a file.
    assert set(COLUMNS) <= {*found, *stage, *stage["candidates"][0]}


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        ({"work": "123"}, "2:9", "measured of another spec than this: work is '123', and this one's is "),
        ({"kernel": "large"}, "1:1", "no measured time of kernel 'small': it has times of large"),
        ({"stage": "D"}, "2:7", "no stage 'D': there is C"),
        ({"policy": "rectangle"}, "2:22", "unknown policy 'rectangle'; did you mean 'rectangular'?"),
        ({"block_k": "two"}, "2:48", "'two' is not a whole number of at least 1"),
        ({"block_m": 9, "policy": "rectangular"}, "2:22", "this spec can't have the schedule: block.m 9 is larger"),
        ({"cores": "8x8x8"}, "2:43", "'8x8x8' is no grid of cores: write rows and columns, 4x8"),
        ({"order": "block_linear:x"}, "2:33", "'x' is not a whole number of at least 1"),
        ({"device_us_median": "nan"}, "2:70", "'nan' is no time in microseconds"),
        ({"device_us_max": 2}, "2:70", "the median 40 is not between the least 39 and the most 2"),
    ],
)
def test_bad_measured_times(
    spec: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], place: str, message: str
) -> None:
    measured = as_csv(spec.with_name("times.csv"), rows_of(spec, {SLOW: 40.0}, **change))
    assert main(["tune", str(spec), "--measured", str(measured), "--write"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"{measured}:{place}: error: {message}")
    assert spec.read_text() == SPEC


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", ":1:1: error: the file is empty: measured times have the columns kernel, stage, work"),
        (b"kernel,stage\na,b\n", ":1:1: error: no column 'work'; measured times have the columns kernel, stage, work"),
        (",".join(COLUMNS).encode() + b"\nsmall,C\n", ":2:1: error: 2 cells; the columns are 17"),
        (",".join(COLUMNS).encode() + b'\n"small,C\n', ":2:1: error: not CSV: "),
        (b"\xff", ":1:1: error: the file is not UTF-8 text (byte 0)"),
        (None, ": No such file or directory"),
    ],
)
def test_files_that_are_no_measured_times(
    spec: Path, capsys: pytest.CaptureFixture[str], raw: bytes | None, message: str
) -> None:
    path = spec.with_name("times.csv")
    if raw is not None:
        path.write_bytes(raw)
    assert main(["tune", str(spec), "--measured", str(path)]) == 1
    assert f"{path}{message}" in capsys.readouterr().err


def test_bad_specs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "tests/bad_specs/dtype_unknown.yaml"]) == 1
    assert "unknown dtype" in capsys.readouterr().err
    assert main(["tune", str(tmp_path)]) == 1
    assert "is a folder; tune takes one spec" in capsys.readouterr().err


CLUSTER = """\
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a scheduler with two workers, and its process."""
    pytest.importorskip("distributed")
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
        process.kill()


@pytest.mark.cluster
def test_a_cluster_that_runs_already(spec: Path, cluster: tuple[str, subprocess.Popen[str]]) -> None:
    address, process = cluster
    command = [sys.executable, "-m", "ttgen", "tune", str(spec), "--limit", "48", "--json"]
    there, here = (
        subprocess.run([*command, *words], capture_output=True, text=True, check=True)
        for words in (("--scheduler", address), ("--jobs", "1"))
    )
    assert there.stdout == here.stdout
    assert "C: 48 of 48 schedules" in there.stderr
    # It goes away in the middle: said on one line, and the spec is as it was.
    command = [sys.executable, "-m", "ttgen", "tune", str(spec), "--limit", "2000", "--write", "--scheduler", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tuning:
        assert tuning.stderr is not None
        tuning.stderr.readline()
        process.kill()
        last = tuning.communicate()[1].splitlines()[-1]
    assert tuning.returncode == 1
    assert last.startswith(f"error: the scheduler at {address} or its workers went away")
    assert spec.read_text() == SPEC


@pytest.mark.cluster
def test_no_scheduler_there(spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "_CONNECT", 0.2)
    for address, why in (("tcp://127.0.0.1:9", ""), ("nonsense://x", " (unknown address scheme 'nonsense'")):
        assert main(["tune", str(spec), "--scheduler", address]) == 1
        assert f"no Dask scheduler answers at {address}{why}" in capsys.readouterr().err


def test_no_package_for_clusters(
    spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "find_spec", lambda _name: None)
    assert main(["tune", str(spec), "--scheduler", "tcp://127.0.0.1:9"]) == 1
    assert "pip install 'ttgen[dask]'" in capsys.readouterr().err
