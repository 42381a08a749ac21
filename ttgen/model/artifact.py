"""A rendered file."""

from __future__ import annotations

from typing import NamedTuple


class Artifact(NamedTuple):
    """A file.

    Attributes:
        path: below the output folder, with `/`.
        text: what it holds.
    """

    path: str
    text: str


def python_file(kernel: str) -> str:
    """The file of a kernel's function for Python, in the kernel's folder."""
    return f"{kernel}.py"
