"""A ttnn that runs programs in the emulator, for all tests here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAKE = Path(__file__).parent / "fake"
VARIABLES = ("TT_METAL_SIMULATOR", "TT_METAL_MOCK_CLUSTER_DESC_PATH", "TT_METAL_WATCHER", "TT_METAL_LOGS_PATH")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts the ttnn in place that runs programs in the emulator; with settings, one that doesn't do that well."""
    monkeypatch.syspath_prepend(str(FAKE))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def set_to(**settings: Any) -> None:
        monkeypatch.setenv("FAKE_TTNN", json.dumps(settings))

    set_to()
    return set_to
