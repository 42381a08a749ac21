"""What the cost model needs to know of a program under a schedule; the planner's candidates have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from ttgen.analysis.counts import Tally
from ttgen.dtypes import DTypeName
from ttgen.formula.values import Graph
from ttgen.model.design import Design
from ttgen.model.grids import Local, Table
from ttgen.model.plan import CoreRange
from ttgen.spec import Keep, Layout
from ttgen.target import Fidelity


class Stored(Protocol):
    """A tensor in device memory: its elements, the format of its tiles, how they lie, and whether in DRAM or in L1."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102 - the class says it
    @property
    def dtype(self) -> DTypeName: ...  # noqa: D102
    @property
    def layout(self) -> Layout: ...  # noqa: D102
    @property
    def in_dram(self) -> bool: ...  # noqa: D102


class Computed(Protocol):
    """What a program computes: the formula's values, and the tensors that it reads and writes."""

    @property
    def graph(self) -> Graph: ...  # noqa: D102
    @property
    def tensors(self) -> Mapping[str, Stored]: ...  # noqa: D102


class Divided(Protocol):
    """The work of each core: runtime arguments, and the cores by what they do."""

    @property
    def tables(self) -> Mapping[str, Table]: ...  # noqa: D102
    @property
    def roles(self) -> Mapping[str, tuple[CoreRange, ...]]: ...  # noqa: D102


class Known(Protocol):
    """What a pattern knew: the division of work that shards make, the width of DST, and what stays along a line."""

    @property
    def local(self) -> Local | None: ...  # noqa: D102
    @property
    def dst_bits(self) -> Literal[16, 32]: ...  # noqa: D102
    @property
    def keep(self) -> Keep: ...  # noqa: D102


class Program(Protocol):
    """A program under a schedule: its kernels, its arguments, what all cores do, and the fidelity of products."""

    @property
    def stage(self) -> Computed: ...  # noqa: D102
    @property
    def context(self) -> Known: ...  # noqa: D102
    @property
    def design(self) -> Design: ...  # noqa: D102
    @property
    def sizes(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def divided(self) -> Divided: ...  # noqa: D102
    @property
    def tally(self) -> Tally: ...  # noqa: D102
    @property
    def fidelity(self) -> Fidelity: ...  # noqa: D102
