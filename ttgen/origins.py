"""`ttgen.json` of an output folder: what each kernel comes from.

That is the file of its spec, so that what is left of others is found, and digests of the spec and of the kernel's
files, so that a file that differs can be told to be edited by hand, of an earlier spec, or of another ttgen.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from ttgen.errors import OutputError
from ttgen.names import identifier_problem
from ttgen.output import Change, left_over, read, removal
from ttgen.records import dataclass

FILE: Final = "ttgen.json"
_VERSION: Final = 1

Reason = Literal["edited", "spec", "ttgen", "unknown"]


class Digests(NamedTuple):
    """Of the spec that a kernel was rendered from, and of the files that were written."""

    spec: str
    files: str


class Made(NamedTuple):
    """A kernel that is rendered: its spec's file, and digests."""

    spec: Path
    digests: Digests


class Known(NamedTuple):
    """What an output folder says of its kernels: specs, relative to it, and digests, of as many as it has."""

    specs: Mapping[str, str]
    digests: Mapping[str, Digests]


def spec_digest(raw: bytes) -> str:
    """Of a spec's text, whichever way its lines end."""
    return hashlib.blake2b(raw.replace(b"\r\n", b"\n"), digest_size=8).hexdigest()


def files_digest(files: Iterable[tuple[str, str]]) -> str:
    """Of the paths and texts of a kernel's files, whichever way their lines end."""
    found = hashlib.blake2b(digest_size=8)
    for path, text in sorted(files):
        found.update(f"{path}\0{text}\0".replace("\r\n", "\n").encode(errors="surrogateescape"))
    return found.hexdigest()


def reasons(known: Digests | None, spec: str, files: str) -> tuple[Reason, ...]:
    """Why files aren't what their spec says.

    Args:
        known: digests of when they were written.
        spec: the digest of the spec as it is.
        files: that of the files as they are.
    """
    if known is None:
        return ("unknown",)
    found: list[Reason] = []
    if known.spec != spec:
        found.append("spec")
    if known.files != files:
        found.append("edited")
    return tuple(found) or ("ttgen",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """What rendering means for the folders of an output folder.

    Attributes:
        changes: of `ttgen.json`, and files that go: those of kernels whose spec is gone, or has another kernel now.
        left_over: the kernels that go, each with its spec.
        before: what the folder said.
    """

    changes: tuple[Change, ...]
    left_over: Mapping[str, str]
    before: Known


def origins(folder: Path, rendered: Mapping[str, Made], covered: Collection[Path]) -> Origins:
    """Compares what an output folder says of its kernels with what is rendered.

    A kernel is left over where its spec is rendered and has another name, or where the spec doesn't exist any more and
    the folder that it was in is rendered. Kernels of other specs stay what they are.

    Args:
        folder: the output folder.
        rendered: each kernel that is rendered.
        covered: folders all of whose specs are rendered.

    Raises:
        OutputError: `ttgen.json` can't be read, or isn't ttgen's.
    """
    text = read(folder / FILE)
    known = parsed(folder / FILE, text)
    before = known.specs
    here = folder.resolve()
    now = {kernel: _relative(made.spec, here) for kernel, made in rendered.items()}
    own, whole = set(now.values()), {path.resolve() for path in covered}
    gone = {}
    for kernel, spec in before.items():
        path = Path(os.path.normpath(here / spec))
        if kernel not in now and (spec in own or (not path.exists() and path.parent in whole)):
            gone[kernel] = spec
    kept = {kernel: spec for kernel, spec in before.items() if kernel not in gone}
    digests = {kernel: known.digests[kernel] for kernel in kept if kernel in known.digests}
    digests |= {kernel: made.digests for kernel, made in rendered.items()}
    after = _text(kept | now, digests)
    changes = [Change(path=FILE, before=text, after=after), *left_over(folder, {FILE})]
    for kernel in gone:
        changes += removal(folder, kernel)
    return Origins(changes=tuple(changes), left_over=gone, before=known)


def _text(specs: Mapping[str, str], digests: Mapping[str, Digests]) -> str:
    """The file: a line a kernel, and another one for its digests, so that two branches rarely change the same."""
    lines = [
        [f"    {json.dumps(kernel)}: {json.dumps(value)}" for kernel, value in sorted(items)]
        for items in (specs.items(), ((kernel, found._asdict()) for kernel, found in digests.items()))
    ]
    parts = ("{\n" + ",\n".join(found) + "\n  }" if found else "{}" for found in lines)
    return f'{{\n  "schema_version": {_VERSION},\n  "kernels": {next(parts)},\n  "digests": {next(parts)}\n}}\n'


def _relative(spec: Path, here: Path) -> str:
    """The path of a spec from the output folder, the same on every system."""
    return os.path.relpath(spec.resolve(), here).replace(os.sep, "/")


def parsed(path: Path, text: str | None) -> Known:
    """What the file says; nothing where there is none.

    Raises:
        OutputError: it isn't ttgen's.
    """
    if text is None:
        return Known({}, {})
    document: Any = None
    try:
        document = json.loads(text)
        kernels = document["kernels"]
        names_fit = all(identifier_problem(name) is None and isinstance(spec, str) for name, spec in kernels.items())
        digests = {
            name: Digests(str(found["spec"]), str(found["files"]))
            for name, found in document.get("digests", {}).items()
        }
        if type(document["schema_version"]) is int and names_fit:
            return Known(dict(kernels), digests)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        pass
    raise OutputError(f"{path}: exists, and ttgen didn't write it; move it away, or choose another folder (-o)")
