"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ttgen.formats import documents, lines
from ttgen.formats.markdown import markdown
from ttgen.formats.report import Report

FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {
    "concise": lambda report: "\n".join(lines.concise(report)) + "\n",
    "github": lambda report: "\n".join(lines.github(report)) + "\n",
    "gitlab": documents.gitlab,
    "sarif": documents.sarif,
    "junit": documents.junit,
    "json": documents.as_json,
    "md": markdown,
}
"""All but `full`, which is each command's own."""
