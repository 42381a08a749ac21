"""Dataclasses and their annotations to JSON Schema.

A field that is a word or a mapping becomes one `if`/`then` for each kind of value, never `oneOf`: a mistake then
gives one error, in the branch that its author meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ttgen.annotations import Doc

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_KINDS = {str: "string", int: "integer", bool: "boolean", float: "number", NoneType: "null"}


def document_schema(root: type, *, title: str) -> Schema:
    """The schema of a document whose root is the dataclass `root`."""
    return {"$schema": DRAFT, "title": title, **_schema(root, Doc(""))}


def _schema(hint: Any, doc: Doc) -> Schema:
    """The schema of a type, with the bounds of the field that it belongs to."""
    if get_origin(hint) is Annotated:
        inner, own = get_args(hint)[:2]
        return _schema(inner, own)
    if get_origin(hint) in (Union, UnionType):
        return _union(list(get_args(hint)), doc)
    if get_origin(hint) is Literal:
        return _described({"type": "string", "enum": list(get_args(hint))}, doc, noun=True)
    if is_dataclass(hint):
        return _mapping(hint)
    if get_origin(hint) is Mapping:
        return _table(get_args(hint)[1], doc)
    if get_origin(hint) is tuple:
        return _list(get_args(hint), doc)
    if hint is str:
        return _described({"type": "string", **({"pattern": doc.pattern} if doc.pattern else {})}, doc, noun=True)
    if hint in (int, float) and doc.minimum is not None:
        most = {} if doc.maximum is None else {"maximum": doc.maximum}
        return _described({"type": _KINDS[hint], "minimum": doc.minimum, **most}, doc, noun=True)
    return _described({"type": _KINDS[hint]}, doc, noun=hint is not NoneType)


def _described(schema: Schema, doc: Doc, *, noun: bool = False) -> Schema:
    if noun and doc.noun:
        return {**schema, "title": doc.noun}
    return schema


def _table(value: Any, doc: Doc) -> Schema:
    least = {"minProperties": doc.least} if doc.least else {}
    return {"type": "object", "additionalProperties": _schema(value, doc), **least}


def _list(arguments: tuple[Any, ...], doc: Doc) -> Schema:
    least = {"minItems": doc.least} if doc.least else {}
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], doc), **least}
    items = [_schema(item, doc) for item in arguments]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _mapping(hint: Any) -> Schema:
    hints = get_type_hints(hint, include_extras=True)
    properties: Schema = {}
    for item in document_fields(hint):
        doc = field_doc(hints[item.name])
        accepted = without_none(hints[item.name]) if item.default is None else hints[item.name]
        schema = _schema(accepted, doc)
        properties[key_of(item)] = {**_descriptions(item, doc), **schema}
    required = [key_of(item) for item in document_fields(hint) if is_required(item)]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": properties,
    }


def _descriptions(item: Field[Any], doc: Doc) -> Schema:
    """What a key means; and for editors that show Markdown, its default and an example."""
    if not doc.text:
        return {}
    more = []
    if isinstance(item.default, (str, int, float)):
        more.append(f"Default: `{str(item.default).lower() if isinstance(item.default, bool) else item.default}`.")
    if doc.example:
        more.append(f"Such as `{doc.example}`.")
    shown = {"markdownDescription": f"{doc.text}\n\n{' '.join(more)}"} if more else {}
    return {"description": doc.text, **shown}


def _union(members: list[Any], doc: Doc) -> Schema:
    if len(members) == 1:
        return _schema(members[0], doc)
    words = [word for member in members if get_origin(member) is Literal for word in get_args(member)]
    if not words and all(member in _KINDS for member in members):
        # Bounds of JSON Schema hold for the kinds that they apply to: no branches are needed.
        merged: Schema = {}
        for member in members:
            merged |= _schema(member, doc)
        return {**merged, "type": sorted(_KINDS[member] for member in members)}
    branches: dict[str, Schema] = {}
    if words:
        branches["string"] = _schema(Literal[tuple(words)], doc)
    mappings = [_schema(member, doc) for member in members if is_dataclass(member)]
    if mappings:
        branches["object"] = mappings[0] if len(mappings) == 1 else {"type": "object", "anyOf": mappings}
        if words:
            keys = " or ".join(key for mapping in mappings for key in mapping["properties"])
            branches["string"]["$comment"] = f"or a mapping with {keys}"
    for member in members:
        if get_origin(member) is not Literal and not is_dataclass(member):
            schema = _schema(member, doc)
            branches[schema["type"]] = schema
    if len(branches) == 1:
        return next(iter(branches.values()))
    return _described({
        "type": sorted(branches),
        "allOf": [
            {"if": {"type": kind}, "then": schema} for kind, schema in sorted(branches.items())
        ],
    }, doc, noun=True)  # fmt: skip


def without_none(hint: Any) -> Any:
    """The type of a field that is None where the document leaves it out."""
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    members = tuple(member for member in get_args(inner) if member is not NoneType)
    return Union[members]  # noqa: UP007 - the members are a run-time tuple


def key_of(item: Field[Any]) -> str:
    """The key of a field in its document."""
    return str(item.metadata.get("key", item.name))


def document_fields(hint: Any) -> list[Field[Any]]:
    """The fields of a dataclass that belong to its document."""
    return [item for item in fields(hint) if item.metadata.get("document", True)]


def is_required(item: Field[Any]) -> bool:
    """Whether a document must have this field."""
    return item.default is MISSING and item.default_factory is MISSING


def field_doc(hint: Any) -> Doc:
    """The annotation of a field; an empty one where it has none."""
    if get_origin(hint) is Annotated:
        return next((item for item in get_args(hint)[1:] if isinstance(item, Doc)), Doc(""))
    return Doc("")
