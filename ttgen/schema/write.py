"""Writes the committed schema files: `python -m ttgen.schema.write`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ttgen import resources
from ttgen.model.plan import Plan
from ttgen.schema.generate import document_schema
from ttgen.spec import Spec


def schema_files() -> Iterator[tuple[str, str]]:
    """File name and text of each schema."""
    for name, root, title in (("spec", Spec, "A ttgen kernel spec"), ("plan", Plan, "tt.plan.json of ttgen")):
        yield f"{name}.schema.json", json.dumps(document_schema(root, title=title), indent=2) + "\n"


if __name__ == "__main__":
    for file_name, text in schema_files():
        (resources.folder("schema") / file_name).write_text(text, encoding="utf-8")
