"""What a team doesn't let pass: `--fail-on "values,interface,cost>5%,l1>90%"`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, get_args

from ttgen.errors import UserError, listing, suggest
from ttgen.records import dataclass
from ttgen.review.model import CostName, Review
from ttgen.review.text import growth_text

_VERDICTS: Final = ("values", "rounding", "interface")
_SHORT: Final[Mapping[str, tuple[CostName, ...]]] = {
    "cost": get_args(CostName), "dram_read": ("dram_read_bytes",), "dram_write": ("dram_write_bytes",),
    "noc": ("noc_bytes",), "products": ("tile_products",), "kernels": ("kernel_bytes",), "time": ("time_us",),
}  # fmt: skip
WORDS: Final = (*_VERDICTS, *(f"{name}>N%" for name in _SHORT), "l1>N%")
"""All that can be said, with N for a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Something that fails a comparison.

    Attributes:
        text: as it was given.
        name: `values`, `rounding`, `interface`, `l1`, or a cost.
        most: the largest growth, or part of L1, that passes.
    """

    text: str
    name: str
    most: float = 0.0


def parse(text: str) -> tuple[Gate, ...]:
    """The gates of a list.

    Raises:
        UserError: a word that is none.
    """
    return tuple(_gate(word.strip()) for word in text.split(",") if word.strip())


def _gate(word: str) -> Gate:
    if word in _VERDICTS:
        return Gate(text=word, name=word)
    match = re.fullmatch(r"(\w+)>(\d+(?:\.\d+)?)%", word)
    if match and (match[1] in _SHORT or match[1] == "l1"):
        return Gate(text=word, name=match[1], most=float(match[2]) / 100)
    known = suggest(re.split("[^a-z0-9_]", word)[0], (*_VERDICTS, *_SHORT, "l1"))
    raise UserError(f"'{word}' is nothing to fail on{known or f': {listing(WORDS)}'}")


def failures(review: Review, gates: Sequence[Gate]) -> Iterator[tuple[Gate, str]]:
    """The gates that a kernel doesn't pass, and why; what is new or removed changes no values and no interface."""
    for gate in gates:
        for why in _failures(review, gate):
            yield gate, why


def _failures(review: Review, gate: Gate) -> Iterator[str]:
    match gate.name:
        case "values":
            if review.values in ("formula", "unknown"):
                yield review.verdict if review.values == "formula" else "its values aren't known"
        case "rounding":
            if review.values == "rounding":
                yield "rounding may differ"
        case "interface":
            if review.interface or review.change == "removed":
                yield "removed" if review.change == "removed" else _interface(review)
        case "l1":
            l1 = review.cost("l1_bytes")
            if l1 is not None and l1.new is not None and review.l1_limit and l1.new > gate.most * review.l1_limit:
                yield f"L1 {l1.new / review.l1_limit:.1%} of {review.l1_limit:,} B"
        case _:
            for name in _SHORT[gate.name]:
                cost = review.cost(name)
                if cost is not None and cost.growth is not None and cost.growth > gate.most:
                    yield f"{name} {growth_text(cost)}"


def _interface(review: Review) -> str:
    first, *others = review.interface
    more = f" and {len(others)} more" if others else ""
    return f"{first.tensor} {first.what}{more}".strip()
