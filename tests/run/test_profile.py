"""Times of the device profiler, from logs that are written as its headers say."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ttgen
from tests.run.fake.ttnn import HEADER
from ttgen.cli.main import main
from ttgen.run.profile import Log, ProfileError

CLOCK = "ARCH: wormhole_b0, CHIP_FREQ[MHz]: 1000, Max Compute Cores: 64"


def test_times_beside_those_that_were_planned(fake: Callable[..., None], tmp_path: Path, capfd: Any) -> None:
    """Of two programs, the ones before the timed runs are two rounds: the timed ones are the fifth to the tenth."""
    times = tmp_path / "times.csv"
    arguments = ["run", "specs/mlp_l1.yaml", "--profile", str(times)]
    assert main([*arguments, "--repeat", "3", "--json"]) == 0
    [found] = json.loads(capfd.readouterr().out)
    first, second = found["programs"]
    assert [first["program"], second["program"]] == ["H", "Y"]
    assert first["device_us"] == {"min": 2.0, "median": 2.2, "max": 3.2, "runs": 3}
    assert second["device_us"] == {"min": 2.4, "median": 2.6, "max": 2.8, "runs": 3}
    for program in (first, second):
        assert program["predicted_device_us"] > 0
        reader, compute, writer = program["kernels"]
        assert reader["us"] == 1.2
        assert compute["us"] == writer["us"] == program["device_us"]["median"]
        assert (compute["input_wait_us"], compute["room_wait_us"]) == (0.4, 0.1)
    assert main(["tune", "specs/mlp_l1.yaml", "--measured", str(times)]) == 0
    assert "mlp_l1, H on n150: 1 schedule measured" in (shown := capfd.readouterr().out)
    assert re.search(r" 2\.20? +2\.00? to 3\.20? ", shown)
    # A later run is added, and counts.
    assert main(arguments) == 0
    output = capfd.readouterr().out
    assert "  H on the device: 2.2 us, " in output
    assert (
        "    compute 2.2 us on its longest core, (18, 18) on the NoC, 0.4 waiting for input and 0.1 for room\n"
        in output
    )
    with times.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["stage"] for row in rows] == ["H", "Y", "H", "Y"]
    assert [(row["device_us_median"], row["runs"]) for row in rows[1::2]] == [("2.600", "3"), ("2.800", "1")]


def test_a_file_of_something_else_is_left_alone(fake: Callable[..., None], tmp_path: Path, capfd: Any) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n")
    fake(absent="it was looked for")
    assert main(["run", "specs/tile.yaml", "--profile", str(other)]) == 1
    assert capfd.readouterr().err.startswith(f"error: {other}: exists, and has other columns")
    assert other.read_text() == "a,b\n"


def test_a_library_without_the_profiler(fake: Callable[..., None], tmp_path: Path, capfd: Any) -> None:
    fake(absent="TT_METAL_DEVICE_PROFILER requires a Tracy-enabled build of tt-metal.")
    assert main(["run", "specs/tile.yaml", "--profile", str(tmp_path / "times.csv")]) == 3
    assert (
        "--profile is for a ttnn that was built with the device profiler, which PyPI's isn't" in capfd.readouterr().err
    )


def zone(kind: str, time: int, *, program: int = 1, name: str = "BRISC-KERNEL", processor: str = "BRISC") -> str:
    return f"0, 1, 2, {processor}, 7, {time}, 0, {program}, , , {name}, ZONE_{kind}, 1, a.cc, "


WHOLE = (zone("START", 100), zone("END", 1100))


def test_only_what_was_added_counts(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("\n".join([CLOCK, HEADER, *WHOLE]))
    log = Log(path)
    [[launch]] = log.added(1, 1)
    assert (launch.microseconds, launch.cores[0].core) == (1.0, (1, 2))
    later = (
        zone("START", 5000, program=3),
        zone("END", 5500, program=3),
        zone("END", 5900, program=2, name="BRISC-FW"),
    )
    path.write_text("\n".join([CLOCK, HEADER, *WHOLE, *later]))
    [[launch]] = log.added(1, 1)
    assert launch.microseconds == 0.5


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((), "is no log of the device profiler: its first line doesn't say the chip's clock"),
        (("a,b,c", "1,2,3"), "is no log of the device profiler: its first line"),
        ((CLOCK,), "is no log of the device profiler: it has no column 'core_x'"),
        ((CLOCK, HEADER.replace("run host ID", "id"), *WHOLE), "it has no column 'run host ID'"),
        ((CLOCK, HEADER, WHOLE[0]), "BRISC of core (1, 2) has no begin or no end"),
        ((CLOCK, HEADER, WHOLE[0], WHOLE[1][:30]), "line 4 is cut off: 9 cells of 15"),
        ((CLOCK, HEADER, WHOLE[0].replace("100", "soon"), WHOLE[1]), "line 3 has no numbers where they belong"),
        ((CLOCK, HEADER), "has 0 programs more than before, and 1 ran"),
        ((CLOCK, HEADER, *WHOLE, zone("START", 1, program=2), zone("END", 2, program=2)), "has 2 programs more"),
    ],
)
def test_logs_that_are_none_or_not_whole(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(ProfileError) as found:
        Log(path).added(1, 1)
    assert f"{path}: " in str(found.value)
    assert message in str(found.value)


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="wrote no log: No such file"):
        Log(tmp_path / "log.csv").added(1, 1)
    assert ttgen.UserError in ProfileError.__mro__
