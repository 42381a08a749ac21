"""Whole tensors and the parts of them that devices of a mesh have, by a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from ttgen.dtypes import TILE
from ttgen.mesh.placement import Cuts, Mesh
from ttgen.model.plan import Plan, Tensor

Place = tuple[int, int]
"""The row and the column of a device."""
Array = NDArray[np.float32]


def mesh_of(plan: Plan) -> Mesh:
    """The mesh of a plan for one."""
    assert plan.mesh is not None, "a plan for a mesh"
    return Mesh(counts=plan.mesh.counts)


def cuts_of(tensor: Tensor) -> Cuts:
    """The dimensions that are cut, counted from the last."""
    assert tensor.mesh is not None, "a plan for a mesh says how tensors lie"
    rows, cols = (len(tensor.shape) - 1 - axis if isinstance(axis, int) else None for axis in tensor.mesh.axes)
    return rows, cols


def whole_tensor(plan: Plan, name: str) -> Tensor:
    """A tensor as one device would have it; what devices have sums of is as large as each."""
    tensor = plan.tensor(name)
    assert plan.mesh is not None, "a plan for a mesh"
    assert tensor.mesh is not None, "which says how tensors lie"
    shape = tensor.mesh.whole(tensor.shape, plan.mesh)
    rows, cols = ((1, *shape) if len(shape) == 1 else shape)[-2:]
    tiles = (*shape[:-2], -(-rows // TILE), -(-cols // TILE))
    return replace(tensor, shape=shape, tiles=tiles, pages=prod(tiles), shards=None)


def parts_of(plan: Plan, name: str, values: Array) -> dict[Place, Array]:
    """What each device has of a whole tensor."""
    mesh, cuts = mesh_of(plan), cuts_of(plan.tensor(name))
    return {
        place: np.ascontiguousarray(values[mesh.slices(values.shape, cuts, place)]) for place in mesh.devices()
    }  # fmt: skip


def put_together(plan: Plan, name: str, parts: Mapping[Place, Array]) -> Array:
    """A whole tensor of what devices have of it; of those that have the same part, the last one's counts."""
    mesh, cuts = mesh_of(plan), cuts_of(plan.tensor(name))
    found = np.empty(whole_tensor(plan, name).shape, np.float32)
    for place, values in parts.items():
        found[mesh.slices(found.shape, cuts, place)] = values
    return found
