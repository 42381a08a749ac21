"""Patterns: which formulas can be served, and the bodies of their kernels. A pattern is a module and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ttgen.patterns import attention, matmul, rowwise
from ttgen.patterns import map as map_
from ttgen.patterns.pattern import Pattern

PATTERNS: Final[Mapping[str, Pattern]] = {
    "attention": attention.PATTERN,
    "rowwise": rowwise.PATTERN,
    "map": map_.PATTERN,
    "matmul": matmul.PATTERN,
}
"""The first that a graph belongs to serves it."""
