"""What devices of a mesh exchange, in NumPy: what each gets, and how far off that may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import DTypeName
from ttgen.mesh.placement import Mesh
from ttgen.model.mesh import PlanCollective
from ttgen.verify.bounded import Bounded
from ttgen.verify.inputs import nearest
from ttgen.verify.tolerance import summed
from ttgen.verify.wholes import Array, Place

F = TypeVar("F", np.float32, np.float64)


def _groups(item: PlanCollective, mesh: Mesh) -> Iterator[tuple[Place, ...]]:
    """The devices that exchange something among themselves, in order."""
    side = 0 if item.over == "rows" else 1
    for other in range(mesh.counts[1 - side]):
        yield tuple(place for place in mesh.devices() if place[1 - side] == other)


def exchanged(item: PlanCollective, mesh: Mesh, values: Mapping[Place, Array], dtype: DTypeName) -> dict[Place, Array]:
    """What devices get of each other. A sum is rounded to its dtype with each device, as ttnn's is.

    Args:
        item: the collective.
        mesh: the devices.
        values: what each has.
        dtype: how it is stored.
    """
    found: dict[Place, Array] = {}
    for group in _groups(item, mesh):
        own = [values[place] for place in group]
        if item.kind == "all_gather":
            assert item.axis is not None
            found |= dict.fromkeys(group, np.concatenate(own, item.axis))
            continue
        total = own[0]
        for more in own[1:]:
            total = nearest(total.astype(np.float64) + more, dtype)
        found |= _shared(item, group, total)
    return found


def bounds(item: PlanCollective, mesh: Mesh, values: Mapping[Place, Bounded], dtype: DTypeName) -> dict[Place, Bounded]:
    """What devices should get of each other, and how far off it may be.

    Args:
        item: the collective.
        mesh: the devices.
        values: what each has, and how far off that may be.
        dtype: how it is stored.
    """
    found: dict[Place, Bounded] = {}
    for group in _groups(item, mesh):
        own = [values[place] for place in group]
        if item.kind == "all_gather":
            assert item.axis is not None
            fields = [[part.value for part in own], [part.error for part in own], [part.typical for part in own]]
            value, error, typical = (np.concatenate(parts, item.axis) for parts in fields)
            found |= dict.fromkeys(group, Bounded(value, error, typical))
            continue
        total = summed(own, dtype)
        parts = [_shared(item, group, array) for array in (total.value, total.error, total.typical)]
        found |= {place: Bounded(parts[0][place], parts[1][place], parts[2][place]) for place in group}
    return found


def _shared(item: PlanCollective, group: Sequence[Place], total: NDArray[F]) -> dict[Place, NDArray[F]]:
    """What each device of a group gets of a sum."""
    if item.kind == "all_reduce":
        return dict.fromkeys(group, total)
    assert item.axis is not None
    return dict(zip(group, np.split(total, len(group), item.axis), strict=True))
