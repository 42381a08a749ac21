"""A fault of one line in a module of ttgen, and the test that has to fail with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A line with a fault.

    Attributes:
        module: of the package, by its path without the suffix.
        old: text of one place of it.
        new: what stands there instead.
        test: that fails; empty where nothing can see the fault.
        reason: why nothing can.
    """

    module: str
    old: str
    new: str
    test: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.module}: {' '.join(self.old.split())} -> {' '.join(self.new.split()) or 'nothing'}"


def faults(module: str, *changes: tuple[str, str, str]) -> tuple[Fault, ...]:
    """Faults of one module: what stands there, what is put there, and the test in `tests/` that fails."""
    return tuple(Fault(module=module, old=old, new=new, test=f"tests/{test}") for old, new, test in changes)


def equivalent(module: str, old: str, new: str, reason: str) -> Fault:
    """A fault that neither changes a rendered program nor lets a wrong one pass."""
    return Fault(module=module, old=old, new=new, reason=reason)
