"""How much a proof may take."""

from __future__ import annotations

from typing import Final

MAX_WORK: Final = 200_000_000
"""What all runs of a proof may take: elements that statements go through, and a thousand a statement."""


class TooMuchWork(Exception):  # noqa: N818 - a verdict, not an error
    """A run would take longer than a proof may."""


class Budget:
    """What is left of the work that a proof may take."""

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left = work

    def spend(self, elements: int) -> None:
        """Takes a statement that goes through so many elements.

        Raises:
            TooMuchWork: nothing is left.
        """
        self.left -= 1000 + elements
        if self.left < 0:
            raise TooMuchWork
