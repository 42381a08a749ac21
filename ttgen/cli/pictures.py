"""Pictures of a plan in text: the cores as a map of their work, bars of L1 and of the predicted time.

Without colour all is said by plain characters; colours repeat it. No line is wider than the terminal.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import Final, NamedTuple

from ttgen.cli import terminal
from ttgen.cost import Prediction
from ttgen.errors import counted
from ttgen.model.grids import Coordinate
from ttgen.model.plan import Program
from ttgen.target import Grid

_INDENT: Final = "  "
_WIDEST: Final = 80
"""Bars get no wider than this."""
_WORK: Final = "-=+*#%@"
"""From little work to much."""
_PARTS: Final[Mapping[str, str]] = {"launch": "l", "fill": "f", "steps": "s", "turns": "u", "tail": "t"}


class Part(NamedTuple):
    """A part of a bar: the letter that it is drawn with, and how much it is."""

    letter: str
    amount: float


def heat_map(program: Program, grid: Grid) -> Iterator[str]:
    """The cores as they lie, and the work of each: the more of the busiest core's, the denser the character."""
    units = {core: program.units_of(values) for core, values in program.cores()}
    busiest = max(units.values())
    paint = terminal.shaded(sys.stdout)
    marks = {number: _WORK[_level(number, busiest)] if number else "." for number in {0, *units.values()}}
    yield "work of each core (rows are core y, columns core x)"
    for y in range(grid.rows):
        row = (units.get((x, y), 0) for x in range(grid.cols))
        yield f"{_INDENT}{y:>2} | {''.join(paint(marks[number] * 2, number / busiest) for number in row)}"
    yield _legend(units, marks, grid.cores - len(units))


def _level(number: int, busiest: int) -> int:
    return (number * len(_WORK) - 1) // busiest


def _legend(units: Mapping[Coordinate, int], marks: Mapping[int, str], idle: int) -> str:
    """What each character stands for, and on how many cores."""
    cores = Counter(marks[number] for number in units.values())
    texts = []
    for mark, number in sorted(cores.items(), key=lambda item: -_WORK.find(item[0])):
        held = sorted(value for value in set(units.values()) if marks[value] == mark)
        many = f"{held[0]}" if len(held) == 1 else f"{held[0]} to {held[-1]}"
        if mark != ".":
            texts.append(f"{mark} {many} {'unit' if held == [1] else 'units'} ({counted(number, 'core')})")
    nothing = idle + cores["."]
    if nothing:
        texts.append(f". no work ({counted(nothing, 'core')})")
    return f"{_INDENT}{'; '.join(texts)}"


def l1_bar(program: Program) -> Iterator[str]:
    """What takes L1 of a core, up to what may be taken; each buffer with the letter of its line."""
    limit = program.l1.limit
    own = buffer_letters(program)
    sizes = {
        buffer.name: buffer.pages * buffer.page_bytes
        for buffer in program.circular_buffers if buffer.name in own
    }  # fmt: skip
    parts = [Part(own[name], size) for name, size in sizes.items()]
    if tensors := program.l1.bytes - sum(sizes.values()):
        parts.append(Part("T", tensors))
    yield f"{_INDENT}L1: {program.l1.bytes:,} of {limit:,} B ({program.l1.bytes / limit:.0%})"
    yield bar(parts, limit)


def buffer_letters(program: Program) -> Mapping[str, str]:
    """A letter for each buffer, but those that lie on the shards of tensors or in the memory of others."""
    letters = ascii_uppercase.replace("T", "")
    elsewhere = {**program.resident(), **program.guests()}
    own = [buffer.name for buffer in program.circular_buffers if buffer.name not in elsewhere]
    return {name: letters[number % len(letters)] for number, name in enumerate(own)}


def time_bar(prediction: Prediction) -> Iterator[str]:
    """The parts of the predicted time, one after another."""
    clock = prediction.clock_ghz * 1000
    whole = prediction.device_cycles
    taken = {name: cycles for name, cycles in prediction.parts.items() if cycles}
    yield "predicted time"
    yield (
        f"{_INDENT}{prediction.device_us:.1f} us on the device, {prediction.host_us:.1f} us for the host; "
        f"waits for {prediction.binding}; at least {prediction.bound_us:.1f} us ({prediction.bound.limit})"
    )
    yield bar([Part(_PARTS[name], cycles) for name, cycles in taken.items()], whole)
    paint = terminal.hued(sys.stdout)
    for number, (name, cycles) in enumerate(taken.items()):
        yield f"{_INDENT}{paint(_PARTS[name], number)} {name} {cycles / clock:.1f} us ({cycles / whole:.0%})"


def bar(parts: Sequence[Part], whole: float) -> str:
    """Parts of a whole as runs of their letters, each at least one long; dots are the rest."""
    width = max(min(terminal.columns(), _WIDEST) - len(_INDENT) - 2, len(parts) + 1)
    paint = terminal.hued(sys.stdout)
    lengths = [max(1, round(part.amount * width / whole)) for part in parts]
    taken = max(len(parts), round(sum(part.amount for part in parts) * width / whole))
    if parts:
        # What was rounded, or drawn longer than it is, is the longest one's.
        lengths[lengths.index(max(lengths))] += taken - sum(lengths)
    drawn = "".join(
        paint(part.letter * length, number) for number, (part, length) in enumerate(zip(parts, lengths, strict=True))
    )
    return f"{_INDENT}[{drawn}{'.' * (width - taken)}]"
