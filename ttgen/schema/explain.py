"""What is wrong with a document that the schema refuses: every problem, in the words of a spec, not of JSON Schema.

Only a mistake imports this module: jsonschema is a quarter of all that ttgen could import.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from ttgen.errors import Path, Problem, listing, suggest

_ARTICLES = {"string": "a word", "integer": "a whole number", "object": "a mapping", "array": "a list",
             "boolean": "true or false", "number": "a number"}  # fmt: skip


def problems(schema: Any, document: Any) -> Iterator[Problem]:
    """Everything that a schema has against a document."""
    # A YAML 2.0 is a float: JSON Schema would take it for an integer.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _checker, value: type(value) is int)
    make: Any = extend
    for error in make(Draft202012Validator, type_checker=types)(schema).iter_errors(document):
        yield from _explain(error)


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
