"""The keys of tt.plan.json: the fields of the plan's dataclasses, less those that aren't part of the document."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


def document_keys(kind: Any) -> tuple[tuple[str, str, bool], ...]:
    """The keys that a dataclass has in tt.plan.json, their fields, and whether they are left out where nothing is."""
    return tuple(
        (item.metadata.get("key", item.name), item.name, item.default in (None, ()))
        for item in fields(kind)
        if item.metadata.get("document", True)
    )
