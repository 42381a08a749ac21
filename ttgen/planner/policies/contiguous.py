"""Policy `contiguous`: core i makes a run of units, the remainder one each for the first cores."""

from __future__ import annotations

from ttgen.planner.policies.split import Split


def split(units: int, cores: int) -> Split:
    """Deals `units` to at most `cores` cores; runs differ by one unit at most."""
    each, more = divmod(units, cores)
    counts = tuple(each + (core < more) for core in range(min(cores, units)))
    starts = tuple(core * each + min(core, more) for core in range(len(counts)))
    return Split(starts=starts, counts=counts, step=1)
