"""What a comparison of two revisions of a kernel finds. Its fields are those of `ttgen diff --json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any, Final, Literal

from ttgen.records import dataclass

FORMAT_VERSION: Final = 1
"""Of the JSON form: removing or renaming a field, or a word of one, raises it."""

Change = Literal["changed", "moved", "renamed", "new", "removed"]
Values = Literal["same", "rounding", "formula", "unknown"]
Verdict = Literal["same values", "rounding may differ", "different formula", "interface", "unknown", "new", "removed"]
CauseKind = Literal["spec", "ttgen", "edited", "output"]
TextState = Literal["same", "statements", "text", "new", "removed"]
CostName = Literal[
    "dram_read_bytes", "dram_write_bytes", "noc_bytes", "tile_products", "l1_bytes", "kernel_bytes", "time_us"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an input is for a witness: one number in all of the tensor, or at an element."""

    tensor: str
    index: tuple[int, ...] | None
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """An input for which two formulas give different values, both in float64.

    Attributes:
        inputs: the elements that matter; none where a whole row of drawn numbers does.
        tensor: the output.
        index: of the element that differs.
        old: its value by the old formula.
        new: and by the new one.
        sums: the length that what is summed over was cut to for it; None where it has its own.
    """

    inputs: tuple[Given, ...]
    tensor: str
    index: tuple[int, ...]
    old: float
    new: float
    sums: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How far from the formula's value a right program may be, as a part of the output's root mean square.

    Attributes:
        tensor: the output.
        old: before; None where nothing can be said, as of a program whose statements aren't known.
        new: now.
        sums: the length that what is summed over was cut to; None where it has its own.
    """

    tensor: str
    old: float | None
    new: float | None
    sums: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceChange:
    """What a program that uses the kernel has to do otherwise."""

    what: Literal[
        "kernel", "shape", "dtype", "layout", "role", "name", "order", "target", "new", "removed", "schema_version"
    ]
    tensor: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """A number of what a kernel takes; None where it isn't known."""

    name: CostName
    old: float | None
    new: float | None

    @property
    def growth(self) -> float | None:
        """As a part of the old one; infinite from nothing to something."""
        if self.old is None or self.new is None:
            return None
        if self.old == self.new:
            return 0.0
        return (self.new - self.old) / self.old if self.old else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionChange:
    """A decision that is another one, new, or gone; empty values where there is none."""

    name: str
    old: str
    new: str
    origin: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Where a change comes from.

    Attributes:
        kind: `spec`, a line of the spec; `ttgen`, another ttgen made the old output; `edited`, by hand; `output`,
            output that isn't what the spec says.
        file: the file.
        line: from 1; None where it is no line.
        text: what is said there now, and before.
    """

    kind: CauseKind
    file: str
    line: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChange:
    """A kernel's file: the same, with other statements, with another text, new, or gone.

    Attributes:
        file: its path in the kernel's folder.
        state: what became of it.
        lines: of `statements` those that differ, with what they stand in, as a diff.
    """

    file: str
    state: TextState
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkChange:
    """The cores of a program whose work is another one.

    Attributes:
        program: its name.
        cores: with work, before and now.
        balance: units over those of as many cores as busy as the busiest.
        lines: units of each core, before and now, side by side.
    """

    program: str
    cores: tuple[int, int]
    balance: tuple[float, float]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All that is found of one kernel.

    Attributes:
        kernel: its name, the old one where it was removed.
        spec: the file.
        change: what became of it.
        was: the kernel or the file that it was; empty where that is the same.
        values: whether it computes the same.
        compute: the formulas, where they are others.
        tried: inputs for which both formulas gave the same, where they are written otherwise.
    """

    kernel: str
    spec: str
    change: Change
    was: str = ""
    values: Values = "same"
    compute: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    tried: int = 0
    witness: Witness | None = None
    bounds: tuple[Bound, ...] = ()
    interface: tuple[InterfaceChange, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    costs: tuple[CostChange, ...] = ()
    l1_limit: int | None = None
    causes: tuple[Cause, ...] = ()
    decisions: tuple[DecisionChange, ...] = ()
    kernels: tuple[TextChange, ...] = ()
    work: tuple[WorkChange, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The most that a reviewer has to know, in a word."""
        if self.change in ("new", "removed"):
            return "new" if self.change == "new" else "removed"
        if self.values in ("formula", "unknown"):
            return "different formula" if self.values == "formula" else "unknown"
        if self.interface:
            return "interface"
        return "rounding may differ" if self.values == "rounding" else "same values"

    def cost(self, name: CostName) -> CostChange | None:
        """A cost by its name."""
        return next((cost for cost in self.costs if cost.name == name), None)


def as_json(value: Any) -> Any:
    """A record as plain values; what isn't finite is null."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {item.name: as_json(getattr(value, item.name)) for item in fields(value)}
        if isinstance(value, Review):
            found = {"kernel": found.pop("kernel"), "verdict": value.verdict, **found}
        elif isinstance(value, CostChange):
            found["growth"] = as_json(value.growth)
        return found
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [as_json(item) for item in value]
    if isinstance(value, float) and value not in (value, float("inf"), float("-inf")):
        return None
    return None if isinstance(value, float) and abs(value) == float("inf") else value
