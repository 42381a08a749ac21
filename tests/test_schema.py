"""Schemas are made from the code, committed, and say the same as its tables."""

from __future__ import annotations

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.snapshots import BAD_SPECS
from ttgen.dtypes import DTYPES
from ttgen.errors import SpecError
from ttgen.planner.policies import POLICIES
from ttgen.schema.accept import accepts
from ttgen.schema.explain import problems
from ttgen.schema.write import schema_files
from ttgen.source import parse
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


def documents() -> list[Any]:
    """Of all specs, good and bad ones, that are YAML."""
    found = []
    for path in (*sorted(Path("specs").glob("*.yaml")), *sorted(BAD_SPECS.glob("*.yaml"))):
        try:
            found.append(parse(path.read_bytes(), name="spec.yaml").document)
        except SpecError:
            continue
    return found


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every collection of a document, with each of its keys."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def words(value: Any) -> set[str]:
    """Every key and word of a document."""
    if isinstance(value, dict):
        return set(value).union(*map(words, value.values()))
    return set().union(*map(words, value)) if isinstance(value, list) else {value} if isinstance(value, str) else set()


def test_what_is_accepted_is_what_jsonschema_has_nothing_against() -> None:
    schema, known = spec_schema(), documents()
    draw = random.Random(7)
    vocabulary = [*sorted(words(schema)), "", "_x", "9", "a b"]
    values: list[Any] = [
        None,
        True,
        False,
        0,
        1,
        -1,
        10**30,
        0.0,
        1.0,
        2.5,
        float("inf"),
        float("nan"),
        "",
        [],
        {},
        [[]],
        [{}],
    ]
    judged = {True: 0, False: 0}
    changed = int(os.environ.get("TTGEN_EXAMPLES", "1500"))
    for number in range(len(known) + changed):
        document = copy.deepcopy(known[number % len(known)])
        for _change in range(draw.choice((1, 1, 1, 2, 3)) if number >= len(known) else 0):
            if not (found := places(document)):
                break
            collection, key = draw.choice(found)
            other, its_key = draw.choice(places(draw.choice(known)) or [([1], 0)])
            new = draw.choice([draw.choice(values), draw.choice(vocabulary), copy.deepcopy(other[its_key])])
            match draw.randrange(4), collection:
                case 0, _:
                    del collection[key]
                case 1, dict():
                    collection[draw.choice(vocabulary)] = new
                case 1, _:
                    collection.append(new)
                case _:
                    collection[key] = new
        accepted = accepts(schema, document)
        assert accepted == (not list(problems(schema, document))), document
        judged[accepted] += 1
    assert min(judged.values()) > changed / 8, judged
