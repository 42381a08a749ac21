"""What a plan says of a mesh: its devices, how tensors lie on them, and what they exchange."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal

from ttgen.annotations import Doc
from ttgen.records import dataclass

MeshSide = Literal["rows", "cols"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMesh:
    """Devices that run the same programs, each on its part."""

    rows: int
    cols: int

    @property
    def counts(self) -> tuple[int, int]:
        """Devices along each dimension."""
        return self.rows, self.cols


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How a tensor lies on a mesh; where rows and columns of devices cut one axis, its parts go row by row."""

    rows: Annotated[
        int | Literal["partial"] | None,
        Doc(
            "The axis that is cut over rows of devices; partial where each row has a sum of its own, of which the "
            "whole is the sum; null where each has the whole."
        ),
    ]
    cols: Annotated[int | Literal["partial"] | None, Doc("The same over columns of devices.")]

    @property
    def axes(self) -> tuple[int | Literal["partial"] | None, int | Literal["partial"] | None]:
        """Over rows of devices, and over columns."""
        return self.rows, self.cols

    def whole(self, shape: tuple[int, ...], mesh: PlanMesh) -> tuple[int, ...]:
        """The shape of the whole of which each device has a part of that shape, or a sum as large as it."""
        return tuple(
            size * prod(count for own, count in zip(self.axes, mesh.counts, strict=True) if own == axis)
            for axis, size in enumerate(shape)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCollective:
    """Devices exchange a tensor, by the operation of ttnn that has the name."""

    kind: Literal["all_reduce", "all_gather", "reduce_scatter"]
    source: Annotated[str, Doc("The tensor that each device has.")]
    target: Annotated[str, Doc("The tensor that each device gets.")]
    over: Annotated[
        MeshSide,
        Doc(
            "rows: the devices of each column exchange among themselves (cluster_axis 0); cols: those of each row (1)."
        ),
    ]
    axis: Annotated[int | None, Doc("The axis that is gathered or scattered; null of an all_reduce.")]
    after: Annotated[str, Doc("The program after which they do.")]
