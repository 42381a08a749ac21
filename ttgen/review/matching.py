"""Which spec of one revision became which of another: by kernel, by file, or by what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ttgen.errors import SpecError
from ttgen.review.model import Change
from ttgen.source import parse


class Pair(NamedTuple):
    """A spec before and now, by path; None where there was none, or there is none any more."""

    old: str | None
    new: str | None
    change: Change


def match(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> tuple[Pair, ...]:
    """Pairs of specs, of those that differ.

    A kernel that is in both is the same one, wherever its file is. Of others, those of one path are: the kernel has
    another name. So are those that say the same but for the kernel's name.

    Args:
        old: specs that aren't there any more, or are otherwise, by path.
        new: those that are there now and weren't, or were otherwise.
    """
    before, now = ({path: _document(raw, path) for path, raw in side.items()} for side in (old, new))
    left, found = dict(before), dict[str, Pair]()
    for path, document in now.items():
        kernel = _kernel(document)
        same = [other for other in left if kernel is not None and _kernel(left[other]) == kernel]
        if same:
            other = path if path in same else same[0]
            del left[other]
            found[path] = Pair(other, path, "changed" if other == path else "moved")
    for path, document in now.items():
        if path in found:
            continue
        alike = [other for other in left if _anonymous(left[other]) == _anonymous(document)]
        other_path = path if path in left else next(iter(alike), None)
        if other_path is not None:
            renamed = _kernel(left.pop(other_path)) is not None and _kernel(document) is not None
            found[path] = Pair(other_path, path, "renamed" if renamed else "changed")
        else:
            found[path] = Pair(None, path, "new")
    return (*(found[path] for path in now), *(Pair(path, None, "removed") for path in left))


def _document(raw: bytes, name: str) -> Any:
    """What a spec says; nothing where it can't be read."""
    try:
        return parse(raw, name=name).document
    except SpecError:
        return None


def _kernel(document: Any) -> str | None:
    kernel = document.get("kernel") if isinstance(document, dict) else None
    return kernel if isinstance(kernel, str) else None


def _anonymous(document: Any) -> Any:
    """What a spec says beside its kernel's name; what can't be read is like nothing else."""
    return {**document, "kernel": ""} if isinstance(document, dict) else object()
