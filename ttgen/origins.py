"""`ttgen.json` of an output folder: which spec each kernel comes from, so that what is left of others is found."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from ttgen.errors import OutputError
from ttgen.names import identifier_problem
from ttgen.output import Change, left_over, read, removal
from ttgen.records import dataclass

FILE: Final = "ttgen.json"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """What rendering means for the folders of an output folder.

    Attributes:
        changes: of `ttgen.json`, and files that go: those of kernels whose spec is gone, or has another kernel now.
        left_over: the kernels that go, each with its spec.
    """

    changes: tuple[Change, ...]
    left_over: Mapping[str, str]


def origins(folder: Path, rendered: Mapping[str, Path], covered: Collection[Path]) -> Origins:
    """Compares what an output folder says of its kernels with what is rendered.

    A kernel is left over where its spec is rendered and has another name, or where the spec doesn't exist any more and
    the folder that it was in is rendered. Kernels of other specs stay what they are.

    Args:
        folder: the output folder.
        rendered: the spec of each kernel that is rendered.
        covered: folders all of whose specs are rendered.

    Raises:
        OutputError: `ttgen.json` can't be read, or isn't ttgen's.
    """
    text = read(folder / FILE)
    before = _parsed(folder / FILE, text)
    here = folder.resolve()
    now = {kernel: _relative(spec, here) for kernel, spec in rendered.items()}
    own, whole = set(now.values()), {path.resolve() for path in covered}
    gone = {}
    for kernel, spec in before.items():
        path = Path(os.path.normpath(here / spec))
        if kernel not in now and (spec in own or (not path.exists() and path.parent in whole)):
            gone[kernel] = spec
    kept = {kernel: spec for kernel, spec in before.items() if kernel not in gone}
    after = json.dumps({"schema_version": _VERSION, "kernels": dict(sorted((kept | now).items()))}, indent=2) + "\n"
    changes = [Change(path=FILE, before=text, after=after), *left_over(folder, {FILE})]
    for kernel in gone:
        changes += removal(folder, kernel)
    return Origins(changes=tuple(changes), left_over=gone)


def _relative(spec: Path, here: Path) -> str:
    """The path of a spec from the output folder, the same on every system."""
    return os.path.relpath(spec.resolve(), here).replace(os.sep, "/")


def _parsed(path: Path, text: str | None) -> Mapping[str, str]:
    """What the file says; nothing where there is none."""
    if text is None:
        return {}
    document: Any = None
    try:
        document = json.loads(text)
        kernels = document["kernels"]
        names_fit = all(identifier_problem(name) is None and isinstance(spec, str) for name, spec in kernels.items())
        if type(document["schema_version"]) is int and names_fit:
            return dict(kernels)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        pass
    raise OutputError(f"{path}: exists, and ttgen didn't write it; move it away, or choose another folder (-o)")
