"""A tile program that can't be proved right is a mistake of ours, not of the spec's author."""

from __future__ import annotations


class ProofError(AssertionError):
    """A proof failed: a bug in a pattern or the planner. Not a `UserError`, so it shows its traceback."""
