"""Single-line faults in rendered programs: what one is, and its text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import ttgen
from tests.sizes import smaller
from ttgen.model.artifact import Artifact


@cache
def rendered(spec: str) -> tuple[Artifact, ...]:
    """What is rendered for a spec, at the size of the table where it has a smaller one."""
    return ttgen.render(ttgen.plan(smaller(spec)))


@dataclass(frozen=True)
class Mutant:
    """A text of one file that is replaced, once; more than one for a statement that moves."""

    what: str
    spec: str
    file: str
    old: str
    new: str
    name: str
    """Of the first finding."""
    more: tuple[tuple[str, str], ...] = ()

    def files(self) -> tuple[Artifact, ...]:
        """The rendered files, one of them with the fault."""
        return tuple(self._changed(file) for file in rendered(self.spec))

    def _changed(self, file: Artifact) -> Artifact:
        if self.file not in (file.path, file.path.split("/", 1)[1]):
            return file
        text = file.text
        for old, new in ((self.old, self.new), *self.more):
            assert old in text, f"{file.path} has no {old}"
            text = text.replace(old, new, 1)
        return Artifact(file.path, text)


def fault(
    what: str, spec: str, file: str, old: str, new: str, name: str, more: tuple[tuple[str, str], ...] = ()
) -> Mutant:
    hosts = {"plan": "host/program.cpp", "main": "host/main.cpp", "host": "host/tensor_io.cpp"}
    path = hosts.get(file, f"kernels/{file}.cpp")
    return Mutant(what, spec, path, old, new, name, more)
