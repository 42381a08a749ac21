"""Policy `strided`: core i makes units i, i + cores, i + 2 * cores, …."""

from __future__ import annotations

from ttgen.planner.policies.split import Split


def split(units: int, cores: int) -> Split:
    """Deals `units` to at most `cores` cores, round robin."""
    used = min(cores, units)
    counts = tuple(-(-(units - core) // used) for core in range(used))
    return Split(starts=tuple(range(used)), counts=counts, step=used)
