"""Two tile programs side by side: the statements that differ, each below the loops and sections that it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from ttgen.model.body import Body, Dst, NumberArg, Op, Tile, children
from ttgen.model.index import Const, Expr, Var, to_cpp
from ttgen.model.plan import Kernel
from ttgen.rendering.artifacts import kernel_code, structure_of
from ttgen.review.model import TextChange
from ttgen.review.side import Side

Line = tuple[int, str]
"""How deep a statement stands, and its words."""


def compare(old: Side, new: Side) -> tuple[TextChange, ...]:
    """What became of each kernel's file."""
    if old.plan is None or new.plan is None:
        return _texts(old.files, new.files)
    before, after = _kernels(old), _kernels(new)
    found = [TextChange(file=file, state="removed") for file in before.keys() - after.keys()]
    for file, kernel in after.items():
        if file not in before:
            found.append(TextChange(file=file, state="new"))
            continue
        other = before[file]
        if kernel.body == other.body:
            alike = kernel_code(structure_of(kernel, new.plan.api)) == kernel_code(structure_of(other, old.plan.api))
            found.append(TextChange(file=file, state="same" if alike else "text"))
        else:
            lines = tuple(_diff([*_lines(other.body, 0)], [*_lines(kernel.body, 0)]))
            found.append(TextChange(file=file, state="statements" if lines else "text", lines=lines))
    return tuple(found)


def _texts(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[TextChange, ...]:
    """The same for output folders, whose statements aren't known."""
    files = [file for file in (*new, *(file for file in old if file not in new)) if file.startswith("kernels/")]
    return tuple(
        TextChange(
            file=file,
            state="new" if file not in old else "removed" if file not in new
            else "same" if _code(old[file]) == _code(new[file]) else "text",
        )
        for file in files
    )  # fmt: skip


def _code(text: str) -> str:
    """A kernel's file without the comments that it begins with."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if not line.startswith("//")), 0)
    return "\n".join(lines[first:])


def _kernels(side: Side) -> dict[str, Kernel]:
    assert side.plan is not None, "statements are known"
    return {kernel.file: kernel for program in side.plan.programs for kernel in program.kernels}


def _lines(body: Body, depth: int) -> Iterator[Line]:
    """Every statement in words, those inside of others deeper."""
    for statement in body:
        yield depth, _words(statement)
        inner = [part for part in children(statement) if part]
        for number, part in enumerate(inner):
            if number:
                yield depth, "pack" if statement.kind == "section" else "else"
            yield from _lines(part, depth + 1)


def _words(statement: Any) -> str:
    """A statement in words: its kind, and what it says."""
    if isinstance(statement, Op):
        return _text(statement)
    parts = []
    for item in fields(statement):
        value = getattr(statement, item.name)
        if item.name != "note" and value is not None and value is not False and not _is_body(value):
            parts.append(f"{item.name}={_text(value)}")
    return " ".join((statement.kind, *parts))


def _is_body(value: Any) -> bool:
    return isinstance(value, tuple) and (not value or hasattr(value[0], "kind"))


def _text(value: Any) -> str:
    """A part of a statement."""
    match value:
        case Const() | Var() | Expr():
            return to_cpp(value)
        case Tile(cb=cb, slot=slot):
            return f"{cb}[{to_cpp(slot)}]"
        case Dst(slot=slot):
            return f"dst[{to_cpp(slot)}]"
        case NumberArg(name=name):
            return name
        case Op(name=name, sources=sources, dst=dst, block=block):
            area = "" if block is None else f" {_text(block)}"
            return f"dst[{to_cpp(dst)}] = {name}({', '.join(_text(source) for source in sources)}){area}"
        case tuple():
            return f"({', '.join(_text(item) for item in value)})"
        case _ if is_dataclass(value):
            named = (f"{item.name}={_text(getattr(value, item.name))}" for item in fields(value))
            return f"({', '.join(named)})"
        case _:
            return str(value)


def _diff(old: list[Line], new: list[Line]) -> Iterator[str]:
    """Lines that went (`-`) and came (`+`), below what they stand in."""
    from difflib import SequenceMatcher

    shown: list[Line] = []
    for tag, first, last, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for parent in _parents(new, begin) if end > begin else _parents(old, first):
            if parent not in shown:
                yield f"  {'  ' * parent[0]}{parent[1]}"
        shown = _parents(new, begin) if end > begin else _parents(old, first)
        yield from (f"- {'  ' * depth}{words}" for depth, words in old[first:last])
        yield from (f"+ {'  ' * depth}{words}" for depth, words in new[begin:end])


def _parents(lines: list[Line], at: int) -> list[Line]:
    """The statements that the one at a place stands in, the outermost first."""
    found: list[Line] = []
    depth = lines[at][0] if at < len(lines) else 0
    for line in reversed(lines[:at]):
        if line[0] < depth:
            found.insert(0, line)
            depth = line[0]
    return found
