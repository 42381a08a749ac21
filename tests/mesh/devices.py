"""What devices of a mesh compute, in NumPy: each its parts, one after another, with collectives between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ttgen.formula.reference import Array, evaluate
from ttgen.mesh.device import Collective, Device
from ttgen.mesh.placement import Mesh

Place = tuple[int, int]


def run(device: Device, inputs: Mapping[str, Array]) -> dict[str, dict[Place, Array]]:
    """Every tensor of every device, from whole inputs."""
    mesh = device.mesh
    assert mesh is not None
    there: dict[str, dict[Place, Array]] = {
        name: {place: values[mesh.slices(values.shape, device.held[name].cuts, place)] for place in mesh.devices()}
        for name, values in inputs.items()
    }
    for part in device.parts:
        for output in part.graph.outputs:
            there[output.tensor] = {}
        for place in mesh.devices():
            read = {name: there[name][place] for name in part.graph.inputs}
            for name, values in evaluate(part.graph, read).items() if part.graph.outputs else ():
                there[name][place] = values
        for collective in part.collectives:
            there[collective.target] = exchanged(mesh, collective, there[collective.source])
    return there


def exchanged(mesh: Mesh, collective: Collective, values: Mapping[Place, Array]) -> dict[Place, Array]:
    """What devices have after a collective."""
    found: dict[Place, Array] = {}
    for place in mesh.devices():
        group = [other for other in mesh.devices() if other[1 - collective.side] == place[1 - collective.side]]
        own = [values[other] for other in group]
        axis = -1 - (collective.along or 0)
        if collective.kind == "all_gather":
            found[place] = np.concatenate(own, axis)
        elif collective.kind == "all_reduce":
            found[place] = np.sum(own, axis=0)
        else:
            found[place] = np.split(np.sum(own, axis=0), len(group), axis)[group.index(place)]
    return found


def whole(mesh: Mesh, device: Device, name: str, values: Mapping[Place, Array]) -> Array:
    """A tensor put together of what devices have; where several have a part, it has to be the same."""
    held = device.held[name]
    found = np.full(held.shape, np.nan)
    for place in mesh.devices():
        part = mesh.slices(held.shape, held.cuts, place)
        known = found[part]
        assert values[place].shape == known.shape
        assert np.all(np.isnan(known) | np.isclose(known, values[place], rtol=1e-9, atol=1e-9))
        found[part] = values[place]
    assert not np.any(np.isnan(found))
    return found
