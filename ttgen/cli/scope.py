"""Which files of a repository some words name, whether they are there or were."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

from ttgen.cli import specs
from ttgen.errors import OutputError
from ttgen.trees import Revision


class Scope:
    """Specs, folders of them and globs, as a repository has them.

    Attributes:
        folders: where they are, relative to the repository.

    Raises:
        OutputError: a word that is none of the repository.
    """

    def __init__(self, words: Iterable[str], revision: Revision) -> None:
        self._words = list(words)
        self._files: set[str] = set()
        self._patterns: list[str] = []
        self._whole: set[str] = set()
        self.folders: set[str] = set()
        for word in self._words:
            path = Path(word)
            place = revision.relative(path)
            if path.is_dir() or not (path.suffix in specs.SUFFIXES or has_magic(word)):
                self._whole.add(place)
                self.folders.add(place)
            elif has_magic(word) and not path.exists():
                self._patterns.append(place)
                parts = place.split("/")[:-1]
                fixed = next((number for number, part in enumerate(parts) if has_magic(part)), len(parts))
                self.folders.add("/".join(parts[:fixed]) or ".")
            else:
                self._files.add(place)
                self.folders.add(place.rpartition("/")[0] or ".")

    def names(self, path: str) -> bool:
        """Whether a file is one that was named."""
        if not path.endswith(specs.SUFFIXES):
            return False
        return path in self._files or _parent(path) in self._whole or any(_fits(path, item) for item in self._patterns)

    def beside(self, path: str) -> bool:
        """Whether a file is one, or stands beside one."""
        return self.names(path) or (path.endswith(specs.SUFFIXES) and _parent(path) in self.folders)

    def present(self) -> list[Path]:
        """The files that were named and are there."""
        found: dict[Path, None] = {}
        for word in self._words:
            try:
                found |= dict.fromkeys(path.resolve() for path in specs.find([word]) if path.is_file())
            except OutputError:
                continue
        return list(found)


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "."


def _fits(path: str, pattern: str) -> bool:
    """Whether a pattern names a file, as it does for the shell."""
    if "**" in pattern:
        return fnmatchcase(path, pattern) or fnmatchcase(path, pattern.replace("**/", ""))
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
