"""A spec from its file or its text: read, checked against the schema, and structured."""

from __future__ import annotations

from pathlib import Path

from ttgen.schema.validation import validate
from ttgen.source import Source, located, parse, read
from ttgen.spec import LoadedSpec, structure


def load(path: Path) -> LoadedSpec:
    """The spec of a file.

    Raises:
        SpecError: mistakes in the spec, all of one stage.
        OutputError: the file can't be read.
    """
    return _loaded(read(path))


def loads(text: bytes | str, *, name: str) -> LoadedSpec:
    """The spec of a text; `name` is what problems and rendered files call it.

    Raises:
        SpecError: mistakes in the spec, all of one stage.
    """
    return _loaded(parse(text, name=name))


def _loaded(source: Source) -> LoadedSpec:
    with located(source):
        validate(source)
        return structure(source)
