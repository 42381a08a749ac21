"""Compiled files in the user's cache, which tests that move the cache of results or break it leave alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ttgen import resources
from ttgen.errors import ToolchainError
from ttgen.verify.toolchain import Builder, find_compiler

CACHE = resources.cache_folder() / "emulator"


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    """Compiles with the first compiler of this machine."""
    try:
        compiler = find_compiler()
    except ToolchainError as error:
        pytest.skip(str(error))
    made = Builder(compiler, CACHE, jobs=2)
    yield made
    made.close()
