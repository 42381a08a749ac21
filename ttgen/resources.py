"""Data that ships with the package, beside it when installed and one folder up in a checkout, and the cache folder."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent


@cache
def folder(name: str) -> Path:
    """The folder `name` of the package's data, such as `templates`."""
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"ttgen is installed without its {name}/ folder")


def cache_folder() -> Path:
    """The user's cache folder of ttgen: `~/.cache/ttgen`, which `$XDG_CACHE_HOME` moves. It may not be there."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ttgen"
