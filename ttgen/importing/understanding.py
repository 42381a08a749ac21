"""A kernel, and the formulas that it seems to compute: what the proof then tries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from ttgen.importing.axes import Value, means, over_axes
from ttgen.importing.form import Kernel
from ttgen.importing.formulas import Formula, formula_of
from ttgen.importing.idioms import named
from ttgen.importing.lifted import Lifted
from ttgen.importing.lifting import lift
from ttgen.importing.text import refuse_at
from ttgen.importing.views import View, shape_of
from ttgen.names import identifier_problem, tensor_problem
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What a kernel seems to compute.

    Attributes:
        kernel: as it was read.
        lifted: what its statements come to.
        values: its outputs over axes.
        formulas: of its outputs, in order.
        views: how each tensor is declared.
        names: what the spec calls tensors.
    """

    kernel: Kernel
    lifted: Lifted
    values: tuple[Value, ...]
    formulas: tuple[Formula, ...]
    views: Mapping[str, View]
    names: Mapping[str, str]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors that are written, by their names in the kernel."""
        return tuple(formula.target for formula in self.formulas)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that are read."""
        return tuple(name for name in self.views if name not in self.outputs)


def understand(kernel: Kernel, *, idioms: bool = True) -> Understood:
    """What a kernel seems to compute.

    Args:
        kernel: as it was read.
        idioms: whether to look for functions that have names: silu, softmax.

    Raises:
        SpecError: what isn't followed, or has no counterpart in formulas; where it is.
    """
    lifted = lift(kernel)
    ranks = {tensor.name: len(tensor.shape) for tensor in kernel.tensors}
    names = _names(kernel)
    values, formulas = [], []
    views: dict[str, View] = {}
    # What has most dimensions says how tensors are declared.
    for written in sorted(lifted.outputs, key=lambda item: -len(item.indices)):
        value = over_axes(written, kernel.buffers)
        node = means(value.node, value.sizes)
        value = replace(value, node=named(node, value.sizes) if idioms else node)
        formula = formula_of(value, ranks, names, views)
        views |= formula.views
        values.append(value)
        formulas.append(formula)
    unread = [tensor for tensor in kernel.tensors if tensor.name not in views]
    if unread:
        raise refuse_at(f"'{unread[0].name}' is neither read nor written", unread[0].at)
    ordered = {tensor.name: views[tensor.name] for tensor in kernel.tensors}
    return Understood(
        kernel=kernel, lifted=lifted, values=tuple(values), formulas=tuple(formulas), views=ordered, names=names
    )


def _names(kernel: Kernel) -> dict[str, str]:
    """What the spec calls each tensor: as the kernel does, where that can be."""
    names: dict[str, str] = {}
    for tensor in kernel.tensors:
        name = tensor.name
        if tensor_problem(name):
            name = f"t_{name.strip('_')}".replace("__", "_")
        while tensor_problem(name) or name in names.values():
            name = f"t{len(names)}_{name}"[:30].strip("_")
        names[tensor.name] = name
    return names


def size_names(understood: Understood) -> dict[str, str]:
    """What the spec calls each size that has a name; a tensor's name is none for a size."""
    taken = set(understood.names.values())
    found: dict[str, str] = {}
    for tensor in understood.kernel.tensors:
        for part in understood.views[tensor.name]:
            name = (
                tensor.dims[part.dimension] if part is not None and part.size == tensor.shape[part.dimension] else None
            )
            if isinstance(name, str) and name not in found:
                own = name if not identifier_problem(name) else f"size_{len(found)}"
                while own in taken or own in found.values():
                    own = f"{own}_size"
                found[name] = own
    return found


def declared(array: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """A tensor as the spec declares it, from the one that the kernel has."""
    parts = sorted((part for part in view if part is not None), key=lambda part: (part.dimension, part.part))
    split = array.reshape([part.size for part in parts])
    order = [parts.index(part) for part in view if part is not None]
    return split.transpose(order).reshape(shape_of(view))


def elements(kernel: Kernel) -> int:
    """The elements of all tensors."""
    return sum(prod(tensor.shape) for tensor in kernel.tensors)
