"""A document against the committed schema: every problem, in the words of a spec rather than of JSON Schema."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from ttgen import resources
from ttgen.errors import Path, Problem, SpecError, listing, refuse, suggest
from ttgen.source import Source

_ARTICLES = {"string": "a word", "integer": "a whole number", "object": "a mapping", "array": "a list",
             "boolean": "true or false", "number": "a number"}  # fmt: skip


def schema_text(name: str) -> str:
    """The committed schema `spec` or `plan`."""
    return (resources.folder("schema") / f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def _validator() -> Any:
    # A YAML 2.0 is a float: JSON Schema would take it for an integer. Compiled once a process, and not checked
    # against the meta schema, which takes longer than a spec does: a test does that.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _checker, value: type(value) is int)
    make: Any = extend
    return make(Draft202012Validator, type_checker=types)(json.loads(schema_text("spec")))


def validate(source: Source) -> None:
    """Refuses a document that is no spec.

    Raises:
        SpecError: all problems.
    """
    if source.document is None:
        raise refuse("the file is empty: a spec has 'kernel', 'tensors' and 'compute'")
    problems = [problem for error in _validator().iter_errors(source.document) for problem in _explain(error)]
    if problems:
        raise SpecError(problems)


def _explain(error: ValidationError) -> list[Problem]:
    """The problems behind one error of the validator."""
    path: Path = tuple(error.absolute_path)
    schema: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "enum" and not isinstance(error.instance, str):
        return []  # its type is a problem of its own
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", ()))
        instance: Any = error.instance
        unknown = [key for key in instance if key not in known]
        return [
            Problem(
                message=f"unknown key '{key}'{suggest(str(key), known) or f': {listing(known)} can stand here'}",
                path=(*path, key),
                at_key=True,
            )
            for key in unknown
        ]
    if error.validator == "required":
        given: Any = error.instance
        missing = [key for key in schema["required"] if key not in given]
        # jsonschema reports each missing key by itself: keep the one that this error is about.
        own = next((key for key in missing if f"'{key}'" in error.message), missing[0])
        return [Problem(message=f"'{own}' is missing{_of(path)}", path=path, at_key=True)]
    return [Problem(message=_message(error, schema, path), path=path)]


def _of(path: Path) -> str:
    return f" in '{path[-1]}'" if path else ": every spec has it"


def _message(error: ValidationError, schema: dict[str, Any], path: Path) -> str:
    value = error.instance
    noun = schema.get("title") or (str(path[-1]) if path and isinstance(path[-1], str) else "value")
    match error.validator:
        case "enum":
            words = schema["enum"]
            known = f"known: {listing(words)}{', ' + schema['$comment'] if '$comment' in schema else ''}"
            return f"unknown {noun} '{value}'{suggest(str(value), words)} ({known})"
        case "type":
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            expected = listing(_ARTICLES[kind] for kind in kinds)
            if not path:
                return f"a spec is a mapping of keys such as 'kernel', not {_given(value)}"
            return f"{noun}: expected {expected}, not {_given(value)}"
        case "minimum":
            return f"{noun}: {value} is less than {schema['minimum']}"
        case "maximum":
            return f"{noun}: {value} is more than {schema['maximum']}"
        case "minItems" | "minProperties":
            return f"{noun}: empty; at least one is needed"
        case "pattern":
            return f"{noun}: '{value}' is not a name (letters, digits and '_', beginning with a letter)"
        case _:
            return error.message


def _given(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the word '{value}'"
        case float():
            return f"{value:g}" if not value.is_integer() else f"{value:.1f}"
        case int():
            return str(value)
        case dict():
            return "a mapping"
        case _:
            return "a list"
