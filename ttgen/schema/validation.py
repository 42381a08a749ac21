"""A document against the committed schema: accepted here, or explained by `explain`."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ttgen import resources
from ttgen.errors import SpecError, refuse
from ttgen.schema.accept import accepts
from ttgen.source import Source


def schema_text(name: str) -> str:
    """The committed schema `spec` or `plan`."""
    return (resources.folder("schema") / f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def _schema() -> Any:
    return json.loads(schema_text("spec"))


def validate(source: Source) -> None:
    """Refuses a document that is no spec.

    Raises:
        SpecError: all problems.
    """
    if source.document is None:
        raise refuse("the file is empty: a spec has 'kernel', 'tensors' and 'compute'")
    if accepts(_schema(), source.document):
        return
    from ttgen.schema.explain import problems

    if found := list(problems(_schema(), source.document)):
        raise SpecError(found)
