"""The cache stays below its limit, and what may be in use stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ttgen.verify.pruning import Entry, prune, superfluous

HOUR = 3600.0
NOW = 1e9


def names(paths: tuple[Path, ...]) -> list[str]:
    return [path.name for path in paths]


def test_the_oldest_go_until_half_is_left() -> None:
    entries = [Entry(Path(name), 30, NOW - hours * HOUR) for name, hours in (("a", 2), ("b", 9), ("c", 5), ("d", 7))]
    assert superfluous(entries, NOW, 120) == ()
    assert names(superfluous(entries, NOW, 119)) == ["b", "d", "c"]
    assert names(superfluous(entries, NOW, 100)) == ["b", "d", "c"]
    assert names(superfluous(entries, NOW, 10)) == ["b", "d", "c", "a"]


def test_nothing_of_the_last_hour_goes() -> None:
    entries = [Entry(Path("now"), 100, NOW), Entry(Path("just"), 100, NOW - HOUR / 2), Entry(Path("old"), 1, 0.0)]
    assert names(superfluous(entries, NOW, 10)) == ["old"]


def test_folders_and_units_are_removed_whole(tmp_path: Path) -> None:
    old = time.time() - 5 * HOUR
    for name, used in (("program-a/host", old), ("host-b/deep", old), ("library-c", time.time())):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_bytes(bytes(1000))
        os.utime(tmp_path / name.split("/")[0], (used, used))
    (tmp_path / "units").mkdir()
    (tmp_path / "units/a.so").write_bytes(bytes(1000))
    os.utime(tmp_path / "units/a.so", (old, old))
    (tmp_path / ".gone-1/program-z").mkdir(parents=True)
    prune(tmp_path, 4000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["host-b", "library-c", "program-a", "units"]
    prune(tmp_path, 1000)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "library-c", "units"]
    prune(tmp_path / "none")
