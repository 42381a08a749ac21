"""Schemas are made from the code, committed, and say the same as its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ttgen.dtypes import DTYPES
from ttgen.planner.policies import POLICIES
from ttgen.schema.write import schema_files
from ttgen.target import TARGETS

FOLDER = Path("ttgen/schema")


@pytest.mark.parametrize(("name", "text"), list(schema_files()), ids=["spec", "plan"])
def test_committed_files_are_current_and_valid(name: str, text: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == text
    Draft202012Validator.check_schema(json.loads(text))


def spec_schema() -> Any:
    return json.loads((FOLDER / "spec.schema.json").read_text(encoding="utf-8"))


def test_enums_are_tables() -> None:
    properties = spec_schema()["properties"]
    assert properties["target"]["enum"] == list(TARGETS)
    tensor = properties["tensors"]["additionalProperties"]["properties"]
    assert tensor["dtype"]["enum"] == list(DTYPES)
    schedule = next(branch["then"] for branch in properties["schedule"]["allOf"] if branch["if"]["type"] == "object")
    assert set(POLICIES) <= set(schedule["properties"]["policy"]["enum"])


def closed(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(closed(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    return ("properties" not in schema or schema.get("additionalProperties") is False) and all(
        map(closed, schema.values())
    )


def test_every_mapping_is_closed_and_described() -> None:
    for name, text in schema_files():
        assert closed(json.loads(text)), name
    assert all(field["description"] for field in spec_schema()["properties"].values())


@pytest.mark.parametrize("path", sorted(Path("specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_specs_are_valid_for_any_validator(path: Path) -> None:
    Draft202012Validator(spec_schema()).validate(yaml.safe_load(path.read_text()))
