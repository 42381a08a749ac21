"""The arguments of kernels, as tt.plan.json has them."""

from __future__ import annotations

from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Accessor:
    """The compile-time words of a tensor's accessor."""

    accessor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a tensor's buffer."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NocColumns:
    """A word for each of some columns of cores: its x on the NoC (`worker_core_from_logical_core`)."""

    noc_x: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NocRows:
    """A word for each of some rows of cores: its y on the NoC."""

    noc_y: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerCore:
    """This core's entry of a table of `per_core`."""

    per_core: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonArg:
    """A runtime argument that is the same on every core; where its value is several words, it is as many."""

    name: str
    value: Address | NocColumns | NocRows


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeArg:
    """A runtime argument of one core."""

    name: str
    value: PerCore
