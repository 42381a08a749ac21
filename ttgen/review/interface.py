"""What a program that uses a kernel sees of it: tensors in order, how they lie, and the card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from ttgen.review.model import InterfaceChange
from ttgen.review.side import Document

_SEEN: Final[tuple[Literal["role", "shape", "dtype"], ...]] = ("role", "shape", "dtype")


def compare(old: Document, new: Document, names: Mapping[str, str]) -> tuple[InterfaceChange, ...]:
    """What has to be done otherwise.

    Args:
        old: the plan before, with today's names.
        new: the plan now.
        names: tensors that have another name now, by their old one.
    """
    return tuple(_compare(old, new, {now: before for before, now in names.items()}))


def _compare(old: Document, new: Document, names: Mapping[str, str]) -> Iterator[InterfaceChange]:
    def changed(what: Any, tensor: str, before: Any, now: Any) -> InterfaceChange:
        return InterfaceChange(what=what, tensor=tensor, old=_text(before), new=_text(now))

    if old["kernel"] != new["kernel"]:
        yield changed("kernel", "", old["kernel"], new["kernel"])
    if old["schema_version"] != new["schema_version"]:
        yield changed("schema_version", "", old["schema_version"], new["schema_version"])
    if old["target"]["device"] != new["target"]["device"]:
        yield changed("target", "", old["target"]["device"], new["target"]["device"])
    before, now = _tensors(old), _tensors(new)
    for name in (*now, *(name for name in before if name not in now)):
        if name not in before:
            yield changed("new", name, "", _described(now[name]))
        elif name not in now:
            yield changed("removed", name, _described(before[name]), "")
        else:
            if name in names:
                yield changed("name", name, names[name], name)
            for what in _SEEN:
                if before[name][what] != now[name][what]:
                    yield changed(what, name, before[name][what], now[name][what])
            layouts = _layout(before[name]), _layout(now[name])
            if layouts[0] != layouts[1]:
                yield changed("layout", name, *layouts)
    orders = [
        [name for name in order if name in before and name in now] for order in (old["io_order"], new["io_order"])
    ]
    if orders[0] != orders[1]:
        yield changed("order", "", ", ".join(orders[0]), ", ".join(orders[1]))


def _tensors(document: Document) -> dict[str, Mapping[str, Any]]:
    return {tensor["name"]: tensor for tensor in document["tensors"] if tensor["role"] != "scratch"}


def _layout(tensor: Mapping[str, Any]) -> str:
    """Where a tensor lies, and in which shards."""
    text = _text(tensor["layout"])
    if "mesh" in tensor:
        text = f"{text}, on the mesh {_text(tensor['mesh'])}"
    return text if tensor["layout"] != "dram_sharded" else f"{text} {_text(tensor['shards'])}"


def _described(tensor: Mapping[str, Any]) -> str:
    return f"{tensor['role']} {_text(tensor['shape'])} {tensor['dtype']}"


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        return "x".join(str(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")
