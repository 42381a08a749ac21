"""Where changes come from: the lines of a spec that say something else, and the decisions that are others now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ttgen.errors import Path
from ttgen.review.model import Cause, DecisionChange
from ttgen.review.side import Document
from ttgen.spec import LoadedSpec


def of_spec(old: LoadedSpec, new: LoadedSpec, names: Mapping[str, str], file: str) -> tuple[Cause, ...]:
    """The lines of a spec that say something else.

    Args:
        old: the spec before, with today's names.
        new: the spec now.
        names: tensors that have another name now, by their old one.
        file: what the spec's file is called.
    """
    found = [
        Cause(kind="spec", file=file, line=_line(new, ("tensors", now)), text=f"tensors: {before} is {now} now")
        for before, now in names.items()
        if now in new.spec.tensors
    ]
    for path, before, now in _differences(old.source.document, new.source.document, ()):
        name = ".".join(str(step) for step in path)
        found.append(Cause(kind="spec", file=file, line=_line(new, path), text=f"{name}: {before} -> {now}"))
    return tuple(found)


def _line(loaded: LoadedSpec, path: Path) -> int | None:
    """The line, from 1, of a value or of the nearest that it would stand in."""
    places = loaded.source.places
    while path and path not in places:
        path = path[:-1]
    if not path:
        return None
    place = places[path]
    return (place.key[0] if place.key else place.line) + 1


def _differences(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    """The smallest parts of two documents that differ: where, and both values; a default where nothing is said."""
    if type(old) is type(new) and isinstance(new, dict):
        for key in (*new, *(key for key in old if key not in new)):
            if key not in old:
                yield (*path, key), "(default)", _text(new[key])
            elif key not in new:
                yield (*path, key), _text(old[key]), "(default)"
            else:
                yield from _differences(old[key], new[key], (*path, key))
    elif isinstance(new, list) and isinstance(old, list) and len(old) == len(new) and isinstance(new[0], str):
        for index, both in enumerate(zip(old, new, strict=True)):
            yield from _differences(*both, (*path, index))
    elif old != new:
        yield path, _text(old), _text(new)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace('"', "")


def decisions(old: Document, new: Document) -> tuple[DecisionChange, ...]:
    """The decisions that are others, new, or gone; the same decision for another reason isn't one."""
    before, now = _by_name(old), _by_name(new)
    found = []
    for name in (*now, *(name for name in before if name not in now)):
        values = [[item["value"] for item in side.get(name, [])] for side in (before, now)]
        if values[0] != values[1]:
            last = (now.get(name) or before[name])[-1]
            found.append(
                DecisionChange(
                    name=name,
                    old="; ".join(values[0]),
                    new="; ".join(values[1]),
                    origin=last["from"] if name in now else "",
                    because=last["because"] if name in now else "",
                )
            )
    return tuple(found)


def _by_name(document: Document) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for item in document["decisions"]:
        found.setdefault(item["name"], []).append(item)
    return found
