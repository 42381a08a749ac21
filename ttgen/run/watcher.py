"""What each core waits for, from the log of tt-metal's watcher and the kernels of the program that doesn't end.

The log has dumps, one after the other. In each, a core has a line with a word for each of its processors, BRISC, NCRISC
and the three of a compute kernel: where it was last, as `WAYPOINT` in the device headers of 0.81 marks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ttgen.model.body import Reserve, Wait, walk
from ttgen.model.exchange import Await
from ttgen.model.grids import Coordinate
from ttgen.model.plan import Kernel, Program

_DUMP: Final = re.compile(r"^Dump #\d+ at .*?$(?P<cores>.*?)^Dump #\d+ completed", re.MULTILINE | re.DOTALL)
_CORE: Final = re.compile(
    r"^Device \d+ worker core\(x= *(?P<x>\d+),y= *(?P<y>\d+)\)[^:\n]*:(?P<words>(?: *\w+,){4} *\w+)", re.MULTILINE
)
_BARRIERS: Final[Mapping[str, str]] = {
    "NRBW": "its reads", "NWBW": "its writes", "NWFW": "its writes to leave", "NABW": "its increments of semaphores",
}  # fmt: skip
_PLACES: Final[Mapping[str | None, int]] = {"riscv_0": 0, "riscv_1": 1}
_THREADS: Final = ("unpack", "math", "pack")


def waiting(text: str, program: Program) -> tuple[str, ...]:
    """A line a kernel of the first core of those that are alike, and how many are; of the last whole dump in a log."""
    dumps = [match["cores"] for match in _DUMP.finditer(text)]
    found: dict[tuple[str, ...], list[Coordinate]] = {}
    for match in _CORE.finditer(dumps[-1]) if dumps else ():
        core = int(match["x"]), int(match["y"])
        words = [word.strip() for word in match["words"].split(",")]
        kernels = [kernel for kernel in program.kernels if any(core in area.cores() for area in kernel.core_ranges)]
        if kernels:
            found.setdefault(tuple(_line(kernel, words) for kernel in kernels), []).append(core)
    return tuple(_described(found))


def _described(found: Mapping[tuple[str, ...], list[Coordinate]]) -> Iterator[str]:
    for lines, (first, *others) in found.items():
        also = f" and {len(others)} more" if others else ""
        for line in lines:
            yield f"core ({first[0]}, {first[1]}){also}: {line}"


def _line(kernel: Kernel, words: list[str]) -> str:
    if kernel.config is not None:
        # Its waits for buffers have no marks of their own: these are what was last done.
        done = ", ".join(f"{thread} {word}" for thread, word in zip(_THREADS, words[2:], strict=True))
        return f"{kernel.name}, last at {done}"
    word = words[_PLACES[kernel.processor]]
    statements = list(walk(kernel.body))
    match word:
        case "CWFW":
            names = [item.cb for item in statements if isinstance(item, Wait)]
            return f"{kernel.name} waits for pages of {_any(names)}"
        case "CRBW":
            names = [item.cb for item in statements if isinstance(item, Reserve)]
            return f"{kernel.name} waits for room in {_any(names)}"
        case "NSW" | "NSMW":
            names = [item.semaphore for item in statements if isinstance(item, Await)]
            return f"{kernel.name} waits for semaphore {_any(names)}"
        case "D" | "W" | "GW":
            return f"{kernel.name} has ended"
        case _:
            return (
                f"{kernel.name} waits for {_BARRIERS[word]}" if word in _BARRIERS else f"{kernel.name}, last at {word}"
            )


def _any(names: list[str]) -> str:
    return " or ".join(dict.fromkeys(names)) or "something that the plan doesn't have"
