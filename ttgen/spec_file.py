"""The bytes of a spec file, no more than a spec may have."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ttgen.errors import OutputError

MAX_CHARACTERS: Final = 1_000_000


def read_bytes(path: Path) -> bytes:
    """Reads a spec file; of one that is too large, enough to see that it is.

    Raises:
        OutputError: the file can't be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_CHARACTERS + 1)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None
