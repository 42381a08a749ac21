"""The end of a match over a union."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """A kind that the match doesn't know is a type error here, and a failure at run time (Python 3.11 has its own)."""
    raise AssertionError(f"not handled: {value!r}")
