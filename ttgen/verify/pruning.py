"""Keeps the cache of compiled files below a limit: what wasn't used for longest goes first."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from ttgen.records import dataclass

LIMIT: Final = 2 << 30
"""Bytes above which the cache is pruned, to half of them: so that it isn't every time."""

_RECENT: Final = 3600.0
_GONE: Final = ".gone-"


@dataclass(frozen=True, slots=True)
class Entry:
    """A program, a host program, a library or a unit of the cache: bytes, and when it was used last."""

    path: Path
    size: int
    used: float


def superfluous(entries: Iterable[Entry], now: float, limit: int = LIMIT) -> tuple[Path, ...]:
    """What has to go, if the entries are larger than the limit: the oldest ones, but none of the last hour.

    Another process may be running what was used a moment ago.
    """
    ordered = sorted(entries, key=lambda entry: (entry.used, entry.path))
    size = sum(entry.size for entry in ordered)
    if size <= limit:
        return ()
    gone = []
    for entry in ordered:
        if size <= limit // 2 or now - entry.used < _RECENT:
            break
        gone.append(entry.path)
        size -= entry.size
    return tuple(gone)


def prune(cache: Path, limit: int = LIMIT) -> None:
    """Removes what is superfluous, and what an earlier removal that was interrupted left."""
    now = time.time()
    for path in (*cache.glob(f"{_GONE}*"), *superfluous(_entries(cache), now, limit)):
        # Renamed first: nobody finds half of it. Another process may do the same.
        with suppress(OSError):
            aside = Path(tempfile.mkdtemp(prefix=_GONE, dir=cache))
            path.rename(aside / path.name)
            shutil.rmtree(aside)


def _entries(cache: Path) -> Iterator[Entry]:
    for folder in (cache, cache / "units"):
        with suppress(OSError), os.scandir(folder) as found:
            for item in found:
                if not item.name.startswith(_GONE) and item.name != "units":
                    with suppress(OSError):
                        yield Entry(Path(item.path), _size(item), item.stat(follow_symlinks=False).st_mtime)


def _size(item: os.DirEntry[str]) -> int:
    if not item.is_dir(follow_symlinks=False):
        return item.stat(follow_symlinks=False).st_size
    with os.scandir(item.path) as found:
        return sum(_size(inner) for inner in found)
