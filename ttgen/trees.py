"""The files of a folder as they are, or as they were in a revision of git, without a checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from ttgen.errors import OutputError, ToolchainError
from ttgen.records import dataclass

_LOCAL: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
"""What a hook of git has set for its own repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A revision of a repository.

    Attributes:
        name: as the user wrote it.
        commit: the commit or tree that it names.
        root: the repository's folder.
    """

    name: str
    commit: str
    root: Path

    def relative(self, path: Path) -> str:
        """A path as the repository has it.

        Raises:
            OutputError: it is none of the repository.
        """
        found = os.path.relpath(path.resolve(), self.root).replace(os.sep, "/")
        if found == ".." or found.startswith("../"):
            raise OutputError(f"{path}: isn't in the repository of {self.root}")
        return found

    def changed(self, folders: Iterable[str]) -> Mapping[str, bool]:
        """The files below some folders that aren't what they were, git's own or not; whether each was there."""
        wanted = list(folders)
        found: dict[str, bool] = {}
        words = _split(self._git("diff", "--name-status", "--no-renames", "-z", self.commit, "--", *wanted))
        for state, path in zip(words[::2], words[1::2], strict=True):
            found[path] = state != "A"
        for path in _split(self._git("ls-files", "--others", "-z", "--", *wanted)):
            found.setdefault(path, False)
        return found

    def files(self, folders: Iterable[str]) -> tuple[str, ...]:
        """The files that were below some folders."""
        wanted = list(folders)
        if not wanted:
            return ()
        return tuple(_split(self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", self.commit, "--", *wanted)))

    def texts(self, paths: Collection[str]) -> Mapping[str, bytes]:
        """What was in some files; nothing for those that weren't there."""
        if not paths:
            return {}
        # A name with a line's end can't be asked for; no spec has one.
        asked = [path for path in paths if "\n" not in path]
        question = "".join(f"{self.commit}:{path}\n" for path in asked).encode(errors="surrogateescape")
        answer = self._git("cat-file", "--batch", question=question)
        found: dict[str, bytes] = {}
        at = 0
        for path in asked:
            end = answer.index(b"\n", at)
            words = answer[at:end].rsplit(b" ", 2)
            at = end + 1
            if len(words) == 3 and words[2].isdigit():
                size = int(words[2])
                if words[1] == b"blob":
                    found[path] = answer[at : at + size]
                at += size + 1
        return found

    def _git(self, *words: str, question: bytes | None = None) -> bytes:
        return _git(self.root, *words, question=question)


def revision(name: str, near: Path) -> Revision:
    """The revision that a name (`HEAD`, a branch, a commit) has in the repository that a file or folder is in.

    Raises:
        OutputError: there is no repository, or no such revision.
        ToolchainError: there is no git.
    """
    folder = near.resolve()
    while not folder.is_dir():
        folder = folder.parent
    try:
        root = _git(folder, "rev-parse", "--show-toplevel").decode(errors="surrogateescape").rstrip("\n")
    except OutputError:
        raise OutputError(f"{near}: isn't in a git repository: compare with a folder (--against DIR)") from None
    try:
        commit = _git(Path(root), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}")
    except OutputError:
        raise OutputError(f"{name}: no such revision of {root}, and no such folder") from None
    return Revision(name=name, commit=commit.decode().strip(), root=Path(root))


def _git(folder: Path, *words: str, question: bytes | None = None) -> bytes:
    environment = {key: value for key, value in os.environ.items() if key not in _LOCAL}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        done = subprocess.run(  # noqa: S603 - words are separate, and names of revisions come after --end-of-options
            ["git", "--literal-pathspecs", *words],  # noqa: S607 - the user's git
            cwd=folder,
            env=environment,
            input=question,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise ToolchainError("git isn't installed: compare with a folder (--against DIR)") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OutputError(f"git {words[0]}: {said[0] if said else f'exit status {done.returncode}'}")
    return done.stdout


def _split(answer: bytes) -> list[str]:
    return [word.decode(errors="surrogateescape") for word in answer.split(b"\0") if word]
