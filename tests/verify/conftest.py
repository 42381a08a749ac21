"""One cache of compiled files for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ttgen.errors import ToolchainError
from ttgen.verify.toolchain import Builder, find_compiler

CACHE = Path(os.environ.get("TTEMU_TEST_CACHE", Path(__file__).resolve().parents[2] / ".cache/emulator"))


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    """Compiles into the tests' own cache."""
    try:
        compiler = find_compiler()
    except ToolchainError as error:
        pytest.skip(str(error))
    made = Builder(compiler, CACHE, jobs=2)
    yield made
    made.close()
