"""Pieces of formula text: how strongly each binds, how many dimensions its value has, and how numbers are spelt."""

from __future__ import annotations

import re
import struct
from typing import Final

from ttgen.records import dataclass

COMPARED, ADDED, PRODUCT, MULTIPLIED, NEGATED, ATOM = range(3, 9)
"""How strongly operators bind; a matrix product stands in parentheses beside other products."""

INFIX: Final = {
    "add": ("+", ADDED), "sub": ("-", ADDED), "mul": ("*", MULTIPLIED), "div": ("/", MULTIPLIED), "gt": (">", COMPARED),
    "ge": (">=", COMPARED), "lt": ("<", COMPARED), "le": ("<=", COMPARED), "eq": ("==", COMPARED),
}  # fmt: skip
CALLED: Final = frozenset(
    "abs erf exp gelu log maximum minimum relu rsqrt sigmoid sign silu softplus sqrt square tanh".split()
)
"""Functions of values alone."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a formula.

    Attributes:
        text: as it is written.
        level: how strongly it binds.
        rank: the dimensions of its value.
    """

    text: str
    level: int
    rank: int

    def within(self, least: int) -> str:
        """Its text, in parentheses where it binds less than it has to."""
        return self.text if self.level >= least else f"({self.text})"


def infix(name: str, left: Phrase, right: Phrase) -> Phrase:
    """Two values with an operator between them."""
    sign, level = INFIX[name]
    # What stands on the right of these binds more: a - (b - c).
    least = level + (name in ("sub", "div") or level == COMPARED)
    return Phrase(f"{left.within(level)} {sign} {right.within(least)}", level, max(left.rank, right.rank))


def call(name: str, *operands: Phrase, how: str = "") -> Phrase:
    """A function of values."""
    return Phrase(
        f"{name}({', '.join(item.text for item in operands)}{how})", ATOM, max(item.rank for item in operands)
    )


def spelt(value: float) -> str:
    """A number with as few digits as float32 needs.

    Raises:
        OverflowError: it is beyond float32.
    """
    if value == int(value) and abs(value) < 2**24:
        return str(int(value))
    exact = struct.pack("<f", value)
    text = next(text for digits in range(1, 18) if struct.pack("<f", float(text := f"{value:.{digits}g}")) == exact)
    return re.sub(r"e([+-])0*", r"e\1", text)
