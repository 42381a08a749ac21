"""What was rendered before, in the user's cache folder, addressed by all that it depends on.

That is the bytes and the name of a spec, every file of ttgen and its templates (by size and time, so that a change in
a checkout is noticed), the packages beside it, and Python. An entry is written beside its place and then renamed, and
carries a checksum; what can't be read is made anew, and what can't be written isn't kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from ttgen import resources
from ttgen.model.artifact import Artifact

MOST: Final = 4096
"""Entries that are kept when a command ends: about 60 MB."""
WORTH: Final = 1.3
"""How many times faster another schedule has to be by the model to be worth a word."""


class Result(NamedTuple):
    """A folder of an output folder, and what `render` and `validate` say of it.

    Attributes:
        kernel: its name.
        headline: what matters most of its plan; nothing for what all kernels share.
        files: what is in it.
        gain: how many times faster `schedule: auto` would be; None where nobody has asked.
    """

    kernel: str
    headline: str
    files: tuple[Artifact, ...]
    gain: float | None = None

    @property
    def line(self) -> str:
        """The headline, and that `schedule: auto` would be faster, where that is known and worth a word."""
        words = in_words(self.gain or 0.0)
        return f"{self.headline}, {words}" if words else self.headline


def in_words(gain: float) -> str:
    """How many times faster `schedule: auto` would be; nothing where it isn't worth a word."""
    if gain <= WORTH:
        return ""
    return f"auto would be {gain:.1f}x faster" if gain < 10 else f"auto would be {gain:.0f}x faster"


class Results:
    """The results of earlier commands; nothing where the folder can't be used.

    Args:
        folder: where they are; None to keep none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known = b"" if folder is None else _fingerprint()
        self._stored = False

    def get(self, name: str, raw: bytes) -> Result | None:
        """The result of a spec file's name and bytes, or of none; None where there is none, or it can't be read."""
        if self._folder is None:
            return None
        path = self._folder / self._key(name, raw)
        try:
            kernel, headline, files, gain = json.loads(zlib.decompress(path.read_bytes()))
            found = Result(kernel, headline, tuple(Artifact(*file) for file in files), gain)
            os.utime(path)
        except (OSError, zlib.error, ValueError, TypeError):
            return None
        return found

    def put(self, name: str, raw: bytes, result: Result) -> None:
        """Keeps a result, if it can be kept."""
        if self._folder is None:
            return
        key = self._key(name, raw)
        beside = self._folder / f"{key}.{os.getpid()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(zlib.compress(json.dumps(result).encode(), 1))
            beside.replace(self._folder / key)
            self._stored = True
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink()

    def prune(self) -> None:
        """Removes what wasn't used for longest, what killed runs left too, where there is too much."""
        if self._folder is None or not self._stored:
            return
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            used = sorted(_times(entries), reverse=True)
            for _time, path in used[MOST:]:
                with contextlib.suppress(OSError):
                    Path(path).unlink()

    def _key(self, name: str, raw: bytes) -> str:
        return hashlib.sha256(b"\0".join((self._known, os.fsencode(name), raw))).hexdigest()[:40]


def _times(entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[int, str]]:
    for entry in entries:
        with contextlib.suppress(OSError):
            yield entry.stat().st_mtime_ns, entry.path


def _fingerprint() -> bytes:
    """A digest of what makes results of specs."""
    seen: list[Any] = [sys.version]
    for root in (Path(__file__).parent, resources.folder("templates")):
        seen += sorted(_files(str(root)))
    for path in sys.path:
        # Installing a package, or another version of one, changes the time of the folder that it is in.
        if path.endswith(("site-packages", "dist-packages")):
            with contextlib.suppress(OSError):
                seen.append((path, os.stat(path).st_mtime_ns))  # noqa: PTH116 - every command does this first
    return hashlib.sha256(repr(seen).encode(errors="surrogateescape")).digest()


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                status = entry.stat()
                yield entry.path, status.st_size, status.st_mtime_ns


def open_results(*, wanted: bool) -> Results:
    """The results in the user's cache folder; none where they aren't wanted."""
    return Results(resources.cache_folder() / "results" if wanted else None)
