"""Policy `rectangular`: a rectangle of cores over the work grid, round robin along both axes."""

from __future__ import annotations

from ttgen.planner.policies.split import Rectangle


def split(grid_x: int, grid_y: int, rows: int, cols: int) -> Rectangle:
    """Deals unit columns to at most `cols` columns of cores, and unit rows to at most `rows` rows of them."""
    used_rows, used_cols = min(rows, grid_y), min(cols, grid_x)
    return Rectangle(
        x_counts=tuple(-(-(grid_x - col) // used_cols) for col in range(used_cols)),
        y_counts=tuple(-(-(grid_y - row) // used_rows) for row in range(used_rows)),
    )
