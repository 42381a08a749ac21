"""Grids of cores, and the parts of a tensor that lie on them: rectangles of tiles, one on each core or DRAM bank.

Rows of tiles count through all batches: the first row of the second batch follows the last one of the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Literal

from ttgen.annotations import Doc
from ttgen.records import dataclass

Coordinate = tuple[int, int]
Table = tuple[tuple[int | None, ...], ...]
"""A value of each core: rows are core y, columns core x; None where a core has none."""
Operand = Literal["a", "b", "kv"]
"""The left and the right operand of a contraction, as a schedule calls them."""
GroupShape = Literal["row", "column", "all"]
"""The cores of a rectangle that share an operand with a core: those of its row, of its column, or all."""


@cache
def rectangle(first: Coordinate, last: Coordinate) -> tuple[Coordinate, ...]:
    """The cores of a rectangle, both corners included, row by row."""
    return tuple((x, y) for y in range(first[1], last[1] + 1) for x in range(first[0], last[0] + 1))


def cores_of(tables: Mapping[str, Table]) -> Iterator[tuple[Coordinate, Mapping[str, int]]]:
    """Each core that has entries in some tables, row by row, and the entries."""
    for y, rows in enumerate(zip(*tables.values(), strict=True)):
        for x, values in enumerate(zip(*rows, strict=True)):
            if values[0] is not None:
                yield (x, y), dict(zip(tables, [value or 0 for value in values], strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSize:
    """Rows (y) and columns (x) of cores."""

    rows: int
    cols: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A rectangle of tiles."""

    row: int
    rows: int
    col: int
    cols: int

    def holds(self, row: int, col: int) -> bool:
        """Whether it has a tile."""
        return self.row <= row < self.row + self.rows and self.col <= col < self.col + self.cols

    def pages(self, width: int) -> tuple[int, ...]:
        """The pages of its tiles, row by row, in a tensor that is `width` tiles wide."""
        return tuple(
            row * width + col
            for row in range(self.row, self.row + self.rows)
            for col in range(self.col, self.col + self.cols)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardGrid:
    """Shards of one size, numbered row by row in the tensor, one on each place of a grid that begins at (0, 0)."""

    tiles: Annotated[
        tuple[int, int], Doc("Rows and columns of tiles of a shard; at the tensor's end it may hold fewer.")
    ]
    grid: Annotated[GridSize, Doc("Cores; in DRAM one row of banks.")]
    orientation: Annotated[
        Literal["row_major", "column_major"], Doc("Whether shards go along the rows of the grid or its columns.")
    ]

    def parts(self, rows: int, cols: int) -> Iterator[tuple[Coordinate, Part]]:
        """Each core (or bank, as (bank, 0)) that holds tiles of a tensor of that many, and the tiles that it holds."""
        height, width = self.tiles
        across = -(-cols // width)
        for number in range(-(-rows // height) * across):
            down, right = divmod(number, across)
            part = Part(
                row=down * height,
                rows=min(height, rows - down * height),
                col=right * width,
                cols=min(width, cols - right * width),
            )
            yield self._place(number), part

    def _place(self, number: int) -> Coordinate:
        if self.orientation == "row_major":
            return number % self.grid.cols, number // self.grid.cols
        return number // self.grid.rows, number % self.grid.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """The division of work that shards make: each core has the part of the output that its shard belongs to.

    Attributes:
        lead: the tensor whose shards these are.
        parts: tiles of the output, by core.
        resident: tensors whose shard on each core is all that its part needs.
    """

    lead: str
    parts: Mapping[Coordinate, Part]
    resident: frozenset[str]

    @property
    def part(self) -> Part:
        """The part of some core: all have as many tiles where anything is resident."""
        return next(iter(self.parts.values()))
