"""Every fault of the table is caught by its test, which passes without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations import FAULTS

ROOT = Path(__file__).resolve().parents[1]
CAUGHT = [place for place, fault in enumerate(FAULTS) if fault.test]
PARTS = 32
"""The gate runs the first; the others are for nights."""


def test_every_fault_changes_one_place() -> None:
    for fault in FAULTS:
        text = (ROOT / "ttgen" / f"{fault.module}.py").read_text(encoding="utf-8")
        assert text.count(fault.old) == 1, f"{fault}: there are {text.count(fault.old)} such places"
        assert fault.old != fault.new
        assert bool(fault.test) != bool(fault.reason), f"{fault}: a test that fails, or why none can"


def test_there_are_many() -> None:
    assert len(CAUGHT) >= 40


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.exhaustive) for part in range(1, PARTS))])
def test_every_fault_is_caught(part: int, tmp_path: Path) -> None:
    places = CAUGHT[part::PARTS]
    found = tmp_path / "found.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they take longer than the tests
    command = [sys.executable, "-m", "tests.mutations.run", str(found), *map(str, places)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=600)
    codes = json.loads(found.read_text(encoding="utf-8"))
    assert len(codes) == len(places)
    # 1: tests failed. Anything else, such as a test that no longer exists, catches nothing.
    assert not [
        f"{FAULTS[int(place)]} ({code})" for place, code in codes.items() if code != pytest.ExitCode.TESTS_FAILED
    ]
