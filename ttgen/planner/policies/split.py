"""Which units each core makes."""

from __future__ import annotations

from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Core i makes units `starts[i] + j * step` for j below `counts[i]`; cores without work are left out."""

    starts: tuple[int, ...]
    counts: tuple[int, ...]
    step: int

    @property
    def cores(self) -> int:
        """Cores with work."""
        return len(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Core (x, y) makes unit columns x, x + columns of cores, …, `x_counts[x]` of them, and rows likewise."""

    x_counts: tuple[int, ...]
    y_counts: tuple[int, ...]
